"""Traces of the layers' Hessians of a network [S5.4]."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref.hessian.estimate import TraceEstimate
from msq_ref.hessian.estimator import TraceEstimator
from msq_ref.hessian.hutchinson import Hutchinson
from msq_ref.hessian.hutchpp import HutchPP
from msq_ref.hessian.products import HessianProducts
from msq_ref.names import known_name
from msq_ref.nn import Network

__all__ = ["METHODS", "hutchinson_layers", "hutchpp_layers", "trace_estimator"]

METHODS = ("hutchinson", "hutchpp")
"""Names of the estimators."""


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
    """Estimate the trace of each layer's Hessian block by `Hutchinson` [S5.4].

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
        magnitude, by at least 16 samples; 0: never before `max_samples`.
    on_sample : callable
        Called with the number of products done, for progress.

    Returns
    -------
    dict of layer name to TraceEstimate

    Raises
    ------
    TypeError, ValueError
        As `HessianProducts`; also if `seed`, `max_samples` or `relative_error` is out of range.
    """
    run = trace_estimator(
        "hutchinson", network, images, labels,
        seed=seed, max_samples=max_samples, relative_error=relative_error,
    )  # fmt: skip
    return run.run(on_sample)


def hutchpp_layers(
    network: Network,
    images: NDArray[Any],
    labels: NDArray[np.int64],
    *,
    seed: int | Sequence[int],
    max_samples: int,
    relative_error: float = 0.0,
    on_sample: Callable[[int], None] = lambda sample: None,
) -> dict[str, TraceEstimate]:
    """Estimate the trace of each layer's Hessian block by `HutchPP` [S5.4].

    Parameters and errors are those of `hutchinson_layers`, but that `max_samples` products, at
    least 18, are for each layer.
    """
    run = trace_estimator(
        "hutchpp", network, images, labels,
        seed=seed, max_samples=max_samples, relative_error=relative_error,
    )  # fmt: skip
    return run.run(on_sample)


def trace_estimator(
    method: str,
    network: Network,
    images: NDArray[Any],
    labels: NDArray[np.int64],
    *,
    seed: int | Sequence[int],
    max_samples: int,
    relative_error: float = 0.0,
) -> TraceEstimator:
    """Return the estimator of that name on a network, no product spent yet.

    It runs the network forward, once; the network must not run again before it is done.

    Parameters
    ----------
    method : str
        ``hutchinson`` or ``hutchpp``.
    network, images, labels, seed, max_samples, relative_error
        As in `hutchinson_layers` and `hutchpp_layers`.
    """
    settings: dict[str, Any] = {
        "seed": seed, "max_samples": max_samples, "relative_error": relative_error
    }  # fmt: skip
    known_name("method", method, METHODS)
    shapes = {name: layer.weight.shape for name, layer in network.quantized_layers().items()}
    dtype = np.asarray(images).dtype
    run: TraceEstimator
    if method == "hutchinson":
        run = Hutchinson(lambda vectors: products(vectors), shapes, dtype, **settings)
    else:
        run = HutchPP(lambda name, vector: products.block(name, vector), shapes, dtype, **settings)
    # Last: what is wrong with the settings is said before any work.
    products = HessianProducts(network, images, labels)
    return run
