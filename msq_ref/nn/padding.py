"""Zeros around images, for convolutions that are not padded alike on all sides."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.nn.layer import Layer

__all__ = ["ZeroPad2d"]


class ZeroPad2d(Layer):
    """Rows and columns of zeros around NHWC images.

    Parameters
    ----------
    sides : ((int, int), (int, int))
        Rows above and below, columns left and right; not negative.
    backend : module
    """

    def __init__(
        self, sides: tuple[tuple[int, int], tuple[int, int]], *, backend: ModuleType
    ) -> None:
        super().__init__(backend)
        self.sides = checks.padding_sides(sides)

    def forward(self, x: NDArray[Any], training: bool = False) -> NDArray[Any]:  # noqa: D102
        self.keep(training, x)
        return np.asarray(self.backend.zero_pad(x, self.sides))

    def backward(self, grad: NDArray[Any]) -> NDArray[Any]:  # noqa: D102
        (x,) = self.recall()
        return np.asarray(self.backend.zero_pad_backward(grad, x, self.sides))

    def forward_tangent(self, x_dot: NDArray[Any] | None) -> NDArray[Any] | None:  # noqa: D102
        self.inference()
        return None if x_dot is None else self.backend.zero_pad(x_dot, self.sides)

    def backward_tangent(self, grad_dot: NDArray[Any]) -> NDArray[Any]:  # noqa: D102
        self.inference()
        return self.backward(grad_dot)
