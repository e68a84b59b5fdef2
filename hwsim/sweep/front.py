"""The Pareto front: the points that no other one beats."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["pareto_front"]


def pareto_front(values: ArrayLike) -> NDArray[np.bool_]:
    """Return which points no other point dominates; smaller is better in every column.

    Parameters
    ----------
    values : array_like of real numbers, (n, d)
        A point a row; d at least 1, n may be 0.

    Returns
    -------
    ndarray of bool, (n,)

    Raises
    ------
    ValueError
        If it is not a table of that shape.
    TypeError
        If the values are not real numbers.

    Notes
    -----
    a dominates b if ``all(a <= b) and any(a < b)``. So equal points do not dominate each other: all
    of them are on the front, or none. A point with a NaN cannot be compared: it is not on the
    front and dominates nothing. Infinities are numbers like others.

    Examples
    --------
    >>> pareto_front([[1, 4], [2, 2], [2, 3], [4, 1]]).tolist()
    [True, True, False, True]
    """
    table = np.asarray(values)
    if table.ndim != 2 or table.shape[1] < 1:
        raise ValueError(f"values of shape {table.shape}: expected (points, 1 or more columns)")
    if table.dtype.kind not in "biuf":
        raise TypeError(f"values of dtype {table.dtype}: expected real numbers")
    table = table.astype(np.float64)  # integers above 2^53 would be compared as their nearest
    known = ~np.isnan(table).any(axis=1)
    points, place = np.unique(table[known], axis=0, return_inverse=True)
    front = np.zeros(len(table), np.bool_)
    front[known] = _distinct(points)[place.reshape(-1)]
    return front


def _distinct(points: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return the same for points that differ and are in lexicographic order.

    A point can then be dominated by an earlier one only.
    """
    front = np.zeros(len(points), np.bool_)
    if points.shape[1] <= 2:
        last = np.minimum.accumulate(points[:, -1])
        front[:1] = True
        front[1:] = last[1:] < last[:-1] if points.shape[1] == 2 else False
        return front
    left = np.arange(len(points))
    while len(left):
        front[left[0]] = True
        left = left[(points[left] < points[left[0]]).any(axis=1)]
    return front
