"""A graph of ONNX: shapes as onnx infers them, constants folded, weights as they are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwsim.onnx.quantized import dequantized, less_zero, quantized, width

__all__ = ["Graph", "Weight", "attributes", "label"]

NOT_FOLDED = {
    "Bernoulli", "If", "Loop", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform",
    "RandomUniformLike", "Scan",
}  # fmt: skip
"""Operators that are not computed even where all their inputs are constants."""

MOVES = ("Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze")
"""Operators that weights may go through as integers."""


@dataclass(frozen=True)
class Weight:
    """A constant operand of a product.

    Attributes
    ----------
    name : str
        Of the array in the file.
    real : ndarray of float
    codes : ndarray of int32 or None
        The integers that the file holds, less their zero points.
    bits : int
        Width of their type; 0 where there are none.
    """

    name: str
    real: NDArray[np.floating]
    codes: NDArray[np.int32] | None = None
    bits: int = 0


class Graph:
    """Nodes in order, with what is known of every tensor.

    Attributes
    ----------
    nodes : list of NodeProto
        Those that are not constant.
    shapes : dict of str to tuple of int
        Of the tensors whose sizes are all known.
    widths : dict of str to int
        Of the tensors of integers, in bits.
    constants : dict of str to ndarray
    inputs, outputs : list of str
        Of the graph; inputs that have a value are none.
    """

    def __init__(self, path: Path, model: Any, constants: dict[str, NDArray[Any]]) -> None:  # noqa: ANN401
        graph = model.graph
        self.path = path
        self.constants = dict(constants)
        self.inputs = [one.name for one in graph.input if one.name not in self.constants]
        self.outputs = [one.name for one in graph.output]
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.widths: dict[str, int] = {}
        for value in (*graph.input, *graph.value_info, *graph.output):
            self._describe(value)
        self._opsets = model.opset_import
        self._makers: dict[str, Any] = {}
        self.nodes: list[Any] = []
        for node in graph.node:
            if node.domain == "ai.onnx":
                node.domain = ""
            self._makers |= dict.fromkeys(node.output, node)
            if not self._folded(node):
                self.nodes.append(node)
        for name, array in self.constants.items():
            self.shapes[name] = array.shape

    def maker(self, name: str) -> Any:  # noqa: ANN401
        """Return the node that makes a tensor; None if none does."""
        return self._makers.get(name)

    def shape(self, name: str, node: Any) -> tuple[int, ...]:  # noqa: ANN401
        """Return the shape of a tensor; ``ValueError`` naming the node if it is not known."""
        if name not in self.shapes:
            raise ValueError(
                f"{self.path}: {node.op_type} {label(node)}: the shape of its {name!r} is not "
                "known: onnx's shape inference finds no fixed sizes"
            )
        return self.shapes[name]

    def weight(self, name: str) -> Weight | None:
        """Return a constant as weights, with its integers if it comes from some."""
        if name not in self.constants:
            return None
        node = self.maker(name)
        if node is not None and node.op_type == "DequantizeLinear":
            codes, _, *zero = (self.constants[one] for one in node.input if one)
            found, bits = attributes(node), width(codes.dtype)
            if bits:
                integers = less_zero(
                    codes, zero[0] if zero else None, found.get("axis", 1),
                    found.get("block_size", 0),
                )  # fmt: skip
                return Weight(node.input[0], self.constants[name], integers, bits)
        if node is not None and node.op_type in MOVES:
            inner = self.weight(node.input[0])
            if inner is not None and inner.codes is not None:
                feeds = {one: self.constants[one] for one in node.input if one}
                moved = self._run(node, {**feeds, node.input[0]: inner.codes})
                if moved is not None:
                    return Weight(inner.name, self.constants[name], moved[0], inner.bits)
        return Weight(name, self.constants[name])

    def _describe(self, value: Any) -> None:  # noqa: ANN401
        from onnx import helper  # noqa: PLC0415

        tensor = value.type.tensor_type
        if not value.type.HasField("tensor_type"):
            return
        if tensor.HasField("shape"):
            sizes = [dim.dim_value if dim.HasField("dim_value") else -1 for dim in tensor.shape.dim]
            if min(sizes, default=0) >= 0:
                self.shapes[value.name] = tuple(sizes)
        if tensor.elem_type:
            bits = width(np.dtype(helper.tensor_dtype_to_np_dtype(tensor.elem_type)))
            if bits:
                self.widths[value.name] = bits

    def _folded(self, node: Any) -> bool:  # noqa: ANN401
        """Take a node's results into the constants, if they are."""
        from onnx import numpy_helper  # noqa: PLC0415

        if node.op_type == "Constant" and node.domain == "":
            found = attributes(node)
            if "value" in found:
                self.constants[node.output[0]] = numpy_helper.to_array(found["value"])
                return True
            numbers = next((found[key] for key in found if key.startswith("value_")), None)
            if isinstance(numbers, int | float | list):
                self.constants[node.output[0]] = np.array(numbers)
                return True
            return False
        if node.op_type == "Shape" and node.domain == "" and node.input[0] in self.shapes:
            found = attributes(node)
            sizes = self.shapes[node.input[0]][found.get("start", 0) : found.get("end")]
            self.constants[node.output[0]] = np.array(sizes, np.int64)
            return True
        inputs = [name for name in node.input if name]
        if node.op_type in NOT_FOLDED or node.domain or not inputs:
            return False
        if any(name not in self.constants for name in inputs):
            return False
        results = self._run(node, {name: self.constants[name] for name in inputs})
        if results is None:
            return False
        self.constants |= dict(zip(filter(None, node.output), results, strict=False))
        return True

    def _run(self, node: Any, feeds: dict[str, NDArray[Any]]) -> list[NDArray[Any]] | None:  # noqa: ANN401
        """Return the results of a node, by onnx's own definition; None if it has none."""
        from onnx import helper, reference  # noqa: PLC0415

        arrays = [feeds[name] for name in node.input if name]
        try:
            if node.op_type == "DequantizeLinear" and width(arrays[0].dtype):
                return [dequantized(arrays, attributes(node))]
            if node.op_type == "QuantizeLinear" and all(width(one.dtype) for one in arrays[2:]):
                return [quantized(arrays, attributes(node))]
            values = [helper.make_empty_tensor_value_info(name) for name in feeds]
            outputs = [helper.make_empty_tensor_value_info(name) for name in node.output]
            graph = helper.make_graph([node], "one", values, outputs)
            model = helper.make_model(graph, opset_imports=self._opsets)
            return list(reference.ReferenceEvaluator(model).run(None, feeds))
        except Exception:  # its errors are of many kinds; the node stays a node
            return None


def attributes(node: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return the attributes of a node by name."""
    from onnx import helper  # noqa: PLC0415

    return {one.name: helper.get_attribute_value(one) for one in node.attribute}


def label(node: Any) -> str:  # noqa: ANN401
    """Return what a node is called: by its name, or by what it makes."""
    return repr(node.name or next((name for name in node.output if name), ""))
