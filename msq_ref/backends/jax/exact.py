"""Keep XLA from changing the last bit.

On the CPU, XLA (measured with jaxlib 0.10.2 on x86-64)

- fuses a product and a sum into one operation with one rounding, also across an optimization
  barrier, where [S12.1] and [S5.5] want two: see `rounded`;
- makes a division by a broadcast scalar a product with its reciprocal, where [S2.3], [S1.4] and
  [S8.1] want the division: see `divided`;
- has a float64 tanh that is up to 3.5 eps off, which would leave the class of [S1.1]: see `tanh`.

And the derivative of `jax.numpy.abs` at 0 is 1 in recent versions: see `magnitude`.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import lax

from msq_ref.reference.sums import CHUNK, LANES

__all__ = ["ZERO", "divided", "magnitude", "ordered_sum", "rounded", "sech_squared", "tanh"]

ZERO = 0
"""What `rounded` is given; a caller passes it on to its compiled function as an argument."""


def rounded(product: jax.Array, zero: jax.Array) -> jax.Array:
    """Return `product` as a number of its own, which nothing fuses with what follows.

    Its bits are combined with `zero`, an integer 0 that is data: the compiler cannot know that this
    leaves them as they are.
    """
    integer = jnp.int32 if product.dtype == jnp.float32 else jnp.int64
    bits = lax.bitcast_convert_type(product, integer)
    return lax.bitcast_convert_type(bits ^ zero.astype(integer), product.dtype)


def divided(numerator: jax.Array, divisor: jax.Array) -> jax.Array:
    """Return an array over a scalar, each quotient correctly rounded."""
    every = lax.optimization_barrier(jnp.full(numerator.shape, divisor))
    return numerator / every


def magnitude(x: jax.Array) -> jax.Array:
    """Return ``|x|`` with the derivative ``sign(x)``, 0 at 0 [S1.4], [S4.2]."""
    return x * lax.stop_gradient(jnp.sign(x))


def ordered_sum(values: jax.Array) -> jax.Array:
    """Sum float64 values in the order of [S0.5]; the size is a multiple of 32, or of 8192."""
    rows = values.reshape(-1, min(values.size, CHUNK) // LANES, LANES)
    lanes = _added(jnp.swapaxes(rows, 0, 1))  # (chunks, lanes)
    return _added(_added(lanes.T))


def _added(terms: jax.Array) -> jax.Array:
    """Add along the first axis, strictly in order."""

    def add(total: jax.Array, term: jax.Array) -> tuple[jax.Array, None]:
        return total + term, None

    return lax.scan(add, jnp.zeros(terms.shape[1:], terms.dtype), terms)[0]


def tanh(w: jax.Array) -> jax.Array:
    """Return the hyperbolic tangent to within 1.25 eps, in float64 and rounded to the dtype of `w`.

    A rational approximation below 0.625, ``1 - 2 / (exp(2|w|) + 1)`` above (Cephes, Moshier 1992).
    """
    wide = w.astype(jnp.float64)
    x = jnp.abs(wide)
    z = x * x
    top = (-9.64399179425052238628e-1 * z - 9.92877231001918586564e1) * z - 1.61468768441708447952e3
    bottom = (
        (z + 1.12811678491632931402e2) * z + 2.23548839060100448583e3
    ) * z + 4.84406305325125486048e3
    small = x + x * (z * (top / bottom))
    large = 1 - 2 / (jnp.exp(2 * x) + 1)
    return jnp.copysign(jnp.where(x < 0.625, small, large), wide).astype(w.dtype)


def sech_squared(w: jax.Array) -> jax.Array:
    """Return ``1 / cosh(w)^2`` of float64; XLA's cosh is up to 9 eps off."""
    e = jnp.exp(-2 * jnp.abs(w))
    return 4 * e / ((1 + e) * (1 + e))
