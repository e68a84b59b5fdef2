"""Augmentation: what image i looks like in epoch e depends on the seed, e and i, nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref import checks

__all__ = ["Augmentation", "EpochAugmentation"]

STREAM = 1
"""The draws of an epoch come from the child (STREAM, epoch) of the seed: nothing else does, and
unlike a list of seed and epoch it is another child for every pair, however large the seed."""


@dataclass(frozen=True)
class Augmentation:
    """Pad, crop at random, mirror at random: on raw pixels, before they are normalized.

    Parameters
    ----------
    pad : int
        Rows and columns of raw 0 around an image, before the crop.
    crop : int, optional
        Height and width to cut out; without it those of the image.
    flip : bool
        Mirror left and right, each image with probability 1/2.

    Raises
    ------
    ValueError
        For a negative `pad`, a `crop` below 1, or a `flip` that is no boolean.
    """

    pad: int = 4
    crop: int | None = None
    flip: bool = True

    def __post_init__(self) -> None:
        checks.integer("pad", self.pad, 0, 1024)
        if self.crop is not None:
            checks.integer("crop", self.crop, 1)
        if not isinstance(self.flip, bool):
            raise ValueError(f"flip = {self.flip!r}: expected True or False")

    def epoch(
        self, seed: int, epoch: int, count: int, image_shape: tuple[int, int, int]
    ) -> EpochAugmentation:
        """Draw what every image of a data set looks like in an epoch.

        Parameters
        ----------
        seed, epoch : int
            Not negative.
        count : int
            Number of images; those that both of two counts have are drawn alike.
        image_shape : tuple of int
            Height, width, channels.

        Raises
        ------
        ValueError
            If `crop` is larger than the padded image, or a number is out of range.
        """
        seed, epoch = checks.integer("seed", seed, 0), checks.integer("epoch", epoch, 0)
        height, width = (length + 2 * self.pad for length in image_shape[:2])
        crop = image_shape[:2] if self.crop is None else (self.crop, self.crop)
        if crop[0] > height or crop[1] > width:
            raise ValueError(
                f"crop = {self.crop}: larger than images of {image_shape[:2]} padded by {self.pad}"
            )
        source = np.random.SeedSequence(seed, spawn_key=(STREAM, epoch))
        draws = np.random.default_rng(source).random((checks.integer("count", count, 0), 3))
        positions = [height - crop[0] + 1, width - crop[1] + 1, 2 if self.flip else 1]
        chosen = (draws * positions).astype(np.int64)  # rounded down
        return EpochAugmentation(self.pad, crop, chosen[:, 0], chosen[:, 1], chosen[:, 2] == 1)


@dataclass(frozen=True, eq=False)
class EpochAugmentation:
    """What was drawn for an epoch; any worker may ask for any images in any order.

    Attributes
    ----------
    pad : int
    crop : tuple of int
        Height and width of the result.
    rows, columns : ndarray of int64, (images,)
        Upper left corner of the crop in the padded image.
    mirrored : ndarray of bool, (images,)
    """

    pad: int
    crop: tuple[int, int]
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    mirrored: NDArray[np.bool_]

    def augment(self, images: NDArray[Any], indices: NDArray[Any] | slice) -> NDArray[Any]:
        """Return images as they look in this epoch.

        Parameters
        ----------
        images : ndarray, NHWC
            Raw pixels of any dtype; they are only moved, or replaced by 0.
        indices : ndarray of int, or slice
            Which images of the data set they are.

        Returns
        -------
        ndarray, NHWC
            New, of the dtype of `images`.

        Raises
        ------
        ValueError
            If there are not as many indices as images.
        """
        corners = self.rows[indices], self.columns[indices], self.mirrored[indices]
        count, height, width, channels = images.shape
        if len(corners[0]) != count:
            raise ValueError(f"indices has {len(corners[0])} entries: expected {count}")
        pad, (rows, columns) = self.pad, self.crop
        padded = np.zeros((count, height + 2 * pad, width + 2 * pad, channels), images.dtype)
        padded[:, pad : pad + height, pad : pad + width] = images
        result = np.empty((count, rows, columns, channels), images.dtype)
        moves = zip(*(corner.tolist() for corner in corners), strict=True)
        for new, old, (top, left, mirrored) in zip(result, padded, moves, strict=True):
            cut = old[top : top + rows, left : left + columns]
            new[:] = cut[:, ::-1] if mirrored else cut
        return result
