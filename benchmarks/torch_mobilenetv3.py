"""The peer of `mobilenetv3_step`: the transcription of the paper, with what PyTorch has itself."""

from __future__ import annotations

import importlib
from typing import Any

import torch
from torch import nn

from benchmarks.steps import CLASSES
from benchmarks.torch_steps import wrapper

__all__ = ["mobilenetv3"]


def mobilenetv3(width: float, *, msq: bool) -> nn.Module:
    """Return MobileNetV3-Small for 32x32 images, activations in place."""
    torch.manual_seed(0)
    transcription: Any = importlib.import_module("tests.models.torch_mobilenetv3")
    network: nn.Module = transcription.MobileNetV3("small", width, CLASSES, stem_stride=1)
    wrap = wrapper(msq)
    for module in list(network.modules()):
        for name, part in list(module.named_children()):
            if isinstance(part, nn.ReLU | nn.Hardswish):
                part.inplace = True
            elif isinstance(part, nn.Conv2d | nn.Linear):
                setattr(module, name, wrap(part))
            elif name == "scale_activation":
                module.scale_activation = nn.Hardsigmoid()
    return network
