"""The two weight domains, and why few bits collapse in the offset one [S1.2]-[S1.4]."""

import numpy as np
import pytest

from msq_ref import reference
from msq_ref.methods.domains import DOMAINS, OFFSET, SIGNED, domain
from tests.both import BACKENDS

BOTH = pytest.mark.parametrize("space", DOMAINS.values(), ids=DOMAINS.keys())
INPUTS, OUTPUTS = 144, 32


def layer(dtype=np.float64):
    """A bell-shaped layer as it is initialized: 4608 normal weights."""
    rng = np.random.default_rng(0)
    return (rng.standard_normal((INPUTS, OUTPUTS)) * np.sqrt(2 / INPUTS)).astype(dtype)


def quantize(w, space, bits, backend=reference):
    """Codes and effective weights, and the effective weights before rounding."""
    width, scale = bits - space.sign_bits, space.initial_scale(w)
    u = space.unit(w, backend)
    codes = backend.roundclamp(u, width)
    q = backend.dequantize(codes, width, u.dtype)
    return (
        codes,
        space.weights(q, w, scale, backend),
        space.weights(u, w, scale, backend),
    )


def share(values):
    """Share of the most common value, and that value."""
    found, counts = np.unique(values, return_counts=True)
    return counts.max() / counts.sum(), found[counts.argmax()]


def entropy(values):
    """Bits of information that a weight carries."""
    p = np.unique(values, return_counts=True)[1] / values.size
    return -(p * np.log2(p)).sum()


@BACKENDS
def test_one_offset_bit_makes_nearly_all_weights_the_same(backend):
    """[S1.4] At n = 1 every weight with u > 1/4 has code 1: 97% of the layer, 0.2 bits a weight.

    The count follows from the weights alone: ``u > 1/4`` is ``tanh w > -max|tanh w| / 2``.
    """
    w = layer()
    codes, weights, before = quantize(w, OFFSET, 1, backend)
    t = np.tanh(w)
    same = np.count_nonzero(t > -np.abs(t).max() / 2)
    assert np.count_nonzero(codes == 1) == same
    assert 0.96 < same / w.size < 0.98
    assert share(weights) == (same / w.size, OFFSET.initial_scale(w))
    assert entropy(weights) < 0.22
    # Worse than no weights at all: the error is more than three times the layer's own size.
    assert np.linalg.norm(weights - before) > 3 * np.linalg.norm(before)


def test_two_bits_gather_two_thirds_on_one_code_which_only_the_signed_domain_has_at_zero():
    """[S1.4] The same two thirds of the layer in both; they become scale/3 there and 0 here."""
    w = layer()
    _, offset, before = quantize(w, OFFSET, 2)
    _, signed, _ = quantize(w, SIGNED, 2)
    (offset_share, offset_value), (signed_share, signed_value) = share(offset), share(signed)
    assert signed_share == np.count_nonzero(np.abs(w) <= np.abs(w).max() / 4) / w.size
    assert 0.6 < signed_share < 0.7
    assert abs(offset_share - signed_share) < 0.05
    assert signed_value == 0
    assert offset_value == pytest.approx(OFFSET.initial_scale(w) / 3, rel=1e-15)
    # So the whole layer moves to one side, by more than its own width.
    assert (offset - before).mean() > 1.2 * before.std()
    assert abs(signed.mean() - w.mean()) < 0.02 * w.std()


@BACKENDS
@pytest.mark.parametrize("bits", range(1, 9))
def test_a_zero_weight_stays_zero_in_the_signed_domain_only(backend, bits):
    """[S1.4] No offset code is 0: the code of w = 0 means ``scale / (2^n - 1)``."""
    w = layer().ravel()
    w[7] = 0
    codes, weights, _ = quantize(w, OFFSET, bits, backend)
    scale = OFFSET.initial_scale(w)
    assert codes[7] == 2 ** (bits - 1)
    assert weights[7] == pytest.approx(scale / (2**bits - 1), rel=1e-9)
    assert np.abs(weights).min() >= scale / (2**bits - 1) * (1 - 1e-9)
    if bits > 1:
        codes, weights, _ = quantize(w, SIGNED, bits, backend)
        assert codes[7] == 0
        assert weights[7] == 0
        assert abs(weights.mean() - w.mean()) < 0.03 * w.std()


