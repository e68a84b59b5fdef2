"""The rational arithmetic behind the vectors, against IEEE hardware and known values."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from msq_ref.conformance.vectors.exact import exactly, ieee
from msq_ref.conformance.vectors.exact.normalizing import slope, tanh
from msq_ref.contract import OPERATIONS

OPERATIONS_OF_NUMPY = {
    ieee.add: np.add, ieee.subtract: np.subtract, ieee.multiply: np.multiply, ieee.divide: np.divide
}  # fmt: skip
DTYPES = ("float32", "float64")


def finite(dtype):
    width = 32 if dtype == "float32" else 64
    plain = st.floats(width=width, allow_nan=False, allow_infinity=False)
    few = st.sampled_from([0.0, -0.0, 1.0, -1.0, 0.5, 3.0, 2.0**-149, 2.0**-126, 2.0**24 + 2])
    return st.one_of(plain, few)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("operation", OPERATIONS_OF_NUMPY, ids=lambda f: f.__name__)
def test_an_operation_is_that_of_the_hardware(operation, dtype):
    """[S12.1] Signs of zeros, subnormals and overflow included."""

    @given(finite(dtype), finite(dtype), st.integers(-3, 3))
    def check(one, other, ulps):
        kind = np.dtype(dtype).type
        for a, b in ((one, other), (one, float(kind(-one)) + 0.0), (one, _moved(one, ulps, kind))):
            if operation is ieee.divide and b == 0:
                continue
            with np.errstate(all="ignore"):
                expected = float(OPERATIONS_OF_NUMPY[operation](kind(a), kind(b)))
            assert operation(a, b, dtype).hex() == expected.hex()

    check()


def _moved(value, ulps, kind):
    with np.errstate(all="ignore"):
        for _ in range(abs(ulps)):
            value = np.nextafter(kind(value), kind(math.copysign(np.finfo(kind).max, ulps)))
    return float(value)


@given(st.floats(0, allow_infinity=False))
def test_a_square_root_is_that_of_the_hardware(value):
    """[S5.5]"""
    assert ieee.square_root(Fraction(value)) == math.sqrt(value)


@given(st.fractions())
def test_rounding_to_double_is_pythons(value):
    """[S0.1]"""
    assert ieee.rounded(value, "float64") == float(value)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_rounding_to_single_is_numpys(value):
    """[S0.1]"""
    with np.errstate(over="ignore", under="ignore"):
        assert ieee.rounded(Fraction(value), "float32") == float(np.float32(value))


@given(st.floats(-800, 800))
def test_tanh_is_the_librarys_to_its_error(x):
    """[S1.1]"""
    assert float(tanh(x)) == pytest.approx(math.tanh(x), rel=1e-15, abs=0)
    assert tanh(-x) == -tanh(x)
    direct = 1 / math.cosh(x) ** 2 if abs(x) < 350 else 0.0
    assert float(slope(x)) == pytest.approx(direct, rel=1e-13, abs=1e-300)


@given(st.floats(1e-40, 1e-3))
def test_a_small_tanh_lies_between_its_series(x):
    """[S1.1]"""
    exact = Fraction(x)
    low, slack = exact - exact**3 / 3, exact / 10**45
    assert low - slack <= tanh(x) <= low + exact**5 * Fraction(2, 15) + slack


def test_every_operation_has_an_exact_twin():
    for entry in OPERATIONS:
        with pytest.raises(TypeError, match=entry.required[0]):
            exactly(entry.name, {})
