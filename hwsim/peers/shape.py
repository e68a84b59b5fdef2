"""The sizes of a layer that the peers' formulas need, and no more."""

from __future__ import annotations

from dataclasses import dataclass, fields

from hwsim.layer import Layer
from hwsim.rounding import ceil_div

__all__ = ["LayerShape", "shape_of"]


@dataclass(frozen=True)
class LayerShape:
    """A convolution, or a linear layer as a 1x1 convolution.

    Attributes
    ----------
    channels, outputs : int
        Input and output channels of a group.
    kernel_height, kernel_width, stride : int
    out_height, out_width : int
        Output positions.
    groups, batch : int
        Groups, and images.
    weight_bits, activation_bits : int

    Raises
    ------
    ValueError
        If one of them is not positive, naming it.
    """

    channels: int
    outputs: int
    kernel_height: int = 1
    kernel_width: int = 1
    stride: int = 1
    out_height: int = 1
    out_width: int = 1
    groups: int = 1
    batch: int = 1
    weight_bits: int = 8
    activation_bits: int = 8

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if type(value) is not int or value < 1:
                raise ValueError(f"{field.name} = {value!r}: expected an integer of at least 1")

    @property
    def taps(self) -> int:
        """Places of the kernel."""
        return self.kernel_height * self.kernel_width

    @property
    def K(self) -> int:
        """Reduction length of a group."""
        return self.taps * self.channels

    @property
    def M(self) -> int:
        """Outputs of a group."""
        return self.outputs

    @property
    def P(self) -> int:
        """Output positions of all images."""
        return self.batch * self.out_height * self.out_width

    @property
    def macs(self) -> int:
        """Multiplications of all groups."""
        return self.groups * self.K * self.M * self.P

    def steps_by_tap(self, lanes: int) -> int:
        """Return the steps of a reduction whose lanes take channels: ``k^2 ceil(C/lanes)``."""
        return self.taps * ceil_div(self.channels, lanes)


def shape_of(layer: Layer) -> LayerShape:
    """Return the shape of a layer of a workload, for one image."""
    return LayerShape(
        channels=layer.group_channels,
        outputs=layer.M,
        kernel_height=layer.kernel_height,
        kernel_width=layer.kernel_width,
        stride=layer.stride,
        out_height=layer.out_height,
        out_width=layer.out_width,
        groups=layer.groups,
        weight_bits=layer.bits,
        activation_bits=layer.in_bits,
    )
