"""Pictures of reports: what is drawn is what the report says."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwsim import Layer, Workload, load_accelerator, network_workload, simulate
from hwsim.causes import CAUSES, ENERGY_PARTS
from hwsim.energy import Energy
from hwsim.occupancy import occupancy
from hwsim.overrides import override
from hwsim.plots import (
    bars,
    draw_cycles,
    plot_cycles,
    plot_energy,
    plot_energy_by_layer,
    plot_occupancy,
    plot_pareto,
    plot_roofline,
)
from hwsim.plots.cycles import plot_total_cycles
from hwsim.plots.looks import BUFFERS, CYCLES, ENERGY, in_bits
from hwsim.plots.pareto import front_of, quantity
from hwsim.roofline import roofline
from msq_ref.formats.style import new_figure

STALLED = ["dram.bits_per_cycle=4", "dram.latency_cycles=9", "vector.lanes=4",
           "dram.row_bytes=64", "dram.row_miss_cycles=3"]  # fmt: skip


@pytest.fixture(scope="module")
def edge():
    return load_accelerator("edge-small")


@pytest.fixture(scope="module")
def workload():
    return network_workload("resnet20")


@pytest.fixture(scope="module")
def reports(edge):
    slow, digits = override(edge, None, STALLED), network_workload("digits-cnn")
    return {f"{bits} bits": simulate(digits.at_bits(bits), slow) for bits in (3, 8)}


def drawn(axis):
    """Return the lengths of all bars by their words in the legend."""
    return {
        container.get_label(): [float(bar.get_width()) for bar in container]
        for container in axis.containers
    }


def test_cycles_by_cause(reports):
    """[S10.4] The bars of a cause sum to its stall, and all of them to all cycles."""
    _, axis = new_figure()
    draw_cycles(axis, reports)
    found = drawn(axis)
    totals = [report.totals for report in reports.values()]
    for name, look in CYCLES.items():
        if name == "compute_cycles":
            whole = sum(one.compute_cycles for one in totals)
        else:
            whole = sum(one.stalls.get(name, 0) for one in totals)
        assert sum(found.get(look.words, [])) == whole
    assert "wait: vector unit" in found
    assert sum(map(sum, found.values())) == sum(one.cycles for one in totals)
    shown = [label.get_text() for label in axis.get_yticklabels()]
    pairs = zip(*(report.layers for report in reports.values()), strict=True)
    names = [bars.shortened(pair[0].name) for pair in pairs if any(line.cycles for line in pair)]
    assert shown == names
    assert len(names) < len(reports["3 bits"].layers)  # fused layers without cycles of their own


def test_many_layers_are_left_out_in_words(edge):
    """The largest, in their order; how many others there are, and their share of all."""
    layers = tuple(Layer.linear(f"l{at}", 9 * (at % 7 + 1), 9, 4) for at in range(100))
    report = simulate(Workload("w", layers), edge)
    _, axis = new_figure()
    draw_cycles(axis, {"": report})
    shown = [label.get_text() for label in axis.get_yticklabels()]
    assert len(shown) == bars.MOST_BARS
    assert shown == sorted(shown, key=lambda name: int(name[1:]))
    left = [line.cycles for line in report.layers if line.name not in shown]
    assert max(left) <= min(line.cycles for line in report.layers if line.name in shown)
    share = sum(left) / report.totals.cycles
    assert f"not drawn: 20 smaller layers, {share:.1%} of all" in axis.get_xlabel()


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("layer1.0.conv1", "layer1.0.conv1"),
        ("layer4.0.downsample.0", "layer4.0.downsample.0"),
        ("layers.1.blocks.0.attn.scores", "l.1.b.0.attn.scores"),
        ("layers.2.blocks.5.mlp.fc2", "l.2.blocks.5.mlp.fc2"),
        ("a_very_long_name_without_any_dots", "a_very_…hout_any_dots"),
    ],
)
def test_long_names(name, shown):
    assert bars.shortened(name) == shown
    assert len(shown) <= 21


def test_long_names_stay_different():
    """Of a network with the longest ones."""
    names = [layer.name for layer in network_workload("swin-t").layers]
    assert len({bars.shortened(name) for name in names}) == len(names)


def test_energy_by_part(reports, tmp_path, monkeypatch):
    """Totals and layers: the same sums of each part, in J."""
    axes = []
    monkeypatch.setattr(bars, "save_figure", lambda figure, *_: axes.append(figure.axes[0]))
    plot_energy(reports)
    plot_energy_by_layer(reports)
    plot_total_cycles(reports)
    pairs = list(zip(*(report.layers for report in reports.values()), strict=True))
    largest = max(line.energy_pj for pair in pairs for line in pair)
    seen = [pair for pair in pairs if max(line.energy_pj for line in pair) >= largest / 1000]
    assert 0 < len(seen) < len(pairs)
    for axis, kept in zip(axes, (pairs, seen), strict=False):
        found = drawn(axis)
        for name, look in ENERGY.items():
            whole = sum(getattr(line.energy, name) for pair in kept for line in pair)
            assert sum(found.get(look.words, [])) == pytest.approx(1e-12 * whole, abs=1e-16)
    whole = sum(report.totals.cycles for report in reports.values())
    assert sum(map(sum, drawn(axes[2]).values())) == whole
    with pytest.raises(ValueError, match="expected at least one"):
        plot_energy({})


@settings(max_examples=40)
@given(data=st.data())
def test_nothing_is_above_its_roof(data, layers, machines):
    """[S10.5] A layer's rate is at most the array's peak, and what DRAM feeds."""
    layer = data.draw(layers())
    accelerator = data.draw(machines(layer))
    workload = Workload("w", (layer,))
    (point,) = roofline(simulate(workload, accelerator), workload)
    assert 0 < point.rate <= point.limit * (1 + 1e-12)
    assert point.limit == min(point.peak, point.bandwidth * point.intensity)
    assert point.bound == ("array" if point.limit == point.peak else "DRAM")


@pytest.mark.parametrize(
    ("preset", "peak"),
    [
        ("edge-small", 8 * 8 * 16 / 4),  # a bit of each weight in a cycle
        ("systolic-os", 32 * 32),
        ("bitfusion", 16 * 32 * 2),  # weights of 4 bits: two in a multiplier of 8
    ],
)
def test_peaks(preset, peak, workload):
    """[S10.1] MACs a cycle that the array can do at a layer's widths."""
    at_4 = workload.at_bits(4)
    report = simulate(at_4, load_accelerator(preset))
    points = roofline(report, at_4)
    assert {point.peak for point in points} == {peak}
    for point, line in zip(points, report.layers, strict=True):
        assert (point.name, point.bits) == (line.name, 4)
        assert point.rate == line.macs / line.cycles
        assert point.intensity == line.macs / line.dram_bytes
        assert point.bandwidth == report.design.dram.bits_per_cycle / 8


