"""``dL/dx[b, r, t, c] = sum dL/dy[b, p, q, m] w[i, j, c, m]``, ``p s + i - pad = r`` [S11.1].

At stride s the rows r with the same remainder see the same taps, every s-th one: each such phase
is a correlation of dL/dy at stride 1 with these taps in reverse order. Columns likewise.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref.kernels.threads import run_parts
from msq_ref.kernels.tiles import direct, support
from msq_ref.kernels.tiles.forward import correlate_winograd

__all__ = ["input_gradient"]


def input_gradient(
    grad_y: NDArray[Any], w: NDArray[Any], grad_x: NDArray[Any], stride: int, padding: int
) -> bool:
    """Set `grad_x`, if tiles can; arguments and result as of `forward`."""
    if not support.suits(w, padding, grad_y, grad_x):
        return False
    if support.winograd(w, grad_x, stride, 2 - padding):
        back = np.ascontiguousarray(w[::-1, ::-1].transpose(0, 1, 3, 2))
        return correlate_winograd(grad_y, back, grad_x, 2 - padding)
    tile, phases = support.tile(), _phases(w.shape[:2], grad_x.shape[1:3], stride, padding)
    work = [
        (support.blocks_back(w, taps, begin, stride), origin, phase)
        for taps, begin, origin, phase in phases
    ]
    if len(work) < min(stride, grad_x.shape[1]) * min(stride, grad_x.shape[2]):
        grad_x[:] = 0
    parts = support.image_parts(grad_y.shape[0], w[..., 0].size * grad_y[0].size)

    def run(part: int) -> None:
        for filters, origin, phase in work:
            direct.correlate(tile, grad_y, filters, grad_x, 1, origin, phase, stride, *parts[part])

    run_parts(run, len(parts))
    return True


@functools.lru_cache(1024)
def _phases(
    kernel: tuple[int, int], grid: tuple[int, int], stride: int, padding: int
) -> list[tuple[tuple[int, int], ...]]:
    """Return number of taps, first tap, origin and phase, of the phases that see any tap."""
    rows = [_phase(kernel[0], r, stride, padding) for r in range(min(stride, grid[0]))]
    columns = [_phase(kernel[1], t, stride, padding) for t in range(min(stride, grid[1]))]
    return [
        ((down, across), (first, left), (top, side), (r, t))
        for r, (down, first, top) in enumerate(rows)
        for t, (across, left, side) in enumerate(columns)
        if down and across
    ]


def _phase(kernel: int, remainder: int, stride: int, padding: int) -> tuple[int, int, int]:
    """Return how many taps positions ``remainder + stride u`` see, the first one, its origin."""
    begin = (remainder + padding) % stride
    taps = len(range(begin, kernel, stride))
    return taps, begin, taps - 1 - (remainder + padding - begin) // stride
