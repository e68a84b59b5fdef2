"""Generators from several numbers: each list has its own."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from msq_ref.seeds import generator

SMALL = st.integers(0, 2**32 - 1)
ANY = st.one_of(
    st.integers(0, 3), SMALL, st.integers(0, 2**130),
    st.builds(lambda a, b: a << b, st.integers(0, 3), st.sampled_from((31, 32, 33, 63, 64, 96))),
)  # fmt: skip


def state(parts):
    return str(generator("seed", *parts).bit_generator.state)


@given(st.lists(SMALL, min_size=1, max_size=6))
def test_small_parts_are_numpy_s_list(parts):
    """Results of old runs stay as they are."""
    assert state(parts) == str(np.random.default_rng(parts).bit_generator.state)


@given(st.integers(0, 2**200))
def test_a_number_alone_is_numpy_s(number):
    assert state([number]) == str(np.random.default_rng(number).bit_generator.state)


@given(st.integers(2, 5).flatmap(lambda n: st.tuples(*[st.lists(ANY, min_size=n, max_size=n)] * 2)))
def test_other_parts_have_another_generator(lists):
    """Whatever their sizes."""
    first, second = lists
    assert (state(first) == state(second)) == (first == second)


def test_shifted_words_do_not_collide():
    """All pairs whose words are 0, 1 or 2: NumPy's own lists of them collide."""
    numbers = [low + (high << 32) for low, high in itertools.product(range(3), repeat=2)]
    pairs = list(itertools.product(numbers, repeat=2))
    assert len({state(pair) for pair in pairs}) == len(pairs)
    assert (
        np.random.default_rng([2**33, 0]).random() == np.random.default_rng([0, 2]).random()
    ), "NumPy marks where a number ends: this module is no longer needed"


@pytest.mark.parametrize("bad", [-1, 1.0, True, "1", None])
def test_parts_that_are_no_seeds(bad):
    with pytest.raises(ValueError, match=r"run = .*: expected an integer in \[0, inf\]"):
        generator("run", 3, bad)
