"""The largest value and sums of a row, for compiled code, by vector instructions.

A row is read in blocks of 64 bytes, element j of a block goes to lane j; then the upper half of the
lanes is added to the lower one, down to a single lane, and what fills no block comes last, in
order. So the order is the same on every processor. Sums have the dtype of the row.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import cgutils
from numba.extending import intrinsic

from msq_ref.kernels.tiles.vectors import INT, Vectors

__all__ = ["dot", "largest", "total"]


@intrinsic
def largest(typing: Any, row: Any) -> Any:
    """Return the largest value of a row; where it holds NaN, NaN or any value."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        def larger(a: Any, b: Any) -> Any:
            return builder.select(builder.fcmp_ordered(">", b, a), b, a)

        code = _Reduction(context, builder, signature, arguments)
        return code.run(code.spread(code.addresses[0]), larger)

    return row.dtype(row), generate


@intrinsic
def total(typing: Any, row: Any) -> Any:
    """Return the sum of a row."""
    return row.dtype(row), _add_up


@intrinsic
def dot(typing: Any, row: Any, other: Any) -> Any:
    """Return the sum of the products of two rows of one length."""
    return row.dtype(row, other), _add_up


def _add_up(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    """Write the sum of a row, or of the products of two."""
    code = _Reduction(context, builder, signature, arguments)
    return code.run(code.constant(0.0), builder.fadd)


class _Reduction(Vectors):
    """Writes the joining of all elements of a row, or of the products of two."""

    def __init__(self, context: Any, builder: Any, signature: Any, arguments: Any) -> None:
        super().__init__(context, builder, signature.args[0])
        rows = list(zip(signature.args, arguments, strict=True))
        self.addresses = [self.address(kind, row, INT(0)) for kind, row in rows]
        kind, row = rows[0]
        self.count = context.make_array(kind)(context, builder, row).nitems

    def run(self, start: Any, join: Callable[[Any, Any], Any]) -> Any:
        """Join blocks lane by lane, beginning with `start`, then the lanes, then the rest."""
        builder, block = self.builder, INT(self.lanes)
        whole = builder.sub(self.count, builder.urem(self.count, block))
        lanes = self.loop(INT(0), whole, block, start, join, self.vector)
        width = self.lanes
        while width > 1:
            width //= 2
            lanes = join(self.part(lanes, 0, width), self.part(lanes, width, width))
        value = builder.extract_element(lanes, INT(0))
        return self.loop(whole, self.count, INT(1), value, join, self.scalar)

    def loop(
        self, first: Any, last: Any, step: Any, start: Any, join: Callable[[Any, Any], Any],
        kind: Any,
    ) -> Any:  # fmt: skip
        """Join what lies between two indices, of a kind of value."""
        builder = self.builder
        state = cgutils.alloca_once_value(builder, start)
        with cgutils.for_range_slice(builder, first, last, step, intp=INT) as (index, _):
            value, *others = (
                builder.load(
                    self.pointer(builder.add(place, self.bytes(index)), kind), align=self.size
                )
                for place in self.addresses
            )
            for other in others:
                value = builder.fmul(value, other)
            builder.store(join(builder.load(state), value), state)
        return builder.load(state)

    def part(self, vector: Any, first: int, count: int) -> Any:
        """Return some lanes of a vector."""
        places = ir.Constant(ir.VectorType(_SHORT, count), [*range(first, first + count)])
        empty = ir.Constant(vector.type, ir.Undefined)
        return self.builder.shuffle_vector(vector, empty, places)


_SHORT = ir.IntType(32)
