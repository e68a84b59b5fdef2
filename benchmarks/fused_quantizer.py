"""The fused kernel of a training step against plain copies of the same bytes, and NumPy."""

from __future__ import annotations

import time
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
COPIES = "copy of the same bytes", "numpy.copyto of the same bytes"
OPERATIONS = 16
"""Of a value: two products, roundings and minima, a subtraction, a division, and comparisons."""


def run(rounds: int, on_round: Callable[[], None]) -> list[Row]:
    """Compare 1e7 float32 values, from u: 4 bytes read and 8 written for each.

    The peer is a compiled loop that reads 4 bytes and writes them twice. Beside it NumPy's copy,
    which reads and writes 6 bytes, with stores that go past the caches.
    """
    u = np.random.default_rng(0).random(SIZE, dtype=np.float32)
    out = np.zeros_like(u), np.zeros_like(u)
    # Ones: memory that was never written is one page, read again and again.
    halves = np.ones((2, SIZE * 3 // 2), np.float32)
    ours = {"ours": lambda: kernels.sliced(u, BITS, K, out)}
    copies = {
        COPIES[0]: lambda: run_chunks(_copy, SIZE, u, *out),
        COPIES[1]: lambda: run_chunks(_copyto, halves[0].size, *halves),
    }
    definition = {"NumPy definition": lambda: reference.sliced(u, BITS, K)}
    work: dict[str, Any] = {"flops": OPERATIONS * SIZE, "nbytes": 12 * SIZE}
    with use_threads(2):
        big = interleave({**ours, **copies, **definition}, rounds, on_round)
    with use_threads(1):
        one = interleave({**ours, **copies}, rounds, on_round, time.process_time)
    copy, copyto = COPIES
    return [
        row("fused_quantizer", big, "ours", copy, copy, **work),
        row("fused_quantizer/copyto", big, "ours", copyto, copyto),
        row("fused_quantizer/numpy", big, "ours", "NumPy definition", copy),
        row("fused_quantizer/1 thread", one, "ours", copy, copy, threads=1, **work),
        row("fused_quantizer/1 thread/copyto", one, "ours", copyto, copyto, threads=1),
    ]


@njit(cache=True, nogil=True)
def _copy(first: int, last: int, u: NDArray[Any], a: NDArray[Any], b: NDArray[Any]) -> None:
    for chunk in range(first, last):
        part = slice(chunk * CHUNK, min((chunk + 1) * CHUNK, u.size))
        source, one, other = u[part], a[part], b[part]
        for i in range(source.size):
            one[i] = source[i]
            other[i] = source[i]


def _copyto(first: int, last: int, source: NDArray[Any], target: NDArray[Any]) -> None:
    part = slice(first * CHUNK, last * CHUNK)
    np.copyto(target[part], source[part])
