"""Bias, multiplier, shift and zero point of a channel, by brute force."""

import itertools

import numpy as np
import pytest

from msq_ref.integer import lowering
from msq_ref.integer.calibration import Activation
from msq_ref.reference.requantize import requantize

LIMIT = 200
"""Of accumulators, so small that every bias can be tried."""


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("bits", [2, 3, 4])
def test_no_other_bias_and_zero_point_come_nearer(monkeypatch, bits, signed):
    """[S9.4] [S9.6] Every bias and zero point: the nearest pair, or saturation, or an error.

    Everything in 64ths, so that the comparison is of integers.
    """
    monkeypatch.setattr(lowering, "ACC_LIMIT", LIMIT)
    after = Activation(1.0, bits, signed)
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    zeros = np.arange(low, high + 1)[:, None]
    outcomes = {"nearest": 0, "saturated": 0, "refused": 0}
    offsets = np.concatenate([np.arange(-328, 329, 8), np.arange(-41, 42) * 576])
    for reach, factor, offset in itertools.product(
        (3, 60, 99, 100, 150, 199), (1, 3, 16, 32, 64, 96, 320), offsets.tolist()
    ):
        room = LIMIT - 1 - reach
        misses = np.abs(np.arange(-room, room + 1) * factor + zeros * 64 - offset)
        # The nearest bias of some zero point is within reach, not the last one on the way.
        reachable = (2 * misses <= factor).any()
        try:
            b, m, s, z = lowering._channel("it", factor / 64, offset / 64, reach, after)
        except ValueError:
            assert not reachable
            assert reach > room
            outcomes["refused"] += 1
            continue
        assert abs(b) <= room
        assert low <= z <= high
        assert abs(b * factor + z * 64 - offset) == misses.min()
        outcomes["nearest" if reachable else "saturated"] += 1
        acc = np.arange(-reach, reach + 1)
        codes = requantize(acc + b, m, s, z, bits, signed)
        real = np.clip(acc * factor + offset, low * 64, high * 64)
        if reachable:
            assert (np.abs(codes * 64 - real) <= 32 + min(misses.min(), factor / 2)).all()
        else:
            assert np.array_equal(codes * 64, real)
    assert min(outcomes.values()) > 100, outcomes


def test_of_equally_near_pairs_the_smallest_zero_point():
    """[S9.4] So that the same network always gives the same integers."""
    for signed, offset in ((False, 3.0), (True, -3.0), (True, 0.25)):
        assert lowering._channel("l", 0.25, offset, 10, Activation(1.0, 4, signed))[3] == 0
    assert lowering._channel("l", 4.0, 3.0, 10, Activation(1.0, 4, True))[0] in (0, 1)
    assert lowering._channel("l", 4.0, 3.0, 10, Activation(1.0, 4, True))[3] in (3, -1)
    assert lowering._channel("l", 4.0, 2.0, 10, Activation(1.0, 4, True))[3] in (2, -2)


def test_constant_channels():
    """[S9.4] A factor below 2^-32 rounds every product to 0: the offset alone, clamped."""
    after = Activation(1.0, 4, True)
    for offset, zero in ((2.4, 2), (-2.6, -3), (100.0, 7), (-100.0, -8)):
        b, m, s, z = lowering._channel("l", 2.0**-33, offset, 2**31 - 1, after)
        assert (b, z) == (0, zero)
        acc = np.array([1 - 2**31, -1, 0, 1, 2**31 - 1])
        assert requantize(acc, m, s, z, 4, True).tolist() == [zero] * 5


def test_a_factor_too_large_names_the_layer():
    """[S9.4]"""
    with pytest.raises(ValueError, match=r"layer conv9: factor = "):
        lowering._channel("conv9", 2.0**30, 0.0, 10, Activation(1.0, 4, True))
    with pytest.raises(ValueError, match=r"layer conv9: an offset of 1e\+12 codes"):
        lowering._channel("conv9", 1.0, 1e12, 2**31 - 10, Activation(1.0, 4, True))
