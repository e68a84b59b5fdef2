"""Traces of the layers' Hessians: Hutchinson's estimator and the oracle [S5.4]."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.hessian.products import HessianProducts
from msq_ref.nn import Network
from msq_ref.reference.sums import ordered_sum

__all__ = ["TraceEstimate", "exact_traces", "hutchinson_layers"]


@dataclass(frozen=True)
class TraceEstimate:
    """A trace with the standard error of its estimate over a number of samples [S5.4]."""

    trace: float
    """Mean of ``v' H v`` over the samples."""
    standard_error: float
    """Standard deviation of the samples, unbiased variance, over the root of their number."""
    samples: int


def hutchinson_layers(
    network: Network,
    images: NDArray[Any],
    labels: NDArray[np.int64],
    *,
    seed: int | Sequence[int],
    max_samples: int,
    relative_error: float = 0.0,
    on_sample: Callable[[int], None] = lambda sample: None,
) -> dict[str, TraceEstimate]:
    """Estimate the trace of each layer's Hessian block: the mean of ``v' H v`` [S5.4].

    One product serves all layers: v is Rademacher over all weights at once, and ``v_l' (H v)_l``
    is unbiased for the trace of layer l, since products of different signs average to 0; the
    other layers add to its variance, which the standard error shows.

    Parameters
    ----------
    network, images, labels
        As in `HessianProducts`.
    seed : int or sequence of int
        Of the generator of the signs; not negative. The same seed gives the same bits.
    max_samples : int
        At most this many products, at least 2.
    relative_error : float
        Stop as soon as every layer's standard error is at most this share of its trace's
        magnitude; 0: never before `max_samples`. An estimate of an estimate: few samples may
        agree by chance, and the intervals of runs that stopped early are too narrow.
    on_sample : callable
        Called with the number of samples done, for progress.

    Returns
    -------
    dict of layer name to TraceEstimate

    Raises
    ------
    TypeError, ValueError
        As `HessianProducts`; also if `seed`, `max_samples` or `relative_error` is out of range.
    """
    limit = checks.integer("max_samples", max_samples, 2)
    wanted = checks.real("relative_error", relative_error, 0)
    for part in seed if isinstance(seed, Sequence) else [seed]:
        checks.integer("seed", part, 0)
    rng = np.random.default_rng(seed)
    products = HessianProducts(network, images, labels)
    seen: dict[str, list[float]] = {name: [] for name in products.shapes()}
    for sample in range(1, limit + 1):
        vectors = {
            name: (2 * rng.integers(0, 2, shape) - 1).astype(products.dtype)
            for name, shape in products.shapes().items()
        }
        for name, product in products(vectors).items():
            seen[name].append(ordered_sum(vectors[name].astype(np.float64) * product))
        on_sample(sample)
        if wanted and sample > 1 and all(_precise(values, wanted) for values in seen.values()):
            break
    return {name: _estimate(values) for name, values in seen.items()}


def exact_traces(
    network: Network, images: NDArray[Any], labels: NDArray[np.int64]
) -> dict[str, float]:
    """Return the trace of each layer's block by products with unit vectors: the oracle [S5.4].

    As many products as there are weights: for networks of a few hundred.

    Parameters
    ----------
    network, images, labels
        As in `HessianProducts`.

    Returns
    -------
    dict of layer name to float
        The diagonal added in float64 in the order of [S0.5].
    """
    products = HessianProducts(network, images, labels)
    traces = {}
    for name, shape in products.shapes().items():
        diagonal = []
        for index in np.ndindex(*shape):
            unit = np.zeros(shape, products.dtype)
            unit[index] = 1
            diagonal.append(float(products({name: unit})[name][index]))
        traces[name] = ordered_sum(np.array(diagonal))
    return traces


def _estimate(values: list[float]) -> TraceEstimate:
    seen, count = np.array(values), len(values)
    mean = ordered_sum(seen) / count
    variance = ordered_sum((seen - mean) ** 2) / (count - 1)
    return TraceEstimate(mean, math.sqrt(variance / count), count)


def _precise(values: list[float], relative_error: float) -> bool:
    estimate = _estimate(values)
    return estimate.standard_error <= relative_error * abs(estimate.trace)
