"""Workloads of the bundled networks, by walking the networks themselves: no list of shapes."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any, Literal

from hwsim.hollow import HOLLOW, zeros
from hwsim.layer import DEFAULT_BITS, Layer
from hwsim.network_steps import Shapes, network_steps, recorded
from hwsim.steps import vector_layers
from hwsim.workload import LOGIT_BITS, Workload
from msq_ref import models

__all__ = ["NetworkSize", "network_names", "network_sizes", "network_workload"]


@dataclass(frozen=True)
class NetworkSize:
    """A bundled network: its images, layers, multiplications and trained parameters."""

    name: str
    image: tuple[int, int, int]
    layers: int
    macs: int
    parameters: int


def network_names() -> list[str]:
    """Return the names of the bundled networks, those of `msq_ref.models`."""
    return models.names()


def network_workload(
    name: str,
    *,
    bits: int = DEFAULT_BITS,
    in_bits: int = DEFAULT_BITS,
    domain: Literal["signed", "offset"] = "signed",
    **sizes: Any,  # noqa: ANN401
) -> Workload:
    """Return the layers of a bundled network for one image.

    Convolutions, linear layers and both products of attention, in the order in which they run, and
    what the vector unit does between them. An image of shapes goes through the network, no weights
    are drawn and nothing is computed. A border of zeros that is a layer of the network counts as
    part of the input behind it.

    Parameters
    ----------
    name : str
    bits, in_bits : int
        Width of every weight and activation.
    domain : {"signed", "offset"}
        Of the weights [S1.4].
    sizes
        As in `msq_ref.models.build`.

    Returns
    -------
    Workload

    Raises
    ------
    ValueError
        If the name, a size or a width is unknown or out of range.
    """
    network, shapes = _walked(name, **sizes)
    layers = _layers(network, bits, in_bits, domain)
    steps, result = network_steps(network, shapes, {one.name: one for one in layers}, in_bits)
    return Workload(name, layers, vector_layers(steps, (result,)))


def network_sizes() -> list[NetworkSize]:
    """Return the sizes of every bundled network, as published."""
    found = []
    for name in network_names():
        network, _ = _walked(name)
        layers = _layers(network, DEFAULT_BITS, DEFAULT_BITS, "signed")
        parameters = sum(value.size for value in network.parameters().values())
        macs = sum(layer.macs for layer in layers)
        found.append(NetworkSize(name, network.image, len(layers), macs, parameters))
    return found


def _walked(name: str, **sizes: Any) -> tuple[Any, Shapes]:  # noqa: ANN401
    """Return a network after a forward pass of shapes, which its layers keep, and all shapes."""
    network = models.outline(name, backend=HOLLOW, **sizes)
    image = zeros((1, *models.input_shape(name, **sizes)))
    return network, recorded(network, lambda walked: walked.forward(image))


def _layers(network: Any, bits: int, in_bits: int, domain: str) -> tuple[Layer, ...]:  # noqa: ANN401
    operations = {
        name: operation for name, operation in network.operations.items()
        if operation.quantizable or hasattr(operation, "heads")
    }  # fmt: skip
    last = next(reversed(operations))
    layers: list[Layer] = []
    for name, operation in operations.items():
        out_bits = LOGIT_BITS if name == last else in_bits
        common: dict[str, Any] = {"in_bits": in_bits, "out_bits": out_bits}
        kept = [value.shape for value in operation.inference()]
        if not operation.quantizable:
            layers += _attention(name, kept[0], **common)
            continue
        common["domain"] = domain
        if operation.weight.ndim == 4:
            layers.append(_convolution(name, operation, kept[0], bits=bits, **common))
        else:
            inputs, outputs = operation.weight.shape
            positions = prod(kept[0][:-1])
            layers.append(Layer.linear(name, inputs, outputs, bits, positions=positions, **common))
    return tuple(layers)


def _convolution(name: str, operation: Any, shape: tuple[int, ...], **widths: Any) -> Layer:  # noqa: ANN401
    kernel_height, kernel_width, _, outputs = operation.weight.shape
    return Layer(
        name, "conv", shape[1], shape[2], shape[3], outputs, kernel_height=kernel_height,
        kernel_width=kernel_width, stride=operation.stride, padding=operation.padding,
        groups=operation.groups, **widths,
    )  # fmt: skip


def _attention(
    name: str, shape: tuple[int, ...], in_bits: int, out_bits: int
) -> tuple[Layer, Layer]:
    """Return both products: queries by keys, probabilities by values."""
    windows, heads, tokens, features = shape
    common = {"positions": tokens, "groups": windows * heads, "in_bits": in_bits}
    return (
        Layer.attention(f"{name}.scores", features, tokens, in_bits, out_bits=in_bits, **common),
        Layer.attention(f"{name}.values", tokens, features, in_bits, out_bits=out_bits, **common),
    )
