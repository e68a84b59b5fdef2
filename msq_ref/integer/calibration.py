"""Which codes stand for which activations: ranges that were seen, and the scales they give [S8]."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref.checks import code_range
from msq_ref.nn import Network

__all__ = ["Activation", "calibrate"]


@dataclass(frozen=True)
class Activation:
    """The codes between two steps: width, kind, and the real value of one unit."""

    scale: float
    bits: int
    signed: bool

    @classmethod
    def of(cls, magnitude: float, bits: int, signed: bool) -> Activation:
        """Return the codes whose largest stands for a magnitude."""
        return cls(magnitude / code_range(bits, signed)[1], bits, signed)

    @property
    def largest(self) -> int:
        """Largest magnitude of a code."""
        low, high = code_range(self.bits, self.signed)
        return max(-low, high)


def calibrate(
    network: Network, images: NDArray[Any], percentile: float = 100.0
) -> dict[str, tuple[float, bool]]:
    """Return the range of every activation: its magnitude, and whether it goes below 0.

    Parameters
    ----------
    network : Network
        With its effective weights set.
    images : ndarray, NHWC, at least one
    percentile : float
        Of the magnitudes that the range must hold; 100: the maximum.

    Returns
    -------
    dict of layer name to (float, bool)
        ``"input"`` is the network's own. A magnitude of 0 is given as 1, so that it makes a scale.
    """
    ranges = {}
    x = images
    for name, layer in [("input", None), *network.layers.items()]:
        x = x if layer is None else layer.forward(x)
        magnitude = float(np.percentile(np.abs(x), percentile))
        ranges[name] = (magnitude or 1.0, bool(x.min() < 0))
    return ranges
