"""The machine's limits for integers, in registers: AND and count of ones, products of bytes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from msq_ref.kernels.processor import has
from msq_ref.kernels.threads import run_parts, thread_count

__all__ = ["run_dots", "run_ones", "several"]

CHAINS = 8
"""Registers that are summed up in."""


def several(call: Callable[[], object], count: int) -> Callable[[], float]:
    """Return what calls `count` times, after once unseen, and returns the seconds of one."""

    def timed() -> float:
        call()
        start = time.perf_counter()
        for _ in range(count):
            call()
        return (time.perf_counter() - start) / count

    return timed


def run_ones(words: int) -> None:
    """AND, count and add that many 64-bit words, on all threads in force here."""
    threads, lanes = thread_count(), _lanes()
    rounds = words // (threads * CHAINS * len(lanes))
    run_parts(lambda part: _ones(rounds, lanes), threads)


def run_dots(products: int) -> None:
    """Multiply and add that many bytes, on all threads in force here.

    Without instructions for it (VNNI) there is no such limit: a call then takes no time.
    """
    if not has("avx512vnni"):
        return
    threads = thread_count()
    run_parts(lambda part: _dots(products // (threads * CHAINS * 64)), threads)


def _lanes() -> tuple[None, ...]:
    """Return as many values as the widest vector register has 64-bit words."""
    return (None,) * (8 if has("avx512f") else 4 if has("avx2") else 2)


@njit(cache=True, nogil=True)
def _ones(rounds: int, lanes: Any) -> int:
    return int(_ones_chains(rounds, lanes))


@njit(cache=True, nogil=True)
def _dots(rounds: int) -> int:
    return int(_dot_chains(rounds))


@intrinsic
def _ones_chains(typing: Any, rounds: Any, lanes: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        code = _Chains(builder, ir.IntType(64), len(lanes))
        ones = code.intrinsic(f"llvm.ctpop.v{len(lanes)}i64", 1)
        mask = code.constant(0x5A5A5A5A5A5A5A5A)
        sums, words = code.places(0), code.places(0x0123456789ABCDEF)
        with cgutils.for_range(builder, arguments[0]):
            for place, word in zip(sums, words, strict=True):
                both = builder.and_(code.opaque(builder.load(word)), mask)
                counted = builder.call(ones, [code.opaque(both)])
                builder.store(builder.add(builder.load(place), counted), place)
        return code.sum(sums)

    return types.int64(rounds, lanes), generate


@intrinsic
def _dot_chains(typing: Any, rounds: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        code = _Chains(builder, ir.IntType(32), 16)
        dot = code.intrinsic("llvm.x86.avx512.vpdpbusd.512", 3)
        sums = code.places(0)
        left, right = code.opaque(code.constant(0x03030303)), code.opaque(code.constant(0x02020202))
        with cgutils.for_range(builder, arguments[0]):
            for place in sums:
                builder.store(builder.call(dot, [builder.load(place), left, right]), place)
        return builder.sext(code.sum(sums), ir.IntType(64))

    return types.int64(rounds), generate


class _Chains:
    """Writes independent sums of vectors."""

    def __init__(self, builder: Any, lane: Any, lanes: int) -> None:
        self._builder, self._lanes = builder, lanes
        self._vector = ir.VectorType(lane, lanes)

    def intrinsic(self, name: str, arguments: int) -> Any:
        kind = ir.FunctionType(self._vector, [self._vector] * arguments)
        return cgutils.get_or_insert_function(self._builder.module, kind, name)

    def constant(self, value: int) -> Any:
        return ir.Constant(self._vector, [value] * self._lanes)

    def places(self, value: int) -> list[Any]:
        """Return variables; LLVM keeps them in registers."""
        return [
            cgutils.alloca_once_value(self._builder, self.constant(value + chain))
            for chain in range(CHAINS)
        ]

    def opaque(self, value: Any) -> Any:
        """Return the value, of which the optimizer then knows nothing."""
        register = "v" if has("avx512f") else "x" if has("sse2") else "w"
        kind = ir.FunctionType(self._vector, [self._vector])
        return self._builder.asm(kind, "", f"={register},0", [value], True)

    def sum(self, places: list[Any]) -> Any:
        """Return one number of all of them."""
        total = self._builder.load(places[0])
        for place in places[1:]:
            total = self._builder.add(total, self._builder.load(place))
        return self._builder.extract_element(total, ir.Constant(ir.IntType(32), 0))
