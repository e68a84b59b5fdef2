"""Windows over images, plain and shifted, and the merging of patches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.nn.tokens import LinearMap

__all__ = ["PatchMerging", "WindowPartition", "WindowReverse", "Windowing"]

MASKED = -100.0
"""What hides a key from a query; the published networks' value, so that results agree."""


@dataclass(frozen=True)
class Windowing:
    """How a square image is cut into square windows.

    The image is padded with zeros below and to the right up to whole windows, and rolled up and
    to the left by the shift, so that windows straddle the plain ones' edges.

    Attributes
    ----------
    size, window : int
        Sides of the image and of a window, positive.
    shift : int
        In [0, window).

    Raises
    ------
    ValueError
        If one is out of range.
    """

    size: int
    window: int
    shift: int = 0

    def __post_init__(self) -> None:
        checks.integer("size", self.size, 1)
        checks.integer("window", self.window, 1)
        checks.integer("shift", self.shift, 0, self.window - 1)

    @property
    def rows(self) -> int:
        """Windows in a column of windows, and in a row."""
        return -(-self.size // self.window)

    def partition(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the windows as sequences, (batch * windows, window^2, channels)."""
        checks.same_shape("x", x.shape, (len(x), self.size, self.size, x.shape[-1]))
        extra = self.rows * self.window - self.size
        if extra:
            x = np.pad(x, ((0, 0), (0, extra), (0, extra), (0, 0)))
        if self.shift:
            x = np.roll(x, (-self.shift, -self.shift), axis=(1, 2))
        tiles = x.reshape(len(x), self.rows, self.window, self.rows, self.window, x.shape[-1])
        return tiles.swapaxes(2, 3).reshape(-1, self.window**2, x.shape[-1])

    def reverse(self, windows: NDArray[Any]) -> NDArray[Any]:
        """Return the images of windows, NHWC, without the padding."""
        batch, rest = divmod(len(windows), self.rows**2)
        channels, length = windows.shape[-1], self.rows * self.window
        if rest or windows.shape != (len(windows), self.window**2, channels):
            raise ValueError(
                f"x has shape {windows.shape}: expected (a multiple of {self.rows**2}, "
                f"{self.window**2}, channels)"
            )
        tiles = windows.reshape(batch, self.rows, self.rows, self.window, self.window, channels)
        x = tiles.swapaxes(2, 3).reshape(batch, length, length, channels)
        if self.shift:
            x = np.roll(x, (self.shift, self.shift), axis=(1, 2))
        return np.ascontiguousarray(x[:, : self.size, : self.size])

    def mask(self) -> NDArray[np.float64] | None:
        """Return what is added to the scores, (windows, window^2, window^2); None if 0.

        Rolling brings the upper and left edge into the windows below and to the right; tokens
        that were no neighbours before are hidden from each other. Padding is not hidden.
        """
        if not self.shift:
            return None
        at = np.arange(self.rows * self.window)
        region = (at >= len(at) - self.window).astype(np.int64) + (at >= len(at) - self.shift)
        # Not rolled: these are the regions of the image as rolled.
        unrolled = Windowing(len(at), self.window)
        regions = unrolled.partition((3 * region[:, None] + region)[None, :, :, None])[..., 0]
        return np.where(regions[:, :, None] == regions[:, None, :], 0.0, MASKED)


class WindowPartition(LinearMap):
    """NHWC to (batch * windows, window^2, channels), as `Windowing.partition`."""

    def __init__(self, windowing: Windowing) -> None:
        super().__init__()
        self.windowing = windowing

    def apply(self, x: NDArray[Any]) -> NDArray[Any]:  # noqa: D102
        return self.windowing.partition(x)

    def transpose(self, grad: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:  # noqa: D102
        return self.windowing.reverse(grad)


class WindowReverse(LinearMap):
    """(batch * windows, window^2, channels) to NHWC, as `Windowing.reverse`."""

    def __init__(self, windowing: Windowing) -> None:
        super().__init__()
        self.windowing = windowing

    def apply(self, x: NDArray[Any]) -> NDArray[Any]:  # noqa: D102
        return self.windowing.reverse(x)

    def transpose(self, grad: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:  # noqa: D102
        return self.windowing.partition(grad)


class PatchMerging(LinearMap):
    """Four neighbours' channels side by side: (batch, h, w, c) to (batch, h / 2, w / 2, 4 c).

    In the order upper left, lower left, upper right, lower right; odd sides are padded with a
    row or column of zeros.
    """

    def apply(self, x: NDArray[Any]) -> NDArray[Any]:  # noqa: D102
        batch, height, width, channels = x.shape
        if height % 2 or width % 2:
            x = np.pad(x, ((0, 0), (0, height % 2), (0, width % 2), (0, 0)))
        tiles = x.reshape(batch, (height + 1) // 2, 2, (width + 1) // 2, 2, channels)
        merged = tiles.transpose(0, 1, 3, 4, 2, 5)
        return merged.reshape(*merged.shape[:3], 4 * channels)

    def transpose(self, grad: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:  # noqa: D102
        batch, height, width, channels = shape
        rows, columns = grad.shape[1:3]
        tiles = grad.reshape(batch, rows, columns, 2, 2, channels).transpose(0, 1, 4, 2, 3, 5)
        x = tiles.reshape(batch, 2 * rows, 2 * columns, channels)
        return np.ascontiguousarray(x[:, :height, :width])
