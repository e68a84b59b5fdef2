"""Integer products on every path: the same integers, chosen by a rule or by name."""

import json
import os
import subprocess
import sys
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msq_ref import kernels, reference
from msq_ref.integer import Product, by_definition, by_kernels, from_packed_planes
from msq_ref.kernels import int8_gemm, paths
from msq_ref.kernels.paths import PATHS, Extent, choose_path, extent_of, float_piece, use_path
from msq_ref.kernels.threads import use_threads


@contextmanager
def on(path):
    """Bytes by BLAS too, as where there are no instructions for them."""
    name, _, by_blas = path.partition("/")
    with use_path(name), pytest.MonkeyPatch.context() as patch:
        if by_blas:
            patch.setattr(int8_gemm, "has", lambda *features: False)
        yield


WAYS = (*PATHS, "int8/blas")


def drawn(seed, rows, length, outputs, bits, in_bits, signed, in_signed):
    """Draw activations, codes and signs, the extremes among them."""
    rng = np.random.default_rng(seed)
    low = -(2 ** (in_bits - 1)) if in_signed else 0
    x = rng.integers(low, low + 2**in_bits, (rows, length))
    x[rng.random(x.shape) < 0.3] = low
    x[rng.random(x.shape) < 0.3] = low + 2**in_bits - 1
    codes = rng.integers(0, 2 ** (bits - signed), (length, outputs))
    codes[rng.random(codes.shape) < 0.3] = 2 ** (bits - signed) - 1
    return x, codes, rng.integers(-1, 2, codes.shape) if signed else None


@pytest.mark.parametrize("in_signed", [False, True])
@pytest.mark.parametrize("signed", [False, True])
def test_all_widths_of_up_to_8_bits(signed, in_signed):
    """[S9.1] [S9.3] 1 to 8 by 1 to 8 bits, ragged sizes, on every path."""
    for bits in range(1 + signed, 9):
        for in_bits in range(1, 9):
            x, codes, signs = drawn(bits, 11, 67, 9, bits, in_bits, signed, in_signed)
            expected = reference.integer_linear(x, codes, bits, signs)
            for way in WAYS:
                with on(way):
                    y = kernels.integer_linear(x, codes, bits, signs)
                assert np.array_equal(y, expected), (way, bits, in_bits)


@settings(max_examples=40)
@given(
    st.integers(0, 2**32), st.integers(0, 40), st.integers(0, 80), st.integers(0, 40),
    st.integers(2, 8), st.integers(1, 8), st.booleans(), st.booleans(),
)  # fmt: skip
def test_all_shapes(seed, rows, length, outputs, bits, in_bits, signed, in_signed):
    """[S9.1] [S9.3] Planes of the weights too, whichever their kind."""
    x, codes, signs = drawn(seed, rows, length, outputs, bits, in_bits, signed, in_signed)
    expected = reference.integer_linear(x, codes, bits, signs)
    v = reference.integer_weights(codes, bits, signs) if signed else codes
    planes = reference.bit_planes(v, bits, signed)
    sums = reference.bitserial_linear(x, planes, signed)
    for way in WAYS:
        with on(way):
            assert np.array_equal(kernels.integer_linear(x, codes, bits, signs), expected)
            assert np.array_equal(kernels.bitserial_linear(x, planes, signed), sums)


@pytest.mark.parametrize("signed", [False, True])
def test_all_pairs_of_small_codes(signed):
    """[S9.1] Every 8-bit weight with every signed 8-bit activation."""
    x = np.arange(-128, 128)[:, None]
    if signed:
        codes, signs = np.tile(np.arange(128), 2)[None], np.repeat([-1, 1], 128)[None]
    else:
        codes, signs = np.arange(256)[None], None
    expected = reference.integer_linear(x, codes, 8, signs)
    for way in WAYS:
        with on(way):
            assert np.array_equal(kernels.integer_linear(x, codes, 8, signs), expected)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("groups", "channels"), [(1, 3), (2, 4), (4, 4)])
