"""Wrong derivatives of the normalizations [S1.3], [S1.4]."""

import numpy as np

from tests.mutants.registry import at, f32, f64, mutant

W, G = f32(-1.5, 0.2, 0.6), f32(0.3, -0.7, 1.1)
LAST = f32(0.2, 0.6, 1.5)
TIES = f32(0.8, -0.8, 0.3, 0.8)
GT = f32(0.3, -0.7, 1.1, 0.9)
MATRIX = np.array([[0.1, -0.3, 0.2], [0.5, 1.5, -0.7]], np.float32)
MATRIX_G = np.array([[1, -2, 3], [0.5, 0.25, 4]], np.float32)
MANY = np.append(np.full(40000, 0.1, np.float32), np.float32(1))


def _backward(
    g, t, slope, keep=True, *, share=None, sign=np.sign, half=0.5, pull=None, minus=-1
):  # fmt: skip
    """The definition with parts to be exchanged, in float64."""
    g, t = g.astype(float), t.astype(float)
    m = np.abs(t).max()
    if m == 0:
        return np.zeros_like(t)
    share = (np.abs(t) == m) / np.count_nonzero(np.abs(t) == m) if share is None else share
    total = (g * t / m).sum() if pull is None else pull
    return (g + keep * minus * share * sign(t) * total) * half / m * slope


def _slope(w):
    return 1 / np.cosh(w.astype(float)) ** 2


def _first(w, which=0):
    share = np.zeros(w.size)
    share[np.flatnonzero(np.abs(w) == np.abs(w).max())[which]] = 1
    return share.reshape(w.shape)


def _wrong(slug, mistake, witness, change):
    """Register the same mistake in both domains."""

    def offset(grad_u, w, max_gradient=True):
        return change(grad_u, np.tanh(w.astype(float)), _slope(w), w, max_gradient, 0.5)

    def signed(grad_u, w, max_gradient=True):
        s = np.sign(w)
        return change(grad_u * s, w.astype(float), np.ones(w.shape), w, max_gradient, 1.0)

    offset.__name__ = signed.__name__ = slug
    mutant("normalize_backward", mistake, witness)(offset)
    mutant("normalize_signed_backward", mistake, witness)(signed)


