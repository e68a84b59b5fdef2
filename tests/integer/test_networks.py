"""Generated networks in integers: from packed bit planes, by definition, and against float."""

import numpy as np
import pytest

from msq_ref.integer import (
    IntegerAveragePool,
    IntegerProduct,
    by_definition,
    compare,
    from_packed_planes,
)
from msq_ref.integer.fake import output_scale, rounded
from tests.integer.networks import CLASSES, generate

SEEDS = 20
"""Networks a test case."""

BATCHES = pytest.mark.parametrize("first", range(0, 200, SEEDS))


def lowered(first):
    for seed in range(first, first + SEEDS):
        case = generate(seed)
        integer = case.lower()
        yield case, integer, integer.quantize_input(case.images)


@BATCHES
def test_packed_planes_give_what_the_definition_gives(first):
    """[S9.1] [S9.3] At every step, and as logits."""
    for _, integer, codes in lowered(first):
        packed = integer.trace(codes, from_packed_planes)
        defined = integer.trace(codes, by_definition)
        for ours, theirs in zip(packed, defined, strict=True):
            assert ours.y.dtype == theirs.y.dtype
            assert np.array_equal(ours.y, theirs.y)
        logits = integer.run(codes, from_packed_planes)
        assert logits.dtype == np.int64
        assert logits.shape == (len(codes), CLASSES)
        assert np.array_equal(logits, defined[-1].y)


@BATCHES
def test_every_difference_from_float_has_a_reason(first):
    """[S9.6] [S8.1] No code differs from the rounded float but at a rounding edge."""
    outputs = differing = 0
    for case, integer, codes in lowered(first):
        found = compare(case.fake(integer), codes)
        rounding = [
            step.name for step in integer.steps
            if isinstance(step, IntegerProduct | IntegerAveragePool)
        ]
        assert [step.name for step in found] == rounding
        assert [step.unexplained for step in found] == [0] * len(found)
        outputs += sum(step.outputs for step in found)
        # Means of codes are often ties, which only the integer side rounds up.
        differing += sum(step.differing for step in found if not step.name.startswith("pool"))
    assert differing < outputs / 1000
    assert outputs > 1000 * SEEDS


@BATCHES
def test_codes_and_accumulators_stay_in_range(first):
    """[S9.2] [S9.4] On the extreme codes of the input, not only on those of images."""
    for _, integer, codes in lowered(first):
        low, high = (
            (-(2 ** (integer.input_bits - 1)), 2 ** (integer.input_bits - 1) - 1)
            if integer.input_signed
            else (0, 2**integer.input_bits - 1)
        )
        rng = np.random.default_rng(first)
        extreme = rng.choice([low, high], codes.shape).astype(np.int32)
        for traced in integer.trace(extreme):
            if isinstance(traced.step, IntegerProduct) and traced.step.requantizer is not None:
                acc = by_definition(traced.step, traced.x) + traced.step.bias
                assert np.abs(acc).max(initial=0) < 2**31
                low = -(2 ** (traced.step.requantizer.bits - 1))
                assert traced.y.min(initial=0) >= (low if traced.step.requantizer.signed else 0)


def fake_codes(fake, codes):
    """Return every step's codes of the float network, from its own codes before."""
    x, scale, every = codes, fake.integer.input_scale, []
    for index, step in enumerate(fake.integer.steps):
        values = fake.values(index, x, scale)
        scale = output_scale(step, scale)
        x = rounded(step, values, scale)
        every.append(x)
    return every


def test_logits_and_choices_agree():
    """[S9.6] Same codes up to the last layer: logits within half a unit; so the same choice,
    unless the two best logits are that close. Images with another code on the way are counted.
    """
    same = total = 0
    for first in range(0, 200, SEEDS):
        for case, integer, codes in lowered(first):
            fake = case.fake(integer)
            ours = [traced.y for traced in integer.trace(codes)]
            theirs = fake_codes(fake, codes)
            alike = np.ones(len(codes), bool)
            for a, b in zip(ours[:-1], theirs[:-1], strict=True):
                alike &= (a == b).reshape(len(codes), -1).all(axis=1)
            unit = integer.steps[-1].out_scale
            logits, real = ours[-1][alike] * unit, fake.run(codes)[alike]
            assert np.abs(logits - real).max(initial=0) <= unit / 2 * (1 + 1e-9)
            best = np.sort(real, axis=1)
            clear = best[:, -1] - best[:, -2] > unit * (1 + 1e-9)
            assert np.array_equal(logits[clear].argmax(axis=1), real[clear].argmax(axis=1))
            same += alike.sum()
            total += len(alike)
    assert same > 0.9 * total
