"""The unit interval to codes and back to weights [S2], [S1.2], [S1.4]."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import DTypeLike, NDArray

from msq_ref import checks
from msq_ref.backends.jax.exact import divided
from msq_ref.backends.jax.run import elementwise

__all__ = ["dequantize", "dorefa", "effective", "effective_signed", "roundclamp"]


def roundclamp(u: NDArray[Any], bits: int) -> NDArray[np.int32]:
    """Quantize with scale ``2^bits`` [S2.1], ``bitexact``; as `msq_ref.reference.roundclamp`."""
    u = checks.unit_array("u", u)
    n = checks.bit_width(bits)
    return np.asarray(elementwise(_roundclamp, [u], n))


def dorefa(u: NDArray[Any], bits: int) -> NDArray[np.int32]:
    """Quantize with scale ``2^bits - 1`` [S2.2], ``bitexact``; as `msq_ref.reference.dorefa`."""
    u = checks.unit_array("u", u)
    n = checks.bit_width(bits)
    return np.asarray(elementwise(_dorefa, [u], n))


def dequantize(codes: NDArray[Any], bits: int, dtype: DTypeLike = np.float32) -> NDArray[Any]:
    """Map codes to the unit interval [S2.3], ``bitexact``; as `msq_ref.reference.dequantize`."""
    n = checks.bit_width(bits)
    c = checks.code_array("codes", codes, n)
    kind = checks.float_dtype("dtype", dtype)
    return np.asarray(elementwise(_dequantize, [c.astype(kind)], n))


def effective(q: NDArray[Any], scale: float) -> NDArray[Any]:
    """Return ``scale * (2 q - 1)`` [S1.2], ``bitexact``; as `msq_ref.reference.effective`."""
    q = checks.unit_array("q", q)
    return np.asarray(elementwise(_effective, [q], checks.positive_scale("scale", scale, q.dtype)))


def effective_signed(q: NDArray[Any], signs: NDArray[Any], scale: float) -> NDArray[Any]:
    """Return ``scale * sign * q`` [S1.4], ``bitexact``; as `msq_ref.reference.effective_signed`."""
    q = checks.unit_array("q", q)
    s = checks.sign_array("signs", signs, q.shape).astype(q.dtype)
    factor = checks.positive_scale("scale", scale, q.dtype)
    return np.asarray(elementwise(_effective_signed, [q, s], factor))


def round_clamped(u: jax.Array, bits: jax.Array) -> jax.Array:
    """Return RoundClamp's codes; to be used inside compiled functions."""
    scale = _levels(bits, u)
    return jnp.minimum(jnp.rint(scale * u), scale - 1).astype(jnp.int32)


@jax.jit
def _roundclamp(u: jax.Array, bits: jax.Array) -> jax.Array:
    return round_clamped(u, bits)


@jax.jit
def _dorefa(u: jax.Array, bits: jax.Array) -> jax.Array:
    return jnp.rint((_levels(bits, u) - 1) * u).astype(jnp.int32)


@jax.jit
def _dequantize(codes: jax.Array, bits: jax.Array) -> jax.Array:
    return divided(codes, _levels(bits, codes) - 1)


@jax.jit
def _effective(q: jax.Array, scale: jax.Array) -> jax.Array:
    return scale * (2 * q - 1)  # 2 q is exact: fusing the two changes nothing


@jax.jit
def _effective_signed(q: jax.Array, signs: jax.Array, scale: jax.Array) -> jax.Array:
    return scale * signs * q


def _levels(bits: jax.Array, like: jax.Array) -> jax.Array:
    """Return ``2^bits`` in the dtype of `like`."""
    return (jnp.ones_like(bits) << bits).astype(like.dtype)
