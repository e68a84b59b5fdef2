"""Hutch++: exact where it can be, unbiased, better than Hutchinson on steep spectra [S5.4]."""

import itertools

import numpy as np
import pytest

from msq_ref import kernels
from msq_ref.hessian import (
    HessianProducts,
    Hutchinson,
    HutchPP,
    exact_traces,
    hutchpp_layers,
)
from msq_ref.hessian.hutchpp import sketch_size
from tests.hessian.matrices import Matrix, decaying
from tests.hessian.test_products import quantized
from tests.hessian.test_trace import tiny
from tests.nn.networks import batch, pooled


def run(matrix, seed=0, products=30, relative_error=0.0):
    estimator = HutchPP(
        matrix.block, matrix.shapes, float,
        seed=seed, max_samples=products, relative_error=relative_error,
    )  # fmt: skip
    found = estimator.run()
    assert estimator.spent <= estimator.limit
    return found


@pytest.mark.parametrize("products", [18, 19, 24, 48, 96, 300])
def test_the_split(products):
    """[S5.4] As much sketch as a third, as long as 16 samples are left for the interval."""
    columns = sketch_size(products)
    rest = products - 2 * columns
    assert 1 <= columns <= products // 3
    assert rest >= 16
    assert columns == products // 3 or products - 2 * (columns + 1) < 16
    matrix = decaying(1, size=max(products + 1, 120))
    found = run(matrix, products=products)["w"]
    assert (found.samples, found.products, matrix.products) == (rest, products, products)


@pytest.mark.parametrize("rank", [0, 1, 4])
def test_a_matrix_of_low_rank_is_exact(rank):
    """[S5.4] The sketch spans it: nothing is left to estimate, at any seed."""
    rng = np.random.default_rng(rank)
    half = rng.standard_normal((60, rank))
    signs = rng.choice([-1.0, 1.0], rank)
    matrix = Matrix((half * signs) @ half.T, {"w": (3, 20)})
    for seed in range(5):
        found = run(matrix, seed, products=24)["w"]  # 4 columns
        low, high = found.interval()
        assert low <= np.trace(matrix.matrix) <= high, "rounding is in the standard error"
        assert high - low <= 1e-11


def test_small_layers_are_added_up():
    """[S5.4] With a product for each weight there is nothing to estimate."""
    network, images, labels = tiny((4, 3, 3))
    found = hutchpp_layers(network, images, labels, seed=0, max_samples=18)
    for name, trace in exact_traces(network, images, labels).items():
        size = network.layers[name].weight.size
        assert found[name].trace == trace
        assert (found[name].samples, found[name].products) == (0, size)
        assert 0 < found[name].standard_error <= 1e-14 * trace


def test_unbiased():
    """[S5.4] The mean over 500 seeds is within three of its standard errors; indefinite too."""
    rng = np.random.default_rng(3)
    half = rng.standard_normal((40, 40))
    for matrix in (Matrix(half + half.T, {"w": (40,)}), decaying(2, size=40)):
        errors = [run(matrix, seed, products=20)["w"].trace for seed in range(500)]
        errors = np.array(errors) - np.trace(matrix.matrix)
        assert abs(errors.mean()) <= 3 * errors.std() / np.sqrt(len(errors))


@pytest.mark.parametrize("power", [1, 1.5, 2])
@pytest.mark.parametrize("products", [24, 48])
def test_lower_variance_than_hutchinson_where_eigenvalues_decay(power, products):
    """[S5.4] At equal products: Meyer et al.'s point; the more, the steeper the decay."""
    matrix = decaying(power)
    exact = np.trace(matrix.matrix)
    squares = []
    for estimator, product in ((HutchPP, matrix.block), (Hutchinson, matrix)):
        found = [
            estimator(product, matrix.shapes, float, seed=seed, max_samples=products).run()["w"]
            for seed in range(60)
        ]
        assert {one.products for one in found} == {products}
        squares.append(np.mean([(one.trace - exact) ** 2 for one in found]))
    assert squares[0] < squares[1] / {1: 1.5, 1.5: 10, 2: 30}[power]


