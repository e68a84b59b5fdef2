"""Layers of both backends: twins agree, any memory layout works, bad input is named [S0.4]."""

import inspect

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from msq_ref import kernels, reference
from msq_ref.kernels import activation, conv, excitation, hard, layers, loss, pooling
from msq_ref.kernels.attention import __all__ as ATTENTION
from msq_ref.kernels.batchnorm import __all__ as BATCHNORM
from msq_ref.kernels.gelu import __all__ as GELU
from msq_ref.kernels.layernorm import __all__ as LAYERNORM
from msq_ref.kernels.linear import __all__ as LINEAR
from tests.both import BACKENDS
from tests.kernels.layer_arguments import (
    FUNCTIONS,
    NO_TWINS,
    QKV,
    QKV_DOT,
    arguments,
)
from tests.kernels.results import arrays_of


def test_every_layer_function_is_tested():
    """A function added to the twins must be added to the table above."""
    modules = (activation, conv, excitation, hard, layers, loss, pooling)
    found = {name for module in modules for name in module.__all__}
    found |= {*ATTENTION, *BATCHNORM, *GELU, *LAYERNORM, *LINEAR}
    assert {*FUNCTIONS} == found - NO_TWINS


def relative_error(ours, theirs):
    assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype)
    scale = np.linalg.norm(theirs)
    return np.linalg.norm(ours - theirs) / (scale if scale else 1)


def strided(array):
    """Lay the values out backwards and apart, so that no axis is contiguous."""
    wide = np.zeros(tuple(2 * length for length in array.shape), array.dtype)
    step = tuple(slice(None, None, -2) for _ in array.shape)
    wide[step] = array
    return wide[step]


def read_only(array):
    copy = array.copy()
    copy.flags.writeable = False
    return copy


LAYOUTS = {
    "strided": strided,
    "Fortran order": np.asfortranarray,
    "read-only": read_only,
    "big-endian": lambda array: array.astype(array.dtype.newbyteorder(">")),
    "little-endian": lambda array: array.astype(array.dtype.newbyteorder("<")),
}


def with_layout(value, layout):
    """Lay out an array, or each array of the batch's statistics."""
    if isinstance(value, tuple):
        return type(value)(*(with_layout(part, layout) for part in value))
    return layout(value) if isinstance(value, np.ndarray) else value


@BACKENDS
@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_memory_layout_does_not_matter(backend, name, dtype, layout):
    """[S0.4] The same bits as from plain arrays, new and C-contiguous, inputs unchanged."""
    plain = arguments(name, dtype)
    awkward = {key: with_layout(value, layout) for key, value in plain.items()}
    before = [a.tobytes() for value in awkward.values() for a in arrays_of(value)]
    expected = arrays_of(getattr(backend, name)(**plain))
    result = arrays_of(getattr(backend, name)(**awkward))
    assert [a.tobytes() for value in awkward.values() for a in arrays_of(value)] == before
    assert expected
    for ours, theirs in zip(result, expected, strict=True):
        assert ours.dtype == theirs.dtype
        assert ours.dtype.isnative
        assert ours.flags.c_contiguous
        assert ours.flags.writeable
        assert ours.tobytes() == theirs.tobytes()
        for value in awkward.values():
            assert not any(np.shares_memory(ours, a) for a in arrays_of(value))


@BACKENDS
@pytest.mark.parametrize("name", FUNCTIONS)
def test_dtype_is_kept(backend, name):
    """[S0.3] float32 in, float32 out."""
    for dtype in (np.float32, np.float64):
        for array in arrays_of(getattr(backend, name)(**arguments(name, dtype))):
            assert array.dtype in (dtype, np.int64)


NEEDS_IMAGES = {"batchnorm_train", "batchnorm_train_backward", "cross_entropy"}


@BACKENDS
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_batch_of_no_images(backend, name):
    """[S0.3] Legal wherever the mathematics is: a mean over nothing is an error, a sum is 0."""
    legal = arguments(name)
    per_image = {"x", "x_dot", "grad_y", "grad_y_dot", "factors", "grad_means", "logits",
                 "logits_dot", "labels", "where", *QKV, *QKV_DOT, "p", "p_rel",
                 "grad_s"}  # fmt: skip
    empty = {k: v[:0] if k in per_image else v for k, v in legal.items()}
    if name in NEEDS_IMAGES:
        with pytest.raises(ValueError, match=r"^(x|logits) has shape \(0, "):
            getattr(backend, name)(**empty)
        return
    whole = arrays_of(getattr(backend, name)(**legal))
    for ours, theirs in zip(arrays_of(getattr(backend, name)(**empty)), whole, strict=True):
        of_images = ours.shape[:1] == (0,)
        assert ours.shape == ((0, *theirs.shape[1:]) if of_images else theirs.shape)
        assert ours.dtype == theirs.dtype
        assert of_images or not ours.any()


@BACKENDS
def test_no_output_channels(backend):
    """[S0.3] Empty weights give empty results and a zero gradient of the input."""
    x, w = np.ones((2, 4, 4, 3)), np.ones((3, 3, 3, 0))
    y = backend.conv2d(x, w)
    assert y.shape == (2, 2, 2, 0)
    grad_x, grad_w = backend.conv2d_backward(y, x, w)
    assert not grad_x.any()
    assert grad_w.shape == w.shape
    flat = np.ones((2, 0))
    grad_x, grad_w = backend.linear_backward(flat, np.ones((2, 5)), np.ones((5, 0)))
    assert grad_x.tolist() == [[0] * 5] * 2
    assert grad_w.shape == (5, 0)


@given(
    data=st.data(),
    batch=st.integers(1, 3),
    stride=st.integers(1, 3),
    padding=st.integers(0, 2),
    groups=st.integers(1, 3),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_convolutions_of_any_size_agree(data, batch, stride, padding, groups, dtype):
    """[S11.1] The twin gathers patches; the definition adds taps. Depthwise comes up too."""
    kernel = [data.draw(st.integers(1, 4)) for _ in range(2)]
    image = [data.draw(st.integers(max(1, k - 2 * padding), 7)) for k in kernel]
    inputs, outputs = (data.draw(st.integers(1, 3)) for _ in range(2))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    x = rng.standard_normal((batch, *image, inputs * groups)).astype(dtype)
    w = rng.standard_normal((*kernel, inputs, outputs * groups)).astype(dtype)
    y = reference.conv2d(x, w, stride, padding, groups)
    grad = rng.standard_normal(y.shape).astype(dtype)
    bound = 1e-5 if dtype == np.float32 else 1e-13
    assert relative_error(kernels.conv2d(x, w, stride, padding, groups), y) <= bound
    ours = kernels.conv2d_backward(grad, x, w, stride, padding, groups)
    theirs = reference.conv2d_backward(grad, x, w, stride, padding, groups)
    for mine, definition in zip(ours, theirs, strict=True):
        assert relative_error(mine, definition) <= bound


@pytest.mark.parametrize("name", FUNCTIONS)
def test_twins_have_the_same_arguments(name):
    """Same name, same arguments, same defaults."""
    ours, theirs = (inspect.signature(getattr(m, name)) for m in (kernels, reference))
    assert list(ours.parameters.values()) == list(theirs.parameters.values())
