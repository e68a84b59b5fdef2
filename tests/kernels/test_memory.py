"""Memory of kernels: buffers are used again, never while something still looks at them."""

import gc
import threading
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from msq_ref import kernels, nn
from msq_ref.kernels.memory import Pool, empty, scratch, use_pool
from msq_ref.kernels.threads import use_threads

SIZE = 10_000


def address(array):
    return array.__array_interface__["data"][0]


def test_a_buffer_comes_back_when_the_last_view_dies():
    """And not before: a view of a view is enough to hold it."""
    pool = Pool()
    whole = pool.empty((10, SIZE), np.float32)
    view, where = whole.reshape(SIZE, 10)[3:, ::2].T, address(whole)
    view[...] = 7
    del whole
    other = pool.empty((10, SIZE), np.float32)
    other[...] = 0
    assert address(other) != where
    assert (view == 7).all()
    assert pool.fresh == 2
    del view
    assert address(pool.empty((SIZE * 5,), np.float64)) == where
    assert pool.fresh == 2


def test_bytes_held_and_peak():
    """Held: lent and free. Peak: lent at one time."""
    pool = Pool()
    first = [pool.empty((SIZE,), np.float64) for _ in range(3)]
    one = pool.held_bytes // 3
    assert SIZE * 8 <= one <= SIZE * 8 + 64
    del first[0]
    first.append(pool.empty((SIZE,), np.float64))
    assert (pool.fresh, pool.held_bytes, pool.peak_bytes) == (3, 3 * one, 3 * one)
    first.clear()
    pool.clear()
    assert (pool.held_bytes, pool.peak_bytes) == (0, 3 * one)


def test_arrays_are_as_those_of_numpy():
    """Any shape and dtype; writable, C-contiguous, aligned; and they outlive their pool."""
    pool = Pool()
    for shape in ((), (0, 4), (3,), (SIZE,), (5, 1, SIZE)):
        for dtype in (np.float32, np.float64, np.int64):
            array = pool.empty(shape, dtype)
            assert (array.shape, array.dtype, type(array)) == (shape, dtype, np.ndarray)
            assert array.flags.c_contiguous
            assert array.flags.writeable
            assert array.size < SIZE or address(array) % 64 == 0
            array[...] = 1
    del pool
    gc.collect()
    assert array.sum() == array.size


def test_the_pool_is_in_force_only_inside():
    """Outside plain NumPy arrays, which own their memory."""
    pool = Pool()
    with use_pool(pool):
        inside = empty((SIZE,), np.float32)
    outside = empty((SIZE,), np.float32)
    assert pool.fresh == 1
    assert not inside.flags.owndata
    assert outside.flags.owndata


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 5)), max_size=40))
def test_live_arrays_never_share_memory(steps):
    """Whatever is taken and dropped, in whatever order."""
    pool, live = Pool(), {}
    for slot, size in steps:
        live.pop(slot, None)
        live[slot] = pool.empty((2000 * size,), np.float32)
        live[slot][...] = slot
    for slot, array in live.items():
        assert (array == slot).all()
    assert pool.peak_bytes <= pool.held_bytes


def test_threads_share_a_pool():
    """Arrays taken at the same time are different memory; the counts are right at the end."""
    pool, wrong = Pool(), []

    def work(number):
        rng = np.random.default_rng(number)
        for _ in range(300):
            array = pool.empty((int(rng.integers(1, 4)) * 2000,), np.float64)
            array[...] = number
            if not (array == number).all():
                wrong.append(number)
            del array  # or it would be held while the next one is asked for: two a thread

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert pool.fresh <= 4 * 3
    held = pool.held_bytes
    pool.clear()
    assert (held > 0, pool.held_bytes) == (True, 0)


def test_scratch_is_a_thread_s_own():
    """The same memory for the same name and thread, grown when needed."""
    a = scratch("test", (SIZE,), np.float32)
    assert address(scratch("test", (4, 5), np.float64)) == address(a)
    assert not np.shares_memory(scratch("another", (SIZE,), np.float32), a)
    assert scratch("test", (2 * SIZE,), np.float32).shape == (2 * SIZE,)
    others = []
    thread = threading.Thread(target=lambda: others.append(scratch("test", (SIZE,), np.float32)))
    thread.start()
    thread.join()
    assert not np.shares_memory(others[0], scratch("test", (SIZE,), np.float32))


def network(dtype):
    """A small network with every kind of layer that has a kernel."""
    rng = np.random.default_rng(0)
    options = {"dtype": dtype, "backend": kernels}
    return [
        nn.Conv2d(3, 8, 3, padding=1, rng=rng, **options),
        nn.BatchNorm2d(8, **options),
        nn.ReLU(kernels),
        nn.MaxPool2d(2, 2, backend=kernels),
        nn.Conv2d(8, 8, 3, padding=1, groups=8, rng=rng, **options),
        nn.Conv2d(8, 16, 1, rng=rng, **options),
        nn.AvgPool2d(2, 2, backend=kernels),
        nn.Conv2d(16, 16, 3, stride=2, padding=1, rng=rng, **options),
        nn.Flatten(kernels),
        nn.Linear(16 * 4, 5, rng=rng, **options),
    ]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("threads", [1, 2])
def test_nothing_is_allocated_from_the_third_step_on(dtype, threads):
    """Results of kernels take the memory of the step before; the results stay what they were."""
    layers, pool, gradients = network(dtype), Pool(), []
    x = np.random.default_rng(1).standard_normal((8, 16, 16, 3)).astype(dtype)

    def step():
        y = x
        for layer in layers:
            y = layer.forward(y, training=True)
        grad = np.ones_like(y)
        for layer in reversed(layers):
            grad = layer.backward(grad)
        gradients.append([layer.gradients["weight"].copy() for layer in layers[:1]])

    with use_threads(threads), use_pool(pool):
        counts = []
        for _ in range(4):
            step()
            counts.append(pool.fresh)
    step()
    assert counts[0] > 10
    assert counts[2] == counts[3] == counts[1]
    for later in gradients[1:]:
        for a, b in zip(gradients[0], later, strict=True):
            assert a.tobytes() == b.tobytes()


@pytest.mark.parametrize("kernel", [3, 1])
def test_no_patch_matrix_of_a_batch_is_ever_held(kernel):
    """Beside its results a convolution takes a few slices."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((24, 32, 32, 16)).astype(np.float32)
    w = rng.standard_normal((kernel, kernel, 16, 16)).astype(np.float32)
    kernels.conv2d_backward(kernels.conv2d(x, w, 1, kernel // 2), x, w, 1, kernel // 2)
    whole = kernel**2 * x.nbytes
    with use_threads(1):
        tracemalloc.start()
        try:
            grads = kernels.conv2d_backward(kernels.conv2d(x, w, 1, kernel // 2), x, w, 1,
                                            kernel // 2)  # fmt: skip
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    extra = peak - x.nbytes - sum(grad.nbytes for grad in grads)
    assert extra <= 3 * 2**20
    assert kernel == 1 or whole > 4 * 3 * 2**20
