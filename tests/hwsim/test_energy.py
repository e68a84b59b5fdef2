"""Energy is counts times the cited table."""

from dataclasses import replace

import pytest

from hwsim.counts import Counts
from hwsim.energy import HOROWITZ, BufferEntry, EnergyTable, energy_of

COUNTS = Counts(10, 5, 100, 200, 300, 1, 2, 4, 8, 16, 32, 1000, 2000)


def test_entries_are_the_cited_ones():
    """[S10.4] M. Horowitz, ISSCC 2014, figure 1.1.9."""
    assert "Horowitz" in HOROWITZ.source
    assert "ISSCC 2014" in HOROWITZ.source
    assert (HOROWITZ.add_8bit_pj, HOROWITZ.add_32bit_pj) == (0.03, 0.1)
    assert HOROWITZ.dram_64bit_pj == 1300
    entries = [(entry.bytes, entry.access_64bit_pj) for entry in HOROWITZ.buffers]
    assert entries == [(2**13, 10), (2**15, 20), (2**20, 100)]


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
    energy = energy_of(COUNTS, 4, accelerator)
    assert energy.lanes == pytest.approx(1000 * 0.03 * 4 / 8)
    assert energy.accumulators == pytest.approx(2000 * 0.1)
    assert energy.weight_buffer == pytest.approx(3 * 10 / 64)
    assert energy.input_buffer == pytest.approx(12 * 20 / 64)
    assert energy.output_buffer == pytest.approx(48 * 100 / 64)
    assert energy.dram == pytest.approx(600 * 8 * 1300 / 64)
    parts = (
        energy.lanes, energy.accumulators, energy.weight_buffer, energy.input_buffer,
        energy.output_buffer, energy.dram,
    )  # fmt: skip
    assert energy.total == pytest.approx(sum(parts))
    assert replace(energy, dram=0.0).total < energy.total


def test_no_entry_is_large_enough(machine):
    """[S10.4]"""
    with pytest.raises(ValueError, match=r"buffers.input_bytes = 1048577: .* ends at 1048576"):
        energy_of(COUNTS, 8, machine(inputs=2**20 + 1))


def test_bad_tables():
    """[S10.4] Each field is given, none negative."""
    good = HOROWITZ.model_dump()
    for change in ({"add_8bit_pj": -1.0}, {"source": ""}, {"buffers": []}, {"extra": 1}):
        with pytest.raises(ValueError, match="validation error"):
            EnergyTable(**{**good, **change})
    with pytest.raises(ValueError, match="validation error"):
        BufferEntry(bytes=0, access_64bit_pj=1.0)
