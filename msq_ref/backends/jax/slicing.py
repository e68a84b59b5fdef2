"""The low bits and the force on them [S3], [S4]."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.backends.jax.exact import magnitude
from msq_ref.backends.jax.quantizers import round_clamped
from msq_ref.backends.jax.run import elementwise, flat, run

__all__ = ["lsb", "lsb_l1", "lsb_l1_codes", "lsb_l1_grad", "lsb_nonzero_rate"]


def lsb(u: NDArray[Any], bits: int, k: int) -> NDArray[np.int32]:
    """Slice the k low bits off by rounding [S3.1], ``bitexact``; as `msq_ref.reference.lsb`."""
    u, n, k = checks.slice_arguments(u, bits, k)
    return np.asarray(elementwise(_lsb, [u], n, k))


def lsb_l1_codes(u: NDArray[Any], bits: int, k: int) -> int:
    """Return ``sum |B_k|`` [S4.1], ``bitexact``; as `msq_ref.reference.lsb_l1_codes`."""
    u, n, k = checks.slice_arguments(u, bits, k)
    return int(run(_l1_codes, flat(u), n, k))


def lsb_l1(u: NDArray[Any], bits: int, k: int) -> float:
    """Return ``sum |B_k| / 2^n`` [S4.1], ``bitexact``; as `msq_ref.reference.lsb_l1`."""
    return lsb_l1_codes(u, bits, k) / 2 ** checks.bit_width(bits)


def lsb_l1_grad(u: NDArray[Any], bits: int, k: int) -> NDArray[Any]:
    """Return the gradient of `lsb_l1`, ``sign(B_k)`` [S4.2], ``bitexact``.

    By automatic differentiation, straight through; arguments and errors are those of
    `msq_ref.reference.lsb_l1_grad`.
    """
    u, n, k = checks.slice_arguments(u, bits, k)
    return np.asarray(elementwise(_l1_grad, [u], n, k))


def lsb_nonzero_rate(u: NDArray[Any], bits: int, k: int) -> float:
    """Return ``nnz(B_k) / size`` [S3.4], ``bitexact``; as `msq_ref.reference.lsb_nonzero_rate`."""
    checks.float_array("u", u, allow_empty=False)
    u, n, k = checks.slice_arguments(u, bits, k)
    return int(run(_nonzero, flat(u), n, k)) / u.size


# The zeros that arrays are padded with have no low bits: they add nothing to sums and counts.


@jax.jit
def _lsb(u: jax.Array, bits: jax.Array, k: jax.Array) -> jax.Array:
    return round_clamped(u, bits) - (round_clamped(u, bits - k) << k)


@jax.jit
def _l1_codes(u: jax.Array, bits: jax.Array, k: jax.Array) -> jax.Array:
    return jnp.abs(_lsb(u, bits, k)).astype(jnp.int64).sum()


@jax.jit
def _l1_grad(u: jax.Array, bits: jax.Array, k: jax.Array) -> jax.Array:
    def regularizer(u: jax.Array) -> jax.Array:
        # Codes on the unit scale, so that the straight-through gradient is 1; the coarse code is
        # constant, for through both terms it would be 0 everywhere [S4.2].
        unit = jnp.ldexp(jnp.ones_like(u), -bits)
        low = jax.lax.stop_gradient(_lsb(u, bits, k).astype(u.dtype) * unit)
        return magnitude(low + (u - jax.lax.stop_gradient(u))).sum()

    return jax.grad(regularizer)(u)


@jax.jit
def _nonzero(u: jax.Array, bits: jax.Array, k: jax.Array) -> jax.Array:
    return jnp.count_nonzero(_lsb(u, bits, k))
