"""The product of packed bit planes against the limit of AND and popcount, and against bytes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.integer_limits import run_ones, several
from benchmarks.measure import Row, interleave, row
from msq_ref.kernels.bitserial_gemm import PlaneWeights, bitserial_gemm, pack_weight_planes
from msq_ref.kernels.int8_gemm import int8_gemm, pack_int8
from msq_ref.kernels.packing import code_planes
from msq_ref.kernels.threads import use_threads

__all__ = ["run"]

ROWS, OUTPUTS, LENGTH = 1024, 256, 1152
BITS = ((4, 4), (2, 2), (1, 1))
"""Widths of weights and of activations, the first the one that the target is for."""

REPEATS = 5


def run(rounds: int, on_round: Callable[[], None]) -> list[Row]:
    """Compare packed planes with the limit; packing the activations is a case of its own."""
    rng = np.random.default_rng(0)
    rows = []
    for threads, suffix in ((2, ""), (1, ", 1 thread")):
        for bits, in_bits in BITS:
            x = rng.integers(0, 2**in_bits, (ROWS, LENGTH), dtype=np.uint8)
            c = rng.integers(0, 2**bits, (OUTPUTS, LENGTH), dtype=np.uint8)
            planes, weights = code_planes(x, in_bits), pack_weight_planes(code_planes(c, bits))
            int8 = pack_int8(c.T.astype(np.int8))
            out, acc = np.empty((ROWS, OUTPUTS), np.int64), np.empty((ROWS, OUTPUTS), np.int32)
            words = x.size // 64 * OUTPUTS * bits * in_bits
            candidates: dict[str, Callable[[], object]] = {
                "ours": partial(bitserial_gemm, planes, weights, out=out),
                "with packing": partial(_pack_and_multiply, x, planes, weights, out),
                "AND and popcount": partial(run_ones, words),
                "int8_gemm": partial(int8_gemm, x, int8, out=acc),
            }
            repeated = {name: several(call, REPEATS) for name, call in candidates.items()}
            with use_threads(threads):
                seconds = interleave(repeated, rounds, on_round)
            name = "" if (bits, in_bits) == BITS[0] else f"/{bits} by {in_bits} bits"
            rows.append(
                row(f"bitserial_gemm{name}{suffix}", seconds, "ours", "int8_gemm",
                    "AND and popcount")
            )  # fmt: skip
            if threads == 1:
                rows.append(
                    row(f"bitserial_gemm/{bits} by {in_bits} bits, activations packed, 1 thread",
                        seconds, "with packing", "int8_gemm", "AND and popcount")
                )  # fmt: skip
    return rows


def _pack_and_multiply(
    x: NDArray[Any], planes: NDArray[np.uint64], w: PlaneWeights, out: NDArray[np.int64]
) -> None:
    bitserial_gemm(code_planes(x, len(planes), out=planes), w, out=out)
