"""Layers by hand: forward, backward, and the tangents of both."""

from msq_ref.nn.attention import SelfAttention, WindowAttention
from msq_ref.nn.batchnorm import BatchNorm2d
from msq_ref.nn.blocks import Chain, Identity, Sum
from msq_ref.nn.gate import SqueezeExcitation
from msq_ref.nn.gelu import GELU
from msq_ref.nn.hard import HardSigmoid, HardSwish, ReLU6
from msq_ref.nn.layer import Layer
from msq_ref.nn.layernorm import LayerNorm
from msq_ref.nn.network import Network
from msq_ref.nn.padding import ZeroPad2d
from msq_ref.nn.products import Conv2d, Linear, Product
from msq_ref.nn.simple import (
    AvgPool2d,
    Flatten,
    GlobalAvgPool,
    MaxPool2d,
    PadShortcut,
    ReLU,
)
from msq_ref.nn.tokens import ClassToken, FirstToken, LinearMap, Tokens
from msq_ref.nn.transformer import TransformerBlock
from msq_ref.nn.windows import PatchMerging, Windowing, WindowPartition, WindowReverse

__all__ = [
    "GELU",
    "AvgPool2d",
    "BatchNorm2d",
    "Chain",
    "ClassToken",
    "Conv2d",
    "FirstToken",
    "Flatten",
    "GlobalAvgPool",
    "HardSigmoid",
    "HardSwish",
    "Identity",
    "Layer",
    "LayerNorm",
    "Linear",
    "LinearMap",
    "MaxPool2d",
    "Network",
    "PadShortcut",
    "PatchMerging",
    "Product",
    "ReLU",
    "ReLU6",
    "SelfAttention",
    "SqueezeExcitation",
    "Sum",
    "Tokens",
    "TransformerBlock",
    "WindowAttention",
    "WindowPartition",
    "WindowReverse",
    "Windowing",
    "ZeroPad2d",
]
