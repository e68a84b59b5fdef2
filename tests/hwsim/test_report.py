"""Reports and the check of the engine against them."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from hwsim import (
    Layer,
    Workload,
    load_accelerator,
    simulate,
    workload_from_run,
    workload_of,
)
from hwsim import check as module
from hwsim.accelerator import Accelerator
from hwsim.analytic import closed_form
from hwsim.check import check_network
from hwsim.energy import vector_energy_of
from hwsim.networks import network_workload
from hwsim.overrides import override
from hwsim.tiling import best_tiling
from hwsim.vector import VectorCounts
from msq_ref.formats import parse_settings

TOP = ["network", "accelerator", "totals", "layers"]
TOTALS = [
    "macs", "cycles", "compute_cycles", "stall_cycles", "dram_bytes", "energy_pj", "latency_s",
]  # fmt: skip
LAYER = [
    "name", "macs", "bits", "compute_cycles", "stall_cycles", "cycles", "dram_bytes", "sram_bytes",
    "energy_pj", "utilization",
]  # fmt: skip
NEW = {
    "top": ["assumed_bits", "assumed", "notes", "left_out", "objective", "area", "leakage_counted",
            "design"],
    "totals": ["stalls"],
    "layer": ["kind", "idle_lane_cycles", "stalls", "tiling", "energy_by_part_pj"],
}  # fmt: skip


@pytest.fixture(scope="module")
def workload(integer_network):
    return workload_of(integer_network, "digits")


@pytest.mark.parametrize("preset", ["edge-small", "edge-large"])
def test_layers_and_totals(workload, preset):
    """[S10.4] Every line is the closed form's, every total a sum."""
    accelerator = load_accelerator(preset)
    report = simulate(workload, accelerator)
    assert (report.network, report.accelerator) == ("digits", preset)
    for layer, line in zip(workload.layers, report.layers, strict=True):
        counts = closed_form(layer, accelerator, best_tiling(layer, accelerator))
        assert line.counts == counts
        assert (line.name, line.bits, line.macs) == (layer.name, layer.bits, layer.macs)
        for key in ("compute_cycles", "stall_cycles", "cycles", "dram_bytes", "sram_bytes"):
            assert getattr(line, key) == getattr(counts, key)
        assert line.energy_pj == line.energy.total > 0
        array = accelerator.array
        capacity = array.rows * array.cols * array.lanes * line.cycles
        assert line.utilization == layer.macs * layer.bits / capacity
    for key in ("macs", "cycles", "compute_cycles", "stall_cycles", "dram_bytes"):
        assert getattr(report.totals, key) == sum(getattr(line, key) for line in report.layers)
    assert report.totals.energy_pj == pytest.approx(sum(line.energy_pj for line in report.layers))
    seconds = report.totals.cycles / (accelerator.frequency_mhz * 1e6)
    assert report.totals.latency_s == pytest.approx(seconds)


def test_a_layer_costs_what_it_costs_alone():
    """However many others in the network are alike but for their names."""
    work, small = network_workload("resnet20", bits=3), load_accelerator("edge-small")
    lines = simulate(work, small).layers
    assert [line.name for line in lines] == [layer.name for layer in work.layers]
    for layer, line in zip(work.layers, lines, strict=True):
        assert simulate(Workload("one", (layer,)), small).layers == (line,)


def test_json_has_exactly_these_fields(workload):
    """The form that scripts rely on: the first ones are older than the rest."""
    report = simulate(workload, load_accelerator("edge-small"))
    plain = json.loads(json.dumps(report.to_json(), allow_nan=False))
    assert list(plain) == TOP + NEW["top"]
    assert list(plain["totals"]) == TOTALS + NEW["totals"]
    assert plain["totals"] == asdict(report.totals)
    assert (plain["assumed_bits"], plain["notes"], plain["left_out"]) == (False, [], [])
    assert plain["area"] == report.area.to_json()
    assert len(plain["layers"]) == len(report.layers)
    for line, layer in zip(plain["layers"], report.layers, strict=True):
        assert list(line) == LAYER + NEW["layer"]
        assert {key: line[key] for key in LAYER} == {key: getattr(layer, key) for key in LAYER}
        assert line["tiling"] == asdict(layer.tiling)
        assert sum(line["energy_by_part_pj"].values()) == pytest.approx(layer.energy_pj)


