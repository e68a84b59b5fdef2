"""Written as machine code: bytes moved to where tiles of integer products read them."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from msq_ref.kernels.integer_tiles import INT

__all__ = ["interleave", "split_bits"]


@intrinsic
def interleave(typing: Any, out: Any, to: Any, w: Any, start: Any, row: Any) -> Any:
    """Write 64 bytes: from four rows of 16 bytes each, a byte of each in turn.

    Parameters
    ----------
    out, w : int8 arrays
    to, start : int
        First byte in `out`, and of the first row in `w`.
    row : int
        Distance between rows in `w`, in bytes.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        code = _Bytes(context, builder, signature, arguments)
        first = code.address(2)
        rows = [
            code.load(builder.add(first, builder.mul(arguments[4], INT(p))), 16) for p in range(4)
        ]
        halves = [code.shuffle(rows[p], rows[p + 1], list(range(32))) for p in (0, 2)]
        in_turn = [16 * p + k for k in range(16) for p in range(4)]
        mixed = code.shuffle(halves[0], halves[1], in_turn)
        builder.store(mixed, code.pointer(code.address(0), mixed.type), align=1)
        return context.get_dummy_value()

    return types.void(out, to, w, start, row), generate


@intrinsic
def split_bits(
    typing: Any, out: Any, to: Any, plane: Any, codes: Any, start: Any, bits: Any, valid: Any,
    turn: Any,
) -> Any:  # fmt: skip
    """Write a word for each of the low bits of 64 codes in a row: ``out[to + plane * bit]``.

    Parameters
    ----------
    out : uint64 array
    to, plane : int
        Where the word of bit 0 goes, and the distance of the next, in elements.
    codes : uint8 array
    start : int
        First of the codes; all 64 are read.
    bits : int
        How many, 1 to 8.
    valid : uint64
        Codes that count, the first in the lowest bit; words have 0 elsewhere.
    turn : bool
        Whether the highest of the bits is turned.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        code = _Bytes(context, builder, signature, arguments)
        _, to, plane, _, _, bits, valid, turn = arguments
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        bytes_ = code.load(code.address(3), 64)
        zero = ir.Constant(bytes_.type, [0] * 64)
        top = builder.sub(bits, INT(1))
        for bit in reversed(range(8)):
            with builder.if_then(builder.icmp_signed("<", INT(bit), bits)):
                # One instruction collects the highest bit of all bytes.
                word = builder.bitcast(builder.icmp_signed("<", bytes_, zero), INT)
                turned = builder.and_(turn, builder.icmp_signed("==", INT(bit), top))
                word = builder.xor(word, builder.select(turned, INT(-1), INT(0)))
                place = builder.add(to, builder.mul(plane, INT(bit)))
                builder.store(builder.and_(word, valid), builder.gep(data, [place]))
            bytes_ = builder.add(bytes_, bytes_)
        return context.get_dummy_value()

    signature = types.void(
        out, types.intp, types.intp, codes, types.intp, types.intp, types.uint64, types.boolean
    )
    return signature, generate


class _Bytes:
    """Writes loads and shuffles of bytes."""

    def __init__(self, context: Any, builder: Any, signature: Any, arguments: Any) -> None:
        self._context, self._builder = context, builder
        self._kinds, self._arguments = signature.args, arguments

    def address(self, index: int) -> Any:
        """Return the address of an element: of an array of bytes, and its index after it."""
        make = self._context.make_array(self._kinds[index])
        array = make(self._context, self._builder, self._arguments[index])
        base = self._builder.ptrtoint(array.data, INT)
        return self._builder.add(base, self._arguments[index + 1])

    def pointer(self, address: Any, kind: Any) -> Any:
        """Return an address as a pointer."""
        return self._builder.inttoptr(address, kind.as_pointer())

    def load(self, address: Any, count: int) -> Any:
        """Load a vector of bytes."""
        kind = ir.VectorType(ir.IntType(8), count)
        return self._builder.load(self.pointer(address, kind), align=1)

    def shuffle(self, a: Any, b: Any, order: list[int]) -> Any:
        """Return the elements of two vectors in another order."""
        kind = ir.VectorType(ir.IntType(32), len(order))
        return self._builder.shuffle_vector(a, b, ir.Constant(kind, order))
