"""Slicing and its regularizer on the weights of a network trained on ImageNet.

Fresh weights are normal draws; trained ones have heavier tails, depthwise filters most: a few
large weights decide the scale of all others.
"""

import functools

import numpy as np
import pytest

from msq_ref import reference
from msq_ref.models.torch_file import read_torch
from tests.both import BACKENDS
from tests.models.imagenet import weights_file

WIDTHS = [(n, k) for n in range(2, 9) for k in range(1, n)]
LAYERS = {
    "stem": "_conv_stem",
    "first depthwise": "_blocks.0._depthwise_conv",
    "depthwise 5x5": "_blocks.11._depthwise_conv",
    "last depthwise": "_blocks.15._depthwise_conv",
    "expand": "_blocks.5._expand_conv",
    "project": "_blocks.10._project_conv",
}
EVERY = pytest.mark.parametrize("layer", LAYERS)
DOMAINS = pytest.mark.parametrize("domain", ["offset", "signed"])


@functools.cache
def unit(layer, domain):
    """Return a layer's weights on the unit interval, float32."""
    w = read_torch(weights_file())[f"{LAYERS[layer]}.weight"]
    return reference.normalize(w) if domain == "offset" else reference.normalize_signed(w)


@BACKENDS
@DOMAINS
@EVERY
def test_recombination_and_range(layer, domain, backend):
    """[S3.1] [S3.2] ``c_n = 2^k c_{n-k} + B_k`` exactly; the range, and its exception."""
    u = unit(layer, domain)
    for n, k in WIDTHS:
        codes, coarse = backend.roundclamp(u, n), backend.roundclamp(u, n - k)
        low = backend.lsb(u, n, k)
        np.testing.assert_array_equal(codes, 2**k * coarse + low)
        clamped = u * 2 ** (n - k) >= 2 ** (n - k) - 0.5
        half = 2 ** (k - 1)
        assert (np.abs(low[~clamped]) <= half).all()
        assert (low[clamped] >= -half).all()
        assert (low[clamped] <= 2**k - 1).all()
        assert not clamped.all()
        assert clamped.any() or domain == "offset"  # there the largest weight may be negative


@BACKENDS
@DOMAINS
@EVERY
def test_low_bits_point_to_the_grid(layer, domain, backend):
    """[S2.5] Zero on the grid of the coarse codes; elsewhere down its gradient lies the nearest."""
    u = unit(layer, domain)
    for n, k in WIDTHS:
        low, coarse = backend.lsb(u, n, k), backend.roundclamp(u, n - k)
        target = coarse / 2.0 ** (n - k)
        toward = np.sign(target - u.astype(np.float64))
        moved = low != 0
        np.testing.assert_array_equal(-np.sign(low[moved]), toward[moved])
        np.testing.assert_array_equal(backend.lsb_l1_grad(u, n, k), np.sign(low))
        on_grid = target.astype(np.float32)
        assert not backend.lsb(on_grid, n, k).any()
        np.testing.assert_array_equal(backend.roundclamp(on_grid, n - k), coarse)


@BACKENDS
@DOMAINS
@EVERY
def test_rate_of_low_bits(layer, domain, backend):
    """[S3.4] [S4.1] From exact counts, and what lies between the fine and the coarse grid."""
    u = unit(layer, domain)
    for n, k in WIDTHS:
        low = reference.lsb(u, n, k)
        assert backend.lsb_nonzero_rate(u, n, k) == np.count_nonzero(low) / u.size
        assert backend.lsb_l1_codes(u, n, k) == int(np.abs(low).astype(np.int64).sum())
        assert backend.lsb_l1(u, n, k) == int(np.abs(low).astype(np.int64).sum()) / 2**n


@EVERY
def test_dorefa_has_no_such_grid(layer):
    """[S2.5] Why the paper slices RoundClamp's codes: DoReFa's low bits point away, too."""
    u = unit(layer, "offset")
    wrong = 0
    for n, k in WIDTHS:
        low = reference.dorefa(u, n) - 2**k * reference.dorefa(u, n - k)
        target = reference.dorefa(u, n - k) / (2.0 ** (n - k) - 1)
        toward = np.sign(target - u.astype(np.float64))
        wrong += np.count_nonzero((low != 0) & (-np.sign(low) != toward))
    assert wrong > len(WIDTHS)


@EVERY
def test_weights_have_heavy_tails(layer):
    """What makes them a test: normal draws, such as fresh weights, have a fourth moment of 3."""
    w = read_torch(weights_file())[f"{LAYERS[layer]}.weight"].astype(np.float64)
    assert np.mean(((w - w.mean()) / w.std()) ** 4) > 3.4
    assert unit(layer, "signed").max() == 1
