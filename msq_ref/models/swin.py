"""The Swin transformer: attention in windows, shifted in every second block."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from msq_ref import checks
from msq_ref.models.transformer import BLOCK_NAMES, CHANNELS, draw_linear, mlp
from msq_ref.nn import (
    Chain,
    Conv2d,
    GlobalAvgPool,
    Layer,
    LayerNorm,
    Linear,
    Network,
    PatchMerging,
    TransformerBlock,
    WindowAttention,
    Windowing,
    WindowPartition,
    WindowReverse,
)

__all__ = ["TORCH_NAMES", "swin"]

TORCH_NAMES = (
    (r"^swin\.", ""),
    (r"^embeddings\.patch_embeddings\.projection$", "patch_embed.proj"),
    (r"^embeddings\.norm$", "patch_embed.norm"),
    (r"^encoder\.layers\.", "layers."),
    (r"\.attention\.(?:self|relative_position_bias)$", ".attn"),
    *BLOCK_NAMES,
)
"""Names in files of the authors and of the `transformers` package."""


def swin(
    *,
    seed: int,
    dtype: DTypeLike,
    backend: ModuleType,
    input_size: int = 224,
    patch: int = 4,
    width: int = 96,
    depth: Sequence[int] = (2, 2, 6, 2),
    heads: Sequence[int] = (3, 6, 12, 24),
    window: int = 7,
    classes: int = 1000,
) -> Network:
    """Build the network of Liu et al. (2021), in its authors' names.

    A convolution makes each patch a token. Between stages four neighbours become one token of
    twice the features. The logits are a linear map of the mean of the normalized tokens. At the
    default sizes this is Swin-T, 28,288,354 parameters.

    Parameters
    ----------
    seed : int
        Of the weights: linear layers and position biases from a normal distribution of standard
        deviation 0.02 cut off at two of them, the convolution as in `Conv2d`.
    dtype : float32 or float64
    backend : module
        Where the layers' operations come from.
    input_size, patch : int
        Sides of the images and of a patch, which divides them.
    width : int
        Features of a token in the first stage; twice as many in each later one.
    depth, heads : sequence of int
        Blocks and heads of each stage; heads divide its features.
    window : int
        Side of a window in tokens. A stage whose image is no larger has one window of its size,
        not shifted, and a smaller table of position biases. Others are padded to whole windows.
    classes : int
        Number of logits.

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
    width, window = checks.integer("width", width, 1), checks.integer("window", window, 1)
    depths, counts = _stages("depth", depth), _stages("heads", heads)
    if len(depths) != len(counts):
        raise ValueError(f"heads = {heads}: expected one for each of the stages, depth = {depth}")
    for stage, count in enumerate(counts):
        if (width << stage) % count:
            raise ValueError(
                f"heads = {heads}: {count} is no divisor of the {width << stage} features of "
                f"stage {stage}, width = {width}"
            )
    rng = np.random.default_rng(seed)
    make: dict[str, Any] = {"rng": rng, "dtype": dtype, "backend": backend}
    convolution = Conv2d(CHANNELS, width, patch, stride=patch, bias=True, **make)
    norm = LayerNorm(width, dtype=dtype, backend=backend)
    stages: dict[str, Layer] = {}
    features, size = width, input_size // patch
    for stage, (blocks, count) in enumerate(zip(depths, counts, strict=True)):
        last = stage == len(depths) - 1
        stages[str(stage)] = _stage(features, size, blocks, count, window, last, **make)
        if not last:
            features, size = 2 * features, -(-size // 2)
    network = Network(
        {
            "patch_embed": Chain({"proj": convolution, "norm": norm}),
            "layers": Chain(stages),
            "norm": LayerNorm(features, dtype=dtype, backend=backend),
            "pool": GlobalAvgPool(backend),
            "head": Linear(features, checks.integer("classes", classes, 1), **make),
        }
    )
    draw_linear(network.operations, rng)
    return network


def _stages(name: str, values: object) -> tuple[int, ...]:
    """Return one positive integer for each stage."""
    if isinstance(values, str | bytes) or not isinstance(values, Sequence) or not values:
        raise ValueError(f"{name} = {values!r}: expected a sequence, an integer for each stage")
    return tuple(checks.integer(name, value, 1) for value in values)


def _stage(
    features: int, size: int, blocks: int, heads: int, window: int, last: bool, **make: Any  # noqa: ANN401
) -> Layer:
    """Return blocks, every second one shifted, and the merging that follows all stages but one."""
    whole = size <= window
    windowings = [
        Windowing(size, min(window, size), 0 if whole or index % 2 == 0 else window // 2)
        for index in range(blocks)
    ]
    stage: dict[str, Layer] = {
        "blocks": Chain(
            {str(i): _block(features, heads, w, **make) for i, w in enumerate(windowings)}
        )
    }
    if not last:
        stage["downsample"] = Chain(
            {
                "merge": PatchMerging(),
                "norm": LayerNorm(4 * features, dtype=make["dtype"], backend=make["backend"]),
                "reduction": Linear(4 * features, 2 * features, bias=False, **make),
            }
        )
    return Chain(stage)


def _block(features: int, heads: int, windowing: Windowing, **make: Any) -> Layer:  # noqa: ANN401
    rest = {"dtype": make["dtype"], "backend": make["backend"]}
    attention = {
        "partition": WindowPartition(windowing),
        "qkv": Linear(features, 3 * features, **make),
        "": WindowAttention(features, heads, windowing.window, mask=windowing.mask(), **rest),
        "proj": Linear(features, features, **make),
        "reverse": WindowReverse(windowing),
    }
    return TransformerBlock(
        norm1=LayerNorm(features, **rest),
        attn=Chain(attention),
        norm2=LayerNorm(features, **rest),
        mlp=mlp(features, **make),
    )
