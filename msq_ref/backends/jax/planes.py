"""Bit planes of finished codes [S3.3], [S9.1]."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.backends.jax.run import bucket, elementwise, padded, run

__all__ = ["bit_planes", "from_bit_planes"]


def bit_planes(codes: NDArray[Any], bits: int, signed: bool = False) -> NDArray[np.uint8]:
    """Split codes into bit planes [S3.3], ``bitexact``; as `msq_ref.reference.bit_planes`."""
    n = checks.bit_width(bits)
    c = checks.integer_array("codes", codes, *checks.code_range(n, signed)).astype(np.int32)
    return np.array(elementwise(_planes, [c])[:n])


def from_bit_planes(planes: NDArray[Any], signed: bool = False) -> NDArray[np.int32]:
    """Put codes together [S3.3], ``bitexact``; as `msq_ref.reference.from_bit_planes`."""
    b = checks.integer_array("planes", planes, 0, 1).astype(np.int32)
    if b.ndim == 0:
        raise ValueError("planes has shape (): expected (bits, ...)")
    n = checks.bit_width(b.shape[0], name="planes.shape[0]")
    shape, size = b.shape[1:], b[0].size
    every = padded(b.reshape(n, size), checks.MAX_BITS, bucket(size))
    return np.array(run(_codes, every, n, bool(signed))[:size]).reshape(shape)


def plane_weights(bits: jax.Array, signed: jax.Array) -> jax.Array:
    """Return what each of 16 planes counts; plane ``bits - 1`` negative if `signed`."""
    j = jnp.arange(checks.MAX_BITS, dtype=jnp.int32)
    weights = jnp.ones_like(j) << j
    return jnp.where(signed & (j == bits - 1), -weights, weights)


@jax.jit
def _planes(codes: jax.Array) -> jax.Array:
    # All 16, whatever the width is. An arithmetic shift of a two's complement number shows its
    # bits, the sign's included.
    j = jnp.arange(checks.MAX_BITS, dtype=jnp.int32)
    return ((codes[None] >> j[:, None]) & 1).astype(jnp.uint8)


@jax.jit
def _codes(planes: jax.Array, bits: jax.Array, signed: jax.Array) -> jax.Array:
    return (plane_weights(bits, signed)[:, None] * planes).sum(axis=0, dtype=jnp.int32)
