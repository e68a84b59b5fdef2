"""Products of an ONNX graph as layers of the array."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwsim.layer import DEFAULT_BITS, MOST_BITS, Layer
from hwsim.onnx.graph import Graph, Weight, attributes, label
from hwsim.onnx.quantized import less_zero, width
from hwsim.values import WeightSource

__all__ = ["PRODUCTS", "Product", "Refused", "product_of"]

PRODUCTS = {
    "Conv": (0, 1), "ConvInteger": (0, 1), "QLinearConv": (0, 3), "Gemm": (0, 1),
    "MatMul": (0, 1), "MatMulInteger": (0, 1), "QLinearMatMul": (0, 3),
}  # fmt: skip
"""Operators, and the places of their two operands."""

ZERO_POINTS = {"ConvInteger": 3, "MatMulInteger": 3, "QLinearConv": 5, "QLinearMatMul": 5}
"""Places of the second operand's zero points, where it is integers."""
SCALES = {"QLinearConv": 4, "QLinearMatMul": 4}


class Refused(Exception):
    """A product that no layer of the array is; with the reason, and its multiplications."""

    def __init__(self, reason: str, macs: int) -> None:
        super().__init__(reason)
        self.reason, self.macs = reason, macs


@dataclass(frozen=True)
class Product:
    """A layer, where its weights come from, the tensors it multiplies, and what to know of it."""

    layer: Layer
    source: WeightSource | None
    operands: tuple[str, ...]
    note: str = ""


def product_of(graph: Graph, node: Any, name: str, in_bits: int | None, out_bits: int) -> Product:  # noqa: ANN401
    """Return the layer of a convolution or matrix product.

    Raises
    ------
    Refused
        If it cannot be meant exactly.
    ValueError
        If a shape is not known, or the batch of a convolution is not 1.
    """
    first, second = (node.input[place] for place in PRODUCTS[node.op_type])
    widths: dict[str, Any] = {
        "in_bits": in_bits or _activation_bits(graph, first),
        "out_bits": out_bits,
    }
    if "Conv" in node.op_type:
        return _convolution(graph, node, name, first, second, widths)
    return _matrix(graph, node, name, first, second, widths)


def weight_of(graph: Graph, node: Any, name: str) -> Weight | None:  # noqa: ANN401
    """Return a constant operand of a product; None if it is no constant."""
    weight = graph.weight(name)
    place = ZERO_POINTS.get(node.op_type)
    if weight is None or place is None:
        return weight
    names = [*node.input, *[""] * 9]
    zero = graph.constants.get(names[place])
    axis = 0 if "Conv" in node.op_type else weight.real.ndim - 1
    codes = less_zero(weight.real, zero, axis)
    scale = graph.constants.get(names[SCALES.get(node.op_type, 8)], np.float64(1))
    if scale.ndim == 1 and scale.size > 1:
        scale = np.expand_dims(scale, tuple(a for a in range(codes.ndim) if a != axis))
    return Weight(weight.name, codes * scale, codes, width(weight.real.dtype))


def _convolution(
    graph: Graph, node: Any, name: str, x: str, w: str, widths: dict[str, Any]  # noqa: ANN401
) -> Product:
    image, kernel = graph.shape(x, node), graph.shape(w, node)
    result = graph.shape(node.output[0], node)
    found, axes = attributes(node), len(kernel) - 2
    groups = found.get("group", 1)
    macs = prod(result) * prod(kernel[1:])
    if image[0] != 1:
        raise ValueError(
            f"{graph.path}: {node.op_type} {label(node)}: a batch of {image[0]}: expected 1, "
            "counts are for one image"
        )
    if axes > 2:
        raise Refused(f"{axes} axes", macs)
    weight = weight_of(graph, node, w)
    if weight is None:
        raise Refused("computed weights", macs)
    dilations = found.get("dilations", [1] * axes)
    if any(step > 1 and size > 1 for step, size in zip(dilations, kernel[2:], strict=True)):
        raise Refused(f"dilations {'x'.join(map(str, dilations))}", macs)
    strides = found.get("strides", [1] * axes)
    pads = _pads(found, image[2:], kernel[2:], strides)
    if axes == 1:  # one row
        image, kernel, result = (*image[:2], 1, image[2]), (*kernel[:2], 1, kernel[2]), (
            *result[:2], 1, result[2]
        )  # fmt: skip
        strides, pads = [strides[0], strides[0]], [0, pads[0], 0, pads[1]]
    moving = [step for step, size in zip(strides, result[2:], strict=True) if size > 1]
    if len(set(moving)) > 1:
        raise Refused(f"strides {'x'.join(map(str, strides))}", macs)
    codes = weight.real.reshape(kernel) if weight.codes is None else weight.codes.reshape(kernel)
    bits, source = _source(weight, codes, weight.real.reshape(kernel), (2, 3, 1, 0))
    layer = {
        "channels": image[1], "outputs": kernel[0], "bits": bits, "kernel_height": kernel[2],
        "kernel_width": kernel[3], "stride": moving[0] if moving else max(strides),
        "groups": groups, **widths,
    }  # fmt: skip
    top, left, bottom, right = pads
    if top == left:
        try:
            one = Layer(name, "conv", image[2], image[3], padding=top, **layer)
        except ValueError:  # such as a kernel that only the wider border holds
            pass
        else:
            if (one.out_height, one.out_width) == result[2:]:
                return Product(one, source, (x,))
    one = Layer(name, "conv", image[2] + top + bottom, image[3] + left + right, **layer)
    if (one.out_height, one.out_width) != result[2:]:  # one window on the axis of the other stride
        raise Refused(f"strides {'x'.join(map(str, strides))}", macs)
    note = (
        f"{name}: its border of zeros ({top} above, {left} left, {bottom} below, {right} right) "
        "counts as part of its input"
    )
    return Product(one, source, (x,), note)


