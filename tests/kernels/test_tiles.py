"""Convolutions by tiles: the definition's values, whatever the shape, tile or number of threads."""

import itertools

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from msq_ref import reference
from msq_ref.kernels import tiles
from msq_ref.kernels.threads import use_threads
from msq_ref.kernels.tiles import direct, support
from msq_ref.shapes import output_length

BOUND = 4
"""Error in the 2-norm, in eps times what the definition gives for absolute values, in float64."""

# x, w, stride, padding
RESNET = ((3, 8, 8, 16), (3, 3, 16, 32), 1, 1)
STRIDED = ((9, 8, 8, 16), (3, 3, 16, 32), 2, 1)
RAGGED = ((2, 7, 9, 11), (3, 3, 11, 10), 1, 1)
STEM = ((2, 16, 15, 3), (7, 7, 3, 20), 2, 3)
SMALL = ((9, 3, 2, 5), (5, 5, 5, 17), 1, 4)
POINTS = ((2, 9, 10, 17), (1, 1, 17, 5), 2, 0)
ODD = ((3, 7, 7, 8), (3, 3, 8, 24), 1, 0)
GAPS = ((2, 11, 9, 4), (2, 3, 4, 16), 4, 1)
CASES = [RESNET, STRIDED, RAGGED, STEM, SMALL, POINTS, ODD, GAPS]


@st.composite
def cases(draw):
    kernel = draw(st.sampled_from([(3, 3), (3, 3), (1, 1), (5, 5), (2, 3), (4, 1), (7, 7)]))
    stride, padding = draw(st.integers(1, 3)), draw(st.integers(0, min(kernel) - 1))
    batch, height, width = (draw(st.integers(1, top)) for top in (10, 17, 17))
    channels, outputs = (draw(st.sampled_from([1, 3, 8, 10, 16, 19, 33])) for _ in "cm")
    assume(output_length(height, kernel[0], stride, padding) > 0)
    assume(output_length(width, kernel[1], stride, padding) > 0)
    return (batch, height, width, channels), (*kernel, channels, outputs), stride, padding


def arrays(case, dtype, seed=0):
    """Return x, w and a gradient of the result."""
    x_shape, w_shape, stride, padding = case
    rng = np.random.default_rng(seed)
    rows, columns = (
        output_length(x_shape[1 + axis], w_shape[axis], stride, padding) for axis in (0, 1)
    )
    shapes = (x_shape, w_shape, (x_shape[0], rows, columns, w_shape[3]))
    return [rng.standard_normal(shape).astype(dtype) for shape in shapes]


def by_tiles(case, x, w, grad_y):
    """Return what the three functions say, and what they wrote over NaN."""
    y, grad_x, grad_w = (np.full(a.shape, np.nan, a.dtype) for a in (grad_y, x, w))
    said = (
        tiles.forward(x, w, y, *case[2:]),
        tiles.input_gradient(grad_y, w, grad_x, *case[2:]),
        tiles.weight_gradient(grad_y, x, grad_w, *case[2:]),
    )
    return said, (y, grad_x, grad_w)


def defined(case, x, w, grad_y):
    """Return the same by the definition, in the dtype of the arrays."""
    return (
        reference.conv2d(x, w, *case[2:]),
        *reference.conv2d_backward(grad_y, x, w, *case[2:]),
    )


def check(case, dtype):
    given_arrays = arrays(case, dtype)
    said, found = by_tiles(case, *given_arrays)
    assert said == (True, True, True)
    wide = [a.astype(np.float64) for a in given_arrays]
    expected, sizes = defined(case, *wide), defined(case, *(np.abs(a) for a in wide))
    for name, ours, theirs, size in zip("yxw", found, expected, sizes, strict=True):
        bound = BOUND * np.finfo(dtype).eps * np.linalg.norm(size)
        assert np.linalg.norm(ours - theirs) <= bound, name


@settings(max_examples=100)
@given(cases(), st.sampled_from([np.float32, np.float64]))
@example(RESNET, np.float32)
@example(STEM, np.float64)
@example(SMALL, np.float32)
@example(GAPS, np.float32)
def test_the_definitions_values(case, dtype):
    """[S11.1] Any kernel, stride and padding, any number of channels."""
    check(case, dtype)


