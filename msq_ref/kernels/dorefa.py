"""Twin of `msq_ref.reference.dorefa`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.kernels.threads import run_chunks
from msq_ref.reference.sums import CHUNK

__all__ = ["dorefa"]


def dorefa(u: NDArray[Any], bits: int) -> NDArray[np.int32]:
    """Twin of `msq_ref.reference.dorefa`, bit-identical [S2.2]."""
    u = checks.unit_array("u", u)
    n = checks.bit_width(bits)
    codes = np.empty(u.shape, np.int32)
    run_chunks(_dorefa, u.size, u.ravel(), u.dtype.type(2**n - 1), codes.ravel())
    return codes


@njit(cache=True, nogil=True)
def _dorefa(first: int, last: int, u: Any, scale: Any, codes: Any) -> None:
    for i in range(first * CHUNK, min(last * CHUNK, u.size)):
        codes[i] = np.int32(np.rint(scale * u[i]))
