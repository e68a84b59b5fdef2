"""Written as machine code: integer products of a small tile, held in registers while it grows.

A tile is a number of rows by a number of vectors of 64 bytes; both are in the *type* of an
argument, so that each size is compiled once, for the processor at hand. LLVM splits vectors where
registers are narrower, and counts ones by what instructions there are.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

__all__ = ["VECTOR_BYTES", "byte_tile", "ones_tile", "tile_of"]

VECTOR_BYTES = 64
"""Of the vectors that tiles are made of."""


def tile_of(rows: int, vectors: int) -> tuple[tuple[None, ...], ...]:
    """Return a tile of that size, for the functions below."""
    return ((None,) * vectors,) * rows


@intrinsic
def byte_tile(
    typing: Any, tile: Any, out: Any, x: Any, w: Any, start: Any, steps: Any, row: Any, begin: Any
) -> Any:
    """Set a tile to ``begin[m] + sum_k x[p, k] w[k, m]`` by four products an instruction (VNNI).

    Parameters
    ----------
    tile : see `tile_of`
        With 16 columns a vector.
    out : int32 array
    x : uint8 or int8 array
        Signed values count as ``x + 128``: their sign bit is turned on the way.
    w : int8 array
        For every step, four values of k for each column in turn.
    start : three int
        Where the tile begins in `out`, `x` and `w`, in elements.
    steps : int
        Quarter of the length of k.
    row : two int
        Distance between rows in `out` and in `x`, in elements.
    begin : int32 array, one value a column
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        code = _Tile(context, builder, signature, arguments, lane_bits=32)
        out, x, w = code.starts()
        first = code.load_vectors(code.data(7))
        out_row, x_row = (
            builder.mul(one, INT(size))
            for one, size in zip(code.unpack(arguments[6]), (4, 1), strict=True)
        )
        dot = code.intrinsic("llvm.x86.avx512.vpdpbusd.512", 3)
        turned = _SIGN_BITS if signature.args[2].dtype.signed else 0
        sums = code.variables(first)
        with cgutils.for_range(builder, arguments[5]) as loop:
            weights = code.load_vectors(code.at(w, loop.index, VECTOR_BYTES * code.vectors))
            word = code.at(x, loop.index, 4)
            for p, total in enumerate(sums):
                four = code.spread(code.at(word, x_row, p), turned)
                for m, weight in enumerate(weights):
                    added = builder.call(dot, [builder.load(total[m]), four, weight])
                    builder.store(added, total[m])
        code.store_tile(sums, out, out_row)
        return context.get_dummy_value()

    return types.void(tile, out, x, w, start, steps, row, begin), generate


