"""Weights to the unit interval, and `jax.vjp` through the maximum [S1]."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.backends.jax import exact
from msq_ref.backends.jax.run import elementwise

__all__ = ["normalize", "normalize_backward", "normalize_signed", "normalize_signed_backward"]

def normalize(w: NDArray[Any]) -> NDArray[Any]:
    """Map weights to the unit interval, ``offset`` domain [S1.1], class ``tolerance``.

    Arguments and errors are those of `msq_ref.reference.normalize`.
    """
    return np.asarray(elementwise(_normalize, [checks.float_array("w", w, allow_empty=False)]))


def normalize_signed(w: NDArray[Any]) -> NDArray[Any]:
    """Map weights to the unit interval, ``signed`` domain [S1.4], ``bitexact``.

    Arguments and errors are those of `msq_ref.reference.normalize_signed`.
    """
    w = checks.float_array("w", w, allow_empty=False)
    return np.asarray(elementwise(_normalize_signed, [w]))


def normalize_backward(
    grad_u: NDArray[Any], w: NDArray[Any], max_gradient: bool = True
) -> NDArray[Any]:
    """Take dL/du of `normalize` to dL/dw by automatic differentiation [S1.3], ``tolerance``.

    Arguments and errors are those of `msq_ref.reference.normalize_backward`.
    """
    w, grad_u = checks.gradient_pair(grad_u, w)
    return np.asarray(elementwise(_normalize_backward, [grad_u, w], bool(max_gradient), exact.ZERO))


def normalize_signed_backward(
    grad_u: NDArray[Any], w: NDArray[Any], max_gradient: bool = True
) -> NDArray[Any]:
    """Take dL/du of `normalize_signed` to dL/dw by automatic differentiation [S1.4], ``tolerance``.

    Arguments and errors are those of `msq_ref.reference.normalize_signed_backward`.
    """
    w, grad_u = checks.gradient_pair(grad_u, w)
    return np.asarray(
        elementwise(_normalize_signed_backward, [grad_u, w], bool(max_gradient), exact.ZERO)
    )


# The zeros that arrays are padded with add nothing to a maximum, and their gradient is 0.


@jax.jit
def _normalize(w: jax.Array) -> jax.Array:
    t = exact.tanh(w)
    m = jnp.abs(t).max()
    return jnp.where(m == 0, 0, exact.divided(t, 2 * m)) + jnp.asarray(0.5, w.dtype)


@jax.jit
def _normalize_signed(w: jax.Array) -> jax.Array:
    m = jnp.abs(w).max()
    return jnp.where(m == 0, 0, exact.divided(jnp.abs(w), m))


@jax.jit
def _normalize_backward(
    grad_u: jax.Array, w: jax.Array, max_gradient: jax.Array, zero: jax.Array
) -> jax.Array:
    tied = _attains_maximum(w, exact.tanh(w))

    def unit(wide: jax.Array) -> jax.Array:
        return 0.5 * _over_maximum(_tanh(wide), tied, max_gradient, zero) + 0.5

    return _pulled_back(unit, grad_u, w)


@jax.jit
def _normalize_signed_backward(
    grad_u: jax.Array, w: jax.Array, max_gradient: jax.Array, zero: jax.Array
) -> jax.Array:
    tied = _attains_maximum(w, w)

    def unit(wide: jax.Array) -> jax.Array:
        return _over_maximum(exact.magnitude(wide), tied, max_gradient, zero)

    return _pulled_back(unit, grad_u, w)


def _pulled_back(
    unit: Callable[[jax.Array], jax.Array], grad_u: jax.Array, w: jax.Array
) -> jax.Array:
    """Return dL/dw, computed in float64 and rounded once to the dtype of `w`."""
    _, pull_back = jax.vjp(unit, w.astype(jnp.float64))
    (grad,) = pull_back(grad_u.astype(jnp.float64))
    return jnp.where(jnp.any(w != 0), grad, 0).astype(w.dtype)


def _attains_maximum(w: jax.Array, t: jax.Array) -> jax.Array:
    """Tell which elements attain ``max|t|`` in the dtype of the weights; equal ``|w|`` tie."""
    magnitude = jnp.abs(t)
    largest = magnitude == magnitude.max()
    return jnp.abs(w) >= jnp.where(largest, jnp.abs(w), jnp.inf).min()


def _over_maximum(
    t: jax.Array, tied: jax.Array, max_gradient: jax.Array, zero: jax.Array
) -> jax.Array:
    """Return ``t / max|t|``; the elements that attain the maximum share its gradient equally.

    The maximum as a number is divided out first, as a constant. What is left has the maximum 1,
    whose gradient, unlike that of ``t / m``, cancels without rounding where it must.
    """
    m = jax.lax.stop_gradient(jnp.abs(t).max())
    t = exact.divided(t, jnp.where(m == 0, 1, m))
    one = jnp.where(tied, exact.magnitude(t), 0).sum() / tied.sum().astype(t.dtype)
    # In the dtype of the weights all tied elements are at 1, in float64 they may be just below.
    one = one + (1 - jax.lax.stop_gradient(one))
    one = jnp.where(max_gradient, one, jax.lax.stop_gradient(one))
    return t / _spread(t.size, one, zero)


@jax.custom_vjp
def _tanh(w: jax.Array) -> jax.Array:
    """Return the hyperbolic tangent; its derivative is 1 / cosh^2, for 1 - t^2 cancels."""
    return exact.tanh(w)


_tanh.defvjp(
    lambda w: (exact.tanh(w), w),
    lambda w, grad: (grad * exact.sech_squared(w),),
)


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _spread(size: int, value: jax.Array, zero: jax.Array) -> jax.Array:
    """Return copies of a scalar; the sum of their gradients has the order of [S0.5]."""
    return jnp.full(size, value)


_spread.defvjp(
    lambda size, value, zero: (jnp.full(size, value), zero),
    lambda size, zero, grad: (exact.ordered_sum(exact.rounded(grad, zero)), None),
)
