"""The batch normalization layer [S11.1]."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from msq_ref import checks
from msq_ref.nn.hard import HardSwish
from msq_ref.nn.layer import Layer
from msq_ref.nn.simple import ReLU
from msq_ref.reference.batchnorm import EPS, BatchStatistics

__all__ = ["BatchNorm2d"]

JOINED: dict[type[Layer], str] = {
    ReLU: "batchnorm_relu_train",
    HardSwish: "batchnorm_hard_swish_train",
}
"""Operations of a backend that take in the activation behind a normalization, if it has them."""

MOMENTUM = 0.1
"""Share of a new batch in the running statistics."""


class BatchNorm2d(Layer):
    """Normalize each channel: with the batch's statistics in training, else with the running ones.

    The input is (batch, ..., channels). A forward pass in training moves the running statistics.
    Tangents are those of inference mode [S5.1]; after a pass in training they are a
    ``RuntimeError``.

    Parameters
    ----------
    channels : int
    dtype : float32 or float64
    backend : module
    eps : float
        Added to the variance, not negative.
    momentum : float
        Share of a new batch in the running statistics, in [0, 1].

    Raises
    ------
    TypeError, ValueError
        If `dtype` is another, or a number is out of range.

    Notes
    -----
    [S11.1]: eps 1e-5, momentum 0.1; the biased variance normalizes, the unbiased one is kept.
    """

    def __init__(
        self,
        channels: int,
        *,
        dtype: DTypeLike,
        backend: ModuleType,
        eps: float = EPS,
        momentum: float = MOMENTUM,
    ) -> None:
        super().__init__(backend)
        self.eps = checks.real("eps", eps, 0)
        self.momentum = checks.real("momentum", momentum, 0, 1)
        size, kind = checks.integer("channels", channels, 1), checks.float_dtype("dtype", dtype)
        self.parameters = {"gamma": np.ones(size, kind), "beta": np.zeros(size, kind)}
        self.buffers = {
            "running_mean": np.zeros(size, kind),
            "running_variance": np.ones(size, kind),
        }

    def takes_in(self, activation: Layer) -> bool:  # noqa: D102
        return hasattr(self.backend, JOINED.get(type(activation), ""))

    def forward(self, x: NDArray[Any], training: bool = False) -> NDArray[Any]:  # noqa: D102
        gamma, beta = self.parameters["gamma"], self.parameters["beta"]
        if not training:
            self.keep(training, x, None, "")
            return np.asarray(self.backend.batchnorm(x, gamma, beta, *self._running(), self.eps))
        y, statistics = self.backend.batchnorm_train(x, gamma, beta, self.eps)
        self.keep(training, x, statistics, "")
        self._move_both(statistics)
        return np.asarray(y)

    def forward_joined(self, x: NDArray[Any], activation: Layer) -> NDArray[Any]:  # noqa: D102
        gamma, beta = self.parameters["gamma"], self.parameters["beta"]
        name = JOINED[type(activation)]
        y, statistics = getattr(self.backend, name)(x, gamma, beta, self.eps)
        self.keep(True, x, statistics, name)
        activation.keep(True, None)
        self._move_both(statistics)
        return np.asarray(y)

    def _move_both(self, statistics: BatchStatistics) -> None:
        mean, variance, size = statistics
        self._move("running_mean", mean)
        # The running variance is unbiased, though the biased one normalizes.
        self._move("running_variance", variance * variance.dtype.type(size / max(size - 1, 1)))

    def backward(self, grad: NDArray[Any]) -> NDArray[Any]:  # noqa: D102
        gamma, beta = self.parameters["gamma"], self.parameters["beta"]
        x, statistics, joined = self.recall()
        if joined:
            backward = getattr(self.backend, f"{joined}_backward")
            grads = backward(grad, x, gamma, beta, statistics, self.eps)
        elif statistics is None:
            grads = self.backend.batchnorm_backward(grad, x, gamma, *self._running(), self.eps)
        else:
            grads = self.backend.batchnorm_train_backward(grad, x, gamma, statistics, self.eps)
        grad_x, self.gradients["gamma"], self.gradients["beta"] = grads
        return np.asarray(grad_x)

    def forward_tangent(self, x_dot: NDArray[Any] | None) -> NDArray[Any] | None:  # noqa: D102
        slope = self._slope()
        return None if x_dot is None else x_dot * slope

    def backward_tangent(self, grad_dot: NDArray[Any]) -> NDArray[Any]:  # noqa: D102
        return grad_dot * self._slope()

    def _running(self) -> tuple[NDArray[Any], NDArray[Any]]:
        return self.buffers["running_mean"], self.buffers["running_variance"]

    def _move(self, name: str, batch: NDArray[Any]) -> None:
        kind, share = batch.dtype.type, self.momentum
        self.buffers[name] = kind(1 - share) * self.buffers[name] + kind(share) * batch

    def _slope(self) -> NDArray[Any]:
        self.inference()
        gamma, zero = self.parameters["gamma"], np.zeros_like(self.parameters["gamma"])
        _, variance = self._running()
        one = np.ones((1, len(gamma)), gamma.dtype)
        return np.asarray(self.backend.batchnorm(one, gamma, zero, zero, variance, self.eps))[0]
