"""The peers of the convolutional steps: networks and MSQ in PyTorch, as its users write them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from benchmarks.steps import BITS, CLASSES, DECAY, MOMENTUM, RATE, STRENGTH, K, Step

__all__ = ["peer_steps", "resnet20", "small_cnn", "torch_step", "wrapper"]


def peer_steps(make: Callable[[bool], nn.Module], images: Any, labels: Any) -> dict[str, Step]:  # noqa: ANN401
    """Return steps with MSQ in both memory layouts, and one in float in the faster layout."""
    return {
        "PyTorch, NHWC": torch_step(make(True), images, labels, torch.channels_last),
        "PyTorch, NCHW": torch_step(make(True), images, labels, torch.contiguous_format),
        "PyTorch, float": torch_step(make(False), images, labels, torch.channels_last),
    }


def torch_step(network: nn.Module, images: Any, labels: Any, layout: torch.memory_format) -> Step:  # noqa: ANN401
    """Return a step of a network: forward, the regularizer where it has one, backward, update."""
    network = network.to(memory_format=layout)
    optimizer = torch.optim.SGD(
        network.parameters(), RATE, momentum=MOMENTUM, weight_decay=DECAY, fused=True
    )
    x = torch.tensor(images).permute(0, 3, 1, 2).contiguous(memory_format=layout)
    y = torch.tensor(labels)
    quantized = [layer for layer in network.modules() if isinstance(layer, _Quantized)]

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        loss = F.cross_entropy(network(x), y)
        if quantized:
            loss = loss + STRENGTH * sum(layer.penalty for layer in quantized)
        loss.backward()
        optimizer.step()

    return step


class _RoundClamp(torch.autograd.Function):
    """Quantize u and slice its low bits; the gradient goes straight through both."""

    @staticmethod
    def forward(ctx: Any, u: Any, bits: int, k: int) -> Any:  # noqa: ANN401
        codes = torch.round(u * 2**bits).clamp_(max=2**bits - 1)
        short = torch.round(u * 2 ** (bits - k)).clamp_(max=2 ** (bits - k) - 1)
        low = codes - short * 2**k
        ctx.save_for_backward(low.sign())
        return codes / (2**bits - 1), low.abs().sum() / 2**bits

    @staticmethod
    def backward(ctx: Any, grad_q: Any, grad_penalty: Any) -> Any:  # noqa: ANN401
        (signs,) = ctx.saved_tensors
        return torch.addcmul(grad_q, signs, grad_penalty), None, None


class _Quantized(nn.Module):
    """A layer whose weight's magnitude, in units of the largest, is quantized [S1.4]."""

    def __init__(self, layer: nn.Conv2d | nn.Linear) -> None:
        super().__init__()
        self.layer = layer
        self.scale = float(layer.weight.detach().abs().max())
        self.penalty: Any = None

    def forward(self, x: Any) -> Any:  # noqa: ANN401
        layer, weight = self.layer, self.layer.weight
        magnitude = weight.abs()
        q, self.penalty = _RoundClamp.apply(magnitude / magnitude.max(), BITS - 1, K)
        effective = self.scale * weight.detach().sign() * q
        if isinstance(layer, nn.Conv2d):
            rest = layer.stride, layer.padding, layer.dilation, layer.groups
            return F.conv2d(x, effective, layer.bias, *rest)
        return F.linear(x, effective, layer.bias)


def wrapper(msq: bool) -> Callable[[Any], Any]:
    """Return what makes of a layer one with a quantized weight, if `msq`."""
    return _Quantized if msq else lambda layer: layer


def _conv(inputs: int, outputs: int, stride: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)


class _Block(nn.Module):
    """Two convolutions and a shortcut without parameters."""

    def __init__(self, inputs: int, outputs: int, stride: int, wrap: Callable[[Any], Any]) -> None:
        super().__init__()
        self.conv1, self.bn1 = wrap(_conv(inputs, outputs, stride)), nn.BatchNorm2d(outputs)
        self.conv2, self.bn2 = wrap(_conv(outputs, outputs, 1)), nn.BatchNorm2d(outputs)
        self.stride, self.padding = stride, (outputs - inputs) // 2

    def forward(self, x: Any) -> Any:  # noqa: ANN401
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)), inplace=True)))
        if self.padding:
            x = F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, *[self.padding] * 2))
        return F.relu(y + x, inplace=True)


def resnet20(width: int, *, msq: bool) -> nn.Module:
    """Return ResNet-20 with option A shortcuts."""
    torch.manual_seed(0)
    wrap = wrapper(msq)
    layers: list[nn.Module] = [
        wrap(_conv(3, width, 1)), nn.BatchNorm2d(width), nn.ReLU(inplace=True)
    ]  # fmt: skip
    inputs = width
    for outputs in (width, 2 * width, 4 * width):
        for _ in range(3):
            layers.append(_Block(inputs, outputs, 1 if inputs == outputs else 2, wrap))
            inputs = outputs
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), wrap(nn.Linear(inputs, CLASSES))]
    return nn.Sequential(*layers)


def small_cnn(width: int, *, msq: bool) -> nn.Module:
    """Return the network of the demo."""
    torch.manual_seed(0)
    wrap = wrapper(msq)
    layers: list[nn.Module] = []
    inputs = 1
    for outputs, stride in ((width, 1), (2 * width, 2), (4 * width, 2)):
        layers += [
            wrap(_conv(inputs, outputs, stride)), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
        ]  # fmt: skip
        inputs = outputs
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), wrap(nn.Linear(inputs, CLASSES))]
    return nn.Sequential(*layers)
