"""A layer with weights, as the array sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["DEFAULT_BITS", "MOST_BITS", "Layer"]

DEFAULT_BITS = 8
"""Width of weights and activations where nothing else is said."""

MOST_BITS = 16
"""Widest operand [S10.1]."""

_RANGES = {
    "height": (1, None), "width": (1, None), "channels": (1, None), "outputs": (1, None),
    "kernel_height": (1, None), "kernel_width": (1, None), "stride": (1, None),
    "padding": (0, None), "groups": (1, None), "bits": (1, MOST_BITS), "in_bits": (1, MOST_BITS),
    "out_bits": (1, 32),
}  # fmt: skip


@dataclass(frozen=True)
class Layer:
    """A convolution or a linear layer, as the array sees it [S10.1].

    A linear layer is a 1x1 convolution over an image of height 1, as wide as there are positions.
    So is a product of attention, with a group for each head of each window: what stands for its
    weights are activations too, the keys or the values.

    Attributes
    ----------
    name : str
    kind : {"conv", "linear", "attention"}
    height, width, channels : int
        Of the input; `channels` of all groups together.
    outputs : int
        Output channels of all groups together.
    bits : int
        Width n of a weight, or of a key or value, the sign included, 1 to 16; 2 to 16 in the signed
        domain.
    kernel_height, kernel_width, stride, padding, groups : int
    in_bits : int
        Width of the input's activation codes, 1 to 16.
    out_bits : int
        Width of an output as it leaves the array, 1 to 32.
    domain : {"signed", "offset"}
        Of the weights [S9.1]; in `offset` the activations are summed too.

    Raises
    ------
    ValueError
        Naming the layer, the field, its value and what was expected.
    """

    name: str
    kind: Literal["conv", "linear", "attention"]
    height: int
    width: int
    channels: int
    outputs: int
    bits: int
    kernel_height: int = 1
    kernel_width: int = 1
    stride: int = 1
    padding: int = 0
    groups: int = 1
    in_bits: int = 8
    out_bits: int = 8
    domain: Literal["signed", "offset"] = "signed"

    def __post_init__(self) -> None:
        self._known("kind", ("conv", "linear", "attention"))
        self._known("domain", ("signed", "offset"))
        for field, (low, high) in _RANGES.items():
            if field == "bits" and self.domain == "signed":
                low = 2
            value = getattr(self, field)
            if type(value) is not int or value < low or (high is not None and value > high):
                limit = f"an integer of at least {low}" if high is None else f"{low} to {high}"
                where = f" ({self.domain} domain)" if field == "bits" else ""
                raise ValueError(
                    f"layer {self.name}: {field} = {value!r}: expected {limit}{where}"
                )
        for field in ("channels", "outputs"):
            if getattr(self, field) % self.groups:
                raise ValueError(
                    f"layer {self.name}: {field} = {getattr(self, field)}: expected a multiple of "
                    f"groups = {self.groups}"
                )
        if min(self.out_height, self.out_width) < 1:
            raise ValueError(
                f"layer {self.name}: kernel {self.kernel_height} x {self.kernel_width}: larger "
                f"than the input {self.height} x {self.width} with padding {self.padding}"
            )
        if self.kind != "conv":
            self._flat()

    @classmethod
    def linear(
        cls, name: str, inputs: int, outputs: int, bits: int, *, positions: int = 1,
        in_bits: int = 8, out_bits: int = 8, domain: Literal["signed", "offset"] = "signed",
    ) -> Layer:  # fmt: skip
        """Return a linear layer of `inputs` to `outputs` features over some positions."""
        return cls(
            name, "linear", 1, positions, inputs, outputs, bits, in_bits=in_bits,
            out_bits=out_bits, domain=domain,
        )  # fmt: skip

    @classmethod
    def attention(
        cls, name: str, inputs: int, outputs: int, bits: int, *, positions: int, groups: int,
        in_bits: int = 8, out_bits: int = 8,
    ) -> Layer:  # fmt: skip
        """Return a product of attention: for each group, `positions` rows of `inputs` terms.

        The scores of T tokens with d features a head: ``inputs = d``, ``outputs = positions = T``;
        the weighted values: ``inputs = positions = T``, ``outputs = d``.
        """
        return cls(
            name, "attention", 1, positions, groups * inputs, groups * outputs, bits,
            groups=groups, in_bits=in_bits, out_bits=out_bits,
        )  # fmt: skip

    @property
    def out_height(self) -> int:
        """Rows of output positions."""
        return (self.height + 2 * self.padding - self.kernel_height) // self.stride + 1

    @property
    def out_width(self) -> int:
        """Output positions in a row."""
        return (self.width + 2 * self.padding - self.kernel_width) // self.stride + 1

    @property
    def group_channels(self) -> int:
        """Input channels of a group."""
        return self.channels // self.groups

    @property
    def taps(self) -> int:
        """Places of the kernel."""
        return self.kernel_height * self.kernel_width

    @property
    def K(self) -> int:
        """Reduction length of a group."""
        return self.taps * self.group_channels

    @property
    def M(self) -> int:
        """Outputs of a group."""
        return self.outputs // self.groups

    @property
    def P(self) -> int:
        """Output positions."""
        return self.out_height * self.out_width

    @property
    def macs(self) -> int:
        """Multiplications, those with padding included."""
        return self.groups * self.K * self.M * self.P

    def _known(self, field: str, names: tuple[str, ...]) -> None:
        if getattr(self, field) not in names:
            raise ValueError(
                f"layer {self.name}: {field} = {getattr(self, field)!r}: expected one of "
                f"{', '.join(names)}"
            )

    def _flat(self) -> None:
        where = "a linear layer" if self.kind == "linear" else "a product of attention"
        for field, only in (
            ("height", 1), ("kernel_height", 1), ("kernel_width", 1), ("stride", 1),
            ("padding", 0), ("groups", 1),
        ):  # fmt: skip
            if field == "groups" and self.kind == "attention":
                continue  # a group a head
            if getattr(self, field) != only:
                raise ValueError(
                    f"layer {self.name}: {field} = {getattr(self, field)}: expected {only} in "
                    f"{where}"
                )
