"""Subnormal numbers, NaN and infinities: what the definitions make of them, the twins do too."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from msq_ref import kernels, reference
from tests.kernels.layer_arguments import FUNCTIONS, arguments, floats
from tests.kernels.results import arrays_of

PLACES = [(name, key) for name in FUNCTIONS for key in floats(name)]
SMALLEST = np.finfo(np.float32).smallest_subnormal
TINY = np.float32(2.0**-136)
"""Values of about one times this are subnormal, of some 13 bits."""

JOINED = ["batchnorm_relu_train", "batchnorm_hard_swish_train"]


def results(backend, name, given):
    with np.errstate(all="ignore"):
        return [np.asarray(a) for a in arrays_of(getattr(backend, name)(**given))]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(("name", "key"), PLACES)
def test_not_a_number_and_infinity(name, key, value):
    """[S11.1] [S0.3] Wherever one stands: NaN and infinities at the same places, the rest alike."""
    for place in (0, -1):
        given = arguments(name, np.float32)
        given[key].flat[place] = value
        found = (results(backend, name, given) for backend in (kernels, reference))
        for ours, expected in zip(*found, strict=True):
            assert_array_equal(np.isnan(ours), np.isnan(expected))
            endless = np.isinf(expected)
            assert_array_equal(np.isinf(ours), endless)
            assert_array_equal(ours[endless], expected[endless])
            finite = np.isfinite(expected)
            scale = np.abs(expected[finite]).max(initial=1e-30)
            assert_allclose(ours[finite], expected[finite], rtol=0, atol=2e-5 * scale)


@pytest.mark.parametrize(("name", "key"), PLACES)
def test_subnormal_numbers(name, key):
    """[S0.4] None is taken for 0: the error stays a few units of the smallest number."""
    given = arguments(name, np.float32)
    given[key] = given[key] * TINY
    assert 0 < np.abs(given[key]).max() < np.finfo(np.float32).tiny
    found = (results(backend, name, given) for backend in (kernels, reference))
    for ours, expected in zip(*found, strict=True):
        scale = np.abs(expected).max(initial=0)
        assert_allclose(ours, expected, rtol=0, atol=64 * SMALLEST + 2e-6 * scale)


@pytest.mark.parametrize("name", JOINED)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, TINY, -0.0])
def test_normalization_with_its_activation(name, value):
    """[S11.1] As the others."""
    x, grad = np.random.default_rng(0).standard_normal((2, 4, 3, 5), dtype=np.float32)
    gamma, beta = np.random.default_rng(1).standard_normal((2, 5), dtype=np.float32)
    x[1, 1, 2] = value
    found = []
    for backend in (kernels, reference):
        with np.errstate(all="ignore"):
            y, statistics = getattr(backend, name)(x, gamma, beta)
            backward = getattr(backend, f"{name}_backward")
            found.append([y, *statistics[:2], *backward(grad, x, gamma, beta, statistics)])
    for ours, expected in zip(*found, strict=True):
        assert_allclose(ours, expected, rtol=2e-5, atol=1e-6)


def test_quantizers_of_subnormal_numbers():
    """[S2] [S3] [S4] Bit-identical, in both dtypes."""
    for dtype in (np.float32, np.float64):
        smallest = np.finfo(dtype).smallest_subnormal
        u = np.arange(40).astype(dtype) * smallest
        w = np.concatenate([-u[::-1], u])
        calls = {
            "roundclamp": (u, 4), "dorefa": (u, 4), "lsb": (u, 4, 1), "lsb_l1": (u, 4, 1),
            "sliced": (u, 4, 2), "normalize": (w,), "normalize_signed": (w,),
            "sliced_signed": (w, 7, 1, 1.0), "effective_signed": (u, np.sign(w[40:]), 0.5),
        }  # fmt: skip
        for name, given in calls.items():
            pair = (arrays_of(getattr(backend, name)(*given)) for backend in (kernels, reference))
            for ours, expected in zip(*pair, strict=True):
                assert ours.dtype == expected.dtype, name
                if name == "normalize":  # of the tangent's class [S1.1]
                    assert_allclose(ours, expected, rtol=0, atol=2 * np.finfo(dtype).eps)
                else:
                    assert ours.tobytes() == expected.tobytes(), name


def test_updates_of_subnormal_numbers():
    """[S12.1] [S12.2] Bit-identical."""
    w, grad, state, square = np.arange(4 * 30, dtype=np.float32).reshape(4, 30) * SMALLEST
    for name, given, rates in (
        ("sgd_update", (w, grad, state), (0.5, 0.9, 0.01)),
        ("adamw_update", (w, grad, state, square), (0.5, 0.9, 0.99, 1e-8, 0.01, 1)),
    ):
        pair = []
        for backend in (kernels, reference):
            copies = [array.copy() for array in given]
            assert getattr(backend, name)(copies[0], copies[1], *copies[2:], *rates)
            pair.append([array.tobytes() for array in copies])
        assert pair[0] == pair[1]
