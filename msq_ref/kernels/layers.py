"""Layers whose NumPy definition is already one BLAS call or a few passes: no faster form yet."""

from msq_ref.reference.activation import relu, relu_backward
from msq_ref.reference.batchnorm import (
    BatchStatistics,
    batchnorm,
    batchnorm_backward,
    batchnorm_train,
    batchnorm_train_backward,
)
from msq_ref.reference.linear import linear, linear_backward
from msq_ref.reference.loss import cross_entropy, cross_entropy_tangent
from msq_ref.reference.pooling import (
    avgpool2d,
    avgpool2d_backward,
    global_avgpool,
    global_avgpool_backward,
    maxpool2d,
    maxpool2d_backward,
    maxpool2d_take,
)

__all__ = [
    "BatchStatistics",
    "avgpool2d",
    "avgpool2d_backward",
    "batchnorm",
    "batchnorm_backward",
    "batchnorm_train",
    "batchnorm_train_backward",
    "cross_entropy",
    "cross_entropy_tangent",
    "global_avgpool",
    "global_avgpool_backward",
    "linear",
    "linear_backward",
    "maxpool2d",
    "maxpool2d_backward",
    "maxpool2d_take",
    "relu",
    "relu_backward",
]