def test_every_look_is_one_of_its_own():
    """Colour never stands alone, and no two parts of a picture look the same."""
    assert CYCLES.keys() == {"compute_cycles", *CAUSES}
    assert ENERGY.keys() == ENERGY_PARTS.keys() == vars(Energy(*[0.0] * 8)).keys()
    for looks in (CYCLES.values(), ENERGY.values(), BUFFERS):
        for part in zip(*looks, strict=True):
            assert len(set(part)) == len(looks)
    # What is about weights, inputs and outputs looks the same everywhere.
    for index, kind in enumerate(("weight", "input", "output")):
        same = {CYCLES[f"stall_{kind}_cycles"][1:], ENERGY[f"{kind}_buffer"][1:],
                BUFFERS[index][1:]}  # fmt: skip
        assert len(same) == 1


def test_quantities():
    assert quantity("latency_s") == ("latency", 1.0, "s")
    assert quantity("energy_pj") == ("energy", 1e-12, "J")
    assert quantity("dram_bytes") == ("DRAM", 1.0, "B")
    assert quantity("cycles") == ("cycles", 1.0, "")


def sweep(count, seed=0):
    rng = np.random.default_rng(seed)
    status = np.where(rng.random(count) < 0.2, "refused", "ok")
    return {
        "status": status.tolist(),
        "latency_s": rng.integers(1, 50, count).tolist(),
        "energy_pj": [None if one != "ok" else float(rng.integers(1, 50)) for one in status],
    }