def test_a_layer_stops_by_itself():
    """[S5.4] At the first sample, from the 16th on, that is precise; and it would go on else."""
    shapes = {"steep": (100,), "flat": (100,)}
    steep, flat = decaying(2, size=100).matrix, decaying(0.3, size=100, seed=1).matrix
    zero = np.zeros((100, 100))
    matrix = Matrix(np.block([[steep, zero], [zero, flat]]), shapes)
    found = run(matrix, products=90, relative_error=0.015)
    assert found["steep"].samples == 16
    assert 16 < found["flat"].samples < 30
    assert matrix.products == sum(one.products for one in found.values())
    for one in found.values():
        assert one.standard_error <= 0.015 * abs(one.trace)


def test_by_hand():
    """[S5.4] The paper's formula with the generator's own signs."""
    matrix = decaying(1, size=50)
    h = matrix.matrix
    rng = np.random.default_rng([7, 0])
    sketch = np.stack([2.0 * rng.integers(0, 2, 50) - 1 for _ in range(4)], axis=1)
    basis, _ = np.linalg.qr(h @ sketch)
    outside = np.eye(50) - basis @ basis.T
    samples = []
    for _ in range(16):
        v = outside @ (2.0 * rng.integers(0, 2, 50) - 1)
        samples.append(v @ h @ v)
    found = run(matrix, seed=7, products=24)["w"]
    assert found.trace == pytest.approx(np.trace(basis.T @ h @ basis) + np.mean(samples), rel=1e-12)
    assert found.standard_error == pytest.approx(np.std(samples, ddof=1) / 4, rel=1e-10)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_on_a_network_with_a_convolution(dtype):
    """[S5.4] Per layer, from the network's block products; the same seed gives the same bits."""
    network = quantized(pooled, kernels, dtype)
    images, labels = batch(dtype)
    exact = exact_traces(network, images, labels)
    run, again, other = (
        hutchpp_layers(network, images, labels, seed=seed, max_samples=20)
        for seed in (0, 0, [0, 1])
    )
    assert run == again
    assert run != other
    for name, estimate in run.items():
        low, high = estimate.interval(0.999)
        assert low <= exact[name] <= high
        assert estimate.products == 20


def test_progress_counts_products():
    network, images, labels = tiny((6, 5, 4))
    done = []
    hutchpp_layers(network, images, labels, seed=0, max_samples=18, on_sample=done.append)
    assert done == list(range(1, 37))


@pytest.mark.parametrize("where", ["nowhere", "sketch", "sums", "samples", "next layer", "end"])
@pytest.mark.parametrize("kind", [HutchPP, Hutchinson])
def test_resuming_gives_the_same_bits(kind, where):
    """[S5.4] From what `arrays` gave at any product, in a new estimator."""
    products = HessianProducts(*tiny((6, 5, 4)))
    product = products.block if kind is HutchPP else products
    make = {"seed": 5, "max_samples": 20, "relative_error": 1e-9}

    def fresh():
        return kind(product, products.shapes(), np.float64, **make)

    whole = fresh()
    stop = {"nowhere": 0, "sketch": 1, "sums": 3, "samples": 9, "next layer": 21, "end": 40}[where]
    for _ in itertools.islice(whole.steps(), stop):
        pass
    arrays = {name: array.copy() for name, array in whole.arrays().items()}
    resumed = fresh()
    resumed.load_arrays(arrays)
    assert resumed.spent == whole.spent == min(stop, whole.limit)
    assert resumed.run() == whole.run() == fresh().run()


@pytest.mark.parametrize("kind", [HutchPP, Hutchinson])
def test_states_that_do_not_fit(kind):
    """Other layers, more samples than there may be."""
    products = HessianProducts(*tiny((6, 5, 4)))
    product = products.block if kind is HutchPP else products

    def fresh(samples):
        return kind(product, products.shapes(), np.float64, seed=0, max_samples=samples)

    long = fresh(30)
    long.run()
    with pytest.raises(ValueError, match="sample"):
        fresh(18).load_arrays(long.arrays())
    arrays = long.arrays()
    arrays.pop(next(iter(arrays)))
    with pytest.raises(ValueError, match="not those of these layers"):
        fresh(30).load_arrays(arrays)


def test_too_few_products_for_an_interval():
    network, images, labels = tiny()
    with pytest.raises(ValueError, match="max_samples = 17: expected"):
        hutchpp_layers(network, images, labels, seed=0, max_samples=17)
    assert network.passes == 0
