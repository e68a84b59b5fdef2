"""The machine's limits, measured: multiply-adds a second, bytes a second; and who else is on it."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from msq_ref.kernels.processor import has

__all__ = ["Limits", "measure_limits", "noise", "present_limits"]

THREADS = 2
REPEATS = 8
COPY_BYTES = 1 << 27
"""Read and written in a copy: far more than caches hold."""

CHAINS = 12
"""Registers that are summed up in: more than latency times units, fewer than there are."""

DRIFT = 0.1
"""Of a limit between two measurements: with more, or more of others' load, nothing is judged."""

STAT = Path("/proc/stat")


@dataclass(frozen=True)
class Limits:
    """What the machine gave to this process at one moment.

    Attributes
    ----------
    flops, flops_1 : float
        Floating-point operations a second, float32, a multiply-add being two; two threads, one.
    bandwidth, bandwidth_1 : float
        Bytes a second of a plain copy, read and written ones both counted; two threads, one.
    others : float
        Share of all processors that others had meanwhile, in [0, 1]; 0 where it is not known.
    """

    flops: float
    flops_1: float
    bandwidth: float
    bandwidth_1: float
    others: float

    def seconds(self, flops: float, nbytes: float, threads: int = THREADS) -> float:
        """Return the least time for that much work: the roofline."""
        if threads == 1:
            return max(flops / self.flops_1, nbytes / self.bandwidth_1)
        return max(flops / self.flops, nbytes / self.bandwidth)


def measure_limits() -> Limits:
    """Measure, in about a second."""
    source, target = np.ones((2, COPY_BYTES // 16), np.float64)
    others = _others_share()

    def copy(part: int) -> None:
        half = len(source) // THREADS
        at = slice(part * half, (part + 1) * half)
        np.copyto(target[at], source[at])

    with ThreadPoolExecutor(THREADS) as threads:
        def rate(work: Callable[[int], object], amount: float, count: int) -> float:
            seconds = []
            for turn in range(REPEATS + 1):
                start = time.perf_counter()
                for future in [threads.submit(work, part) for part in range(count)]:
                    future.result()
                if turn:
                    seconds.append(time.perf_counter() - start)
            # A limit is what the best bursts reach: now and then both threads start on one
            # processor, and a burst ends before the system moves one of them.
            return amount * count / sorted(seconds)[REPEATS // 4]

        lanes = _lanes()
        rounds = 2_000_000
        flops = [
            rate(lambda part: _multiply_adds(rounds, lanes), rounds * CHAINS * 2 * len(lanes), n)
            for n in (THREADS, 1)
        ]
        bandwidth = [rate(copy, COPY_BYTES / THREADS, n) for n in (THREADS, 1)]
    return Limits(flops[0], flops[1], bandwidth[0], bandwidth[1], others)


@functools.cache
def present_limits() -> Limits:
    """Return the limits as they were when this was called first."""
    return measure_limits()


def noise(before: Limits, after: Limits) -> str:
    """Return why the machine was too noisy to judge by, or nothing."""
    for name, unit in (("flops", "Gflop/s"), ("bandwidth", "GB/s")):
        first, last = getattr(before, name) / 1e9, getattr(after, name) / 1e9
        if abs(first - last) > DRIFT * max(first, last):
            return f"{first:.0f} {unit} before, {last:.0f} after"
    others = max(before.others, after.others)
    return f"others had {others:.0%} of the processors" if others > DRIFT else ""


def _others_share(seconds: float = 0.3) -> float:
    """Return the share of the processors that is busy while this process sleeps."""
    before = _times()
    time.sleep(seconds)
    after = _times()
    if before is None or after is None:
        return 0.0
    total, idle = (b - a for a, b in zip(before, after, strict=True))
    return max(0.0, 1 - idle / total) if total else 0.0


def _times() -> tuple[int, int] | None:
    """Return the ticks of all processors, and those without work; None where not known."""
    try:
        words = STAT.read_text(encoding="ascii").splitlines()[0].split()[1:9]
    except OSError:
        return None
    ticks = [int(word) for word in words]
    return sum(ticks), ticks[3] + ticks[4]


def _lanes() -> tuple[None, ...]:
    """Return as many values as the widest vector register has of float32."""
    return (None,) * (16 if has("avx512f") else 8 if has("avx") else 4)


@njit(cache=True, nogil=True)
def _multiply_adds(rounds: int, lanes: Any) -> float:
    return _chains(rounds, lanes)


@intrinsic
def _chains(typing: Any, rounds: Any, lanes: Any) -> Any:
    """Multiply and add `rounds` times in each of `CHAINS` registers; return one number of them."""
    size, number = len(lanes), ir.FloatType()

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        vector = ir.VectorType(number, size)
        kind = ir.FunctionType(vector, [vector] * 3)
        fma = cgutils.get_or_insert_function(builder.module, kind, f"llvm.fma.v{size}f32")
        factor, term = (ir.Constant(vector, [value] * size) for value in (0.5, 1.0))
        places = [
            cgutils.alloca_once_value(builder, ir.Constant(vector, [float(chain)] * size))
            for chain in range(CHAINS)
        ]
        with cgutils.for_range(builder, arguments[0]):
            for place in places:  # LLVM keeps them in registers
                builder.store(builder.call(fma, [builder.load(place), factor, term]), place)
        total = builder.load(places[0])
        for place in places[1:]:
            total = builder.fadd(total, builder.load(place))
        return builder.extract_element(total, ir.Constant(ir.IntType(32), 0))

    return types.float32(rounds, lanes), generate
