"""What holds for the update, whoever computes it [S12.1]."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from msq_ref.conformance.properties.property import Calls, about
from msq_ref.conformance.properties.strategies import Scope, dtypes, finite_arrays, shapes

__all__: list[str] = []

Array = NDArray[Any]


@st.composite
def _state(draw: Any, scope: Scope) -> tuple[Array, Array, Array, float, float, float]:
    dtype, shape = draw(dtypes()), draw(shapes(scope))
    arrays = (draw(finite_arrays(scope, shape, dtype, 1e3)) for _ in range(3))
    # No product is subnormal, so that powers of two come out exactly.
    w, grad, velocity = (np.where(np.abs(x) < 1e-6, 0, x).astype(dtype) for x in arrays)
    rate = st.sampled_from([0.1, 0.9, 1.0, 1e-3, 1 / 3])
    return w, grad, velocity, draw(rate), draw(rate), draw(rate)


def _same(one: Array, other: Array) -> bool:
    return np.array_equal(one, other)


@about("sgd_step", clauses="S12.1", given=_state)
def nothing_but_the_gradient(
    call: Calls, w: Array, grad: Array, velocity: Array, lr: float, _mu: float, _decay: float
) -> bool:
    """Without momentum and decay the velocity is the gradient; without a rate w stays."""
    _, after = call("sgd_step", w, grad, velocity, lr, 0.0, 0.0)
    still, _ = call("sgd_step", w, grad, velocity, 0.0, 0.9, 0.1)
    return _same(after, grad) and _same(still, w)


@about("sgd_step", clauses="S12.1", given=_state)
def velocity_moves_the_weights(
    call: Calls, w: Array, grad: Array, velocity: Array, lr: float, mu: float, decay: float
) -> bool:
    """The weights move by the rate times the new velocity, each operation rounded."""
    new, after = call("sgd_step", w, grad, velocity, lr, mu, decay)
    moved = w.dtype.type(lr) * np.asarray(after)
    return _same(new, w - moved)


@about("sgd_step", clauses="S12.1", given=_state)
def homogeneous(
    call: Calls, w: Array, grad: Array, velocity: Array, lr: float, mu: float, decay: float
) -> bool:
    """Everything times -4 gives results times -4, to the bit."""
    once = call("sgd_step", w, grad, velocity, lr, mu, decay)
    more = call("sgd_step", -4 * w, -4 * grad, -4 * velocity, lr, mu, decay)
    return all(_same(other, -4 * np.asarray(one)) for one, other in zip(once, more, strict=True))
