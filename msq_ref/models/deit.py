"""Data-efficient image transformers, DeiT-Ti and DeiT-S, without a distillation token."""

from __future__ import annotations

from functools import partial
from types import ModuleType

import numpy as np
from numpy.typing import DTypeLike

from msq_ref import checks
from msq_ref.models.transformer import BLOCK_NAMES, CHANNELS, draw_linear, mlp
from msq_ref.nn import (
    Chain,
    ClassToken,
    Conv2d,
    FirstToken,
    Layer,
    LayerNorm,
    Linear,
    Network,
    SelfAttention,
    Tokens,
    TransformerBlock,
)

__all__ = ["TORCH_NAMES", "deit", "deit_s", "deit_ti"]

EPS = 1e-6
"""Of the layer normalizations."""

TORCH_NAMES = (
    (r"^$", "embed"),  # cls_token and pos_embed in timm's files
    (r"^(?:vit|deit)\.", ""),
    (r"^embeddings\.patch_embeddings\.projection$", "patch_embed.proj"),
    (r"^embeddings$", "embed"),
    (r"^(?:encoder\.layer|layers)\.", "blocks."),
    *BLOCK_NAMES,
)
"""Names in files of timm and of the `transformers` package, see `msq_ref.models.published`."""


def deit(
    *,
    seed: int,
    dtype: DTypeLike,
    backend: ModuleType,
    input_size: int = 224,
    patch: int = 16,
    width: int,
    depth: int = 12,
    heads: int,
    classes: int = 1000,
) -> Network:
    """Build the network of Touvron et al. (2021), in timm's names.

    A convolution makes each patch a token; a class token and positions are added; `depth` blocks
    of attention and token networks; the logits are a linear map of the normalized class token.

    Parameters
    ----------
    seed : int
        Of the weights: linear layers, tokens and positions from a normal distribution of standard
        deviation 0.02 cut off at two of them, the convolution as in `Conv2d`.
    dtype : float32 or float64
    backend : module
        Where the layers' operations come from.
    input_size, patch : int
        Sides of the images and of a patch, which divides them.
    width, depth, heads, classes : int
        Features of a token; blocks; heads, which divide the width; logits.

    Returns
    -------
    Network
        Takes (batch, input_size, input_size, 3) to (batch, classes).

    Raises
    ------
    TypeError, ValueError
        If `dtype` is another, or a size is out of range or does not divide the other.
    """
    input_size, patch = (
        checks.integer("input_size", input_size, 1), checks.integer("patch", patch, 1)
    )
    if input_size % patch:
        raise ValueError(f"input_size = {input_size}: expected a multiple of patch = {patch}")
    width, heads = checks.integer("width", width, 1), checks.integer("heads", heads, 1)
    if width % heads:
        raise ValueError(f"heads = {heads}: expected a divisor of width = {width}")
    depth, classes = checks.integer("depth", depth, 1), checks.integer("classes", classes, 1)
    rng = np.random.default_rng(seed)
    convolution = Conv2d(
        CHANNELS, width, patch, stride=patch, bias=True, rng=rng, dtype=dtype, backend=backend
    )
    blocks = {
        str(index): _block(width, heads, rng=rng, dtype=dtype, backend=backend)
        for index in range(depth)
    }
    network = Network(
        {
            "patch_embed": Chain({"proj": convolution, "tokens": Tokens()}),
            "embed": ClassToken((input_size // patch) ** 2, width, dtype=dtype),
            "blocks": Chain(blocks),
            "norm": LayerNorm(width, eps=EPS, dtype=dtype, backend=backend),
            "pool": FirstToken(),
            "head": Linear(width, classes, rng=rng, dtype=dtype, backend=backend),
        }
    )
    draw_linear(network.operations, rng)
    return network


deit_ti = partial(deit, width=192, heads=3)
"""Tiny: 5,717,416 parameters at the default sizes."""

deit_s = partial(deit, width=384, heads=6)
"""Small: 22,050,664 parameters at the default sizes."""


def _block(
    width: int, heads: int, *, rng: np.random.Generator, dtype: DTypeLike, backend: ModuleType
) -> Layer:
    attention = {
        "qkv": Linear(width, 3 * width, rng=rng, dtype=dtype, backend=backend),
        "": SelfAttention(width, heads, backend=backend),
        "proj": Linear(width, width, rng=rng, dtype=dtype, backend=backend),
    }
    return TransformerBlock(
        norm1=LayerNorm(width, eps=EPS, dtype=dtype, backend=backend),
        attn=Chain(attention),
        norm2=LayerNorm(width, eps=EPS, dtype=dtype, backend=backend),
        mlp=mlp(width, rng=rng, dtype=dtype, backend=backend),
    )