@intrinsic
def ones_tile(
    typing: Any, tile: Any, out: Any, x: Any, w: Any, start: Any, steps: Any, row: Any,
    plan: Any, plane: Any,
) -> Any:  # fmt: skip
    """Set a tile to ``out[p, m] = sum_ij 2^(i+j) sum_k ones(x[i, p, k] AND w[j, k, m])``.

    Parameters
    ----------
    tile : see `tile_of`
        With 8 columns a vector.
    out : int64 array
    x, w : uint64 arrays
        Words of bit planes.
    start, steps, row
        As in `byte_tile`; steps are words k.
    plan : int64 array, (pairs, 3), C-contiguous
        Pairs of planes i and j, the highest i + j first, and by how much i + j fell before each:
        what has been counted so far is doubled that often (Horner's rule).
    plane : two int
        Distance between planes in `x` and in `w`, in elements.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        code = _Tile(context, builder, signature, arguments, lane_bits=64)
        out, x, w = code.starts()
        out_row, x_row = (builder.mul(one, INT(8)) for one in code.unpack(arguments[6]))
        x_plane, w_plane = code.unpack(arguments[8])
        pairs = context.make_array(signature.args[7])(context, builder, arguments[7])
        ones = code.intrinsic("llvm.ctpop.v8i64", 1)
        sums = code.variables([code.constant(0)] * code.vectors)
        with cgutils.for_range(builder, builder.extract_value(pairs.shape, 0)) as pair:
            entry = builder.gep(pairs.data, [builder.mul(pair.index, INT(3))])
            i, j, fell = (builder.load(builder.gep(entry, [INT(one)])) for one in range(3))
            shift = code.fill(fell)
            for total in (one for line in sums for one in line):
                builder.store(builder.shl(builder.load(total), shift), total)
            x_words = code.at(x, builder.mul(i, x_plane), 8)
            w_words = code.at(w, builder.mul(j, w_plane), 8)
            with cgutils.for_range(builder, arguments[5]) as loop:
                weights = code.load_vectors(
                    code.at(w_words, loop.index, VECTOR_BYTES * code.vectors)
                )
                word = code.at(x_words, loop.index, 8)
                for p, total in enumerate(sums):
                    bits = code.spread(code.at(word, x_row, p))
                    for m, weight in enumerate(weights):
                        both = builder.call(ones, [builder.and_(bits, weight)])
                        builder.store(builder.add(builder.load(total[m]), both), total[m])
        code.store_tile(sums, out, out_row)
        return context.get_dummy_value()

    return types.void(tile, out, x, w, start, steps, row, plan, plane), generate


class _Tile:
    """Writes the parts of a tile's code; addresses are integers, in bytes."""

    def __init__(
        self, context: Any, builder: Any, signature: Any, arguments: Any, lane_bits: int
    ) -> None:
        tile = signature.args[0]
        self.rows, self.vectors = len(tile), len(tile.dtype)
        self.context, self.builder = context, builder
        self._kinds, self._arguments = signature.args, arguments
        self._lane = ir.IntType(lane_bits)
        self._lanes = 8 * VECTOR_BYTES // lane_bits
        self._vector = ir.VectorType(self._lane, self._lanes)

    def starts(self) -> list[Any]:
        """Return where the tile begins in out, x and w."""
        places = []
        for index, start in zip((1, 2, 3), self.unpack(self._arguments[4]), strict=True):
            size = self._kinds[index].dtype.bitwidth // 8
            places.append(self.at(self.data(index), start, size))
        return places

    def data(self, index: int) -> Any:
        """Return the address of an array among the arguments."""
        make = self.context.make_array(self._kinds[index])
        array = make(self.context, self.builder, self._arguments[index])
        return self.builder.ptrtoint(array.data, INT)

    def unpack(self, pack: Any) -> list[Any]:
        """Return the elements of a tuple."""
        return list(cgutils.unpack_tuple(self.builder, pack))

    def intrinsic(self, name: str, arguments: int) -> Any:
        """Return an intrinsic of LLVM from vectors to a vector."""
        kind = ir.FunctionType(self._vector, [self._vector] * arguments)
        return cgutils.get_or_insert_function(self.builder.module, kind, name)

    def at(self, base: Any, count: Any, size: int) -> Any:
        """Return the address `count` times `size` bytes further on."""
        return self.builder.add(base, self.builder.mul(count, INT(size)))

    def constant(self, value: int) -> Any:
        """Return a vector of copies of a number."""
        return ir.Constant(self._vector, [value] * self._lanes)

    def fill(self, value: Any) -> Any:
        """Return a vector of copies of a value."""
        empty = ir.Constant(self._vector, ir.Undefined)
        first = self.builder.insert_element(empty, value, ir.IntType(32)(0))
        order = ir.Constant(ir.VectorType(ir.IntType(32), self._lanes), [0] * self._lanes)
        return self.builder.shuffle_vector(first, empty, order)

    def variables(self, row: list[Any]) -> list[list[Any]]:
        """Return variables that begin with those vectors in every row: registers, to LLVM."""
        return [
            [cgutils.alloca_once_value(self.builder, one) for one in row]
            for _ in range(self.rows)
        ]

    def spread(self, address: Any, turned: int = 0) -> Any:
        """Return a vector of copies of one lane in memory, some bits of it turned."""
        place = self.builder.inttoptr(address, self._lane.as_pointer())
        value = self.builder.load(place, align=1)
        # Turned before it is copied: on the vector, LLVM 22 does not come to an end.
        return self.fill(self.builder.xor(value, self._lane(turned)) if turned else value)

    def load_vectors(self, address: Any) -> list[Any]:
        """Load the vectors of a row, one after the other in memory."""
        kind = self._vector.as_pointer()
        return [
            self.builder.load(
                self.builder.inttoptr(self.at(address, INT(m), VECTOR_BYTES), kind), align=8
            )
            for m in range(self.vectors)
        ]

    def store_tile(self, sums: list[list[Any]], out: Any, out_row: Any) -> None:
        """Store all rows."""
        kind = self._vector.as_pointer()
        for p, line in enumerate(sums):
            row = self.at(out, out_row, p)
            for m, total in enumerate(line):
                place = self.builder.inttoptr(self.at(row, INT(m), VECTOR_BYTES), kind)
                self.builder.store(self.builder.load(total), place, align=4)


INT, _SIGN_BITS = ir.IntType(64), -0x7F7F7F80  # of four bytes: 0x80808080
