"""Hutchinson's estimator: unbiased, honest about its error, repeatable [S5.4]."""

import itertools

import numpy as np
import pytest

from msq_ref import kernels, reference
from msq_ref.hessian import HessianProducts, TraceEstimate, exact_traces, hutchinson_layers
from msq_ref.nn import Linear, Network, ReLU
from tests.hessian.test_products import quantized
from tests.nn.networks import batch, pooled

SEEDS = range(200)
SAMPLES = 20


def tiny(widths=(4, 3, 3), dtype=np.float64, backend=reference):
    """Linear layers with a ReLU between them, and a batch of six."""
    rng = np.random.default_rng(0)
    layers = {}
    for index, (inputs, outputs) in enumerate(itertools.pairwise(widths), 1):
        layers[f"fc{index}"] = Linear(inputs, outputs, rng=rng, dtype=dtype, backend=backend)
        layers[f"relu{index}"] = ReLU(backend)
    layers.popitem()
    rng = np.random.default_rng(1)
    images = rng.standard_normal((6, widths[0])).astype(dtype)
    return Network(layers), images, rng.integers(0, widths[-1], 6)


@pytest.fixture(scope="module")
def runs():
    """Estimates of 200 seeds, 20 samples each: trace and standard error by layer."""
    network, images, labels = tiny()
    found = [
        hutchinson_layers(network, images, labels, seed=seed, max_samples=SAMPLES) for seed in SEEDS
    ]
    return exact_traces(network, images, labels), {
        name: np.array(
            [(run[name].trace, run[name].standard_error, *run[name].interval()) for run in found]
        )
        for name in network.quantized_layers()
    }


@pytest.mark.parametrize("layer", ["fc1", "fc2"])
def test_unbiased(runs, layer):
    """[S5.4] The mean over 200 seeds is within three of its standard errors of the trace."""
    exact, estimates = runs
    traces = estimates[layer][:, 0]
    assert abs(traces.mean() - exact[layer]) <= 3 * traces.std(ddof=1) / np.sqrt(len(traces))


@pytest.mark.parametrize("layer", ["fc1", "fc2"])
def test_the_standard_error_is_honest(runs, layer):
    """[S5.4] It is the spread of the estimates, and the 95% interval covers the trace.

    More on coverage: tests/hessian/test_coverage.py.
    """
    exact, estimates = runs
    traces, errors, low, high = estimates[layer].T
    covered = np.mean((low <= exact[layer]) & (exact[layer] <= high))
    assert 0.90 <= covered <= 0.985
    # The spread of 200 runs is known to 5%, the mean square error to about as much.
    assert 0.85 <= np.sqrt(np.mean(errors**2)) / traces.std(ddof=1) <= 1.15


def test_the_mean_over_all_signs_is_the_trace():
    """[S5.4] Exactly unbiased: over all 2^10 sign vectors of both layers at once."""
    network, images, labels = tiny((2, 2, 3))
    products = HessianProducts(network, images, labels)
    shapes = products.shapes()
    totals = dict.fromkeys(shapes, 0.0)
    count = sum(int(np.prod(shape)) for shape in shapes.values())
    assert count == 10
    for signs in itertools.product((-1.0, 1.0), repeat=count):
        flat, vectors = np.array(signs), {}
        for name, shape in shapes.items():
            vectors[name], flat = flat[: np.prod(shape)].reshape(shape), flat[np.prod(shape) :]
        for name, product in products(vectors).items():
            totals[name] += float((vectors[name] * product).sum()) / 2**count
    for name, trace in exact_traces(network, images, labels).items():
        assert totals[name] == pytest.approx(trace, rel=1e-12)


def test_mean_and_standard_error_by_hand():
    """[S5.4] From the seed's own signs: the mean, and the deviation over the root of the count."""
    network, images, labels = tiny()
    seed, count = 11, 6
    rng = np.random.default_rng(seed)
    products = HessianProducts(network, images, labels)
    samples = {name: [] for name in products.shapes()}
    for _ in range(count):
        vectors = {
            name: 2.0 * rng.integers(0, 2, shape) - 1 for name, shape in products.shapes().items()
        }
        for name, product in products(vectors).items():
            samples[name].append((vectors[name] * product).sum())
    found = hutchinson_layers(network, images, labels, seed=seed, max_samples=count)
    for name, estimate in found.items():
        assert estimate.samples == count
        assert estimate.trace == pytest.approx(np.mean(samples[name]), rel=1e-12)
        error = np.std(samples[name], ddof=1) / np.sqrt(count)
        assert estimate.standard_error == pytest.approx(error, rel=1e-12)


@pytest.mark.parametrize(("relative_error", "least"), [(1e6, 16), (0.5, 16), (0.3, 17)])
def test_stops_at_the_relative_error(relative_error, least):
    """[S5.4] At the first sample from the 16th on where every layer is precise enough."""
    network, images, labels = tiny()
    done = []
    found = hutchinson_layers(
        network, images, labels, seed=3, max_samples=1000, relative_error=relative_error,
        on_sample=done.append,
    )  # fmt: skip
    count = found["fc1"].samples
    assert least <= count < 1000
    assert done == list(range(1, count + 1))
    for estimate in found.values():
        assert estimate.samples == estimate.products == count
        assert estimate.standard_error <= relative_error * abs(estimate.trace)
    # It is the same run as one of that length, and no shorter one would have done.
    for length in range(16, count + 1):
        run = hutchinson_layers(network, images, labels, seed=3, max_samples=length)
        precise = all(e.standard_error <= relative_error * abs(e.trace) for e in run.values())
        assert precise == (length == count)
    assert run == found


