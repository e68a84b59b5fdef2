"""Energy is counts times the cited table."""

import math
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim import Layer, load_accelerator, simulate
from hwsim.area import area_of
from hwsim.counts import Counts
from hwsim.energy import HOROWITZ, PARTS, BufferEntry, EnergyTable, energy_of, event_prices
from hwsim.networks import network_workload
from hwsim.overrides import override

LAYER = Layer.linear("fc", 4, 4, 6, in_bits=4)
EVENTS = [field.name for field in fields(Counts)]


def counts(**events):
    return Counts(**{name: events.get(name, 0) for name in EVENTS})


def test_entries_are_the_cited_ones():
    """[S10.4] M. Horowitz, ISSCC 2014, figure 1.1.9."""
    assert "Horowitz" in HOROWITZ.source
    assert "ISSCC 2014" in HOROWITZ.source
    assert (HOROWITZ.add_8bit_pj, HOROWITZ.add_32bit_pj) == (0.03, 0.1)
    assert (HOROWITZ.multiply_8bit_pj, HOROWITZ.multiply_32bit_pj) == (0.2, 3.1)
    assert HOROWITZ.dram_64bit_pj == 1300
    assert HOROWITZ.dram_pj_per_bit == 20.3125
    entries = [(entry.bytes, entry.access_64bit_pj) for entry in HOROWITZ.buffers]
    assert entries == [(2**13, 10), (2**15, 20), (2**20, 100)]
    assert not HOROWITZ.leaks


@pytest.mark.parametrize(
    ("capacity", "access"),
    [(1, 10), (8192, 10), (8193, 20), (32768, 20), (32769, 100), (2**20, 100)],
)
def test_smallest_capacity_that_holds_the_buffer(capacity, access):
    """[S10.4] In whatever order the table lists them."""
    backwards = HOROWITZ.model_copy(update={"buffers": HOROWITZ.buffers[::-1]})
    for table in (HOROWITZ, backwards):
        assert table.buffer_pj_per_bit("weight", capacity) == access / 64


def test_counts_times_entries(machine):
    """[S10.4]"""
    accelerator = machine(weight=8192, inputs=8193, outputs=2**20)
    events = {
        "lane_operations": 1000, "accumulates": 2000, "weight_bits_read": 1,
        "weight_bits_written": 2, "input_bits_read": 4, "input_bits_written": 8,
        "output_bits_read": 16, "output_bits_written": 32, "dram_weight_bytes": 100,
        "dram_input_bytes": 200, "dram_output_bytes": 300, "compute_cycles": 10**6,
    }  # fmt: skip
    energy = energy_of(counts(**events), LAYER, accelerator)
    assert energy.lanes == pytest.approx(1000 * 0.03 * 4 / 8)
    assert energy.accumulators == pytest.approx(2000 * 0.1)
    assert energy.weight_buffer == pytest.approx(3 * 10 / 64)
    assert energy.input_buffer == pytest.approx(12 * 20 / 64)
    assert energy.output_buffer == pytest.approx(48 * 100 / 64)
    assert energy.dram == pytest.approx(600 * 8 * 1300 / 64)
    assert energy.leakage == 0
    parts = (
        energy.lanes, energy.accumulators, energy.weight_buffer, energy.input_buffer,
        energy.output_buffer, energy.dram,
    )  # fmt: skip
    assert energy.total == pytest.approx(sum(parts))
    assert replace(energy, dram=0.0).total < energy.total


def test_every_count_has_a_price_and_a_part():
    """[S10.4] Nothing that is counted is left out, and nothing counts twice."""
    accelerator = load_accelerator("edge-small")
    prices = event_prices(LAYER, accelerator)
    named = [name for names in PARTS.values() for name in names]
    assert sorted(named) == sorted(prices)
    priced = {name for name, price in prices.items() if price}
    for name in EVENTS:
        energy = energy_of(counts(**{name: 7}), LAYER, accelerator)
        assert energy.total == pytest.approx(7 * prices.get(name, 0.0))
        assert (energy.total > 0) == (name in priced)


def test_leakage_is_power_times_time():
    """1 nW a gate and 10 pW a bit, for the time of all cycles, stalls too."""
    plain = load_accelerator("edge-small")
    entries = ["energy.leakage_pw_per_gate=1000", "energy.leakage_pw_per_bit=10"]
    leaky = override(plain, None, entries)
    area, bits = area_of(plain).array, 8 * (32768 + 32768 + 8192)
    watts = area * 1e-9 + bits * 1e-11
    work = network_workload("resnet20")
    before, after = (simulate(work, accelerator) for accelerator in (plain, leaky))
    joules = (after.totals.energy_pj - before.totals.energy_pj) * 1e-12
    assert joules == pytest.approx(watts * after.totals.latency_s, rel=1e-6)
    assert (before.to_json()["leakage_counted"], after.to_json()["leakage_counted"]) == (
        False, True,
    )  # fmt: skip
    slower = override(plain, None, [*entries, "frequency_mhz=100"])
    assert simulate(work, slower).layers[0].energy.leakage == pytest.approx(
        2 * after.layers[0].energy.leakage
    )


def test_multiplication_meets_both_entries():
    """0.2 pJ at 8 x 8 bits, 3.1 pJ at 32 x 32, between them a power of the partial product bits."""
    assert HOROWITZ.multiply_pj(8, 8) == 0.2
    assert HOROWITZ.multiply_pj(32, 32) == pytest.approx(3.1)
    assert HOROWITZ.multiply_pj(16, 16) == pytest.approx(math.sqrt(0.2 * 3.1))
    assert HOROWITZ.multiply_pj(4, 16) == pytest.approx(0.2)
    free = HOROWITZ.model_copy(update={"multiply_8bit_pj": 0.0, "multiply_32bit_pj": 0.0})
    assert free.multiply_pj(8, 8) == 0


@given(st.integers(1, 16), st.integers(1, 16))
def test_wider_multiplications_take_more(w, a):
    assert HOROWITZ.multiply_pj(w, a) == HOROWITZ.multiply_pj(a, w)
    assert HOROWITZ.multiply_pj(w, a) < HOROWITZ.multiply_pj(w + 1, a)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ((None, 3.1), "energy.multiply_8bit_pj is missing"),
        ((0.2, None), "energy.multiply_32bit_pj is missing"),
        ((0.0, 3.1), "expected both to be 0, or none"),
    ],
)
def test_tables_without_multiplications(entries, message):
    """A table is whole: nothing is filled in from another one."""
    names = "multiply_8bit_pj", "multiply_32bit_pj"
    table = HOROWITZ.model_copy(update=dict(zip(names, entries, strict=True)))
    with pytest.raises(ValueError, match=message):
        table.multiply_pj(8, 8)


def test_no_entry_is_large_enough(machine):
    """[S10.4]"""
    with pytest.raises(ValueError, match=r"buffers.input_bytes = 1048577: .* ends at 1048576"):
        energy_of(counts(), LAYER, machine(inputs=2**20 + 1))


def test_bad_tables():
    """[S10.4] Each field is given, none negative."""
    good = HOROWITZ.model_dump()
    for change in (
        {"add_8bit_pj": -1.0}, {"multiply_8bit_pj": -0.1}, {"leakage_pw_per_bit": -1.0},
        {"source": ""}, {"buffers": []}, {"extra": 1},
    ):  # fmt: skip
        with pytest.raises(ValueError, match="validation error"):
            EnergyTable(**{**good, **change})
    with pytest.raises(ValueError, match="validation error"):
        BufferEntry(bytes=0, access_64bit_pj=1.0)