def outputs_kept(space, bits):
    """Correlation of each output with what it was, over inputs as they come out of ReLU."""
    w = layer()
    x = np.maximum(np.random.default_rng(1).standard_normal((500, INPUTS)), 0)
    _, quantized, before = quantize(w, space, bits)
    pairs = zip((x @ quantized).T, (x @ before).T, strict=True)
    return float(np.mean([np.corrcoef(ours, real)[0, 1] for ours, real in pairs]))


def test_what_the_outputs_keep_at_one_to_eight_bits():
    """[S1.4] Offset outputs lose to the common shift what signed ones keep; from 6 bits both do.

    Measured for 1 to 8 bits: offset 0.14 0.69 0.89 0.97 0.99 1.00 1.00 1.00, signed from 2 bits
    0.87 0.96 0.99 1.00 1.00 1.00 1.00.
    """
    offset = [outputs_kept(OFFSET, bits) for bits in range(1, 9)]
    signed = [outputs_kept(SIGNED, bits) for bits in range(2, 9)]
    assert offset == sorted(offset)
    assert signed == sorted(signed)
    assert all(here > there for here, there in zip(signed, offset[1:], strict=True))
    assert offset[0] < 0.2
    assert offset[1] < 0.75
    assert signed[0] > 0.85
    assert min(offset[5], signed[4]) > 0.99


@BOTH
def test_errors_halve_with_every_bit(space):
    """[S2] From 3 bits on the relative error falls by about 2 a bit, in both domains."""
    errors = []
    for bits in range(3, 9):
        _, weights, before = quantize(layer(), space, bits)
        errors.append(np.linalg.norm(weights - before) / np.linalg.norm(before))
    ratios = np.array(errors[:-1]) / errors[1:]
    assert (ratios > 1.7).all()
    assert (ratios < 2.6).all()


@BACKENDS
@BOTH
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_unit_and_weights_invert_each_other(backend, space, dtype):
    """[S1.2], [S1.4] With the layer's own scale, weights of u are tanh w, or w itself."""
    w = layer(dtype)
    u = space.unit(w, backend)
    assert u.dtype == dtype
    assert u.min() == 0 or u.max() == 1
    assert 0 <= u.min() < u.max() <= 1
    own = np.tanh(w) if space is OFFSET else w
    again = space.weights(u, w, float(np.abs(own).max()), backend)
    assert again.dtype == dtype
    np.testing.assert_allclose(again, own, atol=4 * np.finfo(dtype).eps * np.abs(own).max())


def test_scales_at_the_start():
    """[S1.2], [S1.4] 1, and the largest magnitude, which keeps the layer as it was initialized."""
    w = layer()
    assert OFFSET.initial_scale(w) == 1
    assert SIGNED.initial_scale(w) == np.abs(w).max()
    assert SIGNED.initial_scale(np.zeros(3)) == 1


def test_signs_are_kept_apart_in_the_signed_domain():
    """[S1.4] -1, 0 or 1 beside the code; the offset code holds the sign itself."""
    w = np.array([-0.5, -0.0, 0.0, 2.0])
    signs = SIGNED.signs(w)
    assert signs.dtype == np.int8
    np.testing.assert_array_equal(signs, [-1, 0, 0, 1])
    assert OFFSET.signs(w) is None
    assert (OFFSET.sign_bits, SIGNED.sign_bits) == (0, 1)


def test_domains_by_name():
    """Both are found by the names that settings use; another one is named, with the nearest."""
    assert domain("offset") is OFFSET
    assert domain("signed") is SIGNED
    with pytest.raises(ValueError, match="domain = 'sined': did you mean 'signed'"):
        domain("sined")
