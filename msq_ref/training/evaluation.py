"""How many images a network classifies right."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref.nn import Network
from msq_ref.training.batches import Arrays, Source

__all__ = ["accuracy", "accuracy_on"]


def accuracy(network: Network, images: NDArray[Any], labels: NDArray[np.int64]) -> float:
    """Return the fraction of images classified right; as `accuracy_on`, of arrays.

    Parameters
    ----------
    network : Network
        With its effective weights set.
    images : ndarray, NHWC
    labels : ndarray of int64, (images,), at least one
    """
    return accuracy_on(network, Arrays(images, labels))


def accuracy_on(network: Network, source: Source, batch_size: int = 256) -> float:
    """Return the fraction of images classified right, in inference mode, batch by batch.

    Parameters
    ----------
    network : Network
        With its effective weights set.
    source : Source
        At least one image; they are not augmented.
    batch_size : int
        Images at once.
    """
    right = 0
    for start in range(0, len(source), batch_size):
        images, labels = source.batch(slice(start, start + batch_size))
        right += int((network.logits(images).argmax(axis=1) == labels).sum())
    return right / len(source)
