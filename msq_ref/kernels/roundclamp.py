"""Twin of `msq_ref.reference.roundclamp`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.kernels.threads import run_chunks
from msq_ref.reference.sums import CHUNK

__all__ = ["roundclamp"]


def roundclamp(u: NDArray[Any], bits: int) -> NDArray[np.int32]:
    """Twin of `msq_ref.reference.roundclamp`, bit-identical [S2.1]."""
    u = checks.unit_array("u", u)
    n = checks.bit_width(bits)
    codes = np.empty(u.shape, np.int32)
    scale, top = u.dtype.type(2**n), u.dtype.type(2**n - 1)
    run_chunks(_roundclamp, u.size, u.ravel(), scale, top, codes.ravel())
    return codes


@njit(cache=True, nogil=True)
def _roundclamp(first: int, last: int, u: Any, scale: Any, top: Any, codes: Any) -> None:
    for i in range(first * CHUNK, min(last * CHUNK, u.size)):
        codes[i] = np.int32(min(np.rint(scale * u[i]), top))
