"""The order of sums, and the update, each against its plain transcription."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import msq_ref as msq


def transcription(values):
    """[S0.5] as written."""
    total = 0.0
    for start in range(0, len(values), 8192):
        lanes = [0.0] * 32
        for i, value in enumerate(values[start : start + 8192]):
            lanes[i % 32] += value
        chunk = 0.0
        for lane in lanes:
            chunk += lane
        total += chunk
    return total


@pytest.mark.parametrize("size", [0, 1, 31, 32, 33, 8191, 8192, 8193, 40_000])
def test_sum_in_the_order_of_the_spec(size):
    """[S0.5]"""
    values = np.random.default_rng(size).standard_normal(size) * 1e6
    assert msq.ordered_sum(values) == transcription(values.tolist())
    assert msq.ordered_sum(values) == pytest.approx(math.fsum(values), rel=1e-9, abs=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(data=st.data())
def test_update_rounds_every_operation(dtype, data):
    """[S12.1] float32 operations are float64 ones rounded once; float64 by Python itself."""
    number = st.floats(-1e3, 1e3, width=32)
    w, g, v = (dtype(data.draw(number)) for _ in range(3))
    lr, mu, decay = (dtype(data.draw(st.floats(0, 1, width=32))) for _ in range(3))

    def rounded(x):
        return float(dtype(x))

    decayed = rounded(float(decay) * float(w))
    total = rounded(float(g) + decayed)
    velocity = rounded(rounded(float(mu) * float(v)) + total)
    after = rounded(float(w) - rounded(float(lr) * velocity))
    new_w, new_v = msq.sgd_step(
        np.array([w]), np.array([g]), np.array([v]), float(lr), float(mu), float(decay)
    )
    assert (new_w[0], new_v[0]) == (after, velocity)
    assert new_w.dtype == new_v.dtype == dtype


def test_bad_updates():
    one = np.ones(2)
    for call, name in (
        (lambda: msq.sgd_step(one, np.ones(3), one, 0.1, 0.9, 0), "grad"),
        (lambda: msq.sgd_step(one, one, one, -0.1, 0.9, 0), "lr"),
        (lambda: msq.sgd_step(one, one, one, 0.1, math.nan, 0), "momentum"),
        (lambda: msq.sgd_step(one, one * np.nan, one, 0.1, 0.9, 0), "grad"),
    ):
        with pytest.raises(ValueError, match=name):
            call()
    with pytest.raises(TypeError, match="velocity"):
        msq.sgd_step(one, one, one.astype(np.float32), 0.1, 0.9, 0)
