"""The quantizers against exact rational arithmetic, on every bin edge and its neighbours."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import msq_ref as msq

WIDTHS = range(1, 9)
DTYPES = [np.float32, np.float64]


def exact_roundclamp(u, bits):
    return min(round(Fraction(float(u)) * 2**bits), 2**bits - 1)  # round: ties to even


def exact_dorefa(u, bits):
    product = type(u)(2**bits - 1) * u  # one correctly rounded product in the dtype of u
    return round(Fraction(float(product)))


def nearest_float(value, dtype):
    """The correctly rounded float of a Fraction, found by comparing neighbours."""
    guess = dtype(float(value))
    around = [np.nextafter(guess, dtype(-1)), guess, np.nextafter(guess, dtype(2))]
    return min(around, key=lambda candidate: abs(Fraction(float(candidate)) - value))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bits", WIDTHS)
def test_roundclamp_is_exact_on_every_edge(edge_grid, bits, dtype):
    """[S2.1] [S0.1]"""
    u = edge_grid(bits, dtype)
    expected = [exact_roundclamp(value, bits) for value in u]
    codes = msq.roundclamp(u, bits)
    assert codes.dtype == np.int32
    assert codes.tolist() == expected


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bits", WIDTHS)
def test_dorefa_is_exact_on_every_edge(edge_grid, bits, dtype):
    """[S2.2]"""
    u = edge_grid(bits, dtype)
    assert msq.dorefa(u, bits).tolist() == [exact_dorefa(value, bits) for value in u]


@given(
    st.integers(1, 16), st.lists(st.floats(0, 1, width=32), max_size=20), st.sampled_from(DTYPES)
)
def test_codes_of_any_width_are_exact(bits, values, dtype):
    """[S2.1] [S2.2]"""
    u = np.array(values, dtype=dtype)
    assert msq.roundclamp(u, bits).tolist() == [exact_roundclamp(v, bits) for v in u]
    assert msq.dorefa(u, bits).tolist() == [exact_dorefa(v, bits) for v in u]


def test_float32_and_float64_give_the_same_roundclamp_codes():
    """[S2.1] 2^n u is exact, so that the dtype does not matter."""
    u = np.linspace(0, 1, 100_001).astype(np.float32)
    for bits in range(1, 17):
        assert np.array_equal(msq.roundclamp(u, bits), msq.roundclamp(u.astype(np.float64), bits))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bits", range(1, 17))
def test_dequantize_is_the_correctly_rounded_quotient(bits, dtype):
    """[S2.3] Every code up to 8 bits, and beyond that the ends and a stride."""
    codes = np.arange(2**bits) if bits <= 8 else np.arange(2**bits)[:: 2 ** (bits - 8) + 1]
    q = msq.dequantize(codes.astype(np.int32), bits, dtype)
    assert q.dtype == dtype
    expected = [nearest_float(Fraction(int(c), 2**bits - 1), dtype) for c in codes]
    assert q.tolist() == [float(value) for value in expected]


def test_dequantize_is_not_a_product_with_the_reciprocal():
    """[S2.3] The two differ, so the test above can tell them apart."""
    codes = np.arange(2**7, dtype=np.int32)
    product = codes.astype(np.float32) * (np.float32(1) / np.float32(2**7 - 1))
    assert (product != msq.dequantize(codes, 7)).any()


@pytest.mark.parametrize("bits", range(2, 9))
def test_coarse_edges_are_fine_centres_for_roundclamp_only(bits):
    """[S2.5] The bins align at scale 2^n; at 2^n - 1 they do not."""
    for k in range(1, bits):
        edges = [Fraction(2 * j - 1, 2 ** (bits - k + 1)) for j in range(1, 2 ** (bits - k))]
        centres = {Fraction(c, 2**bits) for c in range(2**bits)}
        assert all(edge in centres for edge in edges)
        coarse, fine = 2 ** (bits - k) - 1, 2**bits - 1
        dorefa_edges = [Fraction(2 * j - 1, 2 * coarse) for j in range(1, coarse + 1)]
        dorefa_centres = {Fraction(c, fine) for c in range(2**bits)}
        assert not all(edge in dorefa_centres for edge in dorefa_edges)


def test_effective_maps_the_unit_interval_to_weights():
    """[S1.2] [S1.4]"""
    q = np.array([0, 0.25, 1], dtype=np.float32)
    assert msq.effective(q, 3).tolist() == [-3, -1.5, 3]
    assert msq.effective_signed(q, np.array([-1.0, -1, 0]), 2).tolist() == [0, -0.5, 0]


@pytest.mark.parametrize("call", [msq.roundclamp, msq.dorefa])
@pytest.mark.parametrize(
    ("u", "bits", "error"),
    [
        (np.array([0.5]), 0, ValueError),
        (np.array([0.5]), 17, ValueError),
        (np.array([0.5]), True, ValueError),
        (np.array([0.5]), 4.0, ValueError),
        (np.array([0.5]), "4", ValueError),
        (np.array([0.5]), None, ValueError),
        (np.array([-1e-9]), 4, ValueError),
        (np.array([1 + 1e-9]), 4, ValueError),
        (np.array([np.nan]), 4, ValueError),
        (np.array([np.inf]), 4, ValueError),
        (np.array([1]), 4, TypeError),
        (np.array([True]), 4, TypeError),
        (np.array([0.5], dtype=np.float16), 4, TypeError),
        (np.array([0.5], dtype=np.longdouble), 4, TypeError),
        (np.array([0.5 + 0j]), 4, TypeError),
        (np.array(["0.5"]), 4, TypeError),
    ],
)
def test_bad_input_names_the_argument(call, u, bits, error):
    """[S0.2] [S0.3]"""
    with pytest.raises(error, match=r"^(u|bits) "):
        call(u, bits)


@pytest.mark.parametrize(
    "call",
    [
        lambda: msq.dequantize(np.array([4]), 2),
        lambda: msq.dequantize(np.array([-1]), 2),
        lambda: msq.effective(np.array([0.5]), 0),
        lambda: msq.effective(np.array([0.5], np.float32), 1e-60),
        lambda: msq.effective(np.array([1.5]), 1),
        lambda: msq.effective_signed(np.array([0.5]), np.array([2.0]), 1),
        lambda: msq.effective_signed(np.array([0.5]), np.array([1.0, 1]), 1),
    ],
)
def test_values_out_of_range_are_refused(call):
    with pytest.raises(ValueError, match="expected"):
        call()


@pytest.mark.parametrize(
    "call",
    [
        lambda: msq.dequantize(np.array([1.0]), 2),
        lambda: msq.dequantize(np.array([True]), 2),
        lambda: msq.dequantize(np.array([1]), 2, np.int32),
        lambda: msq.dequantize(np.array([1]), 2, "nonsense"),
        lambda: msq.effective(np.array([0.5]), "1"),
        lambda: msq.effective(np.array([0.5]), True),
    ],
)
def test_wrong_types_are_refused(call):
    with pytest.raises(TypeError, match="expected"):
        call()
