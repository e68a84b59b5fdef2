"""Layers by hand: forward, backward, and the tangents of both."""

from msq_ref.nn.batchnorm import BatchNorm2d
from msq_ref.nn.blocks import Chain, Identity, Sum
from msq_ref.nn.layer import Layer
from msq_ref.nn.network import Network
from msq_ref.nn.products import Conv2d, Linear, Product
from msq_ref.nn.simple import AvgPool2d, Flatten, GlobalAvgPool, MaxPool2d, ReLU

__all__ = [
    "AvgPool2d",
    "BatchNorm2d",
    "Chain",
    "Conv2d",
    "Flatten",
    "GlobalAvgPool",
    "Identity",
    "Layer",
    "Linear",
    "MaxPool2d",
    "Network",
    "Product",
    "ReLU",
    "Sum",
]
