"""Which tile this processor gets, which convolutions go by tiles, and how they are cut."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any

import numpy as np
from llvmlite import binding
from numba.core import config
from numpy.typing import NDArray

from msq_ref.kernels.threads import cut

__all__ = ["TILES", "blocks", "contiguous", "image_parts", "suits", "tile", "use_tile", "winograd"]

TILES: dict[str, tuple[None, ...]] = {"wide": (None,) * 8, "narrow": (None,) * 4, "plain": ()}
"""Rows of a tile: 8 for 32 registers of 64 bytes, 4 for what holds half of that, 0: no tiles."""

WORK = 1 << 24
"""Multiplications that are worth a part of their own: about 0.3 ms."""

LARGEST = 1 << 21
"""Weights of a layer that goes by Winograd's algorithm."""

MOST_PARTS = 8
"""Of a sum over images; each part holds a gradient of its own."""

_tile: ContextVar[str | None] = ContextVar("msq_ref_tile", default=None)


def tile() -> tuple[None, ...]:
    """Return the tile in force here; its type chooses the compiled kernel."""
    return TILES[_tile.get() or _best()]


@contextmanager
def use_tile(name: str) -> Iterator[None]:
    """Run the convolutions called inside with the tile of that name in `TILES`."""
    if name not in TILES:
        raise ValueError(f"name = {name!r}: expected one of {', '.join(TILES)}")
    token = _tile.set(name)
    try:
        yield
    finally:
        _tile.reset(token)


@cache
def _best() -> str:
    """Return the name of the tile for the processor that Numba compiles for."""
    if platform.machine().lower() in ("aarch64", "arm64"):
        return "narrow"  # all of these have NEON; not all say so
    if config.CPU_NAME or config.CPU_FEATURES is not None:
        features = {name[1:] for name in (config.CPU_FEATURES or "").split(",") if name[:1] == "+"}
    else:
        features = {name for name, there in binding.get_host_cpu_features().items() if there}
    if "avx512f" in features:
        return "wide"
    return "narrow" if {"avx2", "fma"} <= features else "plain"


def suits(w: NDArray[Any], padding: int, *arrays: NDArray[Any]) -> bool:
    """Tell whether a convolution without groups can go by tiles.

    Not where a position may see padding alone, and not where a weight is an infinity or a NaN:
    times the zeros of the padding that is NaN in the definition, and tiles skip padding.
    """
    return contiguous(w, *arrays) and padding < min(w.shape[:2]) and bool(np.isfinite(w).all())


def contiguous(*arrays: NDArray[Any]) -> bool:
    """Tell whether arrays lie in memory as tiles read them, and are not empty."""
    return all(array.flags.c_contiguous and array.size > 0 for array in arrays)


def winograd(w: NDArray[Any], result: NDArray[Any], stride: int, padding: int) -> bool:
    """Tell whether Winograd's algorithm pays for these filters and results, as measured.

    Not for few channels, for odd sizes so small that patches overhang by more than a third, and
    where the transformed filters are larger than caches.
    """
    rows, columns = result.shape[1:3]
    covered = 4 * ((rows + 1) // 2) * ((columns + 1) // 2)
    return (
        (*w.shape[:2], stride) == (3, 3, 1)
        and padding <= 2
        and min(w.shape[2:]) >= 8
        and w.size <= LARGEST
        and 3 * covered <= 4 * rows * columns
    )


def blocks(w: NDArray[Any]) -> NDArray[Any]:
    """Return filters (height, width, channels, outputs) in blocks of outputs, these first.

    The last block is filled up with 0.
    """
    block = 64 // w.itemsize
    count = -(-w.shape[3] // block)
    out = np.zeros((count, *w.shape[:3], block), w.dtype)
    for k in range(count):
        part = w[..., k * block : (k + 1) * block]
        out[k, ..., : part.shape[3]] = part
    return out


def image_parts(batch: int, products: int, most: int = 1 << 30) -> list[tuple[int, int]]:
    """Cut a batch of images of that many multiplications each: a matter of shapes only."""
    size = max(-(-WORK // products), -(-batch // most))
    # Where positions lie along the batch, a tile takes 8 images.
    return cut(batch, size if size < 8 else -(-size // 8) * 8)