@pytest.mark.parametrize("name", support.TILES)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_tile(name, case):
    """[S11.1] Those of other processors too, and plain loops."""
    with tiles.use_tile(name):
        check(case, np.float32)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_bits_do_not_depend_on_the_size_of_a_tile(case):
    """[S0.5] A sum has one order, whatever else is summed beside it."""
    with tiles.use_tile("wide"):
        _, wide = by_tiles(case, *arrays(case, np.float32))
    with tiles.use_tile("narrow"):
        _, narrow = by_tiles(case, *arrays(case, np.float32))
    for one, other in zip(wide, narrow, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("case", [RESNET, STRIDED], ids=str)
def test_the_bits_do_not_depend_on_threads(case, monkeypatch):
    """[S0.5]"""
    monkeypatch.setattr(support, "WORK", 1 << 15)
    given_arrays = arrays(((40, *case[0][1:]), *case[1:]), np.float32)
    assert len(support.image_parts(40, 1 << 20)) >= 4
    with use_threads(1):
        _, expected = by_tiles(case, *given_arrays)
    for count in (2, 4):
        with use_threads(count):
            _, found = by_tiles(case, *given_arrays)
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_array_equal(one, other)


def test_images_do_not_depend_on_their_batch():
    """[S11.1] The last of a batch, in a tile that is not full, as alone."""
    for case in (RESNET, STRIDED, SMALL):
        x, w, grad_y = arrays(case, np.float32)
        _, (y, grad_x, _) = by_tiles(case, x, w, grad_y)
        _, (alone, grad_alone, _) = by_tiles(case, x[-1:], w, grad_y[-1:])
        np.testing.assert_array_equal(y[-1:], alone)
        np.testing.assert_array_equal(grad_x[-1:], grad_alone)


@pytest.mark.parametrize("case", [RESNET, STRIDED, STEM], ids=str)
def test_integers_are_exact(case):
    """[S11.1] Also by Winograd's algorithm: it halves, adds and multiplies, all exact."""
    given_arrays = [np.rint(4 * a) for a in arrays(case, np.float32)]
    _, found = by_tiles(case, *given_arrays)
    for ours, theirs in zip(found, defined(case, *given_arrays), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("case", [RESNET, STRIDED], ids=str)
def test_what_is_not_finite_is_as_defined_or_declined(case, value):
    """[S11.1] No wrong value passes for right: a NaN spreads as in the definition, or is told."""
    for which in range(3):
        given_arrays = arrays(case, np.float32)
        given_arrays[which][-1, -1, -1, -1] = value
        said, found = by_tiles(case, *given_arrays)
        with np.errstate(invalid="ignore"):
            expected = defined(case, *given_arrays)
        assert not all(said)
        for done, ours, theirs in zip(said, found, expected, strict=True):
            if done:
                np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-4)


def test_what_overflows_in_between_is_declined():
    """[S11.1] Winograd's algorithm adds inputs, whose sum may overflow where no result does."""
    x, w, grad_y = arrays(RESNET, np.float32)
    x[:] = 3e38
    w[:] = 1e-9
    said, _ = by_tiles(RESNET, x, w, grad_y)
    assert said == (False, True, False)


def test_what_does_not_suit_is_declined():
    """[S11.1] Other strides in memory, no images, padding that a position may see alone."""
    x, w, grad_y = arrays(RESNET, np.float32)
    y = np.empty_like(grad_y)
    assert not tiles.forward(np.asfortranarray(x), w, y, 1, 1)
    assert not tiles.input_gradient(grad_y[:, ::-1], w, np.empty_like(x), 1, 1)
    assert not tiles.weight_gradient(grad_y[..., ::-1], x, np.empty_like(w), 1, 1)
    assert not tiles.forward(x[:0], w, y[:0], 1, 1)
    wide = np.empty((3, 10, 10, 32), np.float32)
    assert not tiles.forward(x, w[:1, :1].copy(), wide, 1, 1)
    assert not tiles.weight_gradient(wide, x, w[:1, :1].copy(), 1, 1)


def test_positions_that_see_no_tap_get_zeros():
    """[S11.1] Where the last row of an image is in no window, its gradient is 0."""
    x, w, grad_y = arrays(GAPS, np.float32)
    _, (_, grad_x, _) = by_tiles(GAPS, x, w, grad_y)
    expected = reference.conv2d_backward(grad_y, x, w, *GAPS[2:])[0]
    assert (expected == 0).any()
    np.testing.assert_array_equal(grad_x == 0, expected == 0)


def test_filters_of_one_output_fill_a_block():
    """The rest of a block is zeros."""
    w = np.ones((1, 2, 3, 17), np.float32)
    packed = support.blocks(w)
    assert packed.shape == (2, 1, 2, 3, 16)
    assert packed.sum() == w.size
    assert packed[1, ..., 0].all()


def test_both_algorithms_are_met():
    """The cases above go both ways."""
    ways = {
        support.winograd(w, grad_y, *case[2:])
        for case in CASES
        for _, w, grad_y in [arrays(case, np.float32)]
    }
    assert ways == {True, False}


def test_parts_are_whole_tiles_and_cover_the_batch():
    for batch, products, most in [(1, 10**9, 8), (128, 10**6, 8), (37, 10**5, 99), (64, 1, 2)]:
        parts = support.image_parts(batch, products, most)
        assert parts[0][0] == 0
        assert parts[-1][1] == batch
        assert all(one[1] == other[0] for one, other in itertools.pairwise(parts))
        assert len(parts) <= most


def test_an_unknown_tile_is_named():
    with pytest.raises(ValueError, match="name = 'huge': expected one of wide, narrow, plain"):
        tiles.use_tile("huge").__enter__()


def test_the_tile_is_part_of_what_is_compiled():
    """A kernel for one tile is never taken for another's: its signature says which it is."""
    check(STRIDED, np.float32)
    with tiles.use_tile("plain"):
        check(STRIDED, np.float32)
    kinds = {str(signature[0]) for signature in direct.correlate.signatures}
    assert len(kinds) >= 2
