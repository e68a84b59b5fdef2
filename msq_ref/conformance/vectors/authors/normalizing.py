"""Cases of normalization and its derivative [S1.1], [S1.3], [S1.4]."""

from __future__ import annotations

from typing import Any

import numpy as np

from msq_ref.conformance.vectors.authors.author import ANY_ERROR, Author
from msq_ref.conformance.vectors.authors.illegal import bad_floats
from msq_ref.conformance.vectors.authors.points import DTYPES, floats, generator

__all__ = [
    "normalize",
    "normalize_backward",
    "normalize_signed",
    "normalize_signed_backward",
]


def normalize(author: Author) -> None:
    """Write weights of all sizes; what is frozen is the real number, rounded once."""
    author.legal("the spec's example", w=np.array([-0.5, 0.0, 1.0]))
    _weights(author)
    for dtype in DTYPES:
        author.legal(
            f"far out, where tanh is 1, {dtype}",
            w=np.array([20.0, -300.0, 1e4, -0.5, np.finfo(dtype).max], dtype),
        )  # fmt: skip


def normalize_signed(author: Author) -> None:
    """Write one division, to the bit."""
    rng = generator("normalize_signed")
    author.legal("the spec's example", w=np.array([-0.5, 0.0, 1.0]))
    _weights(author)
    for dtype in DTYPES:
        for m in (3.0, 7.0, 0.7, 1.1, 49.0):
            w = floats(rng, 7, dtype, 0.5)
            w[3] = -m
            author.legal(f"divided by {m:g}, not times its reciprocal, {dtype}", "Reciprocal", w=w)
        largest, least = np.finfo(dtype).max, np.finfo(dtype).smallest_subnormal
        author.legal(f"the largest numbers, {dtype}", w=np.array([largest, -largest, 1.0], dtype))
        author.legal(
            f"from the largest to the least: the quotient underflows, {dtype}",
            w=np.array([largest, least, -least, largest / 3], dtype),
        )  # fmt: skip


def normalize_backward(author: Author) -> None:
    """Write the maximum's derivative, its ties, and the option that holds it constant."""
    _gradients(author)
    for dtype in DTYPES:
        author.legal(
            f"far out the slope of tanh is 0, {dtype}",
            grad_u=np.array([1.0, -2.0, 0.5], dtype), w=np.array([0.25, 40.0, -0.75], dtype),
        )  # fmt: skip


def normalize_signed_backward(author: Author) -> None:
    """Write the same for the magnitude; a zero weight gets nothing."""
    _gradients(author)
    for dtype in DTYPES:
        author.legal(
            f"an exactly zero weight gets no gradient, whatever its sign, {dtype}",
            grad_u=np.array([1.0, 3.0, -5.0, 2.0], dtype),
            w=np.array([0.5, 0.0, -0.0, -1.0], dtype),
        )  # fmt: skip


def _weights(author: Author) -> None:
    rng = generator(author.operation.name)
    for dtype in DTYPES:
        kind = np.dtype(dtype)
        tiny, least = np.finfo(kind).tiny, np.finfo(kind).smallest_subnormal
        for count, spread in ((1, 1.0), (2, 0.5), (9, 1.0), (33, 0.125), (65, 4.0), (9, 2.0**-30)):
            w = floats(rng, count, dtype, spread)
            author.legal(f"{count} drawn from (-{spread:g}, {spread:g}), {dtype}", w=w)
        author.legal(f"all zero, of both signs, {dtype}", w=np.array([0.0, -0.0, 0.0], kind))
        author.legal(f"one zero without axes, {dtype}", w=np.array(0.0, kind))
        author.legal(f"one negative number without axes, {dtype}", w=np.array(-0.3, kind))
        author.legal(f"all equal, {dtype}", w=np.full((2, 2), 0.7, kind))
        author.legal(f"the maximum is attained twice, {dtype}", w=np.array([0.9, -0.9, 0.1], kind))
        author.legal(f"the maximum is subnormal, {dtype}", w=np.array([3 * least, -least], kind))
        author.legal(
            f"subnormals beside ordinary numbers, {dtype}",
            w=np.array([least, -least, tiny - least, tiny, 0.5, -0.0], kind),
        )  # fmt: skip
        author.legal(f"three axes, {dtype}", w=floats(rng, 12, dtype).reshape(2, 3, 2))
    for shape in ((0,), (3, 0)):
        author.illegal(
            f"a maximum over nothing, shape {shape}", "Empty", clauses=author.operation.clauses,
            w=np.zeros(shape),
        )  # fmt: skip
    bad_floats(author, "w", [0.25, -0.5])