def test_the_design_in_the_json_can_be_run_again(workload):
    """[S10.4] Whatever was changed: the same figures from what the JSON says."""
    changed = override(load_accelerator("edge-small"), "4x8x8", ["energy.leakage_pw_per_bit=3"])
    plain = json.loads(json.dumps(simulate(workload, changed).to_json()))
    design = {key: value for key, value in plain["design"].items() if value is not None}
    again = parse_settings(Accelerator, design, "the JSON")
    assert again == changed
    assert json.loads(json.dumps(simulate(workload, again).to_json())) == plain


def test_stalls_have_causes(workload):
    """[S10.4] The causes of a layer sum to its stall, those of all layers to the total."""
    slow = override(load_accelerator("edge-small"), None, ["dram.bits_per_cycle=1"])
    report = simulate(workload, slow)
    assert report.totals.stall_cycles > 0
    for line in (*report.layers, report.totals):
        assert sum(line.stalls.values()) == line.stall_cycles


def test_vector_unit():
    """Its layers stand behind those of the array that they follow, and are in the totals."""
    plain = load_accelerator("edge-small")
    entries = ["vector.lanes=16", "vector.activation_bytes=16384"]
    vector = override(plain, None, entries)
    work = network_workload("resnet20")
    without, with_unit = (simulate(work, accelerator) for accelerator in (plain, vector))
    assert [line.name for line in without.layers] == [layer.name for layer in work.layers]
    own = {layer.name: layer for layer in work.vector}
    array = [line for line in with_unit.layers if line.name not in own]
    lines = [line for line in with_unit.layers if line.name in own]
    assert [replace(line, energy=None) for line in array] == [
        replace(line, energy=None) for line in without.layers
    ]
    assert {line.name for line in lines} == own.keys()
    names = [line.name for line in with_unit.layers]
    places = {name: at for at, name in enumerate(names)}
    assert all(places[layer.after] < places[name] for name, layer in own.items() if layer.after)
    last = ""
    for line in with_unit.layers:
        if line.name in own:
            assert own[line.name].after == last
        else:
            last = line.name
    memory = vector.energy.buffer_pj_per_bit("output", 16384)
    for line in lines:
        counts = line.counts
        bits = counts.activation_bits_read + counts.activation_bits_written
        assert (line.macs, line.bits, line.tiling) == (0, 0, None)
        assert line.energy.vector == pytest.approx(0.1 * counts.operations + memory * bits)
        assert line.energy.dram == pytest.approx(8 * counts.dram_bytes * 1300 / 64)
        assert line.energy_pj == line.energy.vector + line.energy.dram
        assert 0 <= line.utilization <= 1
        assert line.cycles == line.compute_cycles + line.stall_cycles
    assert with_unit.totals.macs == without.totals.macs
    added = sum(line.cycles for line in lines)
    assert with_unit.totals.cycles == without.totals.cycles + added
    assert sum(line.energy.vector for line in lines) > 0
    plain_lines = json.loads(json.dumps(with_unit.to_json(), allow_nan=False))["layers"]
    assert [line["macs"] == 0 for line in plain_lines] == [name in own for name in names]
    with pytest.raises(ValueError, match=r"vector.activation_bytes = 2000000: .* ends at 1048576"):
        override(plain, None, ["vector.lanes=1", "vector.activation_bytes=2000000"])


def test_skipping(run_folder):
    """[S10.5] Planes of known weights are skipped; what is not known is not, and that is said."""
    plain = load_accelerator("edge-small")
    skipping = override(plain, None, ["array.skip=weight-planes", "array.skip_by=line"])
    work = workload_from_run(run_folder)
    zeros = {name: np.zeros_like(values) for name, values in work.values.items()}
    assert zeros.keys() == {layer.name for layer in work.layers}
    all_zero = replace(work, values=zeros)
    full, some, none = (
        simulate(*one) for one in ((work, plain), (work, skipping), (all_zero, skipping))
    )
    assert none.totals.compute_cycles < some.totals.compute_cycles <= full.totals.compute_cycles
    assert full.notes == some.notes == none.notes == ()
    assert all(line.idle_lane_cycles == 0 for line in full.layers)
    assert all(line.idle_lane_cycles > 0 for line in none.layers)  # a step takes a cycle
    bare = simulate(replace(work, values={}), skipping)
    assert bare.totals.compute_cycles == full.totals.compute_cycles
    count = len(work.layers)
    assert f"No plane of weights is skipped in {count} of {count} layers" in bare.notes[0]
    both = override(plain, None, ["array.serial=both", "array.skip=both"])
    assert "No plane of activations is skipped" in simulate(work, both).notes[-1]


