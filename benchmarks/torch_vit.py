"""The peer of `vit_step`: the network in PyTorch, as its users write it."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from benchmarks import vit_step as ours
from benchmarks.steps import CLASSES, Step
from benchmarks.torch_steps import torch_step, wrapper

__all__ = ["peer_steps"]

EPS, DEVIATION = 1e-6, 0.02


def peer_steps(images: Any, labels: Any) -> dict[str, Step]:  # noqa: ANN401
    """Return steps with MSQ, with PyTorch's fused attention and without, and one in float."""

    def step(*, msq: bool, fused: bool) -> Step:
        torch.manual_seed(0)
        return torch_step(_Network(msq, fused), images, labels, torch.contiguous_format)

    return {
        "PyTorch, fused attention": step(msq=True, fused=True),
        "PyTorch, plain attention": step(msq=True, fused=False),
        "PyTorch, float": step(msq=False, fused=True),
    }


class _Block(nn.Module):
    """Attention of all tokens to all, then a network for each token."""

    def __init__(self, msq: bool, fused: bool) -> None:
        super().__init__()
        wrap, width = wrapper(msq), ours.WIDTH
        self.norm1, self.norm2 = nn.LayerNorm(width, eps=EPS), nn.LayerNorm(width, eps=EPS)
        self.qkv = wrap(_linear(width, 3 * width))
        self.proj = wrap(_linear(width, width))
        self.fc1 = wrap(_linear(width, 4 * width))
        self.fc2 = wrap(_linear(4 * width, width))
        self.fused, self.scale = fused, (width // ours.HEADS) ** -0.5

    def forward(self, x: Any) -> Any:  # noqa: ANN401
        x = x + self.proj(self.attend(self.qkv(self.norm1(x))))
        return x + self.fc2(F.gelu(self.fc1(self.norm2(x))))

    def attend(self, x: Any) -> Any:  # noqa: ANN401
        q, k, v = x.unflatten(2, (3, ours.HEADS, -1)).permute(2, 0, 3, 1, 4).unbind(0)
        if self.fused:
            y = F.scaled_dot_product_attention(q, k, v)
        else:
            y = ((q * self.scale) @ k.transpose(-2, -1)).softmax(dim=-1) @ v
        return y.transpose(1, 2).flatten(2)


class _Network(nn.Module):
    def __init__(self, msq: bool, fused: bool) -> None:
        super().__init__()
        wrap, width = wrapper(msq), ours.WIDTH
        tokens = (ours.SIDE // ours.PATCH) ** 2
        self.embed = wrap(nn.Conv2d(3, width, ours.PATCH, ours.PATCH))
        self.cls_token = nn.Parameter(DEVIATION * torch.randn(1, 1, width))
        self.pos_embed = nn.Parameter(DEVIATION * torch.randn(1, tokens + 1, width))
        self.blocks = nn.Sequential(*(_Block(msq, fused) for _ in range(ours.DEPTH)))
        self.norm = nn.LayerNorm(width, eps=EPS)
        self.head = wrap(_linear(width, CLASSES))

    def forward(self, x: Any) -> Any:  # noqa: ANN401
        x = self.embed(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls_token.expand(len(x), -1, -1), x], 1) + self.pos_embed
        return self.head(self.norm(self.blocks(x))[:, 0])


def _linear(inputs: int, outputs: int) -> nn.Linear:
    layer = nn.Linear(inputs, outputs)
    nn.init.trunc_normal_(layer.weight, std=DEVIATION)
    nn.init.zeros_(layer.bias)
    return layer