def test_widths_in_words():
    assert [in_bits(widths) for widths in ([1], [8], [2, 8], [2, 3, 5])] == [
        "1 bit", "8 bits", "2 and 8 bits", "2 to 5 bits"
    ]  # fmt: skip


@pytest.mark.parametrize("names", [("latency_s", "energy_pj"), ("latency_s", "energy_pj", "kGE")])
def test_a_front(names):
    """By brute force: no point that ran is better in one and at least as good in the others."""
    columns = {**sweep(60), "kGE": np.random.default_rng(1).integers(1, 50, 60).tolist()}
    ran = [at for at in range(60) if columns["status"][at] == "ok"]
    value = {at: tuple(columns[name][at] for name in names) for at in ran}
    best = [
        at for at in ran
        if not any(
            value[other] != value[at] and all(a <= b for a, b in zip(value[other], value[at],
                                                                    strict=True))
            for other in ran
        )
    ]  # fmt: skip
    found = front_of(columns, *names)
    assert sorted(found) == best
    assert [value[at] for at in found] == sorted(value[at] for at in best)


def test_a_cloud_stays_small(tmp_path):
    """Of many points the picture holds an image."""
    few, many = tmp_path / "few.svg", tmp_path / "many.svg"
    plot_pareto(sweep(100), "latency_s", "energy_pj", few)
    plot_pareto(sweep(20_000), "latency_s", "energy_pj", many)
    assert "<image" not in few.read_text(encoding="utf-8")
    assert "data:image/png;base64" in many.read_text(encoding="utf-8")
    assert many.stat().st_size < 300_000
    with pytest.raises(ValueError, match="no point has status ok, latency_s and energy_pj"):
        plot_pareto({**sweep(2), "status": ["x", "x"]}, "latency_s", "energy_pj", few)


def test_each_picture_comes_out_the_same(reports, workload, edge, tmp_path):
    """A picture in each format that is asked for, the same each time, no point of text below 9."""
    skipping = override(edge, None, ["array.skip=weight-planes"])
    report = simulate(workload, skipping)
    few = Workload("w", workload.layers[:3])
    pictures = {
        "cycles": lambda *to: plot_cycles(reports, *to),
        "roofline": lambda *to: plot_roofline(report, workload, *to),
        "names": lambda *to: plot_roofline(simulate(few, edge), few, *to),
        "energy": lambda *to: plot_energy(reports, *to),
        "occupancy": lambda *to: plot_occupancy(occupancy(report, workload), *to),
        "front": lambda *to: plot_pareto(sweep(700), "latency_s", "energy_pj", *to),
    }
    for name, plot in pictures.items():
        first, again, png = (tmp_path / f"{name}{end}" for end in (".svg", "-2.svg", ".png"))
        plot(first)
        plot(again)
        assert first.read_bytes() == again.read_bytes()
        text = first.read_text(encoding="utf-8")
        assert re.search(r'width="331.2pt"', text)
        if name == "cycles":
            plot(png)
            assert png.read_bytes().startswith(b"\x89PNG")


def test_reports_of_different_layers(reports, edge, tmp_path):
    others = {**reports, "c": simulate(network_workload("resnet20"), edge)}
    for wrong in ({}, others):
        with pytest.raises(ValueError, match="expected at least one, all of the same layers"):
            plot_cycles(wrong, tmp_path / "a.png")
        with pytest.raises(ValueError, match="expected at least one, all of the same layers"):
            plot_energy_by_layer(wrong, tmp_path / "a.png")
    assert list(tmp_path.iterdir()) == []
