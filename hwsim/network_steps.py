"""The steps of a bundled network: what it does between its products, from the network itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import Any

from hwsim.layer import Layer
from hwsim.steps import ARRAY, INPUT, Step
from hwsim.vector_layer import OPERATIONS

__all__ = ["Shapes", "network_steps", "recorded"]

Shapes = dict[int, tuple[tuple[int, ...], tuple[int, ...]]]
"""Of the input and output of a layer or block, by its identity."""

ACTIVATIONS = {"HardSigmoid": "hard_sigmoid", "HardSwish": "hard_swish", "GELU": "gelu"}
FREE = {"ReLU", "ReLU6", "BatchNorm2d", "Identity"}
"""Part of the requantization before them; see `hwsim.vector_layer.OPERATIONS`."""
VIEWS = {
    "Flatten", "FirstToken", "PadShortcut", "PatchMerging", "Tokens", "WindowPartition",
    "WindowReverse", "ZeroPad2d",
}  # fmt: skip
"""They choose and move elements."""


def recorded(network: Any, run: Callable[[Any], None]) -> Shapes:  # noqa: ANN401
    """Run a network and return the shapes that its layers and blocks took and gave."""
    shapes: Shapes = {}

    def record(layer: Any) -> None:  # noqa: ANN401
        forward = layer.forward

        def recording(x: Any, training: bool = False) -> Any:  # noqa: ANN401
            y = forward(x, training)
            shapes[id(layer)] = x.shape, y.shape
            return y

        layer.forward = recording
        for part in layer.parts.values():
            record(part)

    for layer in network.layers.values():
        record(layer)
    run(network)
    return shapes


def network_steps(
    network: Any,  # noqa: ANN401
    shapes: Shapes,
    layers: Mapping[str, Layer],
    in_bits: int,
) -> tuple[list[Step], str]:
    """Return the steps of a network, and the tensor that is its result.

    Parameters
    ----------
    network : Network
    shapes : Shapes
        Of one image.
    layers : mapping of str to Layer
        Those of the array.
    in_bits : int
        Width of every activation.

    Raises
    ------
    ValueError
        If a layer is not understood.
    """
    first = shapes[id(next(iter(network.layers.values())))][0]
    walk = _Walk(shapes, layers, in_bits, prod(first))
    for name, layer in network.layers.items():
        walk.take(layer, name)
    return walk.steps, walk.tensor


class _Walk:
    """A walk through the tree of layers, in the order of a forward pass."""

    def __init__(
        self, shapes: Shapes, layers: Mapping[str, Layer], in_bits: int, elements: int
    ) -> None:
        self.steps = [Step("input", INPUT, (), "input", elements, in_bits)]
        self.tensor, self.count = "input", elements
        self._shapes, self._layers, self._in_bits = shapes, layers, in_bits

    def take(self, layer: Any, name: str) -> None:  # noqa: ANN401
        """Go through a layer or block."""
        kind = type(layer).__name__
        taken, given = self._shapes[id(layer)]
        block = {
            "Sum": self._sum, "TransformerBlock": self._transformer,
            "SqueezeExcitation": self._squeeze,
        }.get(kind)  # fmt: skip
        if block is not None:
            block(layer, name)
        elif layer.parts:
            self._parts(layer, name)
        elif layer.quantizable:
            self._product(name, [(self.tensor, self.count)])
        elif hasattr(layer, "heads"):
            self._attention(layer, name)
        elif kind in FREE:
            return
        elif kind in VIEWS:
            channels = taken[-1] / given[-1] if kind == "PadShortcut" else 1  # the others are zero
            self.count = min(self.count, int(prod(given) * channels))
        elif kind in ACTIVATIONS:
            self._vector(ACTIVATIONS[kind], name, prod(given))
        elif kind == "LayerNorm":
            self._vector("layernorm", name, prod(given))
        elif kind == "ClassToken":
            constants = layer.parameters["pos_embed"].size * self._in_bits
            self._vector("add", name, prod(given), constants=constants)
        elif kind == "MaxPool2d":
            self._vector("max_pool", name, prod(given), terms=layer.size**2)
        elif kind in ("AvgPool2d", "GlobalAvgPool"):
            whole = kind == "GlobalAvgPool"
            terms = prod(taken) // prod(given) if whole else layer.size**2
            self._vector("average_pool", name, prod(given), terms=terms)
        else:
            raise ValueError(f"layer {name}: {kind} is not understood")

    def _parts(self, layer: Any, name: str) -> None:  # noqa: ANN401
        for part, inner in layer.parts.items():
            self.take(inner, _joined(name, part))

    def _sum(self, layer: Any, name: str) -> None:  # noqa: ANN401
        start = self.tensor, self.count
        for index, (part, inner) in enumerate(layer.parts.items()):
            before = self.tensor, self.count
            self.tensor, self.count = start
            self.take(inner, _joined(name, part))
            if index:
                number = str(index) if len(layer.parts) > 2 else ""
                size = prod(self._shapes[id(layer)][1])
                self._vector("add", f"{name}.add{number}", size, beside=before)

    def _transformer(self, layer: Any, name: str) -> None:  # noqa: ANN401
        for number, parts in enumerate((("norm1", "attn"), ("norm2", "mlp")), 1):
            before = self.tensor, self.count
            for part in parts:
                self.take(layer.parts[part], _joined(name, part))
            size = prod(self._shapes[id(layer)][1])
            self._vector("add", f"{name}.add{number}", size, beside=before)

    def _squeeze(self, layer: Any, name: str) -> None:  # noqa: ANN401
        before, shape = (self.tensor, self.count), self._shapes[id(layer)][0]
        means = shape[-1]
        self._vector("average_pool", f"{name}.avgpool", means, terms=prod(shape) // means)
        self._parts(layer, name)
        self._vector("multiply", f"{name}.scale", prod(shape), beside=before)

    def _attention(self, layer: Any, name: str) -> None:  # noqa: ANN401
        scores, values = self._layers[f"{name}.scores"], self._layers[f"{name}.values"]
        tensor, part = self.tensor, self.count // 3
        self._product(scores.name, [(tensor, 2 * part)])
        size = scores.P * scores.outputs
        bias, mask = layer.offsets()
        if bias is not None:
            table = layer.parameters["relative_position_bias_table"].size * self._in_bits
            self._vector("add", f"{name}.bias", size, constants=table)
        if mask is not None:  # it follows from the place of a window, nothing is read
            self._vector("add", f"{name}.mask", size)
        self._vector("softmax", f"{name}.softmax", size)
        self._product(values.name, [(self.tensor, self.count), (tensor, part)])

    def _product(self, name: str, operands: list[tuple[str, int]]) -> None:
        layer = self._layers[name]
        size = layer.P * layer.outputs
        self.steps.append(Step(name, ARRAY, tuple(operands), name, size, layer.out_bits))
        self.tensor, self.count = name, size
        if layer.out_bits == self._in_bits:  # the last one's are the logits as they are
            self._vector("requantize", f"{name}.requantize", size)

    def _vector(
        self, kind: str, name: str, elements: int, *, terms: int = 0, constants: int = 0,
        beside: tuple[str, int] | None = None,
    ) -> None:  # fmt: skip
        operands = [(self.tensor, self.count), *([beside] if beside else [])]
        self.steps.append(
            Step(
                name, kind, tuple(operands), name, elements, self._in_bits,
                OPERATIONS[kind] + terms, constants,
            )
        )  # fmt: skip
        self.tensor, self.count = name, elements


def _joined(*words: str) -> str:
    return ".".join(word for word in words if word)
