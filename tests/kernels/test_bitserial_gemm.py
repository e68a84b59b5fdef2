"""The product of packed planes: every tile against Python's integers, all widths, all ends."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from msq_ref import reference
from msq_ref.kernels.bitserial_gemm import (
    BITSERIAL_TILES,
    bitserial_gemm,
    bitserial_tile,
    horner_plan,
    pack_weight_planes,
)
from msq_ref.kernels.threads import use_threads

TILES = tuple(BITSERIAL_TILES)


def packed(codes, bits):
    """Return the packed planes of unsigned codes, rows of them, by the definition."""
    return reference.pack_planes(reference.bit_planes(codes, bits))


def drawn(seed, rows, length, outputs, a, n):
    """Draw unsigned codes, the largest of them frequent."""
    rng = np.random.default_rng(seed)
    x, c = (rng.integers(0, 2**b, (lines, length)) for b, lines in ((a, rows), (n, outputs)))
    x[rng.random(x.shape) < 0.3] = 2**a - 1
    c[rng.random(c.shape) < 0.3] = 2**n - 1
    return x, c


@settings(max_examples=50)
@given(
    st.integers(0, 2**32), st.integers(0, 20), st.integers(0, 200), st.integers(0, 20),
    st.integers(1, 16), st.integers(1, 16),
)  # fmt: skip
@example(1, 1, 1, 1, 1, 1)
@example(2, 8, 64, 8, 2, 3)  # whole tiles only
@example(3, 9, 65, 9, 16, 16)  # one more of everything, widest
@example(4, 2, 0, 3, 1, 1)
def test_every_tile_gives_the_product(seed, rows, length, outputs, a, n):
    """[S9.3]"""
    x, c = drawn(seed, rows, length, outputs, a, n)
    weights = pack_weight_planes(packed(c, n))
    for tile in TILES:
        y = bitserial_gemm(packed(x, a), weights, tile)
        assert y.dtype == np.int64
        assert np.array_equal(y, x @ c.T), tile


@pytest.mark.parametrize("tile", TILES)
def test_all_widths_of_up_to_8_bits(tile):
    """[S9.3] Against one word by word product in Python's integers."""
    for a in range(1, 9):
        for n in range(1, 9):
            x, c = drawn(a * 9 + n, 9, 70, 9, a, n)
            y = bitserial_gemm(packed(x, a), pack_weight_planes(packed(c, n)), tile)
            assert y[-1, -1] == sum(int(p) * int(q) for p, q in zip(x[-1], c[-1], strict=True))
            assert np.array_equal(y, x @ c.T)


@pytest.mark.parametrize("tile", TILES)
def test_all_pairs_of_codes(tile):
    """[S9.3] Every 5-bit activation times every 4-bit weight."""
    x, c = np.arange(32)[:, None], np.arange(16)[:, None]
    y = bitserial_gemm(packed(x, 5), pack_weight_planes(packed(c, 4)), tile)
    assert np.array_equal(y, x * c.T)


def test_the_plan_is_horners():
    """[S9.3] Every pair of planes once, with its weight 2^(i+j)."""
    for a in range(1, 17):
        for n in range(1, 17):
            weights = dict.fromkeys(((i, j) for i in range(a) for j in range(n)), 0)
            seen = set()
            for i, j, fell in horner_plan(a, n).tolist():
                weights = {pair: w << fell if pair in seen else w for pair, w in weights.items()}
                assert (i, j) not in seen
                seen.add((i, j))
                weights[i, j] = 1
            assert all(w == 2 ** (i + j) for (i, j), w in weights.items())


def test_threads_layouts_and_given_results(monkeypatch):
    """[S0.5] Parts of rows and of columns, of one tile each; strided planes."""
    monkeypatch.setattr("msq_ref.kernels.bitserial_gemm.WORK", 1)
    monkeypatch.setattr("msq_ref.kernels.bitserial_gemm.SHARES", 1000)
    for rows, outputs in ((70, 9), (20, 40)):
        x, c = drawn(5, rows, 130, outputs, 3, 2)
        planes, weights = packed(x, 3), pack_weight_planes(packed(c, 2))
        for threads in (1, 2, 4):
            with use_threads(threads):
                assert np.array_equal(bitserial_gemm(planes, weights), x @ c.T)
        out = np.empty((rows, outputs), np.int64)
        assert bitserial_gemm(planes[:, ::-1], weights, out=out) is out
        assert np.array_equal(out, x[::-1] @ c.T)


def test_largest_sums():
    """[S9.2] 16 by 16 bits, the largest codes at length 4096: no vector lane overflows."""
    ones = np.full((16, 1, 64), 2**64 - 1, np.uint64)
    for tile in TILES:
        y = bitserial_gemm(ones, pack_weight_planes(ones), tile)
        assert y.tolist() == [[4096 * (2**16 - 1) ** 2]]


def test_the_tile_of_this_processor_is_one_of_them():
    """[S9.3] By name, or chosen."""
    assert bitserial_tile() in [bitserial_tile(name) for name in TILES]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x, w: bitserial_gemm(x.astype(int), w), TypeError, "x_planes has dtype"),
        (lambda x, w: bitserial_gemm(x[0], w), ValueError, "x_planes has shape"),
        (lambda x, w: bitserial_gemm(x[:, :, 1:], w), ValueError, r"\(bits, lines, 2\)"),
        (lambda x, w: bitserial_gemm(x, w, "huge"), ValueError, "tile = 'huge'"),
        (lambda x, w: bitserial_gemm(x, w, out=np.empty((3, 5))), TypeError, "out has dtype"),
        (lambda x, w: bitserial_gemm(x, w, out=np.empty(3, int)), ValueError, "out has shape"),
        (lambda x, w: pack_weight_planes(x[:0]), ValueError, "planes.shape"),
        (lambda x, w: pack_weight_planes(x.repeat(17, 0)), ValueError, "planes.shape"),
    ],
)
def test_refusals(call, error, message):
    """[S0.2] [S0.3] [S9.3]"""
    planes = np.zeros((1, 3, 2), np.uint64)
    with pytest.raises(error, match=message):
        call(planes, pack_weight_planes(np.zeros((1, 5, 2), np.uint64)))
