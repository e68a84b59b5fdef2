"""Hutch++: the large eigenvalues added up, the rest estimated [S5.4]."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray
from threadpoolctl import ThreadpoolController

from msq_ref import checks
from msq_ref.hessian.estimate import LEAST_SAMPLES, TraceEstimate, estimate, precise
from msq_ref.hessian.estimator import Shapes, TraceEstimator, quadratic, seed_generator, signs

__all__ = ["LEAST_PRODUCTS", "HutchPP", "sketch_size"]

LEAST_PRODUCTS = LEAST_SAMPLES + 2
"""A sketch of one column, and enough samples for an honest interval."""


def sketch_size(products: int) -> int:
    """Return how many columns the sketch has when there are that many products a layer.

    A third, as Meyer et al. (2021) take: a third for the sketch, one for the trace on its span,
    one for the remainder; fewer where the remainder would have less than `LEAST_SAMPLES` samples.
    """
    return min(products // 3, (products - LEAST_SAMPLES) // 2)


class HutchPP(TraceEstimator):
    """Meyer, Musco, Musco and Woodruff (2021), a layer after the other [S5.4].

    With S of Rademacher columns and Q an orthonormal basis of ``H S``,

    ``Tr(H) = Tr(Q' H Q) + Tr((I - Q Q') H (I - Q Q'))``:

    the first term is added up, the second estimated as Hutchinson does; its samples give the
    standard error. Where eigenvalues decay, little is left to estimate. It needs the products of
    one layer's block alone, so that the cost is `max_samples` products for *each* layer where
    `Hutchinson` spends as many for all of them.

    A layer of at most `max_samples` weights is added up: ``samples`` is 0.

    Parameters
    ----------
    product : callable
        From a layer's name and a vector to ``H_ll v``: `HessianProducts.block`, or an explicit
        matrix.
    shapes, dtype, relative_error
        As in `TraceEstimator`; each layer stops by itself.
    max_samples : int
        Products for each layer, at least 18.
    seed : int or sequence of int
        Not negative. Each layer has a generator of its own, seeded with its number too.
    """

    def __init__(
        self,
        product: Callable[[str, NDArray[Any]], NDArray[Any]],
        shapes: Shapes,
        dtype: DTypeLike,
        *,
        seed: int | Sequence[int],
        max_samples: int,
        relative_error: float = 0.0,
    ) -> None:
        super().__init__(shapes, dtype, max_samples=max_samples, relative_error=relative_error)
        checks.integer("max_samples", max_samples, LEAST_PRODUCTS)
        self._layers = {
            name: _Block(self, product, name, seed_generator(seed, number))
            for number, name in enumerate(self.shapes)
        }
        self.limit = sum(layer.limit for layer in self._layers.values())

    @property
    def spent(self) -> int:
        """Products so far, over all layers."""
        return sum(layer.spent for layer in self._layers.values())

    @property
    def done(self) -> bool:
        """Whether every layer is."""
        return self._next() is None

    def advance(self) -> None:  # noqa: D102
        layer = self._next()
        if layer is not None:
            layer.advance()

    def estimates(self) -> dict[str, TraceEstimate]:  # noqa: D102
        return {name: layer.estimate() for name, layer in self._layers.items()}

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return each layer's sums and samples, and the sketch of the one in progress."""
        return {
            f"{name}/{part}": array
            for name, layer in self._layers.items()
            for part, array in layer.arrays().items()
        }

    def load_arrays(self, arrays: Mapping[str, NDArray[Any]]) -> None:  # noqa: D102
        expected = {f"{name}/{part}" for name in self._layers for part in _Block.PARTS}
        if arrays.keys() != expected:
            raise ValueError("the samples are not those of these layers")
        for name, layer in self._layers.items():
            layer.load({part: arrays[f"{name}/{part}"] for part in _Block.PARTS})

    def _next(self) -> _Block | None:
        return next((layer for layer in self._layers.values() if not layer.done), None)


class _Block:
    """One layer: columns of the sketch, then sums over its basis, then samples of the rest."""

    PARTS = ("sketch", "sums", "samples")

    def __init__(
        self,
        of: HutchPP,
        product: Callable[[str, NDArray[Any]], NDArray[Any]],
        name: str,
        rng: np.random.Generator,
    ) -> None:
        self._product, self._name, self._rng = product, name, rng
        self._shape, self._dtype = of.shapes[name], of.dtype
        self._relative_error = of.relative_error
        size = int(np.prod(self._shape))
        self._whole = size <= of.max_samples
        self._columns = 0 if self._whole else sketch_size(of.max_samples)
        self._basis_size = size if self._whole else self._columns
        self._rest = 0 if self._whole else of.max_samples - 2 * self._columns
        self.limit = self._columns + self._basis_size + self._rest
        self._sketch: list[NDArray[Any]] = []
        self._basis: NDArray[Any] | None = None
        self._sums: list[float] = []
        self._samples: list[float] = []
        self.done = False

    @property
    def spent(self) -> int:
        # The sketch is given up once the layer is done.
        columns = self._columns if self._sums else len(self._sketch)
        return columns + len(self._sums) + len(self._samples)

    def _is_done(self) -> bool:
        if self.spent >= self.limit:
            return True
        if not self._relative_error or len(self._samples) < LEAST_SAMPLES:
            return False
        return precise(self.estimate(), self._relative_error)

    def advance(self) -> None:
        if len(self._sketch) < self._columns:
            self._sketch.append(self._times(self._signs()).flatten())
        elif len(self._sums) < self._basis_size:
            self._sums.append(self._along(self._axis(len(self._sums))))
        else:
            v = self._signs().astype(np.float64).ravel()
            basis = self._orthonormal()
            # By einsum: BLAS might divide these sums by its number of threads.
            inside = np.einsum("ns,s->n", basis, np.einsum("ns,n->s", basis, v))
            self._samples.append(self._along((v - inside).reshape(self._shape)))
        self.done = self._is_done()
        if self.done:
            self._sketch, self._basis = [], None

    def estimate(self) -> TraceEstimate:
        return estimate(self._samples, self.spent, self._dtype, self._sums)

    def arrays(self) -> dict[str, NDArray[Any]]:
        size = int(np.prod(self._shape))
        sketch = np.array(self._sketch, self._dtype).reshape(len(self._sketch), size)
        return {"sketch": sketch, "sums": np.array(self._sums), "samples": np.array(self._samples)}

    def load(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        self._sketch, self._basis = list(arrays["sketch"]), None
        self._sums, self._samples = arrays["sums"].tolist(), arrays["samples"].tolist()
        drawn = self._columns if self._sums else len(self._sketch)
        self.done = self._is_done()
        fits = len(self._sums) <= self._basis_size and len(self._samples) <= self._rest
        if not fits or (not self.done and len(self._sketch) != drawn):
            raise ValueError(f"the samples of {self._name} are not those of these settings")
        for _ in range(drawn + len(self._samples)):
            self._signs()  # the generator goes on behind the signs that were used

    def _signs(self) -> NDArray[Any]:
        return signs(self._rng, self._shape, self._dtype)

    def _times(self, vector: NDArray[Any]) -> NDArray[Any]:
        return self._product(self._name, vector)

    def _along(self, vector: NDArray[Any]) -> float:
        """Return ``v' H v``, v rounded to the dtype of the products first."""
        rounded = vector.astype(self._dtype)
        return quadratic(self._name, rounded, self._times(rounded))

    def _axis(self, index: int) -> NDArray[Any]:
        if not self._whole:
            return self._orthonormal()[:, index].reshape(self._shape)
        unit = np.zeros(self._shape)
        unit.flat[index] = 1
        return unit

    def _orthonormal(self) -> NDArray[Any]:
        """Return the basis of the sketch's columns, float64."""
        if self._basis is None:
            columns = np.array(self._sketch, np.float64).T
            with _blas().limit(limits=1):
                self._basis = np.linalg.qr(columns).Q
        return self._basis


@functools.cache
def _blas() -> ThreadpoolController:
    """Return what sets the number of BLAS threads; looking for the libraries takes a while."""
    return ThreadpoolController()
