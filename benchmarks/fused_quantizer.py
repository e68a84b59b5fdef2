"""The fused kernel of a training step against a plain copy of the same bytes, and NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from benchmarks.measure import Row, interleave, row
from msq_ref import kernels, reference
from msq_ref.kernels.threads import run_chunks, use_threads
from msq_ref.reference.sums import CHUNK

__all__ = ["run"]

SIZE = 10_000_000
BITS, K = 4, 1
COPY = "copy of the same bytes"


def run(rounds: int, on_round: Callable[[], None]) -> list[Row]:
    """Compare 1e7 float32 values, from u: 4 bytes read and 8 written for each."""
    u = np.random.default_rng(0).random(SIZE, dtype=np.float32)
    out = np.zeros_like(u), np.zeros_like(u)
    with use_threads(2):
        big = interleave(
            {
                "ours": lambda: kernels.sliced(u, BITS, K, out),
                COPY: lambda: run_chunks(_copy, SIZE, u, *out),
                "NumPy definition": lambda: reference.sliced(u, BITS, K),
            },
            rounds,
            on_round,
        )
    with use_threads(1):
        single = interleave(
            {
                "ours": lambda: kernels.sliced(u, BITS, K, out),
                COPY: lambda: run_chunks(_copy, SIZE, u, *out),
            },
            rounds,
            on_round,
        )
    return [
        row("fused_quantizer", big, "ours", COPY, COPY),
        row("fused_quantizer/numpy", big, "ours", "NumPy definition", COPY),
        row("fused_quantizer/1 thread", single, "ours", COPY, COPY),
    ]


@njit(cache=True, nogil=True)
def _copy(first: int, last: int, u: NDArray[Any], a: NDArray[Any], b: NDArray[Any]) -> None:
    for i in range(first * CHUNK, min(last * CHUNK, u.size)):
        a[i] = u[i]
        b[i] = u[i]
