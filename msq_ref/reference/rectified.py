"""Operations with the activation behind them, as one each: a twin saves passes over memory."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.reference.activation import relu, relu_backward
from msq_ref.reference.batchnorm import (
    EPS,
    BatchStatistics,
    batchnorm,
    batchnorm_train,
    batchnorm_train_backward,
)
from msq_ref.reference.hard import hard_swish, hard_swish_backward

__all__ = [
    "add",
    "add_relu",
    "batchnorm_hard_swish_train",
    "batchnorm_hard_swish_train_backward",
    "batchnorm_relu_train",
    "batchnorm_relu_train_backward",
]


def add(a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    """Add two arrays of one shape and dtype, float32 or float64; ``bitexact`` [S11.1]."""
    a, b = checks.alike_arrays(a=a, b=b)
    return np.asarray(a + b)


def add_relu(a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    """Return ``max(a + b, 0)``: the end of a residual block; as `add` [S11.1]."""
    return relu(add(a, b))


def batchnorm_relu_train(
    x: NDArray[Any], gamma: NDArray[Any], beta: NDArray[Any], eps: float = EPS
) -> tuple[NDArray[Any], BatchStatistics]:
    """Rectify what `batchnorm_train` returns; its parameters, results, errors and class [S11.1]."""
    y, statistics = batchnorm_train(x, gamma, beta, eps)
    return relu(y), statistics


def batchnorm_relu_train_backward(
    grad_y: NDArray[Any],
    x: NDArray[Any],
    gamma: NDArray[Any],
    beta: NDArray[Any],
    statistics: BatchStatistics,
    eps: float = EPS,
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return the gradients of `batchnorm_relu_train` with respect to x, gamma and beta [S11.1].

    What was rectified is computed again from `x`, so that it need not be kept.
    """
    y = batchnorm(x, gamma, beta, statistics.mean, statistics.variance, eps)
    return batchnorm_train_backward(relu_backward(grad_y, y), x, gamma, statistics, eps)


def batchnorm_hard_swish_train(
    x: NDArray[Any], gamma: NDArray[Any], beta: NDArray[Any], eps: float = EPS
) -> tuple[NDArray[Any], BatchStatistics]:
    """Apply `hard_swish` to what `batchnorm_train` returns; as `batchnorm_relu_train` [S11.1]."""
    y, statistics = batchnorm_train(x, gamma, beta, eps)
    return hard_swish(y), statistics


def batchnorm_hard_swish_train_backward(
    grad_y: NDArray[Any],
    x: NDArray[Any],
    gamma: NDArray[Any],
    beta: NDArray[Any],
    statistics: BatchStatistics,
    eps: float = EPS,
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return the gradients of `batchnorm_hard_swish_train`, as `batchnorm_relu_train_backward`."""
    y = batchnorm(x, gamma, beta, statistics.mean, statistics.variance, eps)
    return batchnorm_train_backward(hard_swish_backward(grad_y, y), x, gamma, statistics, eps)
