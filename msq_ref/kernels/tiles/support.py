"""Which tile this processor gets, which convolutions go by tiles, and how they are cut."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, lru_cache
from typing import Any

import numpy as np
from llvmlite import binding
from numba.core import config
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.kernels.threads import cut
from msq_ref.kernels.tiles.lines import pack

__all__ = [
    "TILES", "blocks", "blocks_back", "contiguous", "image_parts", "suits", "tile", "use_tile",
    "winograd",
]  # fmt: skip

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
    return contiguous(w, *arrays) and padding < min(w.shape[:2]) and checks.all_finite(w)


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
    return _packed(w, w.shape, (0, 0), 1, False)


def blocks_back(
    w: NDArray[Any], kernel: tuple[int, int], begin: tuple[int, int], step: int
) -> NDArray[Any]:
    """Return every `step`-th tap from `begin` on, in reverse order, from outputs to channels.

    In blocks of channels, as `blocks`; `kernel` is the number of these taps in rows and columns.
    """
    return _packed(w, (*kernel, w.shape[3], w.shape[2]), begin, step, True)


def _packed(
    w: NDArray[Any], shape: tuple[int, ...], begin: tuple[int, int], step: int, back: bool
) -> NDArray[Any]:
    block = 64 // w.itemsize
    out = np.empty((-(-shape[3] // block), *shape[:3], block), w.dtype)
    pack(w, out, begin, step, back)
    return out


def image_parts(batch: int, products: int, most: int = 1 << 30) -> tuple[tuple[int, int], ...]:
    """Cut a batch of images of that many multiplications each: a matter of shapes only."""
    return _image_parts(batch, max(-(-WORK // products), -(-batch // most)))


@lru_cache(1024)
def _image_parts(batch: int, size: int) -> tuple[tuple[int, int], ...]:
    # Where positions lie along the batch, a tile takes 8 images.
    return tuple(cut(batch, size if size < 8 else -(-size // 8) * 8))
