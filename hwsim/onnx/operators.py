"""What the vector unit does for each operator of ONNX, and what only moves elements."""

from __future__ import annotations

from math import prod
from typing import Any

from hwsim.onnx.graph import Graph, attributes

__all__ = ["BINARY", "MOVING", "UNARY", "WINDOWED", "macs_of", "terms_of"]

UNARY = {
    "Relu": "clamp", "Clip": "clamp", "Abs": "scale", "Neg": "scale", "LeakyRelu": "scale",
    "PRelu": "scale", "ThresholdedRelu": "scale", "HardSigmoid": "hard_sigmoid",
    "HardSwish": "hard_swish", "Sigmoid": "sigmoid", "Tanh": "tanh", "Gelu": "gelu",
    "Swish": "swish", "Exp": "exp", "Elu": "exp", "Celu": "exp", "Selu": "exp", "Erf": "erf",
    "Sqrt": "root", "Reciprocal": "divide", "BatchNormalization": "scale",
    "Floor": "compare", "Ceil": "compare", "Round": "compare", "Sign": "compare",
    "Not": "compare",
}  # fmt: skip
"""Element-wise operators of one tensor, by kind of vector layer; further inputs are constants."""

BINARY = {
    "Add": "add", "Sub": "add", "Sum": "add", "Mean": "add", "Mul": "multiply", "Div": "divide",
    "Pow": "multiply", "Max": "compare", "Min": "compare", "Where": "compare", "Equal": "compare",
    "Less": "compare", "Greater": "compare", "LessOrEqual": "compare", "GreaterOrEqual": "compare",
    "And": "compare", "Or": "compare",
}  # fmt: skip
"""Element-wise operators of several tensors or constants; a power is taken as a product."""

LINEAR = ("Add", "Sub", "Mul", "Div", "BatchNormalization")
"""Operators that are part of the requantization behind a product if the rest is constant."""

WINDOWED = {
    "MaxPool": "max_pool", "GlobalMaxPool": "max_pool", "AveragePool": "average_pool",
    "GlobalAveragePool": "average_pool", "ReduceMean": "average_pool", "ReduceSum": "reduce",
    "ReduceMax": "reduce", "ReduceMin": "reduce", "ReduceL1": "reduce", "ReduceL2": "reduce",
    "ReduceSumSquare": "reduce", "ReduceProd": "reduce", "ArgMax": "reduce", "ArgMin": "reduce",
    "Softmax": "softmax", "LayerNormalization": "layernorm", "RMSNormalization": "layernorm",
    "InstanceNormalization": "layernorm", "GroupNormalization": "layernorm",
}  # fmt: skip
"""Operators that need many elements for each result."""

MOVING = {
    "Cast", "CastLike", "Concat", "DepthToSpace", "DequantizeLinear", "Dropout", "Expand",
    "Flatten", "Gather", "Identity", "Pad", "QuantizeLinear", "Reshape", "Slice", "SpaceToDepth",
    "Split", "Squeeze", "Tile", "Transpose", "Unsqueeze",
}  # fmt: skip
"""Operators that choose, repeat and move elements, or change what they stand for."""


def terms_of(graph: Graph, node: Any) -> int:  # noqa: ANN401
    """Return the elements that each result of a pool or reduction comes from; 0 for others."""
    if node.op_type in ("MaxPool", "AveragePool"):
        return prod(attributes(node)["kernel_shape"])
    if WINDOWED[node.op_type] in ("softmax", "layernorm"):
        return 0
    taken, given = graph.shape(node.input[0], node), graph.shape(node.output[0], node)
    return prod(taken) // max(prod(given), 1)


def macs_of(graph: Graph, node: Any) -> int:  # noqa: ANN401
    """Return the multiplications of an operator that is not modelled, as far as they are known."""
    shapes = [graph.shapes.get(name) for name in node.input]
    found = attributes(node)
    if node.op_type == "ConvTranspose" and shapes[0] and shapes[1]:
        return prod(shapes[0]) * prod(shapes[1][1:])
    if node.op_type in ("LSTM", "GRU", "RNN") and shapes[0] and shapes[1] and shapes[2]:
        steps, batch = shapes[0][:2]  # two matrices, all gates and directions in them
        return steps * batch * (prod(shapes[1]) + prod(shapes[2]))
    if node.op_type == "Einsum" and len(shapes) == 2 and shapes[0] and shapes[1]:
        terms = found["equation"].decode().replace(" ", "").split("->")[0].split(",")
        sizes = {
            letter: size
            for term, shape in zip(terms, shapes, strict=True)
            if len(term) == len(shape or ())
            for letter, size in zip(term, shape or (), strict=True)
        }
        return prod(sizes.values()) if sizes else 0
    return 0
