"""What a data set is made of: images with labels, kept as bytes, normalized on their way out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref import checks

__all__ = ["Dataset", "Normalization", "Part"]

Augment = Callable[[NDArray[Any], Any], NDArray[Any]]
"""From raw pixels and their indices to raw pixels."""


@dataclass(frozen=True)
class Normalization:
    """Mean and standard deviation of each channel, of pixels in [0, 1].

    Raises
    ------
    ValueError
        Unless both have a finite number a channel, those of `std` positive.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __post_init__(self) -> None:
        for value in self.mean:
            checks.real("mean", value)
        for value in self.std:
            checks.positive_scale("std", value, np.dtype(np.float32))
        if not self.mean or len(self.mean) != len(self.std):
            raise ValueError(f"std = {self.std}, mean = {self.mean}: expected a number a channel")


@dataclass(frozen=True, eq=False)
class Part:
    """Images with their labels; normalized float32 images exist only where they are asked for.

    Parameters
    ----------
    pixels : ndarray of uint8 or float32, NHWC
        As stored: uint8 stands for values / 255, float32 for itself.
    labels : ndarray of int64, (images,)
    normalization : Normalization, optional
        What a network is given is ``(x - mean) / std`` by channel, each operation rounded to
        float32; without it ``x``.
    """

    pixels: NDArray[np.uint8] | NDArray[np.float32]
    labels: NDArray[np.int64]
    normalization: Normalization | None = None

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.labels)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width, channels."""
        height, width, channels = self.pixels.shape[1:]
        return height, width, channels

    @property
    def images(self) -> NDArray[np.float32]:
        """All images, float32 NHWC, as `batch` gives them; made anew at each use, so take care."""
        return self.normalize(self.pixels)

    def batch(
        self, indices: NDArray[Any] | slice, augment: Augment | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return some images, ready for a network, and their labels.

        Parameters
        ----------
        indices : ndarray of int, or slice
        augment : callable, optional
            Changes the raw pixels before they are normalized; called with them and `indices`.

        Returns
        -------
        images : ndarray of float32, NHWC
        labels : ndarray of int64
        """
        pixels: NDArray[Any] = self.pixels[indices]
        if augment is not None:
            pixels = augment(pixels, indices)
        return self.normalize(pixels), self.labels[indices]

    def normalize(self, pixels: NDArray[Any]) -> NDArray[np.float32]:
        """Return raw pixels, NHWC, as the float32 values a network is given."""
        if self.normalization is None and pixels.dtype == np.float32:
            return pixels
        images = pixels.astype(np.float32, order="C")
        if pixels.dtype == np.uint8:
            images /= np.float32(255)
        if self.normalization is not None:
            # A whole row of pixels against a row of means: loops of 3 channels would be slow.
            width, channels = images.shape[2:]
            rows = images.reshape(-1, width * channels)
            rows -= np.tile(np.asarray(self.normalization.mean, np.float32), width)
            rows /= np.tile(np.asarray(self.normalization.std, np.float32), width)
        return images


@dataclass(frozen=True, eq=False)
class Dataset:
    """Three disjoint parts; the test part is for the last line of a report only.

    Attributes
    ----------
    name : str
    train, validation, test : Part
    classes : int
    class_names : tuple of str
        One a class, in the order of the labels.
    source : str
        Where it was read from.
    published : bool, optional
        Whether the bytes are those that were published; None where no hash says so.
    """

    name: str
    train: Part
    validation: Part
    test: Part
    classes: int
    class_names: tuple[str, ...]
    source: str
    published: bool | None = None

    def parts(self) -> dict[str, Part]:
        """Return the parts by name."""
        return {"train": self.train, "validation": self.validation, "test": self.test}
