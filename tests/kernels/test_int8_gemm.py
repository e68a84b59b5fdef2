"""Products of bytes: every path against NumPy's int64, at the extremes, and what is refused."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from msq_ref.kernels.int8_gemm import (
    INT8_PATHS,
    Int8Weights,
    cut_whole,
    int8_gemm,
    int8_path,
    pack_int8,
)
from msq_ref.kernels.processor import has
from msq_ref.kernels.threads import use_threads

KINDS = (np.uint8, np.int8)


def available():
    """Return the paths that this processor can run."""
    return [path for path in INT8_PATHS if path != "vnni" or has("avx512vnni", "avx512bw")]


def drawn(seed, rows, length, outputs, kind):
    """Draw matrices in which extreme values are frequent."""
    rng = np.random.default_rng(seed)
    info = np.iinfo(kind)
    x = rng.integers(info.min, info.max, (rows, length), kind, endpoint=True)
    x = np.where(rng.random(x.shape) < 0.3, rng.choice([info.min, info.max], x.shape), x)
    w = rng.integers(-128, 128, (length, outputs), np.int8)
    w = np.where(rng.random(w.shape) < 0.3, rng.choice([-128, 127], w.shape), w)
    return x.astype(kind), w.astype(np.int8)


@settings(max_examples=60)
@given(
    st.integers(0, 2**32), st.integers(0, 40), st.integers(0, 140), st.integers(0, 100),
    st.sampled_from(KINDS),
)  # fmt: skip
@example(1, 1, 1, 1, np.uint8)
@example(2, 8, 64, 32, np.int8)  # whole tiles only
@example(3, 9, 65, 33, np.uint8)  # one more of everything
@example(4, 7, 5, 16, np.int8)  # one vector wide, rows that end within four bytes
@example(5, 16, 3, 48, np.uint8)
@example(6, 3, 0, 4, np.int8)
def test_every_path_gives_the_product(seed, rows, length, outputs, kind):
    """[S9.2] Ragged ends, K = 1, one row, empty ones."""
    x, w = drawn(seed, rows, length, outputs, kind)
    expected = x.astype(np.int64) @ w.astype(np.int64)
    for path in available():
        y = int8_gemm(x, w, path)
        assert y.dtype == np.int32
        assert y.shape == expected.shape
        assert np.array_equal(y, expected), path


@pytest.mark.parametrize("path", available())
@pytest.mark.parametrize("kind", KINDS)
def test_all_pairs_of_bytes(path, kind):
    """[S9.2] Every activation times every weight."""
    x = np.arange(256).astype(kind)[:, None]
    w = np.arange(-128, 128).astype(np.int8)[None]
    assert np.array_equal(int8_gemm(x, w, path), x.astype(int) * w.astype(int))


@pytest.mark.parametrize("path", available())
@pytest.mark.parametrize(("kind", "most"), [(np.uint8, 255), (np.int8, -128)])
def test_the_longest_sums(path, kind, most):
    """[S9.2] At the largest length int32 holds all sums, of one sign throughout; no more."""
    x = np.full((2, 65793), most, kind)
    w = np.full((65793, 3), -128, np.int8)
    assert int8_gemm(x, w, path).tolist() == [[most * -128 * 65793] * 3] * 2
    with pytest.raises(ValueError, match=r"w.shape\[0\] = 65794"):
        pack_int8(np.zeros((65794, 1), np.int8), path)


@pytest.mark.parametrize("path", available())
def test_threads_layouts_and_given_results(path):
    """[S0.5] Parts of rows and of columns; strided matrices; into an array that is there."""
    for rows, outputs in ((600, 70), (20, 900)):
        x, w = drawn(7, rows, 300, outputs, np.uint8)
        expected = x.astype(np.int64) @ w.astype(np.int64)
        packed = pack_int8(w, path)
        for threads in (1, 2, 4):
            with use_threads(threads):
                assert np.array_equal(int8_gemm(x, packed), expected)
        out = np.empty((rows, outputs), np.int32)
        assert int8_gemm(x, packed, out=out) is out
        assert np.array_equal(out, expected)
        turned = int8_gemm(np.asfortranarray(x), np.asfortranarray(w)[:, ::-1], path)
        assert np.array_equal(turned, expected[:, ::-1])


def test_parts_cover_the_range_once(monkeypatch):
    """[S0.5] Even a product of one tile a part."""
    monkeypatch.setattr("msq_ref.kernels.int8_gemm.WORK", 1)
    for total in range(70):
        with use_threads(2):
            parts = cut_whole(total, 9, 8)
        assert [n for first, last in parts for n in range(first, last)] == list(range(total))
        assert all(first % 8 == 0 for first, _ in parts)
    for rows, outputs in ((41, 70), (20, 90)):
        x, w = drawn(8, rows, 9, outputs, np.int8)
        for path in available():
            with use_threads(2):
                y = int8_gemm(x, w, path)
            assert np.array_equal(y, x.astype(int) @ w.astype(int))


def test_packed_weights_say_what_they_hold():
    """[S9.2] Sums of columns serve signed activations."""
    _, w = drawn(9, 1, 37, 40, np.uint8)
    for path in available():
        packed = pack_int8(w, path)
        assert isinstance(packed, Int8Weights)
        assert (packed.path, packed.length, packed.outputs) == (path, 37, 40)
        assert np.array_equal(packed.sums, w.sum(axis=0, dtype=int))
    assert int8_path() == available()[0]


def test_instructions_that_are_not_there_are_not_used(monkeypatch):
    """[S9.2] By itself the path is then BLAS; by name it is refused."""
    monkeypatch.setattr("msq_ref.kernels.int8_gemm.has", lambda *features: False)
    assert int8_path() == "blas"
    with pytest.raises(ValueError, match="path = 'vnni'"):
        pack_int8(np.zeros((3, 4), np.int8), "vnni")


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x, w: int8_gemm(x.astype(np.int16), w), TypeError, "x has dtype int16"),
        (lambda x, w: int8_gemm(x, w.astype(np.uint8)), TypeError, "w has dtype uint8"),
        (lambda x, w: int8_gemm(x[0], w), ValueError, "x has shape"),
        (lambda x, w: int8_gemm(x[:, 1:], w), ValueError, r"expected \(P, 3\)"),
        (lambda x, w: int8_gemm(x, w[0]), ValueError, "w has shape"),
        (lambda x, w: int8_gemm(x, w, "avx"), ValueError, "path = 'avx'"),
        (lambda x, w: int8_gemm(x, w, out=np.empty((2, 4))), TypeError, "out has dtype"),
        (lambda x, w: int8_gemm(x, w, out=np.empty((2, 5), np.int32)), ValueError, "out has shape"),
    ],
)
def test_refusals(call, error, message):
    """[S0.2] [S0.3]"""
    with pytest.raises(error, match=message):
        call(np.zeros((2, 3), np.uint8), np.zeros((3, 4), np.int8))
