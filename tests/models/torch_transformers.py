"""Vision transformers of the `transformers` package, from sizes named as ours."""

import math

import torch
from transformers import (
    AttentionInterface,
    SwinConfig,
    SwinForImageClassification,
    ViTConfig,
    ViTForImageClassification,
)


def exact_attention(module, query, key, value, attention_mask, scaling, dropout=0.0, **rest):
    """The package's eager attention, but for its softmax, which is in float32 whatever comes in.

    In float64 that costs half the digits: with it gradients of the tiny networks differ by 2e-7.
    """
    scores = torch.matmul(query, key.transpose(2, 3)) * scaling
    if attention_mask is not None:
        scores = scores + attention_mask
    weights = torch.softmax(scores, dim=-1)
    return torch.matmul(weights, value).transpose(1, 2).contiguous(), weights


AttentionInterface.register("exact", exact_attention)


def vit(*, input_size=224, patch=16, width, depth=12, heads, classes=1000, attention="exact"):
    """A vision transformer; with DeiT's sizes it is DeiT."""
    return ViTForImageClassification(
        ViTConfig(
            image_size=input_size, patch_size=patch, hidden_size=width, num_hidden_layers=depth,
            num_attention_heads=heads, intermediate_size=4 * width, num_labels=classes,
            layer_norm_eps=1e-6, attn_implementation=attention,
        )
    )  # fmt: skip


def swin(
    *, input_size=224, patch=4, width=96, depth=(2, 2, 6, 2), heads=(3, 6, 12, 24), window=7,
    classes=1000, attention="exact",
):  # fmt: skip
    """A Swin transformer without stochastic depth."""
    return SwinForImageClassification(
        SwinConfig(
            image_size=input_size, patch_size=patch, embed_dim=width, depths=list(depth),
            num_heads=list(heads), window_size=window, num_labels=classes, drop_path_rate=0.0,
            attn_implementation=attention,
        )
    )  # fmt: skip


def lively(twin, seed=0):
    """Give it, in float64, weights as large as their inputs are many, and all else about 0 or 1."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, value in twin.double().named_parameters():
            noise = torch.randn(value.shape, generator=generator, dtype=torch.float64)
            if not name.endswith("weight"):  # biases, tokens, positions
                value.copy_(0.3 * noise)
            elif value.ndim == 1:  # gains
                value.copy_(torch.exp(0.3 * noise))
            else:
                value.copy_(noise / math.sqrt(value[0].numel()))
    return twin.eval()