def test_samples_that_agree_by_chance_stop_nothing():
    """[S5.4] Two samples did, in some runs of 200, however wrong their mean was."""
    network, images, labels = tiny()
    pairs = [hutchinson_layers(network, images, labels, seed=s, max_samples=2) for s in SEEDS]
    lucky = [
        seed
        for seed, run in zip(SEEDS, pairs, strict=True)
        if all(e.standard_error <= 0.2 * abs(e.trace) for e in run.values())
    ]
    assert lucky
    for seed in lucky:
        run = hutchinson_layers(
            network, images, labels, seed=seed, max_samples=40, relative_error=0.2
        )
        assert min(estimate.samples for estimate in run.values()) >= 16


def test_the_relative_error_is_of_the_magnitude():
    """[S5.4] Few samples may be negative by the other layers' share; they are precise all the same.

    The trace itself is not: a layer alone is linear, so that its block is positive.
    """
    network, images, labels = tiny()
    runs = [
        hutchinson_layers(network, images, labels, seed=s, max_samples=30, relative_error=1e6)
        for s in SEEDS
    ]
    assert min(run["fc2"].trace for run in runs) < 0
    assert {estimate.samples for run in runs for estimate in run.values()} == {16}


def test_without_a_relative_error_every_sample_is_drawn():
    """[S5.4] Also where all samples agree: a diagonal Hessian has no spread at all."""
    network, images, labels = tiny((1, 2))
    network.layers["fc1"].effective = np.full((1, 2), 0.25)
    images[...] = 0
    found = hutchinson_layers(network, images, labels, seed=0, max_samples=20)
    assert found == {"fc1": TraceEstimate(0.0, 0.0, 20, 20)}
    early = hutchinson_layers(network, images, labels, seed=0, max_samples=20, relative_error=0.1)
    assert early == {"fc1": TraceEstimate(0.0, 0.0, 16, 16)}


@pytest.mark.parametrize("seed", [0, 2**70, [3, 4], (1, 2, 3)])
def test_the_same_seed_gives_the_same_bits(seed):
    """[S5.4] Twice over, and another seed gives other signs."""
    network = quantized(pooled, kernels)
    images, labels = batch(np.float64)
    run, again, other = (
        hutchinson_layers(network, images, labels, seed=s, max_samples=3) for s in (seed, seed, 99)
    )
    assert run == again
    assert run != other


def test_float32_estimates_are_those_of_float64():
    """[S5.4] The same signs in both precisions."""
    runs = [hutchinson_layers(*tiny(dtype=d), seed=1, max_samples=5) for d in (np.float32, float)]
    for name, estimate in runs[0].items():
        assert estimate.trace == pytest.approx(runs[1][name].trace, rel=1e-4)
        assert estimate.standard_error == pytest.approx(runs[1][name].standard_error, rel=1e-4)


WRONG = {
    "one sample": ({"max_samples": 1}, ValueError, "max_samples = 1"),
    "half a sample": ({"max_samples": 2.5}, ValueError, r"max_samples = 2\.5"),
    "negative error": ({"relative_error": -0.1}, ValueError, r"relative_error = -0\.1"),
    "no error": ({"relative_error": np.nan}, ValueError, "relative_error = nan"),
    "an error in words": ({"relative_error": "5%"}, TypeError, "relative_error = '5%'"),
    "no seed": ({"seed": None}, ValueError, "seed = None"),
    "negative seed": ({"seed": -1}, ValueError, "seed = -1"),
    "fraction": ({"seed": 0.5}, ValueError, r"seed = 0\.5"),
    "bool": ({"seed": True}, ValueError, "seed = True"),
    "negative part": ({"seed": [1, -2]}, ValueError, "seed = -2"),
    "no parts": ({"seed": "12"}, ValueError, "seed = '1'"),
}


@pytest.mark.parametrize(("change", "error", "match"), WRONG.values(), ids=WRONG.keys())
def test_arguments_out_of_range(change, error, match):
    """The argument, its value and what was expected; nothing is drawn."""
    network, images, labels = tiny()
    arguments = {"seed": 0, "max_samples": 4, **change}
    with pytest.raises(error, match=match):
        hutchinson_layers(network, images, labels, **arguments)
    assert network.passes == 0


def test_overflow_is_told_not_averaged():
    """[S5.4] Products that are not finite name the layer."""
    from msq_ref.hessian import Hutchinson

    run = Hutchinson(lambda v: {"w": v["w"] * np.inf}, {"w": (3,)}, float, seed=0, max_samples=4)
    with pytest.raises(ValueError, match="the Hessian of w is not finite"):
        run.run()
