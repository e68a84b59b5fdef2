"""What the buffers hold, against a replay of every access."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwsim import Layer, Workload, load_accelerator, network_workload, replay, simulate
from hwsim.analytic import closed_form
from hwsim.occupancy import occupancy
from hwsim.overrides import override
from hwsim.skipping import closed_form_of_values, skipped
from hwsim.tile_occupancy import tile_occupancy
from hwsim.tiling import Tiling, best_tiling
from hwsim.widths import PARTIAL_SUM_BITS


def replayed(layer, accelerator, tiling):
    """Return what the buffers of a replay hold in each tile, in bytes."""
    found = []
    cut = tiling.c_size < layer.group_channels

    def look(layer, tile, chip, _):
        # The chip has put away what it finished; while the tile ran it was there.
        live = len(chip.sums | set(tile.results))
        results = live * PARTIAL_SUM_BITS if cut else len(tile.results) * layer.out_bits
        bits = len(chip.weights) * layer.bits, len(chip.inputs) * layer.in_bits, results
        found.append([-(-one // 8) for one in bits])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(replay, "_check_room", look)
        replay.replay(layer, accelerator, tiling)
    return np.array(found)


@settings(max_examples=60)
@given(data=st.data())
def test_tiles_hold_what_a_replay_holds(data, layers, machines, fitting):
    """[S10.4] Tile by tile, in any order of loops; the cycles are those of the closed form."""
    layer = data.draw(layers(max_side=4))
    accelerator = data.draw(machines(layer))
    buffers = accelerator.buffers
    rooms = np.array([buffers.weight_bytes, buffers.input_bytes, buffers.output_bytes])
    for tiling in data.draw(fitting(layer, accelerator)):
        rows = tile_occupancy(layer, accelerator, tiling)
        assert rows[:, 1:].tolist() == replayed(layer, accelerator, tiling).tolist()
        assert rows[:, 0].sum() == closed_form(layer, accelerator, tiling).cycles
        assert (rows[:, 1:] <= rooms // buffers.parts).all()


def test_live_sums_by_hand(machine):
    """[S10.4] Four positions in two tiles, four channels in two: sums stay until their last."""
    layer = Layer.linear("fc", 4, 1, 2, positions=4)
    accelerator = machine(1, 2, 2, double=False, outputs=16)
    rows = tile_occupancy(layer, accelerator, Tiling("cpm", 1, 2, 2))
    assert rows[:, 3].tolist() == [8, 16, 16, 8]
    assert rows[:, 1].tolist() == [1] * 4
    assert rows[:, 2].tolist() == [4] * 4
    spilled = tile_occupancy(
        layer, machine(1, 2, 2, double=False, outputs=15), Tiling("cpm", 1, 2, 2)
    )
    assert spilled[:, 3].tolist() == [8] * 4
    with pytest.raises(ValueError, match="does not fit the buffers"):
        tile_occupancy(layer, machine(1, 2, 2, weight=1), Tiling("cpm", 1, 2, 4))


def test_of_a_network():
    """[S10.4] Intervals are tiles where there are few; the vector unit's cycles hold nothing."""
    accelerator = override(load_accelerator("edge-small"), None, ["vector.lanes=16"])
    workload = network_workload("resnet20")
    report = simulate(workload, accelerator)
    found = occupancy(report, workload, intervals=10**6)
    assert found.exact
    assert found.edges[[0, -1]].tolist() == [0, report.totals.cycles]
    assert (np.diff(found.edges) > 0).all()
    assert (found.held <= np.array(found.rooms)).all()
    assert found.rooms == (16384, 16384, 4096)
    names = [line.name for line in report.layers if line.cycles]
    assert [name for name, _ in found.layers] == names
    starts = dict(found.layers)
    at = 0
    for line in report.layers:
        if line.cycles:
            assert starts[line.name] == at
            inside = found.held[(found.edges[:-1] >= at) & (found.edges[:-1] < at + line.cycles)]
            assert inside.any() == (line.tiling is not None)
        at += line.cycles


@pytest.mark.parametrize("intervals", [1, 7, 50, 133])
def test_few_intervals_hold_the_most(intervals):
    """Each the most of the tiles that run in it, by brute force over cycles."""
    conv = Layer("a", "conv", 5, 7, 8, 8, 4, kernel_height=3, kernel_width=3, padding=1, groups=2)
    workload = Workload("w", (conv, Layer.linear("b", 40, 9, 3, positions=5)))
    tight = [f"buffers.{kind}_bytes={size}" for kind, size in
             (("weight", 96), ("input", 120), ("output", 8))]  # fmt: skip
    small = override(load_accelerator("edge-small"), "1x1x4", [*tight, "dram.bits_per_cycle=7"])
    report = simulate(workload, small)
    exact = occupancy(report, workload, intervals=10**6)
    found = occupancy(report, workload, intervals=intervals)
    assert exact.tiles == found.tiles > intervals
    assert (exact.exact, found.exact) == (True, False)
    assert found.edges[[0, -1]].tolist() == [0, report.totals.cycles]
    assert len(found.held) == intervals
    by_cycle = np.repeat(exact.held, np.diff(exact.edges), axis=0)
    for first, stop, held in zip(found.edges[:-1], found.edges[1:], found.held, strict=True):
        assert held.tolist() == by_cycle[first:stop].max(axis=0).tolist()


def test_where_planes_are_skipped():
    """[S10.5] The tiles take the cycles that they take with their values."""
    layer = Layer("conv", "conv", 6, 6, 8, 8, 4, kernel_height=3, kernel_width=3, padding=1)
    weights = np.random.default_rng(0).integers(-7, 8, (3, 3, 8, 8))
    workload = Workload("w", (layer,), values={"conv": weights})
    plain = override(load_accelerator("edge-small"), "2x4x4", ["buffers.weight_bytes=200"])
    skipping = override(plain, None, ["array.skip=weight-planes"])
    report = simulate(workload, skipping)
    tiling = best_tiling(layer, skipping)
    counts = closed_form_of_values(layer, skipping, tiling, weights)
    assert report.totals.cycles == counts.cycles
    found = occupancy(report, workload)
    assert found.edges[-1] == counts.cycles < simulate(workload, plain).totals.cycles
    compute = skipped(layer, skipping.array, tiling, weights, None).compute
    assert len(found.held) == compute.size == found.tiles > 1


def test_what_does_not_fit_together():
    accelerator = load_accelerator("edge-small")
    workload = network_workload("resnet20")
    report = simulate(workload, accelerator)
    with pytest.raises(ValueError, match=r"workload resnet20: its layer conv1 is not that of"):
        occupancy(report, workload.at_bits(4))
    narrow = network_workload("resnet20", in_bits=4)
    with pytest.raises(ValueError, match=r"its layer conv1 takes other cycles than in the report"):
        occupancy(report, narrow)
    with pytest.raises(ValueError, match="intervals = 0: expected at least 1"):
        occupancy(report, workload, intervals=0)
