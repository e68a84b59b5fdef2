"""Products with a patch matrix, one slice of its rows at a time; parts are cut by shape."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref.kernels.memory import empty, scratch
from msq_ref.kernels.patches import Patches, scatter
from msq_ref.kernels.products import add_in_order, worthwhile
from msq_ref.kernels.threads import cut, run_parts

__all__ = ["patches_gradient", "patches_product", "weight_gradient"]

SLICE = 2**20
"""Bytes of patches in a slice: a usual second-level cache."""

SHORTEST = 128
"""Rows of a slice at least: each product packs the whole weight anew."""

PARTS = 8
"""Parts of a pass at least, if there is that much to do, and partial sums of one at most."""

PARTIAL_SUMS = 2**22
"""Bytes of all partial sums together."""

CHANNELS = 256
"""Rows of a large weight's gradient that make one part."""


def patches_product(source: Patches, filters: NDArray[Any], out: NDArray[Any]) -> None:
    """Write ``patches @ filters``.

    Parameters
    ----------
    source : Patches, (P, K)
    filters, out : ndarray, (K, M), (P, M)
        Their rows may lie apart.
    """
    positions, width = source.shape
    size = min(_slice(width, out), max(worthwhile(filters.size), -(-positions // PARTS)))
    slices = cut(positions, max(SHORTEST, size))

    def multiply(part: int) -> None:
        first, last = slices[part]
        np.matmul(source.rows(first, last), filters, out=out[first:last])

    run_parts(multiply, len(slices), products=True)


def patches_gradient(
    grad: NDArray[Any], filters: list[NDArray[Any]], sources: list[Patches]
) -> None:
    """Take gradients of patches apart: add ``grad @ filters.T`` to what the patches are read from.

    Windows overlap, so a part is a number of whole images. Each image is first set to 0.

    Parameters
    ----------
    grad : ndarray, (P, groups * M)
    filters : list of ndarray, (K, M)
        One a group.
    sources : list of Patches, (P, K)
        One a group, all of the same images.
    """
    images, (positions, width) = sources[0].x, sources[0].shape
    one = positions // max(1, len(images))
    outputs = filters[0].shape[1]
    parts = cut(len(images), worthwhile(one * grad.shape[1] * width))

    def add(part: int) -> None:
        first, last = parts[part]
        images[first:last] = 0
        for group, source in enumerate(sources):
            channels = slice(group * outputs, (group + 1) * outputs)
            for start, stop in _slices(first * one, last * one, width, grad):
                columns = scratch("patches", (stop - start, width), grad.dtype)
                np.matmul(grad[start:stop, channels], filters[group].T, out=columns)
                scatter(columns, source, start)

    run_parts(add, len(parts), products=True)


def weight_gradient(source: Patches, grad: NDArray[Any], out: NDArray[Any]) -> None:
    """Write ``patches.T @ grad``.

    Parameters
    ----------
    source : Patches, (P, K)
    grad, out : ndarray, (P, M), (K, M)
        Their rows may lie apart.
    """
    nbytes = out.size * out.itemsize
    if 2 * nbytes <= PARTIAL_SUMS:
        _in_partial_sums(source, grad, out, min(PARTS, PARTIAL_SUMS // max(1, nbytes)))
    else:
        _by_tap(source, grad, out)


def _in_partial_sums(
    source: Patches, grad: NDArray[Any], out: NDArray[Any], most: int
) -> None:
    positions, width = source.shape
    parts = cut(positions, max(worthwhile(out.size), -(-positions // most)))
    partial = empty((len(parts), *out.shape), out.dtype)

    def add_up(part: int) -> None:
        for first, last in _slices(*parts[part], width, grad):
            new = first == parts[part][0]
            product = partial[part] if new else scratch("product", out.shape, out.dtype)
            np.matmul(source.rows(first, last).T, grad[first:last], out=product)
            if not new:
                partial[part] += product

    run_parts(add_up, len(parts), products=True)
    add_in_order(partial, out)


def _by_tap(source: Patches, grad: NDArray[Any], out: NDArray[Any]) -> None:
    """Without partial sums, of which each would be large: a part has rows of its own."""
    positions, width = source.shape
    channels = source.channels
    depth = channels.stop - channels.start
    parts = [(tap, *block) for tap in range(width // depth) for block in cut(depth, CHANNELS)]

    def add_up(part: int) -> None:
        tap, start, stop = parts[part]
        rows = out[tap * depth + start : tap * depth + stop]
        read = slice(channels.start + start, channels.start + stop)
        for first, last in _slices(0, positions, stop - start, grad):
            product = rows if first == 0 else scratch("product", rows.shape, rows.dtype)
            np.matmul(source.tap(first, last, tap, read).T, grad[first:last], out=product)
            if first:
                rows += product

    run_parts(add_up, len(parts), products=True)


def _slice(width: int, like: NDArray[Any]) -> int:
    return max(SHORTEST, SLICE // max(1, width * like.itemsize))


def _slices(first: int, last: int, width: int, like: NDArray[Any]) -> Iterator[tuple[int, int]]:
    for start, stop in cut(last - first, _slice(width, like)):
        yield first + start, first + stop
