"""Layer normalization, GELU and attention: compiled twins agree, bad input is refused [S11.1]."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from msq_ref import kernels, reference
from msq_ref.kernels.threads import use_threads
from tests.both import BACKENDS
from tests.reference.tensors import normal, several

FLOAT_BOUNDS = {np.float32: 1e-5, np.float64: 1e-13}


@given(
    rows=st.integers(0, 5), features=st.integers(2, 40), seed=st.integers(0, 2**32 - 1),
    dtype=st.sampled_from([np.float32, np.float64]),
)  # fmt: skip
def test_twins_of_rows_agree(rows, features, seed, dtype):
    """[S11.1] [S5.2] Layer normalization and GELU, any shape."""
    x, x_dot, grad, grad_dot = several(4, rows, features, seed=seed, dtype=dtype)
    gamma, beta = several(2, features, seed=seed + 7, dtype=dtype)
    cases = {
        "layernorm": (x, gamma, beta, 1e-3),
        "layernorm_backward": (grad, x, gamma, 1e-3),
        "layernorm_tangent": (x_dot, x, gamma, 1e-3),
        "layernorm_backward_tangent": (grad, grad_dot, x, x_dot, gamma, 1e-3),
        "gelu": (x,),
        "gelu_backward": (grad, x),
        "gelu_backward_tangent": (grad, grad_dot, x, x_dot),
    }
    for name, values in cases.items():
        ours, theirs = (getattr(m, name)(*values) for m in (kernels, reference))
        pairs = zip(ours, theirs, strict=True) if isinstance(ours, tuple) else [(ours, theirs)]
        for mine, definition in pairs:
            scale = max(1.0, float(np.linalg.norm(definition)))
            assert np.linalg.norm(mine - definition) <= 20 * FLOAT_BOUNDS[dtype] * scale, name


def attention_results(backend, shape, windows, seed, dtype):
    """Everything of the four functions, one after another."""
    q, k, v, grad, grad_dot, *dots = several(8, *shape, seed=seed, dtype=dtype)
    bias = normal(shape[1], shape[2], shape[2], seed=seed + 20, dtype=dtype)
    mask = normal(windows, shape[2], shape[2], seed=seed + 21, dtype=dtype)
    y, p = backend.attention(q, k, v, 0.4, bias, mask)
    grads = backend.attention_backward(grad, q, k, v, p, 0.4)
    y_dot, p_rel = backend.attention_tangent(*dots, q, k, v, p, 0.4)
    grads_dot = backend.attention_backward_tangent(
        grad, grad_dot, grads[3], q, k, v, p, *dots, p_rel, 0.4
    )
    return [y, p, *grads, y_dot, p_rel, *grads_dot]


@given(
    images=st.integers(0, 3), windows=st.integers(1, 3), heads=st.integers(1, 3),
    tokens=st.integers(1, 9), features=st.integers(1, 5), seed=st.integers(0, 2**32 - 1),
    dtype=st.sampled_from([np.float32, np.float64]),
)  # fmt: skip
def test_twins_of_attention_agree(images, windows, heads, tokens, features, seed, dtype):
    """[S11.1] [S5.2] Any number of images, windows, heads, tokens and features."""
    arguments = (images * windows, heads, tokens, features), windows, seed, dtype
    results = (attention_results(backend, *arguments) for backend in (kernels, reference))
    for mine, definition in zip(*results, strict=True):
        assert (mine.shape, mine.dtype) == (definition.shape, dtype)
        scale = max(1.0, float(np.linalg.norm(definition)))
        assert np.linalg.norm(mine - definition) <= 20 * FLOAT_BOUNDS[dtype] * scale


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_threads_do_not_change_bits(dtype):
    """Parts are cut by shape; of these there are several."""
    x, grad = several(2, 1100, 257, dtype=dtype)
    gamma, beta = several(2, 257, dtype=dtype)

    def run():
        return [
            kernels.gelu(x), kernels.gelu_backward(grad, x),
            kernels.layernorm(x, gamma, beta, 1e-5),
            *kernels.layernorm_backward(grad, x, gamma, 1e-5),
            *attention_results(kernels, (12, 2, 120, 4), 3, 0, dtype),
        ]  # fmt: skip

    with use_threads(1):
        alone = run()
    for count in (2, 3):
        with use_threads(count):
            for ours, expected in zip(run(), alone, strict=True):
                assert ours.tobytes() == expected.tobytes()


# --- bad input ---------------------------------------------------------------------------------

X, G, Q = np.ones((2, 3)), np.ones(3), np.ones((2, 1, 4, 3))
P = np.full((2, 1, 4, 4), 0.25)
WRONG = {
    "no features": ("layernorm", (np.ones((2, 0)), np.ones(0), np.ones(0), 0.1), "x has shape"),
    "a number": ("layernorm", (np.float64(1), G, G, 0.1), r"x has shape \(\)"),
    "gamma": ("layernorm", (X, np.ones(2), G, 0.1), r"gamma has shape \(2,\): expected \(3,\)"),
    "beta": ("layernorm", (X, G, np.ones((1, 3)), 0.1), r"beta has shape"),
    "negative eps": ("layernorm", (X, G, G, -1e-5), r"eps = -1e-05"),
    "eps": ("layernorm_backward", (X, X, G, math.nan), r"eps = nan"),
    "x_dot": ("layernorm_tangent", (X[:1], X, G, 0.1), r"x_dot has shape"),
    "gelu's gradient": ("gelu_backward", (X[:1], X), r"grad_y has shape"),
    "gelu's tangent": ("gelu_backward_tangent", (X, X, X, X[0]), r"x_dot has shape"),
    "three axes": ("attention", (Q[0], Q[0], Q[0], 1.0), r"q has shape \(1, 4, 3\)"),
    "no tokens": ("attention", (*[Q[:, :, :0]] * 3, 1.0), r"q has shape .* at least one token"),
    "keys": ("attention", (Q, Q[:1], Q, 1.0), r"k has shape"),
    "values": ("attention", (Q, Q, Q[..., :1], 1.0), r"v has shape"),
    "scale": ("attention", (Q, Q, Q, math.inf), r"scale = inf"),
    "bias": ("attention", (Q, Q, Q, 1.0, np.ones((2, 4, 4))), r"bias has shape"),
    "mask": ("attention", (Q, Q, Q, 1.0, None, np.ones((4, 4))), r"mask has shape"),
    "windows": ("attention", (Q, Q, Q, 1.0, None, np.ones((3, 4, 4))), r"mask has .* divides the"),
    "no windows": ("attention", (Q, Q, Q, 1.0, None, np.ones((0, 4, 4))), r"mask has .* divides"),
    "p": ("attention_backward", (Q, Q, Q, Q, P[..., :3], 1.0), r"p has shape"),
    "p_rel": (
        "attention_backward_tangent", (Q, Q, P, Q, Q, Q, P, Q, Q, Q, P[:1], 1.0), r"p_rel has shape"
    ),
}  # fmt: skip


@BACKENDS
@pytest.mark.parametrize(("name", "values", "match"), WRONG.values(), ids=WRONG.keys())
def test_what_does_not_fit_is_named(backend, name, values, match):
    """[S0.2] [S11.1] The argument, its value, what was expected."""
    with pytest.raises(ValueError, match=f"^{match}"):
        getattr(backend, name)(*values)
