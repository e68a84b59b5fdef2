"""Written as machine code: the product of a small tile, held in registers while it grows.

Everything else in this package moves data to where a tile can read it. A row of a tile is a
block, 64 bytes of channels: one AVX-512 register, two of AVX2 or four of NEON, LLVM splits it as
the processor needs. The number of rows is in the *type* of an argument, so each is compiled once
and Numba's cache on disk tells them apart. That cache looks at the file of the calling kernel
only: who changes this file removes ``__pycache__``.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic, overload

__all__ = ["BLOCK_BYTES", "Vectors", "lanes", "multiply", "multiply_add", "prefetch"]

BLOCK_BYTES = 64
"""Size of a block: 16 values of float32, 8 of float64."""


def multiply_add(
    tile: Any, out: Any, a: Any, b: Any, start: Any, count: Any, a_step: Any, b_step: Any, row: Any
) -> None:
    """Add products to a tile: ``out[p, k] += sum_n a[n, p] b[n, k]``, n a triple of indices.

    Parameters
    ----------
    tile : tuple of None
        As many as the tile has rows p. If it is empty, plain loops do one row.
    out, a, b : C-contiguous arrays of one dtype, float32 or float64, read as if flat
    start : three int
        Where the tile begins in `out`, `a` and `b`.
    count, a_step, b_step : three int each
        Lengths, at least 1, of the three loops over n, the innermost last, and what a step of
        each adds to the place in `a` and in `b`.
    row : two int
        Distance between rows of the tile in `out` and in `a`.
    """
    raise NotImplementedError("for compiled code")


def multiply(
    tile: Any, out: Any, a: Any, b: Any, start: Any, count: Any, a_step: Any, b_step: Any, row: Any
) -> None:
    """Set a tile to the sum that `multiply_add` adds."""
    raise NotImplementedError("for compiled code")


@overload(multiply_add, inline="always")
def _multiply_add(
    tile: Any, out: Any, a: Any, b: Any, start: Any, count: Any, a_step: Any, b_step: Any, row: Any
) -> Any:
    return _tile_add if len(tile) else _plain_add


@overload(multiply, inline="always")
def _multiply(
    tile: Any, out: Any, a: Any, b: Any, start: Any, count: Any, a_step: Any, b_step: Any, row: Any
) -> Any:
    return _tile_set if len(tile) else _plain_set


def _tile_add(
    tile: Any, out: Any, a: Any, b: Any, start: Any, count: Any, a_step: Any, b_step: Any, row: Any
) -> None:
    _in_registers(tile, (None,), out, a, b, start, count, a_step, b_step, row)


def _tile_set(
    tile: Any, out: Any, a: Any, b: Any, start: Any, count: Any, a_step: Any, b_step: Any, row: Any
) -> None:
    _in_registers(tile, (), out, a, b, start, count, a_step, b_step, row)


def _plain_add(
    tile: Any, out: Any, a: Any, b: Any, start: Any, count: Any, a_step: Any, b_step: Any, row: Any
) -> None:
    _loops(out.reshape(-1), a.reshape(-1), b.reshape(-1), start, count, a_step, b_step)


def _plain_set(
    tile: Any, out: Any, a: Any, b: Any, start: Any, count: Any, a_step: Any, b_step: Any, row: Any
) -> None:
    out.reshape(-1)[start[0] : start[0] + lanes(out)] = 0
    _loops(out.reshape(-1), a.reshape(-1), b.reshape(-1), start, count, a_step, b_step)


@njit(cache=True, nogil=True)
def _loops(out: Any, a: Any, b: Any, start: Any, count: Any, a_step: Any, b_step: Any) -> None:
    """Add to one row of a tile, without vectors."""
    for n0 in range(count[0]):
        for n1 in range(count[1]):
            for n2 in range(count[2]):
                factor = a[start[1] + n0 * a_step[0] + n1 * a_step[1] + n2 * a_step[2]]
                at = start[2] + n0 * b_step[0] + n1 * b_step[1] + n2 * b_step[2]
                for k in range(lanes(out)):
                    out[start[0] + k] += factor * b[at + k]


@intrinsic
def lanes(typing: Any, array: Any) -> Any:
    """Return the number of elements of a block, a constant in the compiled code."""
    count = BLOCK_BYTES // (array.dtype.bitwidth // 8)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return INT(count)

    return types.intp(array), generate


@intrinsic
def prefetch(typing: Any, array: Any, element: Any, write: Any) -> Any:
    """Ask for the cache line of an element of an array, which may lie past its end.

    The length of the tuple `write` is 1 if the line will be written, else 0.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        code = Vectors(context, builder, array)
        byte = ir.IntType(8).as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [byte, _SHORT, _SHORT, _SHORT])
        fetch = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
        place = builder.inttoptr(code.address(array, *arguments[:2]), byte)
        builder.call(fetch, [place, _SHORT(len(write)), _SHORT(_SECOND_LEVEL), _SHORT(_DATA)])
        return context.get_dummy_value()

    return types.void(array, element, write), generate


@intrinsic
def _in_registers(
    typing: Any, tile: Any, add: Any, out: Any, a: Any, b: Any, start: Any, count: Any,
    a_step: Any, b_step: Any, row: Any,
) -> Any:  # fmt: skip
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        code = _Tile(context, builder, signature.args[2:5], arguments[2:])
        code.run(len(tile), len(add) == 1)
        return context.get_dummy_value()

    return types.void(tile, add, out, a, b, start, count, a_step, b_step, row), generate


