"""Batches of an epoch: in a seeded order, prepared beside the computation."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

from msq_ref.seeds import generator
from msq_ref.training.augmentation import Augmentation
from msq_ref.training.config import AugmentationConfig

__all__ = ["Arrays", "Augment", "Batch", "Source", "ahead", "epoch_batches", "epoch_order"]

Augment = Callable[[NDArray[Any], "NDArray[Any] | slice"], NDArray[Any]]
"""From images and their indices to images as they look in an epoch."""

Batch = tuple[NDArray[Any], NDArray[np.int64]]
"""Images, NHWC, and their labels."""

Value = TypeVar("Value")


class Source(Protocol):
    """Labelled images by index; `batch` is called from another thread."""

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels, before augmentation."""
        ...

    def __len__(self) -> int:
        """Return the number of images."""
        ...

    def batch(
        self, indices: NDArray[Any] | slice, augment: Augment | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return images, float32 NHWC, and labels; `augment` changes the images as stored."""
        ...


@dataclass(frozen=True, eq=False)
class Arrays:
    """Images and labels in memory.

    Parameters
    ----------
    images : ndarray of floats, NHWC
    labels : ndarray of int64, (images,)

    Raises
    ------
    ValueError
        If there are not as many labels as images, or the images are not NHWC.
    """

    images: NDArray[Any]
    labels: NDArray[np.int64]

    def __post_init__(self) -> None:
        if len(self.images) != len(self.labels):
            raise ValueError(
                f"images has {len(self.images)} entries, labels {len(self.labels)}: "
                f"expected as many"
            )
        if self.images.ndim != 4:
            raise ValueError(
                f"images has shape {self.images.shape}: expected (images, height, width, channels)"
            )

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels."""
        height, width, channels = self.images.shape[1:]
        return height, width, channels

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.labels)

    def batch(self, indices: NDArray[Any] | slice, augment: Augment | None = None) -> Batch:
        """Return images and labels by index."""
        images = self.images[indices]
        return images if augment is None else augment(images, indices), self.labels[indices]


def epoch_order(seed: int, epoch: int, count: int) -> NDArray[np.int64]:
    """Return the order of the images in an epoch: a permutation drawn from (seed, epoch)."""
    return generator("seed", seed, epoch).permutation(count)


def epoch_batches(
    source: Source, seed: int, epoch: int, size: int, augmentation: AugmentationConfig,
    dtype: DTypeLike,
) -> Callable[[int], Batch]:  # fmt: skip
    """Return what makes batch number i of an epoch: a function of its arguments and i alone.

    Parameters
    ----------
    source : Source
    seed, epoch : int
        Draw the order and the augmentation.
    size : int
        Images of a batch; the last one has what is left.
    augmentation : AugmentationConfig
    dtype : float32 or float64
        Of the images.
    """
    order = epoch_order(seed, epoch, len(source))
    augment: Augment | None = None
    if augmentation.pad or augmentation.flip:
        how = Augmentation(pad=augmentation.pad, flip=augmentation.flip)
        augment = how.epoch(seed, epoch, len(source), source.image_shape).augment

    def make(index: int) -> Batch:
        chosen = order[index * size : (index + 1) * size]
        images, labels = source.batch(chosen, augment)
        if len(images) != len(chosen) or len(labels) != len(chosen):
            raise ValueError(
                f"the source gave {len(images)} images and {len(labels)} labels for "
                f"{len(chosen)} indices"
            )
        return images.astype(dtype, copy=False), labels

    return make


@contextmanager
def ahead(
    make: Callable[[int], Value], first: int, last: int, count: int = 1
) -> Iterator[Iterator[Value]]:
    """Give ``make(first)``, ..., ``make(last - 1)``, the next ones being made by another thread.

    Parameters
    ----------
    make : callable
        Called in order, one call at a time; what it raises comes out where its value would. The
        context variables it sees are those of the caller.
    first, last : int
    count : int
        How many values may wait or be in the making beside the one in use; 0: no thread, each is
        made when asked for.

    Notes
    -----
    When the block is left, by an exception too, nothing more is made and the thread has ended.
    """
    if not count:
        yield map(make, range(first, last))
        return
    with ThreadPoolExecutor(1, thread_name_prefix="msq-ref-batches") as thread:
        waiting: deque[Future[Value]] = deque()
        numbers = iter(range(first, last))

        def order(how_many: int) -> None:
            for number in islice(numbers, how_many):
                waiting.append(thread.submit(copy_context().run, make, number))

        def values() -> Iterator[Value]:
            order(count)
            while waiting:
                order(1)
                yield waiting.popleft().result()

        try:
            yield values()
        finally:
            for future in waiting:
                future.cancel()
