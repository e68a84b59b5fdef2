"""Augmentation: the image a plain definition gives, whoever asks, in whatever order."""

import itertools
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from msq_ref.training.augmentation import Augmentation

SHAPE = (6, 7, 3)


def images_of(count, dtype=np.uint8, shape=SHAPE):
    """Images without a zero, all pixels of one different."""
    size = int(np.prod(shape))
    start = np.random.default_rng(1).integers(1, 100, (count, 1))
    return (start + np.arange(size) % 150).astype(dtype).reshape(count, *shape)


def plain(image, pad, crop, row, column, mirrored):
    """The definition, pixel by pixel: what is outside the image is 0."""
    height, width, channels = image.shape
    result = np.zeros((*crop, channels), image.dtype)
    for y in range(crop[0]):
        for x in range(crop[1]):
            old_y = row + y - pad
            old_x = column + (crop[1] - 1 - x if mirrored else x) - pad
            if 0 <= old_y < height and 0 <= old_x < width:
                result[y, x] = image[old_y, old_x]
    return result


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize(("pad", "crop"), [(4, None), (0, None), (2, 5), (0, 3), (1, 8)])
@pytest.mark.parametrize("flip", [True, False])
def test_against_the_definition(pad, crop, flip, dtype):
    images = images_of(24, dtype)
    kept = images.copy()
    drawn = Augmentation(pad, crop, flip).epoch(5, 2, 24, SHAPE)
    result = drawn.augment(images, np.arange(24))
    assert result.dtype == dtype
    assert np.array_equal(images, kept)
    for index, image in enumerate(images):
        corner = drawn.rows[index], drawn.columns[index], drawn.mirrored[index]
        assert np.array_equal(
            result[index], plain(image, pad, (crop, crop) if crop else SHAPE[:2], *corner)
        )


def test_nothing_to_draw_changes_nothing():
    images = images_of(5)
    drawn = Augmentation(pad=0, flip=False).epoch(0, 0, 5, SHAPE)
    result = drawn.augment(images, slice(0, 5))
    assert np.array_equal(result, images)
    assert not np.shares_memory(result, images)


@given(
    seed=st.integers(0, 2**40),
    epoch=st.integers(0, 1000),
    order=st.permutations(range(12)),
    cuts=st.lists(st.integers(0, 12), max_size=4),
    more=st.integers(0, 50),
)
def test_only_seed_epoch_and_image_count(seed, epoch, order, cuts, more):
    """Any order, batches of any sizes, a larger data set: image i looks the same."""
    images, setting = images_of(12), Augmentation(pad=2)
    whole = setting.epoch(seed, epoch, 12, SHAPE).augment(images, np.arange(12))
    again = setting.epoch(seed, epoch, 12 + more, SHAPE)
    edges = [0, *sorted(cuts), 12]
    for first, last in itertools.pairwise(edges):
        indices = np.array(order[first:last], int)
        assert np.array_equal(again.augment(images[indices], indices), whole[indices])


def test_workers_do_not_matter():
    """Eight threads at once give what one gives."""
    images, drawn = images_of(400), Augmentation().epoch(1, 1, 400, SHAPE)
    batches = np.array_split(np.random.default_rng(0).permutation(400), 16)

    def work(indices):
        return drawn.augment(images[indices], indices)

    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(work, batches))
    for indices, result in zip(batches, together, strict=True):
        assert np.array_equal(result, work(indices))


def test_draws_are_uniform_and_of_one_image_independent():
    """Every corner and side as often as it should be, to within 5 standard deviations."""
    count = 40_000
    drawn = Augmentation(pad=4).epoch(7, 3, count, (32, 32, 3))
    cells = (drawn.rows * 9 + drawn.columns) * 2 + drawn.mirrored
    found = np.bincount(cells, minlength=162)
    share = count / 162
    assert len(found) == 162
    assert np.abs(found - share).max() <= 5 * np.sqrt(share)


def test_every_epoch_and_seed_is_different():
    """And none draws what orders the batches of the same epoch."""
    draws = {}
    for seed in (0, 1, 2**33):
        for epoch in range(4):
            drawn = Augmentation().epoch(seed, epoch, 200, (32, 32, 3))
            draws[seed, epoch] = drawn.rows.tobytes() + drawn.columns.tobytes()
            parent = np.random.default_rng([seed, epoch]).random((200, 3))
            assert not np.array_equal(drawn.rows, np.floor(parent[:, 0] * 9))
    assert len(set(draws.values())) == 12


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"pad": -1}, "pad = -1"),
        ({"pad": 1.5}, "pad = 1.5"),
        ({"crop": 0}, "crop = 0"),
        ({"flip": 1}, "flip = 1"),
    ],
)
def test_wrong_settings(arguments, says):
    with pytest.raises(ValueError, match=says):
        Augmentation(**arguments)


def test_wrong_use():
    with pytest.raises(ValueError, match=r"crop = 9: larger than images of \(6, 7\) padded by 1"):
        Augmentation(pad=1, crop=9).epoch(0, 0, 3, SHAPE)
    for seed, epoch, count, says in ((-1, 0, 3, "seed"), (0, -1, 3, "epoch"), (0, 0, -3, "count")):
        with pytest.raises(ValueError, match=f"{says} = -"):
            Augmentation().epoch(seed, epoch, count, SHAPE)
    with pytest.raises(ValueError, match="indices has 2 entries: expected 3"):
        Augmentation().epoch(0, 0, 3, SHAPE).augment(images_of(3), np.arange(2))
