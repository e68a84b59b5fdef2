"""``dL/dw[i, j, c, m] = sum_{b, p, q} x[b, p s + i - pad, q s + j - pad, c] dL/dy[b, p, q, m]``.

[S11.1]
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.kernels.threads import run_parts
from msq_ref.kernels.tiles import direct_gradient, support, winograd_gradient

__all__ = ["weight_gradient"]


def weight_gradient(
    grad_y: NDArray[Any], x: NDArray[Any], grad_w: NDArray[Any], stride: int, padding: int
) -> bool:
    """Set `grad_w`, if tiles can; arguments and result as of `forward`.

    Each part of the batch sums on its own; the sums are added in order. Parts depend on shapes
    only, so the bits do not depend on the number of threads.
    """
    if not support.contiguous(grad_y, x, grad_w) or padding >= min(grad_w.shape[:2]):
        return False
    tile, fast = support.tile(), support.winograd(grad_w, grad_y, stride, padding)
    products = grad_w[..., 0].size * grad_y[0].size
    parts = support.image_parts(x.shape[0], products, support.MOST_PARTS)
    alone = len(parts) == 1
    partial = grad_w[None] if alone else np.empty((len(parts), *grad_w.shape), grad_w.dtype)

    def work(part: int) -> None:
        if fast:
            winograd_gradient.filter_gradient(tile, x, grad_y, partial[part], padding, *parts[part])
        else:
            direct_gradient.filter_gradient(
                tile, x, grad_y, partial[part], stride, padding, *parts[part]
            )

    run_parts(work, len(parts))
    if not alone:
        np.sum(partial, axis=0, out=grad_w)
    return checks.all_finite(grad_w)
