"""Parameters that one call of an update takes: a large one alone, small ones together.

An update is elementwise, so that the bits are the same; a call costs more than a small update.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref import checks

__all__ = ["SMALL", "Together", "together"]

Named = Mapping[str, NDArray[Any]]

SMALL = 2**15
"""Values of a parameter that goes with others: to copy it takes some microseconds."""


class Together:
    """Parameters of one dtype and one decay, and their moments side by side, 0 at first.

    Parameters
    ----------
    parameters : mapping of str to ndarray
        One, or several that are copied to one row and back.
    decay : float
    moments : int
        Number of moments of each.

    Attributes
    ----------
    moments : list of dict of str to ndarray
        By parameter, of its shape.
    """

    def __init__(self, parameters: Named, decay: float, moments: int) -> None:
        self.parameters, self.decay = dict(parameters), decay
        arrays = list(parameters.values())
        count, kind = sum(array.size for array in arrays), arrays[0].dtype
        self._rows = [np.zeros(count, kind) for _ in range(moments)]
        self.moments = [self._apart(row) for row in self._rows]
        self._values, self._gradients = np.empty((2, count if len(arrays) > 1 else 0), kind)

    def update(self, gradients: Named, run: Callable[..., object]) -> list[str]:
        """Call ``run(value, gradient, *moments)``; return the parameters that are not finite.

        Parameters
        ----------
        gradients : mapping of str to ndarray
        run : callable
            Updates value and moments in place, and tells whether all of them are finite.

        Raises
        ------
        TypeError, ValueError
            If a gradient has another dtype or shape than its parameter.
        """
        if len(self.parameters) == 1:
            ((name, value),) = self.parameters.items()
            moments = [named[name] for named in self.moments]
            return [] if run(value, gradients[name], *moments) else [name]
        for name, value in self.parameters.items():
            checks.same_shape("grad", gradients[name].shape, value.shape)
            checks.same_dtype("grad", gradients[name].dtype, value.dtype)
        _gather(self.parameters.values(), self._values)
        _gather([gradients[name] for name in self.parameters], self._gradients)
        finite = run(self._values, self._gradients, *self._rows)
        for name, updated in self._apart(self._values).items():
            np.copyto(self.parameters[name], updated)
        if finite:
            return []
        state = [self.parameters, *self.moments]
        return [
            name for name in self.parameters
            if not all(checks.all_finite(arrays[name]) for arrays in state)
        ]  # fmt: skip

    def _apart(self, row: NDArray[Any]) -> dict[str, NDArray[Any]]:
        views, first = {}, 0
        for name, value in self.parameters.items():
            views[name] = row[first : first + value.size].reshape(value.shape)
            first += value.size
        return views


def together(
    parameters: Named, decay: Mapping[str, float], moments: int
) -> list[Together]:
    """Sort parameters into those that go together."""
    groups: dict[tuple[Any, ...], dict[str, NDArray[Any]]] = {}
    for name, value in parameters.items():
        key = (value.dtype, decay[name]) if value.size <= SMALL else (name,)
        groups.setdefault(key, {})[name] = value
    return [Together(group, decay[next(iter(group))], moments) for group in groups.values()]


def _gather(arrays: Any, row: NDArray[Any]) -> None:  # noqa: ANN401
    np.concatenate([array.reshape(-1) for array in arrays], out=row)
