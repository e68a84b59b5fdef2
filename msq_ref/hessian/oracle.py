"""Traces by products with unit vectors: the oracle [S5.4]."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref.hessian.products import HessianProducts
from msq_ref.nn import Network
from msq_ref.reference.sums import ordered_sum

__all__ = ["exact_traces"]


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
            diagonal.append(float(products.block(name, unit)[index]))
        traces[name] = ordered_sum(np.array(diagonal))
    return traces
