"""Derivatives by differences, for functions whose steps are known."""

import numpy as np

STEP = 1e-5
"""Of one entry; functions with kinks are tried where none is so near."""


def central_differences(function, point, grad):
    """Differentiate ``sum(grad * function(point))`` by central differences, entry by entry."""
    result = np.empty_like(point)
    for index in np.ndindex(*point.shape):
        moved = [point.copy(), point.copy()]
        moved[0][index] += STEP
        moved[1][index] -= STEP
        ahead, behind = (float((grad * function(value)).sum()) for value in moved)
        result[index] = (ahead - behind) / (moved[0][index] - moved[1][index])
    return result
