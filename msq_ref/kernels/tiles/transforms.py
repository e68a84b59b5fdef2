"""The transforms of Winograd's algorithm F(2 x 2, 3 x 3), a block of channels at a time.

Lavin & Gray (2016): from a 4 x 4 patch d and a 3 x 3 filter g the 2 x 2 results are
``y = A' [(G g G') * (B' d B)] A``, with 16 products where the definition has 36. The derivative of
the middle is a product too, so ``dL/dg = G' [(B' d B) * (A dL/dy A')] G``. `B` and `A` hold only
0, 1 and -1; `G` halves, which is exact.
"""

from __future__ import annotations

from typing import Any

from numba import types
from numba.extending import intrinsic

from msq_ref.kernels.tiles.vectors import Vectors

__all__ = [
    "transform_filter",
    "transform_filter_gradient",
    "transform_input",
    "transform_output",
    "transform_output_gradient",
]

Matrix = tuple[tuple[float, ...], ...]

B_TRANSPOSED: Matrix = ((1, 0, -1, 0), (0, 1, 1, 0), (0, -1, 1, 0), (0, 1, 0, -1))
G: Matrix = ((1, 0, 0), (0.5, 0.5, 0.5), (0.5, -0.5, 0.5), (0, 0, 1))
A_TRANSPOSED: Matrix = ((1, 1, 1, 0), (0, 1, -1, -1))
G_TRANSPOSED: Matrix = tuple(zip(*G, strict=True))
A: Matrix = tuple(zip(*A_TRANSPOSED, strict=True))


@intrinsic
def transform_input(typing: Any, out: Any, patch: Any, start: Any, step: Any) -> Any:
    """Set ``out = B' patch B``, both 4 x 4.

    Parameters
    ----------
    out, patch : C-contiguous arrays of one dtype, read as if flat
    start : two int
        Where the block of channels begins in `out` and in `patch`.
    step : four int
        From row to row and from column to column in `out`, then in `patch`.
    """
    return _transform(B_TRANSPOSED, out, patch, start, step)


@intrinsic
def transform_filter(typing: Any, out: Any, patch: Any, start: Any, step: Any) -> Any:
    """Set ``out = G patch G'``, from 3 x 3 to 4 x 4; arguments as of `transform_input`."""
    return _transform(G, out, patch, start, step)


@intrinsic
def transform_output(typing: Any, out: Any, patch: Any, start: Any, step: Any) -> Any:
    """Set ``out = A' patch A``, from 4 x 4 to 2 x 2; arguments as of `transform_input`."""
    return _transform(A_TRANSPOSED, out, patch, start, step)


@intrinsic
def transform_output_gradient(typing: Any, out: Any, patch: Any, start: Any, step: Any) -> Any:
    """Set ``out = A patch A'``, from 2 x 2 to 4 x 4; arguments as of `transform_input`."""
    return _transform(A, out, patch, start, step)


@intrinsic
def transform_filter_gradient(typing: Any, out: Any, patch: Any, start: Any, step: Any) -> Any:
    """Set ``out = G' patch G``, from 4 x 4 to 3 x 3; arguments as of `transform_input`."""
    return _transform(G_TRANSPOSED, out, patch, start, step)


def _transform(matrix: Matrix, out: Any, patch: Any, start: Any, step: Any) -> Any:
    """Write ``out = matrix patch matrix'`` in registers."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        code = Vectors(context, builder, out)
        arrays, (begin, steps) = arguments[:2], arguments[2:]
        bases = [
            code.address(*one) for one in zip((out, patch), arrays, code.unpack(begin), strict=True)
        ]
        out_row, out_column, row, column = (code.bytes(each) for each in code.unpack(steps))
        size = range(len(matrix[0]))
        grid = [[code.load(code.at(code.at(bases[1], row, i), column, j)) for j in size]
                for i in size]  # fmt: skip
        down = [_apply(code, matrix, line) for line in zip(*grid, strict=True)]
        across = [_apply(code, matrix, line) for line in zip(*down, strict=True)]
        for i, line in enumerate(across):
            for j, block in enumerate(line):
                code.store(block, code.at(code.at(bases[0], out_row, i), out_column, j))
        return context.get_dummy_value()

    return types.void(out, patch, start, step), generate


def _apply(code: Vectors, matrix: Matrix, values: Any) -> list[Any]:
    """Write the product of a matrix with a column of blocks."""
    products = []
    for line in matrix:
        total = None
        for factor, value in zip(line, values, strict=True):
            if factor:
                total = _add(code, total, factor, value)
        products.append(total)
    return products


def _add(code: Vectors, total: Any, factor: float, value: Any) -> Any:
    """Write ``total + factor * value``."""
    if abs(factor) != 1:
        value = code.builder.fmul(value, code.constant(abs(factor)))
    if total is None:
        return value if factor > 0 else code.builder.fneg(value)
    return code.builder.fadd(total, value) if factor > 0 else code.builder.fsub(total, value)
