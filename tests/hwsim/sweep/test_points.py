"""Numbers of points: every combination once, and Sobol's sequence, in any pieces."""

import itertools
import math
import tracemalloc
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats.qmc import Sobol

from hwsim.sweep.axes import RangeAxis
from hwsim.sweep.config import Range, parse_sweep
from hwsim.sweep.pending import chunks_of, gaps, ranges_of
from hwsim.sweep.points import check_count, points_of

LISTS = st.lists(st.integers(0, 50), min_size=1, max_size=4, unique=True)


def points(vary, **more):
    return points_of(parse_sweep({"network": "n", "accelerator": "a", "vary": vary, **more}, "s"))


def cut(data, count):
    """Draw where to cut 0 to count."""
    inner = data.draw(st.lists(st.integers(0, count), max_size=4))
    return list(itertools.pairwise(sorted({0, count, *inner})))


@given(st.lists(LISTS, max_size=4), st.data())
def test_grid_is_the_product(lists, data):
    """As itertools counts, whatever pieces it is taken in."""
    found = points({f"k{at}": values for at, values in enumerate(lists)})
    expected = list(itertools.product(["a"], *lists))
    assert found.count == len(expected)
    pieces = cut(data, found.count)
    assert [one for piece in pieces for one in found.settings(*piece)] == expected


@given(st.integers(1, 80), st.integers(0, 3), st.integers(1, 3), st.data())
def test_sobol_is_scipys(count, seed, dimensions, data):
    """The same in blocks as at once; an axis of one value takes no dimension."""
    vary = {f"k{at}": {"from": 0.0, "to": 1.0} for at in range(dimensions)}
    found = points(vary, sampling="sobol", points=count, seed=seed)
    engine = Sobol(dimensions, scramble=True, seed=seed)
    whole = engine.random_base2(7)[:count].tolist()
    rows = [one for piece in cut(data, count) for one in found.settings(*piece)]
    assert rows == [("a", *values) for values in whole]


def test_sobol_of_whole_numbers():
    """Every value has an equal share of its axis; powers of two are such; words are picked."""
    vary = {
        "whole": {"from": 3, "to": 6},
        "power": {"from": 4, "to": 40, "scale": "log2"},
        "word": ["x", "y"],
    }
    found = points(vary, sampling="sobol", points=64).settings(0, 64)
    shares = Sobol(3, scramble=True, seed=0).random_base2(6).tolist()
    for (_, whole, power, word), (a, b, c) in zip(found, shares, strict=True):
        assert whole == 3 + math.floor(4 * a)
        assert power == 4 * 2 ** math.floor(4 * b)
        assert word == "xy"[math.floor(2 * c)]
    assert {row[1] for row in found} == {3, 4, 5, 6}
    assert {row[2] for row in found} == {4, 8, 16, 32}


@given(st.integers(-5, 5), st.integers(0, 30), st.integers(1, 7))
def test_whole_range(first, length, step):
    axis = RangeAxis("k", Range(first=first, last=first + length, step=step))
    values = [axis.value(at) for at in range(axis.count)]
    assert values == list(range(first, first + length + 1, step))
    assert axis.ends == (values[0], values[-1])
    assert axis.kind is int


@given(st.integers(1, 50), st.integers(1, 9), st.integers(0, 40))
def test_decimal_range(first, step, count):
    """0.1, 0.2, 0.3 are the floats nearest to those decimals, and the last one is there."""
    given = Range(first=first / 10, last=float(Fraction(first + step * count, 10)), step=step / 10)
    axis = RangeAxis("k", given)
    values = [axis.value(at) for at in range(axis.count)]
    assert values == [float(Fraction(first + step * at, 10)) for at in range(count + 1)]
    assert axis.kind is float


@given(st.integers(1, 100), st.integers(0, 2000))
def test_doubling_range(first, more):
    axis = RangeAxis("k", Range(first=first, last=first + more, scale="log2"))
    values = [axis.value(at) for at in range(axis.count)]
    expected = [first * 2**at for at in range(20) if first * 2**at <= first + more]
    assert values == expected


@given(st.sets(st.integers(0, 40)), st.integers(1, 4))
def test_what_is_left(done, workers):
    """Done, and what is left in chunks, are all points once."""
    count = 41
    ranges = ranges_of(np.array(list(done), np.int64))
    assert [number for piece in ranges for number in range(*piece)] == sorted(done)
    left = gaps(ranges, count)
    numbers = [number for piece in chunks_of(left, workers) for number in range(*piece)]
    assert sorted([*done, *numbers]) == list(range(count))


@pytest.mark.parametrize("done", [[(0, 3), (2, 4)], [(0, 11)], [(2, 2)]])
def test_what_cannot_be_done(done):
    with pytest.raises(ValueError, match="are there twice, or beyond 9"):
        gaps(done, 10)


def test_chunks():
    """Of a second or so at the most; of few points, each worker has many."""
    assert {stop - first for first, stop in chunks_of([(0, 2**20)], 2)} == {256}
    assert len(list(chunks_of([(0, 100)], 3))) >= 48
    assert next(iter(chunks_of([(0, 2**60)], 1))) == (0, 256)


def test_a_billion():
    """Counted without a list, and refused with the number; any point is there."""
    tracemalloc.start()
    try:
        side = {"from": 1, "to": 1000}
        found = points({"x": side, "y": side, "z": side})
        with pytest.raises(ValueError, match=r"1,000,000,000 points: .*--yes"):
            check_count(found, yes=False)
        check_count(found, yes=True)
        assert found.settings(10**9 - 1, 10**9) == [("a", 1000, 1000, 1000)]
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()
    check_count(points({"x": side, "y": side}), yes=False)
    with pytest.raises(ValueError, match=r"points: expected fewer than 2\^62"):
        points({key: {"from": 1, "to": 2**40} for key in "xy"})
