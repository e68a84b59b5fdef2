"""What the estimators of traces have in common: products one by one, and a state to resume from."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from msq_ref import checks
from msq_ref.hessian.estimate import TraceEstimate
from msq_ref.reference.sums import ordered_sum
from msq_ref.seeds import generator

__all__ = ["Shapes", "TraceEstimator", "quadratic", "seed_generator", "signs"]

Shapes = Mapping[str, tuple[int, ...]]
"""Of each layer's weight."""


class TraceEstimator:
    """Estimates of the traces of several layers' Hessian blocks, a product at a time.

    Parameters
    ----------
    shapes : mapping of layer name to shape
    dtype : float32 or float64
        Of the vectors.
    max_samples : int
    relative_error : float
        Stop where every layer's standard error is at most this share of its trace's magnitude, by
        at least `LEAST_SAMPLES` samples; 0: only at `max_samples`.

    Attributes
    ----------
    limit : int
        At most this many products.
    spent : int
        Products so far.

    Raises
    ------
    TypeError, ValueError
        If a number is out of range.
    """

    limit: int

    def __init__(
        self, shapes: Shapes, dtype: DTypeLike, *, max_samples: int, relative_error: float
    ) -> None:
        self.shapes = dict(shapes)
        self.dtype = np.dtype(dtype)
        self.max_samples = checks.integer("max_samples", max_samples, 2)
        self.relative_error = checks.real("relative_error", relative_error, 0)

    @property
    def spent(self) -> int:
        """Products so far."""
        raise NotImplementedError

    @property
    def done(self) -> bool:
        """Whether the stopping rule holds; a matter of the samples alone."""
        raise NotImplementedError

    def advance(self) -> None:
        """Spend one product."""
        raise NotImplementedError

    def estimates(self) -> dict[str, TraceEstimate]:
        """Return the estimates of a run that is done."""
        raise NotImplementedError

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return all that decides the rest of the run: what the products have given so far."""
        raise NotImplementedError

    def load_arrays(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take up what `arrays` returned: the run goes on to the same bits.

        Raises
        ------
        ValueError
            If the arrays are not those of a run with these settings.
        """
        raise NotImplementedError

    def steps(self) -> Iterator[int]:
        """Go on until `done`; yields the number of products after each."""
        while not self.done:
            self.advance()
            yield self.spent

    def run(
        self, on_product: Callable[[int], None] = lambda done: None
    ) -> dict[str, TraceEstimate]:
        """Go on until `done` and return the estimates; `on_product` is for progress."""
        for done in self.steps():
            on_product(done)
        return self.estimates()


def signs(rng: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Draw a Rademacher vector: -1 and 1, equally likely."""
    return (2 * rng.integers(0, 2, shape) - 1).astype(dtype)


def quadratic(name: str, vector: NDArray[Any], product: NDArray[Any]) -> float:
    """Return ``v' H v`` from v and ``H v``; ``ValueError`` naming the layer if it is not finite."""
    value = ordered_sum(vector.astype(np.float64) * product)
    if not math.isfinite(value):
        raise ValueError(f"the Hessian of {name} is not finite: v' H v = {value}")
    return value


def seed_generator(seed: int | Sequence[int], *more: int) -> np.random.Generator:
    """Return the generator of a seed and further numbers; ``ValueError`` if one is negative."""
    return generator("seed", *(seed if isinstance(seed, Sequence) else [seed]), *more)
