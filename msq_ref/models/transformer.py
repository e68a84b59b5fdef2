"""What vision transformers share: the token network, drawn weights, names in published files."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType

import numpy as np
from numpy.typing import DTypeLike

from msq_ref.nn import GELU, Chain, Layer, Linear

__all__ = ["BLOCK_NAMES", "CHANNELS", "DEVIATION", "draw_linear", "mlp"]

CHANNELS = 3
"""Of the images."""

DEVIATION = 0.02
"""Standard deviation of the normal distribution that linear weights are drawn from."""

DRAWN = ("cls_token", "pos_embed", "relative_position_bias_table")
"""Parameters that are drawn like linear weights."""

BLOCK_NAMES = (
    (r"\.attention\.(?:attention\.|self\.)?qkv$", ".attn.qkv"),
    (r"\.attention\.(?:o_proj|output\.dense)$", ".attn.proj"),
    (r"\.intermediate\.dense$", ".mlp.fc1"),
    (r"\.output\.dense$", ".mlp.fc2"),
    (r"\.layernorm_before$", ".norm1"),
    (r"\.layernorm_after$", ".norm2"),
    (r"^layernorm$", "norm"),
    (r"^classifier$", "head"),
)
"""Names of a block's layers in the `transformers` package, before and since its version 5."""


def mlp(
    features: int, *, rng: np.random.Generator, dtype: DTypeLike, backend: ModuleType
) -> Layer:
    """Return the network for each token: to four times the features, GELU, and back."""
    return Chain(
        {
            "fc1": Linear(features, 4 * features, rng=rng, dtype=dtype, backend=backend),
            "act": GELU(backend),
            "fc2": Linear(4 * features, features, rng=rng, dtype=dtype, backend=backend),
        }
    )


def draw_linear(operations: Mapping[str, Layer], rng: np.random.Generator) -> None:
    """Draw the weights of the linear layers and the tokens, in order, as the papers do.

    From a normal distribution of mean 0 and standard deviation `DEVIATION`, cut off at two
    standard deviations; biases stay 0. Convolutions keep theirs.
    """
    for layer in operations.values():
        drawn = ("weight",) if isinstance(layer, Linear) else DRAWN
        for name in drawn:
            if name in layer.parameters:
                array = layer.parameters[name]
                array[...] = DEVIATION * _truncated_normal(array.size, rng).reshape(array.shape)


def _truncated_normal(size: int, rng: np.random.Generator) -> np.ndarray:
    values = rng.standard_normal(size)
    while (outside := np.abs(values) > 2).any():
        values[outside] = rng.standard_normal(int(outside.sum()))
    return values
