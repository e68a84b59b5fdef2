"""From an accumulator back to a code [S9.4]."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.backends.jax.run import elementwise

__all__ = ["requantize"]


def requantize(
    acc: NDArray[Any],
    multiplier: int | NDArray[Any],
    shift: int | NDArray[Any],
    zero_point: int | NDArray[Any],
    bits: int,
    signed: bool,
) -> NDArray[np.int32]:
    """Return ``((acc * m + 2^(s-1)) >> s) + z``, clamped [S9.4], ``bitexact``.

    Arguments and errors are those of `msq_ref.reference.requantize`.
    """
    acc, *parameters, low, high = checks.requantize_arguments(
        acc, multiplier, shift, zero_point, bits, signed
    )
    each = [np.broadcast_to(value, acc.shape) for value in parameters]
    return np.asarray(elementwise(_requantize, [acc, *each], low, high))


@jax.jit
def _requantize(
    acc: jax.Array, m: jax.Array, s: jax.Array, z: jax.Array, low: jax.Array, high: jax.Array
) -> jax.Array:
    half = jnp.ones_like(s) << (s - 1)
    scaled = (acc * m + half) >> s  # of int64, which is arithmetic in XLA
    return jnp.clip(scaled + z, low.astype(z.dtype), high.astype(z.dtype)).astype(jnp.int32)
