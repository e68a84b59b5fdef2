"""What an accelerator is asked to run: the layers with weights, for one image."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hwsim.layer import Layer
from msq_ref.formats import read_toml

__all__ = ["LOGIT_BITS", "RUN_FORMAT", "Workload", "layer_of", "workload_from_run", "workload_of"]

LOGIT_BITS = 32
"""Width of the last layer's outputs, which are not requantized."""

RUN_FORMAT = 1
"""Newest version of a run folder that is understood here."""

@dataclass(frozen=True)
class Workload:
    """Layers in the order in which they run, for one image.

    Raises
    ------
    ValueError
        If there is no layer, or two have the same name.
    """

    name: str
    layers: tuple[Layer, ...]

    def __post_init__(self) -> None:
        if not self.layers:
            raise ValueError(f"workload {self.name}: no layers with weights")
        names = [layer.name for layer in self.layers]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"workload {self.name}: more than one layer {name!r}")

    @property
    def macs(self) -> int:
        """Multiplications of all layers."""
        return sum(layer.macs for layer in self.layers)

    def at_bits(self, bits: int) -> Workload:
        """Return the same layers with every weight `bits` wide; activations stay as they are.

        So do both operands of attention: they are activations.
        """
        layers = (
            layer if layer.kind == "attention" else replace(layer, bits=bits)
            for layer in self.layers
        )
        return Workload(self.name, tuple(layers))


def layer_of(product: Any, shape: tuple[int, ...]) -> Layer:  # noqa: ANN401
    """Return the layer of an integer product for inputs of a shape.

    Parameters
    ----------
    product : IntegerProduct or Product
        A step of an integer network, as `msq_ref.formats.integer_file` reads it.
    shape : tuple of int
        Of one input: (height, width, channels), or (..., features) for a linear layer.

    Raises
    ------
    ValueError
        If the shape does not fit, or the layer is out of range.
    """
    requantizer = getattr(product, "requantizer", None)
    common: dict[str, Any] = {
        "bits": product.bits,
        "in_bits": product.in_bits,
        "out_bits": LOGIT_BITS if requantizer is None else requantizer.bits,
        "domain": "offset" if product.signs is None else "signed",
    }
    *kernel, inputs, outputs = (int(size) for size in product.codes.shape)
    channels = inputs * product.groups if product.is_conv else inputs
    if (product.is_conv and len(shape) != 3) or not shape or shape[-1] != channels:
        wanted = "(height, width, {})" if product.is_conv else "(..., {})"
        raise ValueError(
            f"layer {product.name}: input of shape {shape}: expected {wanted.format(channels)}"
        )
    if not product.is_conv:
        positions = 1
        for size in shape[:-1]:
            positions *= size
        return Layer.linear(product.name, inputs, outputs, positions=positions, **common)
    return Layer(
        product.name, "conv", shape[0], shape[1], channels, outputs, kernel_height=kernel[0],
        kernel_width=kernel[1], stride=product.stride, padding=product.padding,
        groups=product.groups, **common,
    )  # fmt: skip


def workload_of(network: Any, name: str) -> Workload:  # noqa: ANN401
    """Return the workload of an integer network.

    Parameters
    ----------
    network : IntegerNetwork
    name : str

    Raises
    ------
    ValueError
        If a step is not understood, or shapes do not fit; the error names the step.
    """
    shape: tuple[int, ...] = tuple(network.input_shape)
    layers = []
    for step in network.steps:
        if hasattr(step, "codes"):
            layer = layer_of(step, shape)
            layers.append(layer)
            if layer.kind == "conv":
                shape = layer.out_height, layer.out_width, layer.outputs
            else:
                shape = *shape[:-1], layer.outputs
        else:
            shape = _behind(step, shape)
    return Workload(name, tuple(layers))


def workload_from_run(folder: Path | str) -> Workload:
    """Return the workload of a finished run of ``msq train``, by its model's name.

    Raises
    ------
    ValueError
        In one line: no such folder, no run in it, a run in float or unfinished, damaged files, or
        files of a newer program.
    """
    # It comes with compiled kernels, which nothing else here needs.
    from msq_ref.formats.integer_file import load_integer_network  # noqa: PLC0415

    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"{folder}: no such folder")
    config = folder / "config.toml"
    if not config.is_file():
        raise ValueError(f"{folder}: not a run folder (no config.toml)")
    settings = read_toml(config)
    version = settings.get("format", RUN_FORMAT)
    if isinstance(version, int) and version > RUN_FORMAT:
        raise ValueError(
            f"{config}: format = {version} is newer than this program's {RUN_FORMAT}; upgrade "
            "msq-ref"
        )
    if not isinstance(settings.get("model"), str):
        raise ValueError(f"{config}: model = {settings.get('model')!r}: expected a name")
    if settings.get("method") == "float":
        raise ValueError(
            f"{folder}: a run in float has no weight codes; train one with --method msq or dorefa"
        )
    file = folder / "integer.safetensors"
    if not file.is_file():
        raise ValueError(f"{folder}: the run is not finished (no integer.safetensors)")
    return workload_of(load_integer_network(file), settings["model"])


def _behind(step: Any, shape: tuple[int, ...]) -> tuple[int, ...]:  # noqa: ANN401
    """Return the shape behind a step without weights."""
    if hasattr(step, "size") and hasattr(step, "stride") and len(shape) == 3:
        if step.size == 0:  # over the whole image
            return shape[2:]
        rows, columns = ((length - step.size) // step.stride + 1 for length in shape[:2])
        if min(rows, columns) < 1:
            raise ValueError(f"step {step.name}: window of {step.size} over an input {shape}")
        return rows, columns, shape[2]
    if vars(step).keys() == {"name"}:  # flattening
        size = 1
        for length in shape:
            size *= length
        return (size,)
    raise ValueError(f"step {step.name}: {type(step).__name__} on {shape} is not understood")
