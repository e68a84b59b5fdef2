"""Depthwise convolutions by blocks and by plain loops: the definition's values, its NaN too."""

import itertools

import numpy as np
import pytest

from msq_ref import kernels, reference
from msq_ref.kernels import depthwise_blocks, depthwise_plain
from msq_ref.kernels.threads import use_threads
from msq_ref.kernels.tiles import support
from msq_ref.shapes import output_length

BOUND = 4
"""Error in the 2-norm, in eps times what the definition gives for absolute values, in float64."""

# x, w, stride, padding; channels that are no multiple of a block are among them.
SHORT = ((3, 8, 8, 24), (3, 3, 1, 24), 1, 1)
LONG = ((2, 9, 19, 40), (3, 3, 1, 40), 1, 1)
STRIDED = ((2, 18, 19, 16), (3, 3, 1, 16), 2, 1)
NARROW = ((5, 9, 7, 17), (5, 5, 1, 17), 2, 2)
TINY = ((4, 2, 2, 16), (5, 5, 1, 16), 1, 2)
WIDE = ((2, 6, 5, 16), (3, 5, 1, 32), 2, 2)
ALONE = ((2, 3, 4, 20), (3, 3, 1, 20), 1, 3)
CASES = [SHORT, LONG, STRIDED, NARROW, TINY, WIDE]
BY_BLOCKS = len(support.tile()) > 0


def arrays(case, dtype, seed=0):
    """Return x, w and a gradient of the result."""
    x_shape, w_shape, stride, padding = case
    rng = np.random.default_rng(seed)
    sides = (output_length(x_shape[1 + n], w_shape[n], stride, padding) for n in (0, 1))
    shapes = x_shape, w_shape, (x_shape[0], *sides, w_shape[3])
    return [rng.standard_normal(shape).astype(dtype) for shape in shapes]


def passes(backend, case, x, w, grad_y):
    options = *case[2:], x.shape[3]
    return (
        backend.conv2d(x, w, *options),
        *backend.conv2d_backward(grad_y, x, w, *options),
    )


@pytest.fixture
def ways(monkeypatch):
    """Count the calls of the two modules."""
    calls = dict.fromkeys((depthwise_blocks, depthwise_plain), 0)

    def count(module, name):
        plain = getattr(module, name)

        def call(*arguments):
            calls[module] += 1
            return plain(*arguments)

        monkeypatch.setattr(module, name, call)

    for module, name in itertools.product(calls, ("forward", "input_gradient", "weight_gradient")):
        count(module, name)
    return calls


def check(case, dtype):
    given = arrays(case, dtype)
    found = passes(kernels, case, *given)
    wide = [a.astype(np.float64) for a in given]
    expected = passes(reference, case, *wide)
    sizes = passes(reference, case, *(np.abs(a) for a in wide))
    for name, ours, theirs, size in zip("yxw", found, expected, sizes, strict=True):
        assert ours.dtype == dtype
        assert ours.shape == theirs.shape
        bound = BOUND * np.finfo(dtype).eps * np.linalg.norm(size)
        assert np.linalg.norm(ours - theirs) <= bound, name


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_definitions_values(case, ways):
    """[S11.1] Rows that are tiles, and rows cut into tiles; any border; blocks that overlap."""
    check(case, np.float32)
    assert ways == {depthwise_blocks: 3 * BY_BLOCKS, depthwise_plain: 3 * (not BY_BLOCKS)}


@pytest.mark.parametrize("case", [NARROW, LONG], ids=str)
def test_float64(case, ways):
    """[S11.1]"""
    check(case, np.float64)
    assert (ways[depthwise_blocks] == 3) == BY_BLOCKS


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "case",
    [
        ((2, 6, 5, 3), (3, 3, 1, 3), 1, 1), ((2, 7, 6, 20), (3, 3, 1, 20), 3, 1),
        ((2, 7, 6, 20), (2, 4, 1, 20), 1, 1),
    ],
    ids=["few channels", "stride 3", "2x4 filters"],
)  # fmt: skip
def test_what_does_not_suit_goes_by_plain_loops(case, dtype, ways):
    """[S11.1]"""
    check(case, dtype)
    assert ways == {depthwise_blocks: 0, depthwise_plain: 3}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_padding_that_positions_see_alone(dtype):
    """[S11.1] Such positions are zeros."""
    check(ALONE, dtype)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_plain_loops(case, ways):
    """[S11.1] All that blocks do, on processors without such registers."""
    with support.use_tile("plain"):
        check(case, np.float32)
    assert ways == {depthwise_blocks: 0, depthwise_plain: 3}


