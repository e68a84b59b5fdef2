"""Layers without parameters: rectification, pooling, subsampling, flattening."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.nn.layer import Layer

__all__ = ["AvgPool2d", "Flatten", "GlobalAvgPool", "MaxPool2d", "PadShortcut", "ReLU"]


class _PiecewiseLinear(Layer):
    """Linear around almost every input: the tangent is the same map, its second derivative 0."""

    def backward_tangent(self, grad_dot: NDArray[Any]) -> NDArray[Any]:
        self.inference()
        return self.backward(grad_dot)


class ReLU(_PiecewiseLinear):
    """``max(x, 0)``, derivative 0 at 0 [S5.2]."""

    def forward(self, x: NDArray[Any], training: bool = False) -> NDArray[Any]:  # noqa: D102
        y = np.asarray(self.backend.relu(x))
        # Where y > 0, x > 0: the output serves as well, and the next layer keeps it anyway.
        self.keep(training, y)
        return y

    def backward(self, grad: NDArray[Any]) -> NDArray[Any]:  # noqa: D102
        (y,) = self.recall()  # None where the layer before it sees to the gradient
        return grad if y is None else np.asarray(self.backend.relu_backward(grad, y))

    def forward_tangent(self, x_dot: NDArray[Any] | None) -> NDArray[Any] | None:  # noqa: D102
        (y,) = self.inference()
        return None if x_dot is None else self.backend.relu_backward(x_dot, y)


class AvgPool2d(_PiecewiseLinear):
    """Mean of ``size x size`` windows of NHWC images, without padding; sizes are positive."""

    def __init__(self, size: int, stride: int, *, backend: ModuleType) -> None:
        super().__init__(backend)
        self.size = checks.integer("size", size, 1)
        self.stride = checks.integer("stride", stride, 1)

    def forward(self, x: NDArray[Any], training: bool = False) -> NDArray[Any]:  # noqa: D102
        self.keep(training, x)
        return np.asarray(self.backend.avgpool2d(x, self.size, self.stride))

    def backward(self, grad: NDArray[Any]) -> NDArray[Any]:  # noqa: D102
        (x,) = self.recall()
        return np.asarray(self.backend.avgpool2d_backward(grad, x, self.size, self.stride))

    def forward_tangent(self, x_dot: NDArray[Any] | None) -> NDArray[Any] | None:  # noqa: D102
        return None if x_dot is None else self.backend.avgpool2d(x_dot, self.size, self.stride)


class MaxPool2d(_PiecewiseLinear):
    """Maximum of ``size x size`` windows, the first where several are equal [S5.2].

    Padding, at most half the window, never wins.
    """

    def __init__(self, size: int, stride: int, *, padding: int = 0, backend: ModuleType) -> None:
        super().__init__(backend)
        self.size = checks.integer("size", size, 1)
        self.stride = checks.integer("stride", stride, 1)
        self.padding = checks.integer("padding", padding, 0, self.size // 2)

    def forward(self, x: NDArray[Any], training: bool = False) -> NDArray[Any]:  # noqa: D102
        y, where = self.backend.maxpool2d(x, self.size, self.stride, self.padding)
        self.keep(training, where, x)
        return np.asarray(y)

    def backward(self, grad: NDArray[Any]) -> NDArray[Any]:  # noqa: D102
        sizes = self.size, self.stride, self.padding
        return np.asarray(self.backend.maxpool2d_backward(grad, *self.recall(), *sizes))

    def forward_tangent(self, x_dot: NDArray[Any] | None) -> NDArray[Any] | None:  # noqa: D102
        where, _ = self.inference()
        if x_dot is None:
            return None
        sizes = self.size, self.stride, self.padding
        return np.asarray(self.backend.maxpool2d_take(x_dot, where, *sizes))


class GlobalAvgPool(_PiecewiseLinear):
    """Mean over all positions: NHWC to (batch, channels)."""

    def forward(self, x: NDArray[Any], training: bool = False) -> NDArray[Any]:  # noqa: D102
        self.keep(training, x)
        return np.asarray(self.backend.global_avgpool(x))

    def backward(self, grad: NDArray[Any]) -> NDArray[Any]:  # noqa: D102
        return np.asarray(self.backend.global_avgpool_backward(grad, *self.recall()))

    def forward_tangent(self, x_dot: NDArray[Any] | None) -> NDArray[Any] | None:  # noqa: D102
        return None if x_dot is None else self.backend.global_avgpool(x_dot)


class PadShortcut(_PiecewiseLinear):
    """Every `stride`-th row and column, with channels of zeros on both sides, `channels` in all."""

    def __init__(self, stride: int, channels: int, *, backend: ModuleType) -> None:
        super().__init__(backend)
        self.stride = checks.integer("stride", stride, 1)
        self.channels = checks.integer("channels", channels, 1)

    def forward(self, x: NDArray[Any], training: bool = False) -> NDArray[Any]:  # noqa: D102
        self.keep(training, x)
        return np.asarray(self.backend.pad_shortcut(x, self.stride, self.channels))

    def backward(self, grad: NDArray[Any]) -> NDArray[Any]:  # noqa: D102
        (x,) = self.recall()
        return np.asarray(self.backend.pad_shortcut_backward(grad, x, self.stride, self.channels))

    def forward_tangent(self, x_dot: NDArray[Any] | None) -> NDArray[Any] | None:  # noqa: D102
        if x_dot is None:
            return None
        return np.asarray(self.backend.pad_shortcut(x_dot, self.stride, self.channels))


class Flatten(_PiecewiseLinear):
    """All but the batch axis as one, in NHWC order."""

    def forward(self, x: NDArray[Any], training: bool = False) -> NDArray[Any]:  # noqa: D102
        self.keep(training, x.shape)
        return x.reshape(len(x), -1)

    def backward(self, grad: NDArray[Any]) -> NDArray[Any]:  # noqa: D102
        (shape,) = self.recall()
        return grad.reshape(shape)

    def forward_tangent(self, x_dot: NDArray[Any] | None) -> NDArray[Any] | None:  # noqa: D102
        return None if x_dot is None else x_dot.reshape(len(x_dot), -1)
