"""A small product on a weight-serial array, cycle by cycle: the definition of the engine.

Plain loops in the order in which the array works: passes, reduction steps, planes. It is slow and
keeps everything it saw, so that it can be looked at; `hwsim.engine` does the same for whole layers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hwsim.array import Array
from msq_ref import reference

__all__ = ["Cycle", "results_of", "trace_linear"]

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Cycle:
    """What the array does in a cycle, and what it holds after it.

    R rows and C columns are at work in a pass, L lanes in a reduction step.

    Attributes
    ----------
    phase : {"switch", "fill", "work", "drain"}
        Work, or which of the array's pauses.
    outputs, positions : range
        Of the pass: R outputs, a row each, and C positions, a column each.
    terms : range
        Of the reduction step: L terms, a lane each; empty in a pause.
    planes : tuple of (int or None)
        The bit plane that each row is at, 0 the lowest; None: it waits for other rows.
    factors : tuple of int
        What a one of that plane counts: ``2^plane``, negative for the top plane in the signed
        domain, whose planes are those of two's complement; 0 in rows that wait.
    weight_bits : ndarray of int64, (R, L)
        Bits of these planes; 0 in rows that wait.
    activations : ndarray of int64, (C, L)
        What the columns' registers hold.
    added : ndarray of int64, (R, C)
        What goes into the accumulators: the sums of the lanes times `factors`.
    accumulators : ndarray of int64, (R, C)
        After the cycle.
    sums : ndarray of int64, (C,)
        Sums of activations after the cycle, for the offset domain; else zeros.
    results : ndarray of int64, (R, C), or None
        What the pass came to, ``sum x v`` [S9.1], in its last cycle.
    """

    phase: Literal["switch", "fill", "work", "drain"]
    outputs: range
    positions: range
    terms: range
    planes: tuple[int | None, ...]
    factors: tuple[int, ...]
    weight_bits: Integers
    activations: Integers
    added: Integers
    accumulators: Integers
    sums: Integers
    results: Integers | None = None

    @property
    def lane_operations(self) -> int:
        """Weight bits that meet an activation, those of the elements alone."""
        working = sum(plane is not None for plane in self.planes)
        return working * len(self.positions) * len(self.terms)

    @property
    def idle_lanes(self) -> int:
        """Lanes of the step that wait for rows with more planes than their own."""
        lanes = len(self.outputs) * len(self.positions) * len(self.terms)
        return lanes - self.lane_operations


def trace_linear(
    x: NDArray[Any],
    codes: NDArray[Any],
    bits: int,
    array: Array,
    signs: NDArray[Any] | None = None,
) -> tuple[Cycle, ...]:
    """Return every cycle of a linear layer, a single tile, on a weight-serial array.

    Parameters
    ----------
    x : ndarray of integers, (P, K)
        Activation codes of P positions.
    codes : ndarray of integers, (K, M)
    bits, signs
        As in `msq_ref.integer_linear`.
    array : Array
        With weights bit by bit only; it may skip planes of zeros.

    Returns
    -------
    tuple of Cycle

    Raises
    ------
    TypeError
        If `x` or `codes` are not integers.
    ValueError
        As `msq_ref.integer_linear`; if `x` has no two axes, a size is 0, or the array takes
        activations bit by bit, or no operand.

    Notes
    -----
    [S10.1]: ``ceil(M/rows) ceil(P/cols) (ceil(K/lanes) n + drain)`` cycles where nothing is
    skipped; `fill` cycles more a pass and `tile_switch` once. [S9.1], ``bitexact``: `results_of`
    gives `msq_ref.integer_linear`.
    """
    if array.serial != "weight":
        raise ValueError(f"array.serial = {array.serial!r}: expected 'weight'")
    shape = np.shape(x)
    if len(shape) != 2 or 0 in (*shape, *np.shape(codes)):
        raise ValueError(
            f"x has shape {shape}, codes {np.shape(codes)}: expected (P, K) and (K, M), no size 0"
        )
    reference.integer_linear(x, codes, bits, signs)  # refuses what is no product
    x = np.asarray(x, np.int64)
    w = np.asarray(codes, np.int64) * (1 if signs is None else np.asarray(signs, np.int64))
    passes = [
        (outputs, positions)
        for outputs in _ranges(w.shape[1], array.rows)
        for positions in _ranges(len(x), array.cols)
    ]
    cycles = [_pause("switch", *passes[0])] * array.tile_switch
    for outputs, positions in passes:
        cycles += _pass(x, w, int(bits), array, outputs, positions, offset=signs is None)
    return tuple(cycles)


def results_of(cycles: Sequence[Cycle]) -> Integers:
    """Return the results of all passes of a trace, (P, M).

    Raises
    ------
    ValueError
        If no pass comes to its end.
    """
    ended = [cycle for cycle in cycles if cycle.results is not None]
    if not ended:
        raise ValueError("cycles: expected those of a whole pass")
    last = ended[-1]
    found = np.zeros((last.positions.stop, last.outputs.stop), np.int64)
    for cycle in ended:
        assert cycle.results is not None
        found[np.ix_(cycle.positions, cycle.outputs)] = cycle.results.T
    return found


def _pass(
    x: Integers, w: Integers, bits: int, array: Array, outputs: range, positions: range,
    *, offset: bool,
) -> list[Cycle]:  # fmt: skip
    """Return the cycles of a pass; w has the integers whose planes the rows go through."""
    pause = _pause("fill", outputs, positions)
    cycles = [pause] * array.fill
    acc, sums = pause.accumulators, pause.sums
    for terms in _ranges(len(w), array.lanes):
        weights = w[np.ix_(terms, outputs)].T
        activations = x[np.ix_(positions, terms)]
        if offset:
            sums = sums + activations.sum(axis=1)  # in the step's first cycle
        for planes in _planes(weights, bits, array):
            weight_bits, added = np.zeros_like(weights), np.zeros_like(acc)
            factors = tuple(_factor(plane, None if offset else bits - 1) for plane in planes)
            for row, plane in enumerate(planes):
                if plane is not None:
                    weight_bits[row] = weights[row] >> plane & 1
                    added[row] = factors[row] * (activations * weight_bits[row]).sum(axis=1)
            acc = acc + added
            cycles.append(
                Cycle("work", outputs, positions, terms, planes, factors, weight_bits, activations,
                      added, acc, sums)
            )  # fmt: skip
    done = replace(_pause("drain", outputs, positions), accumulators=acc, sums=sums)
    cycles += [done] * array.drain
    results = 2 * acc - (2**bits - 1) * sums if offset else acc
    return [*cycles[:-1], replace(cycles[-1], results=results)]


def _planes(weights: Integers, bits: int, array: Array) -> Iterator[tuple[int | None, ...]]:
    """Go through the planes of a step's weights, (rows, lanes): in each cycle one for each row."""
    ones = [int(np.bitwise_or.reduce(row)) for row in weights]
    if not array.skips("weight"):
        ones = [-1] * len(ones)
    elif array.skip_by == "array":
        ones = [int(np.bitwise_or.reduce(ones))] * len(ones)
    own = [[plane for plane in range(bits) if row >> plane & 1] for row in ones]
    for slot in range(max(1, *map(len, own))):  # a step of zeros takes a cycle
        yield tuple(row[slot] if slot < len(row) else None for row in own)


def _factor(plane: int | None, negative: int | None) -> int:
    if plane is None:
        return 0
    return -(2**plane) if plane == negative else 2**plane


def _pause(phase: Literal["switch", "fill", "drain"], outputs: range, positions: range) -> Cycle:
    r, c = len(outputs), len(positions)
    zeros = [np.zeros(shape, np.int64) for shape in ((r, 0), (c, 0), (r, c), (r, c), (c,))]
    return Cycle(phase, outputs, positions, range(0), (None,) * r, (0,) * r, *zeros)


def _ranges(whole: int, size: int) -> list[range]:
    return [range(first, min(first + size, whole)) for first in range(0, whole, size)]
