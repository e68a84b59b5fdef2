"""Hutchinson's estimator for all layers at once [S5.4]."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from msq_ref.hessian.estimate import LEAST_SAMPLES, TraceEstimate, estimate, precise
from msq_ref.hessian.estimator import Shapes, TraceEstimator, quadratic, seed_generator, signs

__all__ = ["Hutchinson"]


class Hutchinson(TraceEstimator):
    """The mean of ``v_l' (H v)_l`` over Rademacher vectors v of all weights [S5.4].

    One product serves all layers: ``v_l' (H v)_l`` is unbiased for the trace of layer l, since
    products of different signs average to 0; the other layers add to its variance, which the
    standard error shows.

    Parameters
    ----------
    product : callable
        ``H v`` for all layers at once: a `HessianProducts`, or an explicit matrix.
    shapes, dtype, max_samples, relative_error
        As in `TraceEstimator`.
    seed : int or sequence of int
        Of the generator of the signs; not negative. The same seed gives the same bits.
    """

    def __init__(
        self,
        product: Callable[[Mapping[str, NDArray[Any]]], Mapping[str, NDArray[Any]]],
        shapes: Shapes,
        dtype: DTypeLike,
        *,
        seed: int | Sequence[int],
        max_samples: int,
        relative_error: float = 0.0,
    ) -> None:
        super().__init__(shapes, dtype, max_samples=max_samples, relative_error=relative_error)
        self._rng = seed_generator(seed)
        self._product = product
        self._seen: dict[str, list[float]] = {name: [] for name in self.shapes}
        self._spent = 0
        self._done = False
        self.limit = self.max_samples

    @property
    def spent(self) -> int:
        """Products, and so samples of every layer, so far."""
        return self._spent

    @property
    def done(self) -> bool:
        """Whether there are `max_samples`, or every layer is precise enough."""
        return self._done

    def advance(self) -> None:  # noqa: D102
        vectors = self._draw()
        for name, product in self._product(vectors).items():
            self._seen[name].append(quadratic(name, vectors[name], product))
        self._spent += 1
        self._done = self._is_done()

    def estimates(self) -> dict[str, TraceEstimate]:  # noqa: D102
        return {name: self._estimate(values) for name, values in self._seen.items()}

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the samples of each layer."""
        return {name: np.array(values, np.float64) for name, values in self._seen.items()}

    def load_arrays(self, arrays: Mapping[str, NDArray[Any]]) -> None:  # noqa: D102
        counts = {array.size for array in arrays.values()}
        if arrays.keys() != self.shapes.keys() or len(counts) > 1:
            raise ValueError("the samples are not those of these layers")
        self._spent = counts.pop() if counts else 0
        if self._spent > self.limit:
            raise ValueError(f"there are {self._spent} samples: expected at most {self.limit}")
        self._seen = {name: arrays[name].ravel().tolist() for name in self.shapes}
        self._done = self._is_done()
        for _ in range(self._spent):
            self._draw()  # the generator goes on behind the signs that were used

    def _is_done(self) -> bool:
        if self._spent >= self.limit:
            return True
        if not self.relative_error or self._spent < LEAST_SAMPLES:
            return False
        return all(
            precise(self._estimate(values), self.relative_error) for values in self._seen.values()
        )

    def _estimate(self, values: list[float]) -> TraceEstimate:
        return estimate(values, self._spent, self.dtype)

    def _draw(self) -> dict[str, NDArray[Any]]:
        return {name: signs(self._rng, shape, self.dtype) for name, shape in self.shapes.items()}