def _matrix(
    graph: Graph, node: Any, name: str, a: str, b: str, widths: dict[str, Any]  # noqa: ANN401
) -> Product:
    left, right = graph.shape(a, node), graph.shape(b, node)
    found = attributes(node)
    if found.get("transA"):
        left = left[::-1]
    if found.get("transB"):
        right = right[::-1]
    left = left if len(left) > 1 else (1, *left)
    right = right if len(right) > 1 else (*right, 1)
    inner, outputs = right[-2:]
    batch = np.broadcast_shapes(left[:-2], right[:-2])
    positions, many = left[-2], prod(batch)
    weight = weight_of(graph, node, b)
    if weight is not None:
        count = prod(right[:-2])
        if count > 1 and left[:-2][-len(right[:-2]) :] != right[:-2]:
            raise Refused("one input for many matrices", many * positions * inner * outputs)
        matrices = [
            array.T if found.get("transB") else array
            for array in (weight.real, weight.codes if weight.codes is not None else weight.real)
        ]
        real, codes = (
            array.reshape(count, inner, outputs).swapaxes(0, 1).reshape(1, 1, inner, -1)
            for array in matrices
        )
        bits, source = _source(weight, codes, real)
        if count == 1:
            positions *= many
            one = Layer.linear(name, inner, outputs, bits, positions=positions, **widths)
        else:
            one = Layer(
                name, "conv", 1, positions * many // count, count * inner, count * outputs, bits,
                groups=count, **widths,
            )  # fmt: skip
        return Product(one, source, (a,))
    weight = graph.weight(a)
    if weight is not None and prod(left[:-2]) == 1:
        turned = [
            array if found.get("transA") else array.reshape(left[-2:]).T
            for array in (weight.real, weight.codes if weight.codes is not None else weight.real)
        ]
        real, codes = (array.reshape(1, 1, inner, positions) for array in turned)
        bits, source = _source(weight, codes, real)
        one = Layer.linear(name, inner, positions, bits, positions=outputs * many, **widths)
        return Product(one, source, (b,))
    if weight is not None:
        raise Refused("many matrices from the left", many * positions * inner * outputs)
    one = Layer.attention(
        name, inner, outputs, widths["in_bits"], positions=positions, groups=many, **widths
    )
    return Product(one, None, (a, b))


def _source(
    weight: Weight,
    codes: NDArray[Any],
    real: NDArray[Any],
    order: tuple[int, ...] = (0, 1, 2, 3),
) -> tuple[int, WeightSource]:
    """Return the width of weights, and the weights HWIO.

    Integers keep the width of their type, or the one that their range needs without the zero
    points.
    """
    real = np.ascontiguousarray(real.transpose(order))
    real = real if real.dtype in (np.float32, np.float64) else real.astype(np.float64)
    if weight.codes is None:
        return DEFAULT_BITS, WeightSource(real)
    low, high = int(codes.min()), int(codes.max())
    need = 1 + max((-low - 1).bit_length() if low < 0 else 0, high.bit_length())
    bits = max(weight.bits, need, 2)
    if bits > MOST_BITS:
        return MOST_BITS, WeightSource(real)
    return bits, WeightSource(real, np.ascontiguousarray(codes.transpose(order), np.int32), bits)


def _activation_bits(graph: Graph, name: str) -> int:
    """Return the width of an activation: of the integers it is, or comes from; else 8."""
    node = graph.maker(name)
    while node is not None and node.op_type in ("Identity", "Reshape", "Transpose", "Flatten"):
        name, node = node.input[0], graph.maker(node.input[0])
    if node is not None and node.op_type == "DequantizeLinear":
        name = node.input[0]
    return graph.widths.get(name, DEFAULT_BITS)


def _pads(
    found: dict[str, Any], image: tuple[int, ...], kernel: tuple[int, ...], strides: list[int]
) -> list[int]:
    """Return the zeros before each axis, then after each."""
    mode = found.get("auto_pad", b"NOTSET").decode()
    if mode in ("NOTSET", "VALID"):
        zeros = [0] * (2 * len(image))
        return list(found.get("pads", zeros)) if mode == "NOTSET" else zeros
    before, after = [], []
    for size, window, step in zip(image, kernel, strides, strict=True):
        total = max((-(-size // step) - 1) * step + window - size, 0)
        small, large = total // 2, total - total // 2
        before.append(large if mode == "SAME_LOWER" else small)
        after.append(small if mode == "SAME_LOWER" else large)
    return before + after
