"""Batches: their order, and the thread that makes them beside the computation."""

import threading
import time
from contextvars import ContextVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from msq_ref.kernels.threads import thread_count, use_threads
from msq_ref.training.augmentation import Augmentation
from msq_ref.training.batches import Arrays, ahead, epoch_batches, epoch_order
from msq_ref.training.config import AugmentationConfig
from tests.training.runs import digits, run, trainer

NONE = AugmentationConfig()
AHEAD = pytest.mark.parametrize("count", [0, 1, 2])


def threads():
    return [t for t in threading.enumerate() if t.name.startswith("msq-ref-batches")]


def source(count=10):
    rng = np.random.default_rng(0)
    return Arrays(rng.random((count, 4, 5, 2), np.float32), np.arange(count) % 3)


@given(st.integers(1, 30), st.integers(1, 12), st.integers(0, 3))
def test_an_epoch_is_a_permutation(count, size, epoch):
    """Every image once, in the seeded order, the last batch of what is left."""
    make = epoch_batches(source(count), 5, epoch, size, NONE, np.float32)
    batches = [make(i) for i in range(-(-count // size))]
    order = epoch_order(5, epoch, count)
    assert sorted(order) == list(range(count))
    np.testing.assert_array_equal(
        np.concatenate([images for images, _ in batches]), source(count).images[order]
    )
    np.testing.assert_array_equal(np.concatenate([labels for _, labels in batches]), order % 3)
    assert [len(labels) for _, labels in batches[:-1]] == [size] * (len(batches) - 1)
    images, _ = make(0)  # whenever it is asked for
    np.testing.assert_array_equal(images, batches[0][0])


@given(st.integers(0, 2**32 - 1), st.integers(0, 100_000))
def test_orders_are_those_of_numpy_s_list(seed, epoch):
    """Of seeds below 2^32: runs of old repeat."""
    expected = np.random.default_rng([seed, epoch]).permutation(20)
    np.testing.assert_array_equal(epoch_order(seed, epoch, 20), expected)


@given(st.integers(0, 2**63 - 1), st.integers(0, 100_000), st.integers(0, 2**31 - 1))
def test_every_seed_has_orders_of_its_own(seed, epoch, other):
    """Also where the words of (seed, epoch), one behind the other, are those of another pair."""
    for one, two in ((seed, epoch), (seed % 2**32, seed >> 32), (epoch, other)):
        joined = (one % 2**32) + (two % 2**32 << 32)
        pairs = {(joined, 0), (one % 2**32, two % 2**32), (seed, epoch)}
        orders = {tuple(epoch_order(*pair, 30).tolist()) for pair in pairs}
        assert len(orders) == len(pairs)


def test_augmentation_goes_by_image_and_epoch():
    """The draws are those of the image, wherever it comes in the epoch; off, nothing is done."""
    data, config = source(), AugmentationConfig(pad=1, flip=True)
    for epoch in (0, 1):
        order = epoch_order(3, epoch, 10)
        drawn = Augmentation(pad=1, flip=True).epoch(3, epoch, 10, (4, 5, 2))
        images, _ = epoch_batches(data, 3, epoch, 4, config, np.float32)(1)
        np.testing.assert_array_equal(images, drawn.augment(data.images, slice(None))[order[4:8]])
        assert (images != data.images[order[4:8]]).any()


def test_images_get_the_dtype_of_the_network():
    """float32 is kept as it is; the network of float64 has exact float64 copies."""
    images, _ = epoch_batches(source(), 0, 0, 10, NONE, np.float64)(0)
    assert images.dtype == np.float64
    np.testing.assert_array_equal(images, source().images[epoch_order(0, 0, 10)])


class Short(Arrays):
    def batch(self, indices, augment=None):
        return super().batch(indices[:-1], augment)


def test_a_source_that_gives_too_little():
    """Named, with what was asked for."""
    data = source()
    make = epoch_batches(Short(data.images, data.labels), 0, 0, 4, NONE, np.float32)
    with pytest.raises(ValueError, match="gave 3 images and 3 labels for 4 indices"):
        make(0)
    with pytest.raises(ValueError, match="images has 9 entries, labels 10"):
        Arrays(data.images[:9], data.labels)
    with pytest.raises(ValueError, match=r"images has shape \(10, 40\)"):
        Arrays(data.images.reshape(10, 40), data.labels)


# --- the thread -------------------------------------------------------------------------------


@AHEAD
@given(st.integers(0, 4), st.integers(0, 5))
def test_values_come_in_order(count, first, more):
    with ahead(lambda i: i * i, first, first + more, count) as values:
        assert list(values) == [i * i for i in range(first, first + more)]
    assert threads() == []


@AHEAD
def test_no_more_is_made_than_agreed(count):
    """Beside the one in use at most so many; made by another thread, one at a time."""
    made, makers = [], set()

    def make(i):
        made.append(i)
        makers.add(threading.current_thread())
        return i

    with ahead(make, 0, 20, count) as values:
        for i in values:
            time.sleep(0.002)
            assert len(made) <= i + 1 + count
    assert made == list(range(20))
    assert len(makers) == 1
    assert (threading.current_thread() in makers) == (count == 0)


@AHEAD
def test_an_error_comes_out_where_its_value_would(count):
    """After the good values, whatever the thread has done meanwhile; and the thread ends."""

    def make(i):
        if i == 3:
            raise ValueError("image 3 is damaged")
        return i

    with ahead(make, 0, 9, count) as values:
        assert [next(values) for _ in range(3)] == [0, 1, 2]
        with pytest.raises(ValueError, match="image 3 is damaged"):
            next(values)
    assert threads() == []


@AHEAD
@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, GeneratorExit])
def test_the_block_is_left_early(count, error):
    """By an exception of the computation: nothing more is made, the thread has ended."""
    made = []

    def make(i):
        made.append(i)
        return i

    with pytest.raises(error), ahead(make, 0, 1000, count) as values:  # noqa: PT012
        for i in values:
            if i == 2:
                raise error
    before = len(made)
    assert threads() == []
    assert before <= 3 + count
    assert len(made) == before


VARIABLE = ContextVar("VARIABLE", default=0)


@AHEAD
def test_the_thread_sees_the_caller_s_context(count):
    """[S0.5] The number of threads in force, and what NumPy does about overflow."""
    with use_threads(7), np.errstate(all="ignore"):
        VARIABLE.set(3)

        def make(i):
            return VARIABLE.get(), thread_count(), float(np.float32(1e38) * np.float32(1e38))

        with ahead(make, 0, 2, count) as values:
            assert list(values) == [(3, 7, np.inf)] * 2


class Damaged(Arrays):
    """Image 17 cannot be read."""

    def batch(self, indices, augment=None):
        if 17 in indices:
            raise OSError("image 17: damaged")
        return super().batch(indices, augment)


@AHEAD
def test_an_error_of_the_data_ends_the_run(count):
    """With the steps before it done."""
    images, labels = digits()
    state = trainer("float", batches_ahead=count)
    step = next(i for i in range(6) if 17 in epoch_order(0, 0, 90)[i * 16 : (i + 1) * 16])
    with pytest.raises(OSError, match="image 17: damaged"):
        state.run(Damaged(images, labels), lambda: 0.0, lambda state: None)
    assert (state.epoch, state.step) == (0, step)
    assert threads() == []


def test_a_run_leaves_no_thread():
    run(trainer("float", epochs=1))
    assert threads() == []
