"""Workloads of ONNX files: products for the array, the rest for the vector unit or left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from math import prod
from pathlib import Path
from typing import Any

from hwsim.layer import DEFAULT_BITS, Layer
from hwsim.onnx.graph import Graph, attributes, label
from hwsim.onnx.operators import BINARY, LINEAR, MOVING, UNARY, WINDOWED, macs_of, terms_of
from hwsim.onnx.products import PRODUCTS, Refused, product_of
from hwsim.onnx.read import read_graph
from hwsim.steps import ARRAY, INPUT, Step, vector_layers
from hwsim.values import IntegerWeights, WeightSource
from hwsim.vector_layer import OPERATIONS
from hwsim.workload import LOGIT_BITS, LeftOut, Workload

__all__ = ["onnx_workload"]

_NOT_UNDERSTOOD = AttributeError, LookupError, TypeError, ArithmeticError

Uses = tuple[tuple[str, int], ...]
"""Tensors of steps, and how many elements of each."""


def onnx_workload(path: Path | str, *, in_bits: int | None = None) -> Workload:
    """Return the workload of an ONNX file, for one run of it.

    Convolutions and products with constants are layers with weights; a product of two activations
    is one of attention, with a group for each matrix. Weights of floats are 8 bits wide, and their
    integers those of `roundclamp`, layer by layer; integers behind a ``DequantizeLinear``, or of an
    operator of integers, keep their width. What is neither product nor vector layer is in
    `left_out`, with its share of the work.

    Parameters
    ----------
    path : path
    in_bits : int, optional
        Width of all activations; by default that of the integers that they are in the file, or 8.
        The last product's results are 32 bits wide.

    Raises
    ------
    ValueError
        In one line: the package onnx is missing; the file cannot be read, or its external data; a
        size is not fixed; a convolution's batch is not 1; there is no product.
    """
    try:
        return _workload(path, in_bits)
    except ValueError as error:
        text = " ".join(str(error).split())
        known = text.startswith(f"{path}: ")
        raise ValueError(text if known else f"{path}: {text}") from None
    except _NOT_UNDERSTOOD as error:  # what a damaged file leads to cannot be foreseen
        kind, text = type(error).__name__, " ".join(str(error).split())
        raise ValueError(f"{path}: damaged, or not understood ({kind}: {text[:200]})") from None


def _workload(path: Path | str, in_bits: int | None) -> Workload:
    graph = read_graph(path)
    walk = _Walk(graph, in_bits)
    for node in graph.nodes:
        walk.take(node)
    if not walk.layers:
        left = "; ".join(map(str, walk.left_out())) or "nothing multiplies"
        raise ValueError(f"{path}: no product for the array ({left})")
    outputs = [tensor for name in graph.outputs for tensor, _ in walk.uses(name)]
    return Workload(
        Path(path).stem, tuple(walk.layers), vector_layers(walk.steps, outputs),
        notes=tuple(walk.notes), left_out=walk.left_out(),
        values=IntegerWeights(walk.sources, walk.layers),
    )  # fmt: skip


class _Walk:
    """What the nodes of a graph are, up to one of them."""

    def __init__(self, graph: Graph, in_bits: int | None) -> None:
        self.layers: list[Layer] = []
        self.steps: list[Step] = []
        self.sources: dict[str, WeightSource] = {}
        self.notes: list[str] = []
        self._graph, self._in_bits = graph, in_bits
        self._bits = in_bits or DEFAULT_BITS
        self._views: dict[str, Uses] = {}
        self._folding: set[str] = set()  # what a linear map of is still part of a requantization
        self._names: Counter[str] = Counter()
        self._sizes: dict[str, int] = {}
        self._refused: dict[str, list[tuple[int, int]]] = {}
        self._results = 0
        products = [node for node in graph.nodes if node.op_type in PRODUCTS and not node.domain]
        self._last = products[-1].output[0] if products else ""
        self._readers: dict[str, list[Any]] = {}
        for node in graph.nodes:
            for name in dict.fromkeys(node.input):
                self._readers.setdefault(name, []).append(node)
        self._origins: dict[str, str] = {}
        for name in graph.inputs:
            self._source(name, graph.shapes.get(name, ()))

    def uses(self, name: str) -> Uses:
        """Return the tensors of steps that a tensor of the graph consists of; none: constants."""
        return self._views.get(name, ())

    def left_out(self) -> tuple[LeftOut, ...]:
        """Return what is not modelled, by operator."""
        macs = sum(layer.macs for layer in self.layers)
        macs += sum(count for found in self._refused.values() for count, _ in found)
        found = []
        for operator, costs in sorted(self._refused.items()):
            mine = sum(count for count, _ in costs)
            results = sum(count for _, count in costs)
            found.append(
                LeftOut(
                    operator, len(costs), mine, mine / macs if macs else 0.0,
                    results / self._results if self._results else 0.0,
                )
            )  # fmt: skip
        return tuple(found)

    def take(self, node: Any) -> None:  # noqa: ANN401
        """Go through a node."""
        operator = node.op_type
        if node.domain:
            self._refuse(f"{node.domain}.{operator}", node, 0)
        elif operator in PRODUCTS:
            self._product(node)
        elif operator in UNARY or operator in BINARY:
            self._element_wise(node)
        elif operator in WINDOWED:
            terms = terms_of(self._graph, node)
            self._vector(WINDOWED[operator], node, self._all_uses(node.input), terms=terms)
        elif operator in MOVING or _nearest(node):
            self._move(node)
        elif operator == "DynamicQuantizeLinear":
            self._vector("reduce", node, self.uses(node.input[0]))
        else:
            self._refuse(operator, node, macs_of(self._graph, node))

    def _product(self, node: Any) -> None:  # noqa: ANN401
        graph, result = self._graph, node.output[0]
        out_bits = self._in_bits or graph.widths.get(result, DEFAULT_BITS)
        if result == self._last:
            out_bits = LOGIT_BITS
        weights = node.input[PRODUCTS[node.op_type][1]]
        known = graph.weight(weights)
        name = self._name(node, known.name if known is not None else "")
        try:
            product = product_of(graph, node, name, self._in_bits, min(out_bits, LOGIT_BITS))
        except Refused as refused:
            self._refuse(f"{node.op_type} with {refused.reason}", node, refused.macs)
            return
        self.layers.append(product.layer)
        if product.source is not None:
            self.sources[product.layer.name] = product.source
        if product.note:
            self.notes.append(product.note)
        size = prod(graph.shape(result, node))
        self._results += size
        self._step(Step(name, ARRAY, self._all_uses(product.operands), name, size, out_bits))
        if result != self._last:
            kind = "requantize"
            bits = product.layer.out_bits
            self._step(
                Step(f"{name}.{kind}", kind, ((name, size),), f"{name}.{kind}", size, bits,
                     OPERATIONS[kind])
            )  # fmt: skip
        self._views[result] = ((self.steps[-1].result, size),)
        self._origins[self.steps[-1].result] = result
        self._folding.add(self.steps[-1].result)
        others = [one for one in node.input[2:] if self.uses(one)]
        if node.op_type == "Gemm" and others:  # a bias that is computed
            self._vector("add", node, (*self.uses(result), *self._all_uses(others)))

    def _element_wise(self, node: Any) -> None:  # noqa: ANN401
        operator, graph = node.op_type, self._graph
        moving = [name for name in node.input if self.uses(name)]
        uses = self._all_uses(moving)
        if not uses:
            self._move(node)
            return
        constants = [graph.constants[name] for name in node.input if name in graph.constants]
        size = prod(graph.shape(node.output[0], node))
        largest = max((array.size for array in constants), default=0)
        small = largest < size and all(sum(n > 1 for n in one.shape) < 2 for one in constants)
        kind = (UNARY | BINARY)[operator]
        folds = {tensor for tensor, _ in uses} <= self._folding and len(moving) == 1
        if operator in LINEAR and folds and small:
            self._absorbed("fold", node, uses)
            self._folding.add(self._views[node.output[0]][0][0])
        elif kind == "clamp":
            self._absorbed(kind, node, uses)
        elif operator in BINARY and len(moving) == 1:
            # One constant for all or for each channel is part of the operation.
            held = 0 if small else sum(array.size for array in constants) * self._bits
            small_kind = kind if kind in ("divide", "compare") or operator == "Pow" else "scale"
            self._vector(small_kind if small else kind, node, uses, constants=held)
        else:
            self._vector(kind, node, uses, times=max(len(moving) - 1, 1))

    def _absorbed(self, kind: str, node: Any, uses: Uses) -> None:  # noqa: ANN401
        """Take a map that the step before does besides; a step if others read what it made."""
        if len(uses) == 1 and self._read_by(self._origins.get(uses[0][0], "")) == 1:
            self._views[node.output[0]] = uses
        else:
            self._vector(kind, node, uses)

    def _read_by(self, name: str) -> int:
        """Return how many nodes read a tensor, seen through those that only move it."""
        count = int(name in self._graph.outputs)
        for node in self._readers.get(name, ()):
            moves = node.op_type in MOVING and not node.domain
            count += sum(map(self._read_by, node.output)) if moves else 1
        return count

    def _vector(
        self, kind: str, node: Any, uses: Uses, *, terms: int = 0, constants: int = 0,  # noqa: ANN401
        times: int = 1,
    ) -> None:  # fmt: skip
        size = prod(self._graph.shape(node.output[0], node))
        if not uses:  # of constants only
            return
        self._results += size
        name = self._name(node)
        operations = OPERATIONS[kind] * times + terms
        self._step(Step(name, kind, uses, name, size, self._bits, operations, constants))
        self._views |= dict.fromkeys(node.output, ((name, size),))
        self._origins[name] = node.output[0]

    def _move(self, node: Any) -> None:  # noqa: ANN401
        uses = self._all_uses(node.input)
        for name in node.output:
            room = self._graph.shapes.get(name)
            left = prod(room) if room is not None else sum(count for _, count in uses)
            found = []
            for tensor, count in uses:
                if min(count, left):
                    found.append((tensor, min(count, left)))
                    left -= found[-1][1]
            self._views[name] = tuple(found)
        rows = node.op_type == "Gather" and node.input[0] in self._graph.constants
        if rows and self.uses(node.input[1]):  # of a table in memory, as an input is
            self._source(node.output[0], self._graph.shape(node.output[0], node))

    def _refuse(self, operator: str, node: Any, macs: int) -> None:  # noqa: ANN401
        sizes = [prod(self._graph.shapes[one]) for one in node.output if one in self._graph.shapes]
        self._refused.setdefault(operator, []).append((macs, sum(sizes)))
        self._results += sum(sizes)
        for name in node.output:  # whoever makes it, it is in memory
            if name in self._graph.shapes:
                self._source(name, self._graph.shapes[name])

    def _source(self, name: str, shape: tuple[int, ...]) -> None:
        bits = self._in_bits or self._graph.widths.get(name, DEFAULT_BITS)
        self._step(Step(name, INPUT, (), f"input {name}", prod(shape), bits))
        self._views[name] = ((f"input {name}", prod(shape)),)

    def _step(self, step: Step) -> None:
        self.steps.append(step)
        self._sizes[step.result] = step.elements

    def _all_uses(self, names: Iterable[str]) -> Uses:
        found: dict[str, int] = {}
        for name in dict.fromkeys(names):
            for tensor, count in self.uses(name):
                found[tensor] = min(found.get(tensor, 0) + count, self._sizes[tensor])
        return tuple(found.items())

    def _name(self, node: Any, weights: str = "") -> str:  # noqa: ANN401
        """Return a name of its own: that of the weights, of the node, or of what it makes."""
        name = weights.removesuffix(".weight") if weights.endswith(".weight") else ""
        name = name or node.name or label(node).strip("'")
        self._names[name] += 1
        return name if self._names[name] == 1 else f"{name} ({self._names[name]})"


def _nearest(node: Any) -> bool:  # noqa: ANN401
    return node.op_type in ("Resize", "Upsample") and (
        attributes(node).get("mode", b"nearest") == b"nearest"
    )