def test_convolutions(way, groups, channels):
    """[S9.1] [S11.1] Padding is the integer 0, also where activations are lifted."""
    rng = np.random.default_rng(groups)
    for signed in (False, True):
        for low in (0, -100):
            x = rng.integers(low, 101, (2, 7, 6, channels))
            codes = rng.integers(0, 2 ** (8 - signed), (3, 2, channels // groups, 2 * groups))
            signs = rng.integers(-1, 2, codes.shape) if signed else None
            arguments = x, codes, 8, 2, 1, groups, signs
            with on(way):
                y = kernels.integer_conv2d(*arguments)
            assert np.array_equal(y, reference.integer_conv2d(*arguments))


@pytest.mark.parametrize("path", [None, *PATHS])
@pytest.mark.parametrize("signed", [False, True])
def test_products_of_networks(path, signed):
    """[S9.1] Linear layers, convolutions, depthwise ones; weights are packed once a path."""
    rng = np.random.default_rng(3)
    for shape, groups in (((3, 3, 4, 5), 1), ((3, 3, 1, 8), 4), ((20, 7), 1)):
        codes = rng.integers(0, 2 ** (6 - signed), shape).astype(np.int32)
        signs = rng.integers(-1, 2, shape).astype(np.int8) if signed else None
        product = Product("p", codes, signs, 6, 1, len(shape) // 4, groups, 5, True)
        x = rng.integers(-16, 16, (2, 5, 4, 4) if len(shape) == 4 else (3, 2, 20))
        expected = by_definition(product, x)
        for _ in range(2):
            y = by_kernels(product, x, path)
            assert y.dtype == np.int64
            assert np.array_equal(y, expected)
        assert product.packed(path) is product.packed(path)
        assert np.array_equal(from_packed_planes(product, x), expected)
        with use_path("float64"):
            assert np.array_equal(by_kernels(product, x), expected)
        with pytest.raises(ValueError, match="x contains 16"):
            by_kernels(product, np.full_like(x, 16), path)


def test_the_same_bits_for_any_number_of_threads(monkeypatch):
    """[S0.5] Parts of a few rows, or of a few columns."""
    monkeypatch.setattr("msq_ref.kernels.integer_product.WORK", 1)
    for rows, outputs in ((90, 20), (9, 140)):
        x, codes, _ = drawn(1, rows, 40, outputs, 4, 8, False, True)
        expected = reference.integer_linear(x, codes, 4)
        for way in WAYS:
            for threads in (1, 2, 4):
                with on(way), use_threads(threads):
                    assert np.array_equal(kernels.integer_linear(x, codes, 4), expected), way


def test_a_path_that_would_not_be_exact_is_refused():
    """[S9.2] By name; by itself the rule takes another."""
    wide = Extent(length=2**20, outputs=8, bits=16, in_bits=16, in_signed=True)
    for path in ("int8", "float32"):
        with pytest.raises(ValueError, match=f"path = '{path}': not exact"):
            choose_path(wide, path)
    huge = Extent(length=2, outputs=8, bits=16, in_bits=46, in_signed=False)
    assert choose_path(huge) == "int64"
    for path in PATHS[:-1]:
        with pytest.raises(ValueError, match="not exact"), use_path(path):
            choose_path(huge)
    with pytest.raises(ValueError, match="did you mean 'float32'"):
        choose_path(wide, "float23")
    with pytest.raises(ValueError, match="path = 'int'"), use_path("int"):
        pass


@pytest.mark.parametrize("path", ["float32", "float64"])
def test_floats_at_the_edge_of_exactness(path):
    """[S9.2] The largest odd sums: one longer piece would round."""
    bits, in_bits = (8, 8) if path == "float32" else (16, 16)
    top = 2**bits - 1
    length = 4 * float_piece(Extent(1, 1, bits, in_bits, False)) + 3 if path == "float32" else 4096
    x = np.full((2, length), 2**in_bits - 1)
    codes = np.full((length, 3), top)
    with use_path(path):
        y = kernels.integer_linear(x, codes, bits)
    assert y.tolist() == [[length * top * (2**in_bits - 1)] * 3] * 2


def test_extents_are_the_smallest_that_hold_the_codes():
    """[S8.1] Widths of what is there, not of the dtype."""
    for values, in_bits, signed in (
        ([0], 1, False), ([1], 1, False), ([2], 2, False), ([255], 8, False), ([256], 9, False),
        ([-1], 1, True), ([-1, 1], 2, True), ([-2], 2, True), ([-128], 8, True), ([-129], 9, True),
        ([-1, 127], 8, True), ([2**62], 63, False), ([], 1, False),
    ):  # fmt: skip
        extent = extent_of(np.array(values, np.int64), 3, 5, 4)
        assert extent == Extent(3, 5, 4, in_bits, signed)


@pytest.mark.parametrize("kind", sorted(paths.RATES))
def test_the_rule_on_processors_of_every_kind(kind, monkeypatch):
    """[S9.3] Few bits by planes, many by products; never more than exact."""
    features = {"avx512": {"avx512vnni", "avx512bw", "avx512vpopcntdq", "avx2"}, "avx2": {"avx2"}}
    there = features.get(kind, set())
    monkeypatch.setattr(paths, "has", lambda *names: there.issuperset(names))
    chosen = {
        (bits, in_bits): choose_path(Extent(1152, 256, bits, in_bits, False))
        for bits in range(1, 9)
        for in_bits in range(1, 9)
    }
    assert chosen[1, 1] == "bitserial"
    assert chosen[8, 8] == ("int8" if kind == "avx512" else chosen[8, 8])
    assert chosen[8, 8] != "bitserial"
    for (bits, in_bits), path in chosen.items():
        if path == "bitserial":  # then fewer bits are too
            assert chosen[max(1, bits - 1), in_bits] == chosen[bits, max(1, in_bits - 1)] == path


SCRIPT = """
import json
import numpy as np
from msq_ref import kernels
from msq_ref.kernels import bitserial_gemm, int8_gemm, packing
from msq_ref.kernels.paths import use_path
x, codes = np.full((9, 70), 3), np.full((70, 17), 2)
for path in ("bitserial", "int8"):
    with use_path(path):
        assert (kernels.integer_linear(x, codes, 2) == 3 * 70).all()
compiled = [packing._code_planes, bitserial_gemm._by_tiles, bitserial_gemm._plain,
            packing._byte_panels, int8_gemm._by_bytes]
print(json.dumps([sum(len(getattr(one.stats, kind)) for one in compiled)
                  for kind in ("cache_hits", "cache_misses")]))
"""


def test_the_next_process_compiles_nothing_unless_the_processor_changes(tmp_path):
    """[S0.5] A generic processor goes by plain loops and BLAS, to the same integers."""

    def run(**variables):
        environment = {key: value for key, value in os.environ.items() if "NUMBA" not in key}
        environment |= {"NUMBA_CACHE_DIR": str(tmp_path), **variables}
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT], capture_output=True, text=True, env=environment
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    hits, misses = run()
    assert hits == 0
    assert misses >= 2
    assert run() == [misses, 0]
    assert run(NUMBA_CPU_NAME="generic", NUMBA_CPU_FEATURES="") == [0, 2]
