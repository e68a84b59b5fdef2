"""A small network for 8x8 digits: three convolutions, global pooling, a linear layer."""

from __future__ import annotations

from types import ModuleType

import numpy as np
from numpy.typing import DTypeLike

from msq_ref import checks
from msq_ref.nn import BatchNorm2d, Conv2d, GlobalAvgPool, Layer, Linear, Network, ReLU

__all__ = ["INPUT_SHAPE", "digits_cnn"]

INPUT_SHAPE = (8, 8, 1)
"""Height, width and channels of a digit."""


def digits_cnn(
    *, seed: int, dtype: DTypeLike, backend: ModuleType, width: int = 16, classes: int = 10
) -> Network:
    """Build the network: channels ``width``, ``2 width``, ``4 width``, the last two at stride 2.

    At the default width it has 24,058 parameters, 23,824 of them weights that are quantized.

    Parameters
    ----------
    seed : int
        Of the weights.
    dtype : float32 or float64
    backend : module
        Where the layers' operations come from.
    width, classes : int
        Channels of the first convolution; number of logits.

    Returns
    -------
    Network
        Takes (batch, 8, 8, 1) to (batch, classes).

    Raises
    ------
    TypeError, ValueError
        If `dtype` is another, or a size is not positive.
    """
    width = checks.integer("width", width, 1)
    classes = checks.integer("classes", classes, 1)
    rng = np.random.default_rng(seed)
    layers: dict[str, Layer] = {}
    inputs = INPUT_SHAPE[2]
    for index, (outputs, stride) in enumerate([(width, 1), (2 * width, 2), (4 * width, 2)], 1):
        layers[f"conv{index}"] = Conv2d(
            inputs, outputs, 3, stride=stride, padding=1, rng=rng, dtype=dtype, backend=backend
        )
        layers[f"bn{index}"] = BatchNorm2d(outputs, dtype=dtype, backend=backend)
        layers[f"relu{index}"] = ReLU(backend)
        inputs = outputs
    layers["pool"] = GlobalAvgPool(backend)
    layers["fc"] = Linear(inputs, classes, rng=rng, dtype=dtype, backend=backend)
    return Network(layers)
