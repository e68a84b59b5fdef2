"""Quotients without a division are those of the division."""

import numpy as np
import pytest
from numba import njit

from msq_ref.kernels import quotient as module
from msq_ref.kernels.quotient import quotient


@njit
def _all(codes, top, reciprocal, out):
    for i in range(codes.size):
        out[i] = quotient(codes[i], top, reciprocal)


@njit
def _by_product(codes, reciprocal, out):
    for i in range(codes.size):
        out[i] = codes[i] * reciprocal


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("bits", range(1, 17))
def test_every_code_of_every_width(bits, dtype):
    """[S2.3] One correctly rounded division, bit for bit, zero's sign included."""
    top = dtype(2**bits - 1)
    codes = np.arange(2**bits).astype(dtype)
    out = np.full_like(codes, np.nan)
    _all(codes, top, dtype(1) / top, out)
    assert out.tobytes() == (codes / top).tobytes()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_product_alone_is_another_number(dtype):
    """[S2.3] So that the correction is needed, and the test above can fail."""
    differ = 0
    for bits in range(1, 17):
        top = dtype(2**bits - 1)
        codes = np.arange(2**bits).astype(dtype)
        out = np.empty_like(codes)
        _by_product(codes, dtype(1) / top, out)
        differ += np.count_nonzero(out != codes / top)
    assert differ > 1000


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_without_the_instruction_it_is_a_division(dtype, monkeypatch):
    """[S2.3]"""
    monkeypatch.setattr(module, "FUSED", False)
    for bits in (1, 3, 8):
        top = dtype(2**bits - 1)
        for code in np.arange(2**bits).astype(dtype):
            assert quotient.py_func(code, top, dtype(np.nan)) == code / top
