"""A correctly rounded quotient of small whole numbers, without a division.

With ``r`` the rounded reciprocal of b, ``q = a r`` is off by an ulp at the most; a fused
multiply-add gives its remainder ``a - q b`` exactly, and a second one corrects q by it (Markstein,
IBM J. Res. Dev. 34, 1990). Tests go through all codes of all widths.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import njit
from numba.core import cgutils
from numba.extending import intrinsic

from msq_ref.kernels.processor import has

__all__ = ["quotient"]

FUSED = has("fma")
"""Whether the processor has an instruction for it; elsewhere it would be a slow call."""


@njit(cache=True, nogil=True, error_model="numpy")
def quotient(a: Any, b: Any, r: Any) -> Any:
    """Return ``a / b`` for ``b = 2^n - 1``, a whole number ``0 <= a <= b``, ``r = 1 / b``.

    Notes
    -----
    [S2.3], ``bitexact`` for 1 <= n <= 16, in float32 and float64.
    """
    if FUSED:
        q = a * r
        return _multiply_add(_multiply_add(-q, b, a), r, q)
    return a / b


@intrinsic
def _multiply_add(typing: Any, a: Any, b: Any, c: Any) -> Any:
    """Return ``a b + c``, rounded once."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = arguments[0].type
        name = f"llvm.fma.f{signature.return_type.bitwidth}"
        same = ir.FunctionType(kind, [kind] * 3)
        fma = cgutils.get_or_insert_function(builder.module, same, name)
        return builder.call(fma, arguments)

    return a(a, b, c), generate