_wrong(
    "maximum_constant",
    "the maximum is held constant always",
    at(G, W),
    lambda g, t, slope, w, keep, half: _backward(g, t, slope, False, half=half),
)
_wrong(
    "maximum_constant_by_default",
    "max_gradient defaults to False",
    at(G, W),
    lambda g, t, slope, w, keep, half: _backward(g, t, slope, False, half=half),
)
_wrong(
    "flag_ignored",
    "max_gradient=False is ignored",
    at(G, W, max_gradient=False),
    lambda g, t, slope, w, keep, half: _backward(g, t, slope, half=half),
)
_wrong(
    "first_tied_only",
    "the first tied element takes all",
    at(GT, TIES),
    lambda g, t, slope, w, keep, half: _backward(g, t, slope, keep, share=_first(w), half=half),
)
_wrong(
    "last_tied_only",
    "the last tied element takes all",
    at(GT, TIES),
    lambda g, t, slope, w, keep, half: _backward(g, t, slope, keep, share=_first(w, -1), half=half),
)
_wrong(
    "not_shared",
    "every tied element gets the whole",
    at(GT, TIES),
    lambda g, t, slope, w, keep, half: _backward(
        g, t, slope, keep, share=1.0 * (np.abs(w) == np.abs(w).max()), half=half
    ),
)
_wrong(
    "ties_of_one_sign",
    "only ties of the largest w are seen, not those of -w",
    at(GT, TIES),
    lambda g, t, slope, w, keep, half: _backward(
        g, t, slope, keep, half=half, share=(w == w.max()) / max(np.count_nonzero(w == w.max()), 1)
    ),
)
_wrong(
    "sign_at_maximum_dropped",
    "the sign of the largest element is dropped",
    at(G, W),
    lambda g, t, slope, w, keep, half: _backward(g, t, slope, keep, sign=np.ones_like, half=half),
)
_wrong(
    "maximum_added",
    "the maximum's part is added",
    at(G, W),
    lambda g, t, slope, w, keep, half: _backward(g, t, slope, keep, minus=1, half=half),
)
_wrong(
    "pull_not_divided",
    "the maximum's part is not divided by m",
    at(G, W),
    lambda g, t, slope, w, keep, half: _backward(g, t, slope, keep, half=half, pull=(g * t).sum()),
)
_wrong(
    "pull_of_gradients_only",
    "the maximum's part sums g, not g t",
    at(G, W),
    lambda g, t, slope, w, keep, half: _backward(
        g, t, slope, keep, half=half, pull=g.astype(float).sum()
    ),
)
_wrong(
    "pull_averaged",
    "the maximum's part is a mean",
    at(G, W),
    lambda g, t, slope, w, keep, half: _backward(
        g, t, slope, keep, half=half, pull=(g * t / np.abs(t).max()).mean()
    ),
)
_wrong(
    "near_ties_count",
    "elements within 1e-5 of the maximum count as ties",
    at(f64(1, 2), f64(1, 1 - 4e-6)),
    lambda g, t, slope, w, keep, half: _backward(
        g,
        t,
        slope,
        keep,
        half=half,
        share=np.isclose(np.abs(w), np.abs(w).max(), 1e-5, 0)
        / np.isclose(np.abs(w), np.abs(w).max(), 1e-5, 0).sum(),
    ),
)
_wrong(
    "float32_pull",
    "the maximum's part is summed in float32, one by one",
    at(np.ones_like(MANY), MANY),
    lambda g, t, slope, w, keep, half: _backward(
        g,
        t,
        slope,
        keep,
        half=half,
        pull=(g * t / np.abs(t).max()).astype(np.float32).ravel().cumsum()[-1],
    ),
)
_wrong(
    "float32_inside",
    "in float32 for float64",
    at(G.astype(float), W.astype(float)),
    lambda g, t, slope, w, keep, half: _backward(g, t, slope, keep, half=half).astype(np.float32),
)
_wrong(
    "zero_gives_nan",
    "all zero gives NaN",
    at(f32(1, 2), f32(0, 0)),
    lambda g, t, slope, w, keep, half: (
        _backward(g, t, slope, keep, half=half) if w.any() else np.full(w.shape, np.nan)
    ),
)
_wrong(
    "zero_passes_gradient",
    "all zero passes the gradient on",
    at(f32(1, 2), f32(0, 0)),
    lambda g, t, slope, w, keep, half: (
        _backward(g, t, slope, keep, half=half) if w.any() else np.ones(w.shape)
    ),
)
_wrong(
    "straight_through",
    "straight through: dL/dw = dL/du",
    at(G, W),
    lambda g, t, slope, w, keep, half: g,
)
_wrong(
    "scale_of_other_domain",
    "the factor 1/2 of the other domain",
    at(G, W),
    lambda g, t, slope, w, keep, half: _backward(g, t, slope, keep, half=1.5 - half),
)
_wrong(
    "m_missing",
    "the division by m is missing",
    at(G, W),
    lambda g, t, slope, w, keep, half: _backward(g, t, slope, keep, half=half) * np.abs(t).max(),
)
_wrong(
    "tail_of_pull_dropped",
    "the maximum's part misses the last partial vector of 8",
    at(G, LAST),
    lambda g, t, slope, w, keep, half: _backward(
        g,
        t,
        slope,
        keep,
        half=half,
        pull=(g * t / np.abs(t).max()).ravel()[: g.size // 8 * 8].sum(),
    ),
)
_wrong(
    "last_axis",
    "maximum and its part over the last axis only",
    at(MATRIX_G, MATRIX),
    lambda g, t, slope, w, keep, half: np.array(
        [
            _backward(*row, keep, half=half)
            for row in zip(
                *(
                    np.atleast_2d(a).reshape(-1, a.shape[-1] if a.ndim else 1)
                    for a in (g, t, slope)
                ),
                strict=True,
            )
        ]
    ).reshape(w.shape),
)


@mutant("normalize_backward", "tanh' is missing", at(G, W))
def slope_missing(grad_u, w, max_gradient=True):
    return _backward(grad_u, np.tanh(w), 1, max_gradient)


@mutant("normalize_backward", "tanh' as 1 - t", at(G, W))
def slope_not_squared(grad_u, w, max_gradient=True):
    t = np.tanh(w)
    return _backward(grad_u, t, 1 - np.abs(t), max_gradient)


@mutant(
    "normalize_backward", "tanh' as 1 - t^2 in float32, which cancels", at(f32(1, 2), f32(6, 7))
)
def slope_cancels(grad_u, w, max_gradient=True):
    t = np.tanh(w.astype(np.float32))
    slope = (1 - t * t) if w.dtype == np.float32 else _slope(w)
    return _backward(grad_u, np.tanh(w.astype(float)), slope, max_gradient)


@mutant("normalize_backward", "tanh' by exponentials that overflow", at(f64(1, 2), f64(400, 1)))
def slope_overflows(grad_u, w, max_gradient=True):
    e = np.exp(2 * w.astype(float))
    return _backward(grad_u, np.tanh(w.astype(float)), 4 * e / (1 + e) ** 2, max_gradient)


@mutant("normalize_backward", "tanh' at u instead of w", at(G, W))
def slope_of_u(grad_u, w, max_gradient=True):
    t = np.tanh(w.astype(float))
    u = t / (2 * np.abs(t).max()) + 0.5 if t.any() else t + 0.5
    return _backward(grad_u, t, 1 - u * u, max_gradient)


@mutant("normalize_backward", "the maximum's part sums g u", at(G, W))
def pull_of_u(grad_u, w, max_gradient=True):
    t = np.tanh(w.astype(float))
    u = t / (2 * np.abs(t).max()) + 0.5 if t.any() else t + 0.5
    return _backward(grad_u, t, _slope(w), max_gradient, pull=(grad_u * u).sum())


@mutant("normalize_backward", "the maximum's part does not go through tanh'", at(G, W))
def maximum_without_slope(grad_u, w, max_gradient=True):
    t = np.tanh(w.astype(float))
    through = _backward(grad_u, t, 1, True) - _backward(grad_u, t, 1, False)
    return _backward(grad_u, t, _slope(w), False) + through * max_gradient


@mutant("normalize_backward", "an even derivative of the maximum where m is negative",
        at(G, W, max_gradient=True))  # fmt: skip
def wrong_for_negative_maximum(grad_u, w, max_gradient=True):
    t = np.tanh(w.astype(float))
    largest = w.flat[np.abs(w).argmax()]
    return _backward(grad_u, t, _slope(w), max_gradient and largest > 0)


@mutant("normalize_signed_backward", "the sign is not passed through", at(G, W))
def sign_missing(grad_u, w, max_gradient=True):
    return np.sign(w) * _backward(grad_u * np.sign(w), w, 1, max_gradient)


@mutant("normalize_signed_backward", "sign(0) = 1: zero weights get a gradient",
        at(f32(1, 2), f32(0, 1)))  # fmt: skip
def sign_of_zero(grad_u, w, max_gradient=True):
    s = np.where(w < 0, -1, 1)
    return _backward(grad_u * s, w, 1, max_gradient) if w.any() else np.zeros_like(w)


@mutant("normalize_signed_backward", "sign(0) = -1: zero weights get a gradient",
        at(f32(1, 2), f32(0, 1)))  # fmt: skip
def sign_of_zero_negative(grad_u, w, max_gradient=True):
    s = np.where(w > 0, 1, -1)
    return _backward(grad_u * s, w, 1, max_gradient) if w.any() else np.zeros_like(w)


@mutant("normalize_signed_backward", "tanh' from the offset domain", at(G, W))
def tanh_slope(grad_u, w, max_gradient=True):
    return _backward(grad_u * np.sign(w), w, _slope(w), max_gradient)


@mutant("normalize_signed_backward", "the maximum's part sums g w, not g |w|", at(G, W))
def pull_with_sign(grad_u, w, max_gradient=True):
    m = max(np.abs(w).max(), np.finfo(w.dtype).tiny)
    return _backward(grad_u * np.sign(w), w, 1, max_gradient, pull=(grad_u * w).sum() / m)