def _gradients(author: Author) -> None:
    """Only exact ties of the maximum or clear gaps, and no gradient that cancels out."""
    rng = generator(author.operation.name)

    def drawn(count: int, dtype: str, *maxima: float) -> tuple[Any, Any]:
        w = floats(rng, count, dtype)
        step = count // max(len(maxima), 1)
        for index, value in enumerate(maxima):
            w[index * step] = value
        return floats(rng, count, dtype, 2.0), w

    for dtype in DTYPES:
        kind = np.dtype(dtype)
        for maxima, comment in (
            ((1.5,), "one maximum, positive"),
            ((-1.5,), "one maximum, negative"),
            ((1.25, -1.25), "two of opposite sign share"),
            ((1.25, 1.25, 1.25), "three equal ones share"),
            ((-1.125, 1.125, -1.125, 1.125), "four share"),
        ):
            for count in (5, 12, 40):
                grad, w = drawn(count, dtype, *maxima)
                author.legal(f"{comment}, {count} weights, {dtype}", grad_u=grad, w=w)
            grad, w = drawn(7, dtype, *maxima)
            author.legal(
                f"{comment}; the maximum held constant, {dtype}", "NoMaximumGradient",
                grad_u=grad, w=w, max_gradient=False,
            )  # fmt: skip
        author.legal(
            f"the default said aloud, {dtype}", "Default",
            grad_u=np.array([1, 2], kind), w=np.array([0.5, -1.0], kind), max_gradient=True,
        )  # fmt: skip
        zeros = np.array([0.0, -0.0, 0.0], kind)
        author.legal(f"all weights are zero, {dtype}", grad_u=np.ones(3, kind), w=zeros)
        author.legal(
            f"all weights are zero, the maximum held constant, {dtype}", "NoMaximumGradient",
            grad_u=np.ones(3, kind), w=zeros, max_gradient=False,
        )  # fmt: skip
        author.legal(
            f"no gradient comes in, {dtype}", grad_u=zeros, w=np.array([0.5, 0.25, -1.0], kind)
        )
        author.legal(
            f"a gradient beside the maximum pulls at the maximum too, {dtype}",
            grad_u=np.array([0.0, 0.0, 4.0], kind), w=np.array([0.5, -1.0, 0.25], kind),
        )  # fmt: skip
        grad, w = drawn(12, dtype, 1.5)
        author.legal(f"three axes, {dtype}", grad_u=grad.reshape(2, 3, 2), w=w.reshape(2, 3, 2))
        author.legal(
            f"one negative weight without axes, the maximum held constant, {dtype}",
            "NoMaximumGradient", grad_u=np.array(2.0, kind), w=np.array(-0.5, kind),
            max_gradient=False,
        )  # fmt: skip
        author.illegal(
            f"a gradient of another shape, {dtype}", "WrongShape",
            grad_u=np.ones((2, 1), kind), w=np.array([0.5, 1.0], kind),
        )  # fmt: skip
        other = DTYPES[1 - DTYPES.index(dtype)]
        author.illegal(
            f"a gradient of another dtype than w, {dtype}", "WrongType", errors=ANY_ERROR,
            clauses=("S0.3",), grad_u=np.ones(2, other), w=np.array([0.5, 1.0], kind),
        )  # fmt: skip
        for bad in (np.nan, np.inf):
            author.illegal(
                f"a gradient with {bad}, {dtype}", "NotFinite", clauses=("S0.3",),
                grad_u=np.array([1.0, bad], kind), w=np.array([0.5, 1.0], kind),
            )  # fmt: skip
    author.illegal("nothing", "Empty", grad_u=np.zeros(0), w=np.zeros(0))
    bad_floats(author, "w", [0.25, -0.5], grad_u=np.ones(5))
