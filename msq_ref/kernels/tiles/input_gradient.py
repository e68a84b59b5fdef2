"""``dL/dx[b, r, t, c] = sum dL/dy[b, p, q, m] w[i, j, c, m]``, ``p s + i - pad = r`` [S11.1].

At stride s the rows r with the same remainder see the same taps, every s-th one: each such phase
is a correlation of dL/dy at stride 1 with these taps in reverse order. Columns likewise.
"""

from __future__ import annotations

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
        back = np.ascontiguousarray(_transposed(w))
        return correlate_winograd(grad_y, back, grad_x, 2 - padding)
    tile = support.tile()
    phases = [
        (_phase(w.shape[0], r, stride, padding), _phase(w.shape[1], t, stride, padding), (r, t))
        for r in range(min(stride, grad_x.shape[1]))
        for t in range(min(stride, grad_x.shape[2]))
    ]
    work = []
    for (rows, top), (columns, left), phase in phases:
        taps = _transposed(w[rows, columns])
        if taps.size:
            work.append((support.blocks(taps), (top, left), phase))
    if len(work) < len(phases):
        grad_x[:] = 0
    parts = support.image_parts(grad_y.shape[0], w[..., 0].size * grad_y[0].size)

    def run(part: int) -> None:
        for filters, origin, phase in work:
            direct.correlate(tile, grad_y, filters, grad_x, 1, origin, phase, stride, *parts[part])

    run_parts(run, len(parts))
    return True


def _phase(kernel: int, remainder: int, stride: int, padding: int) -> tuple[slice, int]:
    """Return the taps that positions ``remainder + stride u`` see, and the origin of the first."""
    begin = (remainder + padding) % stride
    taps = len(range(begin, kernel, stride))
    return slice(begin, None, stride), taps - 1 - (remainder + padding - begin) // stride


def _transposed(w: NDArray[Any]) -> NDArray[Any]:
    """Return filters in reverse order, from outputs to inputs."""
    return w[::-1, ::-1].transpose(0, 1, 3, 2)
