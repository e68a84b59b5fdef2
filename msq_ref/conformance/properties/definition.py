"""Equal to the definition for any shape, stride, dtype and layout: one property per operation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

from msq_ref import reference
from msq_ref.conformance.cases.examples import Call
from msq_ref.conformance.cases.plan import INTEGERS
from msq_ref.conformance.judge import judge
from msq_ref.conformance.properties.property import PROPERTIES, Calls, Property
from msq_ref.conformance.properties.strategies import (
    Scope,
    code_arrays,
    dtypes,
    finite_arrays,
    grid_arrays,
    layouts,
    positive,
    shapes,
    signs_like,
    slice_widths,
    unit_arrays,
    widths,
)
from msq_ref.conformance.wide import bound_of
from msq_ref.contract import OPERATIONS

__all__ = ["ARGUMENTS"]

Draw = Any


def _weights(draw: Draw, scope: Scope) -> Call:
    dtype = draw(dtypes())
    bound = draw(st.sampled_from([1e-3, 2.0, 1e6]))
    shape = draw(shapes(scope, empty=False))
    return (draw(finite_arrays(scope, shape, dtype, bound)),), {}


def _backward(draw: Draw, scope: Scope) -> Call:
    dtype, shape = draw(dtypes()), draw(shapes(scope, empty=False))
    grad = draw(finite_arrays(scope, shape, dtype, 1e3))
    optional = draw(st.sampled_from([{}, {"max_gradient": True}, {"max_gradient": False}]))
    return (grad, draw(grid_arrays(shape, dtype))), optional


def _quantizer(draw: Draw, scope: Scope) -> Call:
    return (draw(unit_arrays(scope)), draw(widths())), {}


def _slice(draw: Draw, scope: Scope) -> Call:
    return (draw(unit_arrays(scope)), *draw(slice_widths())), {}


def _rate(draw: Draw, scope: Scope) -> Call:
    return (draw(unit_arrays(scope, empty=False)), *draw(slice_widths())), {}


def _dequantize(draw: Draw, scope: Scope) -> Call:
    n = draw(widths())
    dtype = draw(st.sampled_from(INTEGERS))
    codes = draw(code_arrays(draw(shapes(scope)), 0, 2**n - 1, dtype))
    return (codes, n), draw(st.sampled_from([{}, {"dtype": "float32"}, {"dtype": "float64"}]))


def _effective(draw: Draw, scope: Scope) -> Call:
    return (draw(unit_arrays(scope)), draw(positive())), {}


def _effective_signed(draw: Draw, scope: Scope) -> Call:
    q = draw(unit_arrays(scope))
    return (np.asarray(np.abs(q)), draw(signs_like(q.shape)), draw(positive())), {}


def _bit_planes(draw: Draw, scope: Scope) -> Call:
    n, signed = draw(widths()), draw(st.booleans())
    low, high = (-(2 ** (n - 1)), 2 ** (n - 1) - 1) if signed else (0, 2**n - 1)
    dtype = draw(st.sampled_from(INTEGERS))
    codes = draw(code_arrays(draw(shapes(scope)), low, high, dtype))
    return (codes, n), {"signed": signed} if draw(st.booleans()) or signed else {}


def _from_planes(draw: Draw, scope: Scope) -> Call:
    shape = (draw(widths()), *draw(shapes(scope)))
    planes = draw(code_arrays(shape, 0, 1, draw(st.sampled_from(INTEGERS))))
    return (planes,), {"signed": True} if draw(st.booleans()) else {}


def _sensitivity(draw: Draw, scope: Scope) -> Call:
    dtype, shape = draw(dtypes()), draw(shapes(scope))
    q, w = (draw(finite_arrays(scope, shape, dtype, 1e6)) for _ in range(2))
    return (draw(st.floats(-1e6, 1e6, allow_subnormal=False)), q, w), {}


def _omegas(draw: Draw, _scope: Scope) -> Call:
    number = st.one_of(st.integers(-5, 5).map(lambda j: j / 10), st.floats(-1e300, 1e300))
    return (draw(st.lists(number, min_size=1, max_size=8)),), {}


def _round(draw: Draw, _scope: Scope) -> Call:
    count = draw(st.integers(1, 5))

    def each(elements: st.SearchStrategy[Any]) -> Any:
        return draw(st.lists(elements, min_size=count, max_size=count))

    rate = st.integers(0, 10).map(lambda j: j / 10)
    alpha = draw(rate) if draw(st.booleans()) else each(rate)
    sizes = each(st.integers(0, 2**33))
    sizes[0] += 1
    target = draw(st.one_of(st.floats(1.9, 33), st.just(float("inf")), st.integers(2, 32)))
    bits, betas, ks = each(widths()), each(rate), each(st.integers(0, 20))
    return (bits, betas, ks, sizes, alpha, target, draw(widths())), {}


def _sizes(draw: Draw, _scope: Scope) -> Call:
    count = draw(st.integers(1, 6))
    sizes = draw(st.lists(st.integers(0, 2**50), min_size=count, max_size=count))
    sizes[-1] += 1
    return (sizes, draw(st.lists(widths(), min_size=count, max_size=count))), {}


def _activations(draw: Draw, scope: Scope) -> Call:
    n, scale, dtype = draw(widths()), draw(positive()), draw(dtypes())
    shape = draw(shapes(scope))
    if draw(st.booleans()):
        x = draw(finite_arrays(scope, shape, dtype, 1e6))
    else:
        halves = draw(code_arrays(shape, -(2**n) - 4, 2 ** (n + 1) + 4, np.int64))
        x = np.asarray(halves / 2 * dtype.type(scale)).astype(dtype)
    return (x, scale, n, draw(st.booleans())), {}


def _integer_weights(draw: Draw, scope: Scope) -> Call:
    n = draw(widths())
    signed = n > 1 and draw(st.booleans())
    shape, dtype = draw(shapes(scope)), draw(st.sampled_from(INTEGERS))
    codes = draw(code_arrays(shape, 0, 2 ** (n - signed) - 1, dtype))
    return (codes, n), {"signs": draw(signs_like(shape))} if signed else {}


def _linear(draw: Draw, scope: Scope) -> Call:
    shape = draw(st.sampled_from([(3,), (2, 7), (0, 7), (2, 3, 7)]))
    (codes, n), optional = _matrix(draw, scope, shape[-1])
    return (_lines(draw, shape), codes, n), optional


def _matrix(draw: Draw, _scope: Scope, length: int) -> Call:
    n = draw(widths())
    signed = n > 1 and draw(st.booleans())
    dtype = draw(st.sampled_from(INTEGERS))
    codes = draw(code_arrays((length, 4), 0, 2 ** (n - signed) - 1, dtype))
    return (codes, n), {"signs": draw(signs_like(codes.shape))} if signed else {}


def _lines(draw: Draw, shape: tuple[int, ...]) -> Any:
    dtype = draw(st.sampled_from(INTEGERS))
    bound = draw(st.sampled_from([8, 2**31, 2**40]))
    return draw(code_arrays(shape, -bound, bound, dtype))


def _bitserial(draw: Draw, scope: Scope) -> Call:
    shape = draw(st.sampled_from([(3,), (2, 7), (0, 7), (2, 3, 7)]))
    dtype = draw(st.sampled_from(INTEGERS))
    planes = draw(code_arrays((draw(widths()), shape[-1], 4), 0, 1, dtype))
    return (_lines(draw, shape), planes), {"signed": True} if draw(st.booleans()) else {}


CONVOLUTIONS: tuple[tuple[Any, ...], ...] = (
    # image, kernel, channels, outputs, then what is not a default
    ((4, 5), (2, 3), 2, 3, {}),
    ((4, 5), (3, 1), 2, 3, {"stride": 2}),
    ((3, 4), (3, 3), 1, 2, {"padding": 1}),
    ((3, 4), (2, 2), 4, 6, {"groups": 2, "padding": 2, "stride": 2}),
    ((5, 4), (3, 3), 3, 3, {"groups": 3, "padding": 1}),
)


def _convolution(draw: Draw, _scope: Scope) -> Call:
    image, kernel, channels, outputs, optional = draw(st.sampled_from(CONVOLUTIONS))
    n = draw(widths())
    signed = n > 1 and draw(st.booleans())
    filters = (*kernel, channels // optional.get("groups", 1), outputs)
    codes = draw(
        code_arrays(filters, 0, 2 ** (n - signed) - 1, draw(st.sampled_from(INTEGERS)))
    )
    x = _lines(draw, (2, *image, channels))
    extra = {"signs": draw(signs_like(filters))} if signed else {}
    return (x, codes, n), {**optional, **extra}


def _requantize(draw: Draw, scope: Scope) -> Call:
    n, signed = draw(widths()), draw(st.booleans())
    low, high = (-(2 ** (n - 1)), 2 ** (n - 1) - 1) if signed else (0, 2**n - 1)
    shape = draw(shapes(scope))
    bound = draw(st.sampled_from([100, 2**20, 2**31 - 1]))
    acc = draw(code_arrays(shape, -bound, bound, draw(st.sampled_from(INTEGERS))))

    def parameter(least: int, most: int) -> Any:
        if shape and draw(st.booleans()):
            return draw(code_arrays(shape[-1:], least, most, np.int64))
        return draw(st.integers(least, most))

    multiplier = parameter(2**30, 2**31 - 1)
    return (acc, multiplier, parameter(1, 62), parameter(low, high), n, signed), {}


def _sgd(draw: Draw, scope: Scope) -> Call:
    dtype, shape = draw(dtypes()), draw(shapes(scope))
    arrays = tuple(draw(finite_arrays(scope, shape, dtype, 1e3)) for _ in range(3))
    rate = st.sampled_from([0.0, 0.1, 0.9, 1.0, 1e-4, 1 / 3, 2])
    return (*arrays, draw(rate), draw(rate), draw(rate)), {}


ARGUMENTS: dict[str, Callable[[Draw, Scope], Call]] = {
    "normalize": _weights,
    "normalize_signed": _weights,
    "normalize_backward": _backward,
    "normalize_signed_backward": _backward,
    "roundclamp": _quantizer,
    "dorefa": _quantizer,
    "dequantize": _dequantize,
    "effective": _effective,
    "effective_signed": _effective_signed,
    "lsb": _slice,
    "lsb_l1": _slice,
    "lsb_l1_codes": _slice,
    "lsb_l1_grad": _slice,
    "lsb_nonzero_rate": _rate,
    "bit_planes": _bit_planes,
    "from_bit_planes": _from_planes,
    "sensitivity": _sensitivity,
    "assign_k": _omegas,
    "prune_step": _round,
    "compression": _sizes,
    "activation_codes": _activations,
    "integer_weights": _integer_weights,
    "integer_linear": _linear,
    "integer_conv2d": _convolution,
    "bitserial_linear": _bitserial,
    "requantize": _requantize,
    "sgd_step": _sgd,
}
"""A legal call of each operation, drawn."""


def _defined(name: str) -> Property:
    @st.composite
    def given(draw: Draw, scope: Scope) -> tuple[Any, ...]:
        return *ARGUMENTS[name](draw, scope), draw(layouts())

    def holds(call: Calls, required: Any, optional: Any, layout: str) -> bool:
        got = call(name, *required, layout=layout, **optional)
        expected = getattr(reference, name)(*required, **optional)
        return not judge(name, expected, got, bound_of(name, required, optional)).fault

    statement = "the result is that of the definition"
    clauses = next(entry.clauses for entry in OPERATIONS if entry.name == name)
    return Property(name, "definition", (), clauses, statement, given, holds)


PROPERTIES.extend(_defined(entry.name) for entry in OPERATIONS)
