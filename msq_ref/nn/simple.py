"""Layers without parameters: rectification, pooling, flattening."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.nn.layer import Layer

__all__ = ["AvgPool2d", "Flatten", "GlobalAvgPool", "MaxPool2d", "ReLU"]


class _PiecewiseLinear(Layer):
    """Linear around almost every input: the tangent is the same map, its second derivative 0."""

    def backward_tangent(
        self, grad: NDArray[Any], grad_dot: NDArray[Any]
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        return self.backward(grad), self.backward(grad_dot)


class ReLU(_PiecewiseLinear):
    """``max(x, 0)``, derivative 0 at 0 [S5.2]."""

    def forward(self, x: NDArray[Any], training: bool = False) -> NDArray[Any]:  # noqa: D102
        self._x = x
        return np.asarray(self.backend.relu(x))

    def backward(self, grad: NDArray[Any]) -> NDArray[Any]:  # noqa: D102
        return np.asarray(self.backend.relu_backward(grad, self._x))

    def forward_tangent(self, x_dot: NDArray[Any] | None) -> NDArray[Any] | None:  # noqa: D102
        return None if x_dot is None else self.backward(x_dot)


class _Pool(_PiecewiseLinear):
    """Over ``size x size`` windows of NHWC images, without padding; sizes are positive."""

    def __init__(self, size: int, stride: int, *, backend: ModuleType) -> None:
        super().__init__(backend)
        self.size = checks.integer("size", size, 1)
        self.stride = checks.integer("stride", stride, 1)


class AvgPool2d(_Pool):
    """Mean of windows."""

    def forward(self, x: NDArray[Any], training: bool = False) -> NDArray[Any]:  # noqa: D102
        self._x = x
        return np.asarray(self.backend.avgpool2d(x, self.size, self.stride))

    def backward(self, grad: NDArray[Any]) -> NDArray[Any]:  # noqa: D102
        return np.asarray(self.backend.avgpool2d_backward(grad, self._x, self.size, self.stride))

    def forward_tangent(self, x_dot: NDArray[Any] | None) -> NDArray[Any] | None:  # noqa: D102
        return None if x_dot is None else self.backend.avgpool2d(x_dot, self.size, self.stride)


class MaxPool2d(_Pool):
    """Maximum of windows, the first where several are equal [S5.2]."""

    def forward(self, x: NDArray[Any], training: bool = False) -> NDArray[Any]:  # noqa: D102
        self._x = x
        y, self._where = self.backend.maxpool2d(x, self.size, self.stride)
        return np.asarray(y)

    def backward(self, grad: NDArray[Any]) -> NDArray[Any]:  # noqa: D102
        return np.asarray(
            self.backend.maxpool2d_backward(grad, self._where, self._x, self.size, self.stride)
        )

    def forward_tangent(self, x_dot: NDArray[Any] | None) -> NDArray[Any] | None:  # noqa: D102
        if x_dot is None:
            return None
        return np.asarray(self.backend.maxpool2d_take(x_dot, self._where, self.size, self.stride))


class GlobalAvgPool(_PiecewiseLinear):
    """Mean over all positions: NHWC to (batch, channels)."""

    def forward(self, x: NDArray[Any], training: bool = False) -> NDArray[Any]:  # noqa: D102
        self._x = x
        return np.asarray(self.backend.global_avgpool(x))

    def backward(self, grad: NDArray[Any]) -> NDArray[Any]:  # noqa: D102
        return np.asarray(self.backend.global_avgpool_backward(grad, self._x))

    def forward_tangent(self, x_dot: NDArray[Any] | None) -> NDArray[Any] | None:  # noqa: D102
        return None if x_dot is None else self.backend.global_avgpool(x_dot)


class Flatten(_PiecewiseLinear):
    """All but the batch axis as one, in NHWC order."""

    def forward(self, x: NDArray[Any], training: bool = False) -> NDArray[Any]:  # noqa: D102
        self._shape = x.shape
        return x.reshape(len(x), -1)

    def backward(self, grad: NDArray[Any]) -> NDArray[Any]:  # noqa: D102
        return grad.reshape(self._shape)

    def forward_tangent(self, x_dot: NDArray[Any] | None) -> NDArray[Any] | None:  # noqa: D102
        return None if x_dot is None else x_dot.reshape(len(x_dot), -1)
