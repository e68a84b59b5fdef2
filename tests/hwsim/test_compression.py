"""Widths by rule: the compression is reached, hardly overshot, and the rule is what it says."""

import itertools
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim import Layer, Workload
from hwsim.compression import RULE, allocate, compression_of
from hwsim.networks import network_workload
from msq_ref.reference import compression


def workload(sizes, domain="signed"):
    layers = [Layer.linear(f"l{i}", size, 1, 8, domain=domain) for i, size in enumerate(sizes)]
    product = Layer.attention("p", 3, 4, 8, positions=4, groups=2)
    return Workload("net", (*layers, product))


def widths(work):
    return [layer.bits for layer in work.weighted]


def noise(sizes, bits):
    """Return what the rule makes least: the sum over layers of their relative noise."""
    return sum(Fraction(1, 4**width) for _, width in zip(sizes, bits, strict=True))


sizes_of_layers = st.lists(st.integers(1, 40), min_size=1, max_size=6)


@given(sizes_of_layers, st.fractions(1, 32), st.sampled_from(["signed", "offset"]))
def test_target_is_reached_and_hardly_overshot(sizes, target, domain):
    """[S6.3] No single bit could be given back: the target would be missed."""
    work = workload(sizes, domain)
    least = 2 if domain == "signed" else 1
    if target > Fraction(32, least):
        with pytest.raises(ValueError, match=f"net reaches {32 // least} at most, at {least} bits"):
            allocate(work, target)
        return
    found = allocate(work, target)
    bits = widths(found)
    assert compression_of(found) == compression(sizes, bits) >= target
    assert all(least <= width <= 8 for width in bits)
    assert found.layers[-1] == work.layers[-1]
    if target <= 4:
        assert bits == [8] * len(sizes)
        return
    # Without the last bit the target would be missed: some layer can take one back and miss it.
    stored = sum(size * width for size, width in zip(sizes, bits, strict=True))
    narrowed = [size for size, width in zip(sizes, bits, strict=True) if width < 8]
    assert stored + max(narrowed) > 32 * sum(sizes) / target


@given(st.lists(st.integers(1, 6), min_size=1, max_size=4), st.integers(0, 24))
def test_rule_is_the_cheapest_way_to_its_size(sizes, bits_off):
    """But for its last bit, no widths with as few stored bits have less noise: all are tried."""
    bits, steps = [8] * len(sizes), []
    for _ in range(bits_off):
        free = [i for i, width in enumerate(bits) if width > 2]
        if not free:
            break
        at = max(free, key=lambda i: (sizes[i] * 4 ** bits[i], i))
        bits[at] -= 1
        steps.append(list(bits))
    stored = sum(size * width for size, width in zip(sizes, bits, strict=True))
    for other in itertools.product(range(2, 9), repeat=len(sizes)):
        if sum(size * width for size, width in zip(sizes, other, strict=True)) <= stored:
            assert noise(sizes, other) >= noise(sizes, bits)
    # What is found is some of these widths, and one bit of one layer less.
    if steps:
        found = widths(allocate(workload(sizes), compression(sizes, steps[-1])))
        off = [
            [a - b for a, b in zip(before, found, strict=True)]
            for before in ([8] * len(sizes), *steps)
        ]
        assert [0] * (len(sizes) - 1) + [1] in [sorted(row) for row in off]


def test_by_hand():
    """[S6.1] Sizes 16, 4, 1: the large one loses two bits before the small ones lose any."""
    work = workload([16, 4, 1])
    total = 21
    for target, expected in (
        (Fraction(32 * total, 8 * total), [8, 8, 8]),
        (Fraction(32 * total, 8 * total - 1), [8, 8, 7]),  # the smallest that suffices
        (Fraction(32 * total, 8 * total - 16), [7, 8, 8]),
        (Fraction(32 * total, 8 * total - 17), [7, 8, 7]),
        (Fraction(32 * total, 8 * total - 36), [6, 7, 8]),
        (Fraction(16), [2, 2, 2]),
    ):
        assert widths(allocate(work, target)) == expected
    four_times = widths(allocate(workload([4096, 1024, 256]), 8))
    assert four_times == sorted(four_times)


def test_equal_layers_lose_bits_from_behind():
    work = workload([10, 10, 10])
    assert widths(allocate(work, Fraction(32 * 30, 8 * 30 - 10))) in ([8, 8, 7], [7, 8, 8])
    assert widths(allocate(work, Fraction(32 * 30, 8 * 30 - 20))) == [8, 7, 7]


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("mobilenetv3-large", 5.36), ("mobilenetv3-large", 10.30), ("deit-s", 9.58),
        ("swin-t", 9.14), ("resnet50", 8.0),
    ],
)  # fmt: skip
def test_compressions_of_the_paper(name, target):
    """[S6.3] Reached, overshot by half a percent at most, and marked as assumed."""
    work = network_workload(name)
    found = allocate(work, target)
    reached = float(compression_of(found))
    assert target <= reached < 1.005 * target
    assert found.assumed_bits
    assert RULE in found.assumed
    assert f"compression {reached:.4g} for {target:.4g}" in found.assumed
    assert not work.assumed_bits
    assert not found.at_bits(8).assumed_bits
    assert [layer.name for layer in found.layers] == [layer.name for layer in work.layers]
    assert found.vector == work.vector
    attention = {layer.bits for layer in found.layers if layer.kind == "attention"}
    assert attention <= {8}


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (0, "compression = 0: expected a positive number"),
        (-2.5, "compression = -2.5: expected a positive number"),
        (float("nan"), "compression = nan: expected a number"),
        (float("inf"), "compression = inf: expected a number"),
        ("9", "compression = '9': expected a number"),
        (16.5, "compression = 16.5: net reaches 16 at most, at 2 bits a weight"),
    ],
)
def test_bad_targets(target, message):
    with pytest.raises(ValueError, match=message):
        allocate(workload([4]), target)


def test_nothing_to_narrow():
    product = Layer.attention("p", 3, 4, 8, positions=4, groups=2)
    with pytest.raises(ValueError, match="workload net: no layers with weights to narrow"):
        allocate(Workload("net", (product,)), 8)