@pytest.mark.skipif(not BY_BLOCKS, reason="this processor has no registers for tiles")
@pytest.mark.parametrize("case", [SHORT, STRIDED], ids=str)
def test_the_bits_do_not_depend_on_the_size_of_a_tile(case):
    """[S0.5] A sum has one order, whatever else is summed beside it."""
    given = arrays(case, np.float32)
    with support.use_tile("wide"):
        wide = passes(kernels, case, *given)
    with support.use_tile("narrow"):
        narrow = passes(kernels, case, *given)
    for one, other in zip(wide, narrow, strict=True):
        assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize("case", [SHORT, NARROW], ids=str)
def test_the_bits_do_not_depend_on_threads(case):
    """[S0.5] Parts are cut by shape, and each sums on its own."""
    many = (96, 16, *case[0][2:]), *case[1:]
    given = arrays(many, np.float32)
    with use_threads(1):
        expected = passes(kernels, many, *given)
    for count in (2, 4):
        with use_threads(count):
            found = passes(kernels, many, *given)
        for one, other in zip(found, expected, strict=True):
            assert one.tobytes() == other.tobytes()


def test_images_do_not_depend_on_their_batch():
    """[S11.1]"""
    for case in (SHORT, STRIDED, NARROW):
        x, w, grad_y = arrays(case, np.float32)
        y, grad_x, _ = passes(kernels, case, x, w, grad_y)
        alone = passes(kernels, case, x[-1:], w, grad_y[-1:])
        assert y[-1:].tobytes() == alone[0].tobytes()
        assert grad_x[-1:].tobytes() == alone[1].tobytes()


@pytest.mark.parametrize("case", [SHORT, STRIDED, TINY], ids=str)
def test_integers_are_exact(case):
    """[S11.1] Every product meets its sum, once."""
    given = [np.rint(4 * a) for a in arrays(case, np.float32)]
    found, expected = passes(kernels, case, *given), passes(reference, case, *given)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("name", ["wide", "plain"])
@pytest.mark.parametrize("value", [np.inf, np.nan])
@pytest.mark.parametrize("case", [SHORT, NARROW, ALONE], ids=str)
def test_what_is_not_finite_is_as_defined(case, value, name):
    """[S11.1] An infinity or a NaN meets the zeros of the padding: a NaN, there and only there."""
    if name == "wide" and not BY_BLOCKS:
        pytest.skip("this processor has no registers for tiles")
    for which, at in itertools.product(range(3), (0, -1)):
        given = arrays(case, np.float32)
        given[which][at, at, at, at] = value
        with support.use_tile(name), np.errstate(invalid="ignore"):
            found, expected = passes(kernels, case, *given), passes(reference, case, *given)
        assert any(not np.isfinite(a).all() for a in expected)
        for ours, theirs in zip(found, expected, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-4)


def test_other_strides_in_memory():
    """[S11.1] Views give what their copies give."""
    x, w, grad_y = arrays(SHORT, np.float32)
    expected = passes(kernels, SHORT, x, w, grad_y)
    turned = [np.ascontiguousarray(a[::-1, ::-1])[::-1, ::-1] for a in (x, w, grad_y)]
    assert not any(a.flags.c_contiguous for a in turned)
    for one, other in zip(passes(kernels, SHORT, *turned), expected, strict=True):
        assert one.tobytes() == other.tobytes()


def test_no_images():
    """[S11.1] Nothing to do: results of no images, and a gradient of zeros."""
    x, w, grad_y = (a[:0] if n != 1 else a for n, a in enumerate(arrays(SHORT, np.float32)))
    y, grad_x, grad_w = passes(kernels, SHORT, x, w, grad_y)
    assert (y.shape, grad_x.shape) == (grad_y.shape, x.shape)
    np.testing.assert_array_equal(grad_w, np.zeros_like(w))


def test_positions_that_no_window_sees_get_zeros():
    """[S11.1] Rows and columns of the image between windows, or after the last one."""
    case = (2, 4, 4, 16), (3, 3, 1, 16), 2, 0
    x, w, grad_y = arrays(case, np.float32)
    _, grad_x, _ = passes(kernels, case, x, w, grad_y)
    _, expected, _ = passes(reference, case, x, w, grad_y)
    assert (expected == 0).any()
    np.testing.assert_array_equal(grad_x == 0, expected == 0)
