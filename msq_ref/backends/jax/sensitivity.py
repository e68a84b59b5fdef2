"""How much a layer's quantization may hurt [S5.5]."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.backends.jax import exact
from msq_ref.backends.jax.run import flat, run

__all__ = ["sensitivity"]


def sensitivity(trace: float, quantized: NDArray[Any], weights: NDArray[Any]) -> float:
    """Return ``Tr(H) * ||W_n - W||_2`` [S5.5], ``bitexact``; as `msq_ref.reference.sensitivity`."""
    trace = checks.real("trace", trace)
    quantized = checks.float_array("quantized", quantized)
    weights = checks.like("weights", weights, quantized)
    return trace * float(run(_distance, flat(quantized), flat(weights), exact.ZERO))


@jax.jit
def _distance(quantized: jax.Array, weights: jax.Array, zero: jax.Array) -> jax.Array:
    difference = quantized.astype(jnp.float64) - weights.astype(jnp.float64)
    return jnp.sqrt(exact.ordered_sum(exact.rounded(difference * difference, zero)))