def test_vector_energy_needs_a_unit():
    counts = VectorCounts("x", "add", "", False, 1, 1, 0, 0, 0, 0, 0, 0)
    with pytest.raises(ValueError, match="vector is missing: layer x"):
        vector_energy_of(counts, load_accelerator("edge-small"))


@pytest.mark.parametrize(
    ("widths", "message"),
    [
        ({"in_bits": 9}, "layer a: in_bits = 9: edge-small takes 8 bits at a time"),
        ({"in_bits": 16}, "widths.input_bits = 16 would be an array of that width"),
    ],
)
def test_wider_than_the_array(widths, message):
    """[S10.1] Activations come in parallel: they are as narrow as the lanes, or narrower."""
    accelerator = load_accelerator("edge-small")
    work = Workload("w", (Layer.linear("a", 4, 4, 16, **widths),))
    with pytest.raises(ValueError, match=message):
        simulate(work, accelerator)
    wide = override(accelerator, None, [f"widths.input_bits={widths['in_bits']}"])
    assert simulate(work, wide).totals.macs == 16


def test_unknown_objective(workload):
    with pytest.raises(ValueError, match="objective = 'time': known: cycles, energy, bytes"):
        simulate(workload, load_accelerator("edge-small"), objective="time")


def test_fewer_bits_cost_less(workload):
    """[S10.1]"""
    accelerator = load_accelerator("edge-small")
    ours, eight = (simulate(work, accelerator).totals for work in (workload, workload.at_bits(8)))
    assert ours.cycles < eight.cycles
    assert ours.energy_pj < eight.energy_pj
    assert ours.macs == eight.macs


def test_layer_that_does_not_fit():
    """[S10.4]"""
    tight = override(load_accelerator("edge-small"), None, ["buffers.weight_bytes=64"])
    work = Workload("w", (Layer.linear("fc", 1000, 8, 8),))
    with pytest.raises(ValueError, match="layer fc: the weight buffer of edge-small"):
        simulate(work, tight)


@pytest.mark.parametrize("preset", ["edge-small", "edge-large"])
def test_engine_check_of_a_network(integer_network, workload, preset):
    """[S10.3] Every layer of the network, on activations it really sees."""
    accelerator = load_accelerator(preset)
    codes = np.random.default_rng(1).integers(-32, 32, (4, 8, 8, 1)).astype(np.int32)
    checks = check_network(integer_network, accelerator, codes)
    report = simulate(workload, accelerator)
    assert [check.name for check in checks] == [layer.name for layer in workload.layers]
    for check, line, layer in zip(checks, report.layers, workload.layers, strict=True):
        assert check.cycles_equal
        assert check.outputs_equal
        assert check.engine == check.closed_form == line.counts
        assert (check.images, check.outputs) == (4, 4 * layer.P * layer.M)
    with pytest.raises(ValueError, match=r"images_codes has shape \(0, 8, 8, 1\)"):
        check_network(integer_network, accelerator, codes[:0])


def test_check_sees_what_differs(integer_network, monkeypatch):
    """[S10.3] A count or an output that is off by one in one image of one layer."""
    from dataclasses import replace

    accelerator = load_accelerator("edge-small")
    codes = np.random.default_rng(1).integers(-32, 32, (3, 8, 8, 1)).astype(np.int32)
    right = module.simulate_layer
    seen = []

    def wrong(layer, *arguments, **options):
        result = right(layer, *arguments, **options)
        seen.append(layer.name)
        if layer.name == "conv2" and seen.count("conv2") == 2:
            counts = replace(result.counts, input_bits_read=result.counts.input_bits_read + 1)
            return replace(result, counts=counts)
        if layer.name == "fc" and seen.count("fc") == 3:
            return replace(result, accumulators=result.accumulators + 1)
        return result

    monkeypatch.setattr(module, "simulate_layer", wrong)
    checks = {check.name: check for check in check_network(integer_network, accelerator, codes)}
    assert [name for name, check in checks.items() if not check.cycles_equal] == ["conv2"]
    assert [name for name, check in checks.items() if not check.outputs_equal] == ["fc"]
    conv2 = checks["conv2"]
    assert conv2.engine.input_bits_read == conv2.closed_form.input_bits_read + 1