class Vectors:
    """Writes loads and stores of blocks of an array type's elements."""

    def __init__(self, context: Any, builder: Any, array: Any) -> None:
        self.context, self.builder = context, builder
        self.size = array.dtype.bitwidth // 8
        self.lanes = BLOCK_BYTES // self.size
        self.scalar = context.get_value_type(array.dtype)
        self.vector = ir.VectorType(self.scalar, self.lanes)

    def address(self, kind: Any, array: Any, element: Any) -> Any:
        """Return the address of an element of an array, as an integer."""
        data = self.context.make_array(kind)(self.context, self.builder, array).data
        return self.builder.add(self.builder.ptrtoint(data, INT), self.bytes(element))

    def bytes(self, elements: Any) -> Any:
        """Return the size of a number of elements."""
        return self.builder.mul(elements, INT(self.size))

    def unpack(self, pack: Any) -> list[Any]:
        """Return the elements of a tuple."""
        return list(cgutils.unpack_tuple(self.builder, pack))

    def at(self, base: Any, row: Any, p: int) -> Any:
        """Return the address of row p."""
        return self.builder.add(base, self.builder.mul(row, INT(p)))

    def load(self, address: Any) -> Any:
        """Load a block."""
        return self.builder.load(self.pointer(address, self.vector), align=self.size)

    def store(self, block: Any, address: Any) -> None:
        """Store a block."""
        self.builder.store(block, self.pointer(address, self.vector), align=self.size)

    def spread(self, address: Any) -> Any:
        """Return a block of copies of one element."""
        value = self.builder.load(self.pointer(address, self.scalar))
        empty = ir.Constant(self.vector, ir.Undefined)
        first = self.builder.insert_element(empty, value, _SHORT(0))
        order = ir.Constant(ir.VectorType(_SHORT, self.lanes), [0] * self.lanes)
        return self.builder.shuffle_vector(first, empty, order)

    def constant(self, value: float) -> Any:
        """Return a block of copies of a number."""
        return ir.Constant(self.vector, [value] * self.lanes)

    def fused(self) -> Any:
        """Return LLVM's multiply-add with one rounding."""
        kind = ir.FunctionType(self.vector, [self.vector] * 3)
        name = f"llvm.fma.v{self.lanes}f{8 * self.size}"
        return cgutils.get_or_insert_function(self.builder.module, kind, name)

    def pointer(self, address: Any, kind: Any) -> Any:
        """Return an address as a pointer."""
        return self.builder.inttoptr(address, kind.as_pointer())


class _Tile(Vectors):
    """Writes the loops of one tile."""

    def __init__(self, context: Any, builder: Any, kinds: Any, arguments: Any) -> None:
        super().__init__(context, builder, kinds[0])
        arrays, (start, *packs) = arguments[:3], arguments[3:]
        self.out, self.a, self.b = (
            self.address(*one) for one in zip(kinds, arrays, self.unpack(start), strict=True)
        )
        self.count = self.unpack(packs[0])
        self.a_step, self.b_step, (self.out_row, self.a_row) = (
            [self.bytes(step) for step in self.unpack(pack)] for pack in packs[1:]
        )

    def run(self, rows: int, add: bool) -> None:
        """Sum from 0 in registers, then add to the tile or replace it."""
        zeros = [self.constant(0.0)] * rows
        for p, total in enumerate(self.loop(0, self.a, self.b, zeros)):
            place = self.at(self.out, self.out_row, p)
            self.store(self.builder.fadd(self.load(place), total) if add else total, place)

    def loop(self, level: int, a: Any, b: Any, sums: list[Any]) -> list[Any]:
        """Write a loop with the next ones inside it; return the sums after it."""
        if level == 3:
            return self.step(a, b, sums)
        builder, before = self.builder, self.builder.block
        body = builder.append_basic_block("body")
        builder.branch(body)
        builder.position_at_end(body)
        variables = []
        for first in (INT(0), a, b, *sums):
            variables.append(builder.phi(first.type))
            variables[-1].add_incoming(first, before)
        index, a, b, *sums = variables
        after = self.loop(level + 1, a, b, sums)
        index = builder.add(index, INT(1))
        a, b = builder.add(a, self.a_step[level]), builder.add(b, self.b_step[level])
        for variable, value in zip(variables, (index, a, b, *after), strict=True):
            variable.add_incoming(value, builder.block)
        done = builder.append_basic_block("done")
        builder.cbranch(builder.icmp_signed("<", index, self.count[level]), body, done)
        builder.position_at_end(done)
        return after

    def step(self, a: Any, b: Any, sums: list[Any]) -> list[Any]:
        """Write the innermost step: an element of `a` a row, times a block of `b`."""
        block, fused = self.load(b), self.fused()
        return [
            self.builder.call(fused, [self.spread(self.at(a, self.a_row, p)), block, total])
            for p, total in enumerate(sums)
        ]


INT, _SHORT = ir.IntType(64), ir.IntType(32)
_SECOND_LEVEL, _DATA = 2, 1  # of llvm.prefetch
