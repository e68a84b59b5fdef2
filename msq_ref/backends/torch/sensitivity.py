"""How much a layer's quantization may hurt [S5.5]."""

from __future__ import annotations

import math
from typing import Any

from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.backends.torch.arrays import ordered_sum, tensor

__all__ = ["sensitivity"]


def sensitivity(trace: float, quantized: NDArray[Any], weights: NDArray[Any]) -> float:
    """Return ``Tr(H) * ||W_n - W||_2`` [S5.5], ``bitexact``; as `msq_ref.reference.sensitivity`."""
    trace = checks.real("trace", trace)
    quantized = checks.float_array("quantized", quantized)
    weights = checks.like("weights", weights, quantized)
    difference = tensor(quantized).double() - tensor(weights).double()
    return trace * math.sqrt(float(ordered_sum(difference * difference)))
