"""Zeros around images, as many as wanted on each side."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref import checks

__all__ = ["zero_pad", "zero_pad_backward"]

Sides = tuple[tuple[int, int], tuple[int, int]]


def zero_pad(x: NDArray[Any], sides: Sides) -> NDArray[Any]:
    """Put rows and columns of zeros around images.

    Parameters
    ----------
    x : ndarray, float32 or float64, (batch, height, width, channels)
    sides : ((int, int), (int, int))
        Rows above and below, columns left and right; not negative.

    Returns
    -------
    ndarray, (batch, above + height + below, left + width + right, channels)

    Raises
    ------
    TypeError, ValueError
        If `x` is not float or not 4-dimensional, or `sides` is not as above.

    Notes
    -----
    [S11.1] pads convolutions alike on all sides; this is for networks that do not.
    """
    x, (rows, columns) = checks.pad_arguments(x, sides)
    return np.pad(x, ((0, 0), rows, columns, (0, 0)))


def zero_pad_backward(grad_y: NDArray[Any], x: NDArray[Any], sides: Sides) -> NDArray[Any]:
    """Return the gradient of `zero_pad`: that of what is not padding.

    Parameters
    ----------
    grad_y : ndarray
        Gradient of the result of ``zero_pad(x, sides)``, its shape and dtype.

    Raises
    ------
    TypeError, ValueError
        As `zero_pad`; also if `grad_y` has not the shape and dtype of its result.
    """
    x, (rows, columns) = checks.pad_arguments(x, sides)
    batch, height, width, channels = x.shape
    padded = (batch, height + sum(rows), width + sum(columns), channels)
    grad_y = checks.layer_gradient(grad_y, padded, x)
    inner = grad_y[:, rows[0] : rows[0] + height, columns[0] : columns[0] + width]
    return np.array(inner, order="C")
