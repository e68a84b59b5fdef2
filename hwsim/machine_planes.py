"""Bit planes in the array of the compiled machine: which comes next, and the sums of a cycle."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from hwsim.array_places import FACTOR, PLANES, SHIFT, SUM, TOTAL

__all__ = [
    "accumulate",
    "add_lanes",
    "aim",
    "keep",
    "most_planes",
    "nth_plane",
    "sum_columns",
    "take",
    "together",
]

Integers = NDArray[np.int64]


@njit(cache=True, nogil=True)
def together(planes: Integers, count: int) -> None:
    """Let all lines go through the planes that one of them has."""
    found = 0
    for line in range(count):
        found |= planes[line]
    for line in range(count):
        planes[line] = found


@njit(cache=True, nogil=True)
def aim(serial: bool, cols: int, slot: int, negative: int, columns: Integers) -> None:
    """Note shift and sign of the plane that each column is at; `negative` counts negative."""
    for col in range(cols):
        plane = nth_plane(columns[PLANES, col], slot) if serial else 0
        columns[SHIFT, col] = max(plane, 0)
        columns[FACTOR, col] = 0 if plane < 0 else (-1 if plane == negative else 1)


@njit(cache=True, nogil=True)
def keep(inputs: Integers, col: int, lanes: int, values: Integers, plane: int) -> None:
    """Keep what was read of a column in its registers, at the place of its plane."""
    for lane in range(lanes):
        inputs[lane, col] |= values[lane] << plane


@njit(cache=True, nogil=True)
def take(
    serial: bool, lanes: int, cols: int, inputs: Integers, bits: Integers, columns: Integers
) -> int:
    """Take what each column has in this cycle; return how many have a plane."""
    for lane in range(lanes):
        for col in range(cols):
            value = inputs[lane, col]
            bits[lane, col] = (value >> columns[SHIFT, col]) & 1 if serial else value
    busy = 0
    for col in range(cols):
        busy += columns[FACTOR, col] != 0
    return busy


@njit(cache=True, nogil=True)
def sum_columns(lanes: int, cols: int, bits: Integers, columns: Integers) -> None:
    """Add to the sums of activations, for the offset domain [S9.1]."""
    for col in range(cols):
        total = 0
        for lane in range(lanes):
            total += bits[lane, col]
        columns[SUM, col] += columns[FACTOR, col] * (total << columns[SHIFT, col])


@njit(cache=True, nogil=True)
def add_lanes(
    single_bits: bool, weights: Integers, bits: Integers, lanes: int, cols: int, columns: Integers
) -> None:
    """Sum the products of a row's lanes, for each column."""
    totals = columns[TOTAL]
    totals.fill(0)
    for lane in range(lanes):
        weight = -weights[lane] if single_bits else weights[lane]
        if single_bits:  # AND
            for col in range(cols):
                totals[col] += weight & bits[lane, col]
        else:
            for col in range(cols):
                totals[col] += weight * bits[lane, col]


@njit(cache=True, nogil=True)
def accumulate(sign: int, plane: int, cols: int, columns: Integers, acc: Integers) -> None:
    """Shift a row's sums to the place of their planes, and add them to its accumulators."""
    for col in range(cols):
        shifted = columns[TOTAL, col] << (plane + columns[SHIFT, col])
        acc[col] += sign * columns[FACTOR, col] * shifted


@njit(cache=True, nogil=True)
def nth_plane(planes: int, slot: int) -> int:
    """Return the plane that comes after `slot` others, -1 if there is none."""
    for plane in range(16):
        if planes >> plane & 1:
            if slot == 0:
                return plane
            slot -= 1
    return -1


@njit(cache=True, nogil=True)
def most_planes(planes: Integers, count: int) -> int:
    """Return the most planes that one of `count` lines has; one at the least."""
    most = 1
    for line in range(count):
        number, left = 0, planes[line]
        while left:
            left &= left - 1
            number += 1
        most = max(most, number)
    return most
