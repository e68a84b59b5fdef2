"""Intervals hold the trace as often as they say: coverage over 200 seeds [S5.4].

95% of 200 has a standard error of 1.5 points. Each share is required to be between 90% and 99%.
"""

import functools

import numpy as np
import pytest

from msq_ref import kernels
from msq_ref.hessian import (
    HessianProducts,
    Hutchinson,
    HutchPP,
    exact_traces,
    hutchinson_layers,
    hutchpp_layers,
)
from tests.hessian.matrices import Matrix, decaying, of_network
from tests.hessian.test_trace import tiny
from tests.nn.networks import flattened, smooth

SEEDS = range(200)


def coverage(estimates, traces):
    """Share of the seeds whose interval holds the trace, by layer; how many samples were drawn."""
    held, samples = dict.fromkeys(traces, 0), []
    for found in estimates:
        for name, one in found.items():
            low, high = one.interval()
            held[name] += low <= traces[name] <= high
            samples.append(one.samples)
    return {name: count / len(SEEDS) for name, count in held.items()}, samples


@functools.cache
def matrix(name):
    if name == "tiny":
        return Matrix.of(HessianProducts(*tiny()))
    if name == "decaying":
        return decaying(0.7, size=160)
    if name == "12 images":
        return of_network(flattened, images=12)
    return of_network({"smooth": smooth, "flattened": flattened}[name])


HUTCHINSON = {
    "16 samples": ("tiny", {"max_samples": 16}),
    "32 samples": ("smooth", {"max_samples": 32}),
    "20 samples, ReLU": ("flattened", {"max_samples": 20}),
    "stop at 50%": ("tiny", {"max_samples": 2000, "relative_error": 0.5}),
    "stop at 40%": ("tiny", {"max_samples": 2000, "relative_error": 0.4}),
}


@pytest.mark.parametrize("case", HUTCHINSON)
def test_hutchinson(case):
    """[S5.4] With a fixed number of samples, and stopped early by a relative error."""
    name, settings = HUTCHINSON[case]
    hessian = matrix(name)
    estimates = [
        Hutchinson(hessian, hessian.shapes, float, seed=seed, **settings).run() for seed in SEEDS
    ]
    shares, samples = coverage(estimates, hessian.traces())
    assert 0.9 <= min(shares.values()) <= max(shares.values()) <= 0.99, shares
    if "relative_error" in settings:
        assert 16 <= min(samples) < max(samples) < 2000, "it did stop early, not by chance at 2"


HUTCHPP = {
    "24 products": ("smooth", ("conv1", "conv2", "fc1", "fc2"), {"max_samples": 24}),
    "30 products, ReLU": ("flattened", ("conv1", "depthwise", "fc1"), {"max_samples": 30}),
    "stop early": ("12 images", ("conv1",), {"max_samples": 60, "relative_error": 0.003}),
    "stop early, 30 left": ("decaying", ("w",), {"max_samples": 90, "relative_error": 0.01}),
}


@pytest.mark.parametrize("case", HUTCHPP)
def test_hutchpp(case):
    """[S5.4] The same for Hutch++, on layers of more weights than products."""
    name, layers, settings = HUTCHPP[case]
    hessian = matrix(name)
    shapes = {layer: hessian.shapes[layer] for layer in layers}
    assert min(np.prod(shape) for shape in shapes.values()) > settings["max_samples"]
    estimates = [
        HutchPP(hessian.block, shapes, float, seed=seed, **settings).run() for seed in SEEDS
    ]
    traces = hessian.traces()
    shares, samples = coverage(estimates, {layer: traces[layer] for layer in layers})
    assert 0.9 <= min(shares.values()) <= max(shares.values()) <= 0.99, shares
    assert min(samples) == 16
    assert ("relative_error" in settings) == (max(samples) > 16)


def test_on_a_network():
    """[S5.4] The same estimators through the network's own products, stopped early."""
    network, images, labels = tiny((6, 5, 4), backend=kernels)
    traces = exact_traces(network, images, labels)
    for estimate, settings in (
        (hutchinson_layers, {"max_samples": 500, "relative_error": 0.5}),
        (hutchpp_layers, {"max_samples": 19, "relative_error": 0.2}),
    ):
        estimates = [estimate(network, images, labels, seed=seed, **settings) for seed in SEEDS]
        shares, samples = coverage(estimates, traces)
        assert 0.9 <= min(shares.values()) <= max(shares.values()) <= 0.99, shares
        assert min(samples) >= 16
