"""Data sets by name, split once and for all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref.names import known_name

__all__ = ["Dataset", "Part", "dataset_names", "load_dataset"]

SPLIT_SEED = 0
"""Of the split, not of a run: every run sees the same test images."""


@dataclass(frozen=True)
class Part:
    """Images, float32 NHWC, with their labels, int64."""

    images: NDArray[np.float32]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.labels)


@dataclass(frozen=True)
class Dataset:
    """Three disjoint parts; the test part is for the last line of a report only."""

    name: str
    train: Part
    validation: Part
    test: Part
    classes: int


def dataset_names() -> list[str]:
    """Return the names `load_dataset` knows."""
    return sorted(_READERS)


def load_dataset(name: str) -> Dataset:
    """Read a data set, checked, in its fixed stratified split.

    Raises
    ------
    ValueError
        If the name is unknown, or the data are not what they should be.
    """
    known_name("data", name, dataset_names())
    return _READERS[name]()


def _digits() -> Dataset:
    """scikit-learn's bundled 1,797 handwritten digits, 8x8, values 0 to 16 scaled to [0, 1].

    1,167 train, 180 validate, 450 test.
    """
    from sklearn.datasets import load_digits  # noqa: PLC0415  (a heavy import, wanted only here)
    from sklearn.model_selection import train_test_split  # noqa: PLC0415

    bunch = load_digits()
    images = (bunch.images[..., None] / 16).astype(np.float32)
    labels = bunch.target.astype(np.int64)
    _check("digits", images, labels, classes=10)

    def split(part: Part, size: int) -> tuple[Part, Part]:
        rest, taken = train_test_split(
            np.arange(len(part)), test_size=size, stratify=part.labels, random_state=SPLIT_SEED
        )
        return _take(part, rest), _take(part, taken)

    rest, test = split(Part(images, labels), 450)
    train, validation = split(rest, 180)
    return Dataset("digits", train, validation, test, classes=10)


def _take(part: Part, indices: NDArray[Any]) -> Part:
    order = np.sort(indices)
    return Part(part.images[order], part.labels[order])


def _check(name: str, images: NDArray[Any], labels: NDArray[Any], classes: int) -> None:
    if len(images) != len(labels) or images.ndim != 4:
        raise ValueError(f"data = {name!r}: {images.shape} images with {labels.shape} labels")
    if labels.min() < 0 or labels.max() >= classes or not np.isfinite(images).all():
        raise ValueError(f"data = {name!r}: labels outside 0..{classes - 1} or non-finite pixels")


_READERS: dict[str, Callable[[], Dataset]] = {"digits": _digits}
