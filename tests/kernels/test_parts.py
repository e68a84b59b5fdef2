"""Kernels cut into parts: the same bits with 1, 2 and 4 threads, and the definition's values."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from msq_ref import kernels, reference
from msq_ref.kernels import excitation, hard, pooling, products, slices, threads
from msq_ref.kernels.handover import POSTED, STATE
from msq_ref.kernels.threads import use_threads
from msq_ref.kernels.workers import Worker
from tests.kernels.results import arrays_of

BOUND = {np.float32: 2e-6, np.float64: 1e-14}
"""Relative error in the 2-norm, against the definition in float64."""

IMAGES = {"x": (12, 20, 18, 16)}
LARGE = {"x": (24, 40, 18, 16)}
WIDE = {"x": (4, 9, 9, 96)}

# Legal arguments, large enough for several parts: a tuple is the shape of a random array.
CASES = {
    "conv2d 3x3": ("conv2d", {"x": (36, 20, 18, 16), "w": (3, 3, 16, 24), "padding": 1}),
    "conv2d stride 2": ("conv2d", {"x": (68, 40, 18, 16), "w": (3, 3, 16, 24), "stride": 2,
                                   "padding": 1}),
    "conv2d patches": ("conv2d", {**IMAGES, "w": (3, 3, 16, 24), "padding": 3, "stride": 2}),
    "conv2d 1x1": ("conv2d", {"x": (12, 20, 18, 48), "w": (1, 1, 48, 64)}),
    "conv2d groups": ("conv2d", {**IMAGES, "w": (3, 5, 8, 32), "groups": 2, "padding": 2}),
    "conv2d wide": ("conv2d", {**WIDE, "w": (3, 3, 96, 640), "padding": 1}),
    "depthwise": ("conv2d", {"x": (12, 20, 18, 64), "w": (5, 5, 1, 64), "padding": 2,
                             "groups": 64}),
    "depthwise stride 2": ("conv2d", {"x": (40, 21, 18, 64), "w": (3, 3, 1, 128), "padding": 1,
                                      "stride": 2, "groups": 64}),
    "linear many rows": ("linear", {"x": (6, 700, 32), "w": (32, 80)}),
    "linear few rows": ("linear", {"x": (3, 2000), "w": (2000, 1000)}),
    "linear sums": ("linear", {"x": (9000, 40), "w": (40, 24)}),
    "batchnorm": ("batchnorm", {"x": (12, 40, 18, 16), "gamma": (16,), "beta": (16,),
                                "mean": (16,), "variance": (16,)}),
    "batchnorm_train": ("batchnorm_train", {"x": (12, 40, 18, 16), "gamma": (16,), "beta": (16,)}),
    "relu": ("relu", {"x": (3, 70_001)}),
    "maxpool2d": ("maxpool2d", {**LARGE, "size": 3, "stride": 2, "padding": 1}),
    "avgpool2d": ("avgpool2d", {**LARGE, "size": 3, "stride": 2}),
    "global_avgpool": ("global_avgpool", LARGE),
    "gate": ("gate", {**LARGE, "factors": (24, 16)}),
    "hard_swish": ("hard_swish", {"x": (3, 70_001)}),
}  # fmt: skip


def arguments(shapes, dtype):
    rng = np.random.default_rng(0)
    made = {
        key: rng.standard_normal(value).astype(dtype) if type(value) is tuple else value
        for key, value in shapes.items()
    }
    if "variance" in made:
        made["variance"] = np.abs(made["variance"])
    return made


def both_passes(backend, name, given):
    """Results of the forward and of the backward pass, the gradient made up of float32 values."""
    result = getattr(backend, name)(**given)
    y = arrays_of(result)[0]
    grad = np.cos(np.arange(y.size)).astype(np.float32).reshape(y.shape).astype(y.dtype)
    behind = {key: value for key, value in given.items() if key != "beta"}
    if name == "batchnorm_train":
        behind["statistics"] = result[1]
    if name == "maxpool2d":
        behind["where"] = result[1]
        taken = [backend.maxpool2d_take(given["x"], result[1], 3, 2, 1)]
    else:
        taken = []
    back = getattr(backend, f"{name}_backward")(grad_y=grad, **behind)
    return [*arrays_of(result), *arrays_of(back), *taken]


@pytest.fixture
def one_blas_thread():
    with threadpool_limits(1, user_api="blas"):
        yield


@pytest.fixture
def spreads(monkeypatch):
    """Count how often parts were given to several threads."""
    calls, plain = [], threads._work_off

    def work_off(work, parts):
        calls.append(len(parts))
        plain(work, parts)

    monkeypatch.setattr(threads, "_work_off", work_off)
    for module, name in ((hard, "PART"), (excitation, "PART"), (pooling, "GLOBAL_PART")):
        monkeypatch.setattr(module, name, 2**15)
    end = Worker.end

    def end_after_begin(worker):  # all that are asked take part
        while worker._words[STATE] == POSTED:
            time.sleep(1e-5)
        return end(worker)

    monkeypatch.setattr(Worker, "end", end_after_begin)
    return calls


@pytest.mark.usefixtures("one_blas_thread")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", CASES)
def test_same_bits_with_any_number_of_threads(case, dtype, spreads):
    """[S0.5] Forward and backward; and every case has parts for several threads."""
    name, shapes = CASES[case]
    given = arguments(shapes, dtype)
    with use_threads(1):
        expected = both_passes(kernels, name, given)
    assert not spreads
    for count in (2, 4):
        with use_threads(count):
            result = both_passes(kernels, name, given)
        assert max(spreads) > 1
        assert len(spreads) >= 2 * count
        spreads.clear()
        for ours, alone in zip(result, expected, strict=True):
            assert ours.tobytes() == alone.tobytes()


@pytest.mark.parametrize(("name", "spread"), [("conv2d patches", False), ("batchnorm", True)])
def test_products_are_left_to_a_blas_with_threads(name, spread, spreads, monkeypatch):
    """The two would compete for the processors; parts without BLAS are spread all the same."""
    with threadpool_limits(1, user_api="blas"):
        assert threads.blas_threads() == 1
    monkeypatch.setattr(threads, "blas_threads", lambda: 2)
    function, shapes = CASES[name]
    with use_threads(2):
        both_passes(kernels, function, arguments(shapes, np.float32))
    assert bool(spreads) == spread


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", CASES)
def test_values_of_many_parts(case, dtype):
    """[S11.1] Against the definition in float64; a maximum and its place are exact."""
    name, shapes = CASES[case]
    given = arguments(shapes, dtype)
    exact = {
        key: value.astype(np.float64) if isinstance(value, np.ndarray) else value
        for key, value in given.items()
    }
    ours, theirs = (both_passes(*call) for call in (
        (kernels, name, given), (reference, name, exact)
    ))  # fmt: skip
    assert len(ours) >= 2
    for mine, definition in zip(ours, theirs, strict=True):
        assert mine.shape == definition.shape
        assert mine.dtype in (dtype, np.int64)
        error = np.linalg.norm(mine - definition) / np.linalg.norm(definition)
        assert error <= BOUND[dtype]


@settings(max_examples=60)
@given(
    data=st.data(),
    batch=st.integers(0, 3),
    stride=st.integers(1, 3),
    padding=st.integers(0, 3),
    groups=st.integers(1, 3),
    count=st.sampled_from([1, 3]),
    large=st.booleans(),
)
def test_convolutions_cut_anywhere(data, batch, stride, padding, groups, count, large):
    """[S11.1] Slices of a few rows that end within an image row, and weights cut by taps."""
    kernel = [data.draw(st.integers(1, 4)) for _ in range(2)]
    image = [data.draw(st.integers(max(1, k - 2 * padding), 8)) for k in kernel]
    inputs, outputs = data.draw(st.integers(1, 4)), data.draw(st.integers(0, 3))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    x = rng.standard_normal((batch, *image, inputs * groups))
    w = rng.standard_normal((*kernel, inputs, outputs * groups))
    options = (stride, padding, groups)
    y = reference.conv2d(x, w, *options)
    grad = rng.standard_normal(y.shape)
    with pytest.MonkeyPatch.context() as patch, use_threads(count):
        patch.setattr(products, "LEAST_WORK", 1)
        patch.setattr(products, "NARROWEST", 1)
        patch.setattr(slices, "SHORTEST", 1)
        patch.setattr(slices, "SLICE", data.draw(st.integers(1, 2000)))
        patch.setattr(slices, "CHANNELS", 2)
        patch.setattr(slices, "PARTIAL_SUMS", 1 if large else 2**22)
        results = [kernels.conv2d(x, w, *options), *kernels.conv2d_backward(grad, x, w, *options)]
        alone = [kernels.conv2d_input_gradient(grad, x, w, *options),
                 kernels.conv2d_weight_gradient(grad, x, w, *options)]  # fmt: skip
    for mine, definition in zip(
        results, [y, *reference.conv2d_backward(grad, x, w, *options)], strict=True
    ):
        assert mine.shape == definition.shape
        np.testing.assert_allclose(mine, definition, rtol=0, atol=1e-12)
    for both, one in zip(results[1:], alone, strict=True):
        assert both.tobytes() == one.tobytes()


@settings(max_examples=60)
@given(data=st.data(), size=st.integers(1, 4), stride=st.integers(1, 3))
def test_pooling_of_ties_and_nan(data, size, stride):
    """[S5.2] The first maximum of the image, the first NaN; padding never wins."""
    padding = data.draw(st.integers(0, size // 2))
    shape = (2, *(data.draw(st.integers(size, 7)) for _ in range(2)), 3)
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    values = [-np.inf, -1, 0, 1, 2, np.nan] if data.draw(st.booleans()) else [-2, -1]
    x = rng.choice(np.array(values, np.float64), shape)
    y, where = reference.maxpool2d(x, size, stride, padding)
    ours, place = kernels.maxpool2d(x, size, stride, padding)
    np.testing.assert_array_equal(ours, y)
    np.testing.assert_array_equal(place, where)
    # Any place is legal in the tangents, also one that lies on the padding.
    where = rng.integers(0, size * size, where.shape)
    x, grad = rng.standard_normal(shape), rng.standard_normal(y.shape)
    np.testing.assert_array_equal(
        kernels.maxpool2d_take(x, where, size, stride, padding),
        reference.maxpool2d_take(x, where, size, stride, padding),
    )
    np.testing.assert_allclose(
        kernels.maxpool2d_backward(grad, where, x, size, stride, padding),
        reference.maxpool2d_backward(grad, where, x, size, stride, padding),
        rtol=0, atol=1e-14,
    )  # fmt: skip


@settings(max_examples=60)
@given(
    rows=st.integers(1, 400), channels=st.integers(1, 40), mean=st.sampled_from([0.0, 50.0]),
    dtype=st.sampled_from([np.float32, np.float64]), seed=st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_batch_statistics(rows, channels, mean, dtype, seed):
    """[S11.1] Rounded once from float64 where the input is float32, far from 0 too."""
    rng = np.random.default_rng(seed)
    x = (rng.standard_normal((rows, channels)) + mean).astype(dtype)
    gamma, beta = rng.standard_normal((2, channels)).astype(dtype)
    _, (m, v, count) = kernels.batchnorm_train(x, gamma, beta)
    wide = x.astype(np.longdouble)
    assert count == rows
    tiny = 4 * np.finfo(dtype).eps
    np.testing.assert_allclose(m, wide.mean(axis=0), rtol=tiny, atol=tiny)
    np.testing.assert_allclose(v, wide.var(axis=0), rtol=16 * tiny, atol=0)


@pytest.mark.parametrize("name", ["relu", "batchnorm", "linear", "conv2d"])
def test_nan_propagates(name):
    """[S11.1] Values are not looked at: what is not a number stays visible."""
    shapes = {
        "relu": {"x": (4, 5)}, "linear": {"x": (4, 5), "w": (5, 3)},
        "batchnorm": {"x": (4, 5), **dict.fromkeys(("gamma", "beta", "mean", "variance"), (5,))},
        "conv2d": {"x": (1, 3, 3, 2), "w": (3, 3, 2, 2), "padding": 1},
    }[name]  # fmt: skip
    given = arguments(shapes, np.float32)
    given["x"].flat[0] = np.nan
    y, definition = (getattr(backend, name)(**given) for backend in (kernels, reference))
    np.testing.assert_array_equal(np.isnan(y), np.isnan(definition))
    assert np.isnan(y).any()
