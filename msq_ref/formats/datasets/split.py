"""One stratified split for every run."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["stratified_split"]

SPLIT_SEED = 0
"""Of the split, not of a run: every run sees the same images in each part."""


def stratified_split(
    labels: NDArray[np.int64], size: int, name: str
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Split the indices of `labels` in two, each class in its share to within one image.

    Parameters
    ----------
    labels : ndarray of int64
    size : int
        Number of indices to take out.
    name : str
        Of the data set, for the error.

    Returns
    -------
    rest, taken : ndarray of int, ascending

    Raises
    ------
    ValueError
        If a class has a single image, or a side would have fewer images than there are classes.
    """
    from sklearn.model_selection import train_test_split  # noqa: PLC0415  (heavy)

    counts = np.unique_counts(labels).counts
    if not size >= len(counts) <= len(labels) - size or counts.min() < 2:
        raise ValueError(
            f"data = {name!r}: {len(labels)} images of {len(counts)} classes, the smallest of "
            f"{counts.min() if len(counts) else 0}, are too few to set {size} of them aside"
        )
    rest, taken = train_test_split(
        np.arange(len(labels)), test_size=size, stratify=labels, random_state=SPLIT_SEED
    )
    return np.sort(rest), np.sort(taken)
