"""Reports and the check of the engine against them."""

import json
from dataclasses import asdict

import numpy as np
import pytest

from hwsim import Layer, Workload, load_accelerator, simulate, workload_of
from hwsim import check as module
from hwsim.analytic import closed_form
from hwsim.check import check_network
from hwsim.tiling import best_tiling

TOTALS = [
    "macs", "cycles", "compute_cycles", "stall_cycles", "dram_bytes", "energy_pj", "latency_s",
]  # fmt: skip
LAYER = [
    "name", "macs", "bits", "compute_cycles", "stall_cycles", "cycles", "dram_bytes", "sram_bytes",
    "energy_pj", "utilization",
]  # fmt: skip


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


def test_json_has_exactly_these_fields(workload):
    """The form that scripts rely on."""
    report = simulate(workload, load_accelerator("edge-small"))
    plain = json.loads(json.dumps(report.to_json(), allow_nan=False))
    assert list(plain) == ["network", "accelerator", "totals", "layers"]
    assert list(plain["totals"]) == TOTALS
    assert plain["totals"] == asdict(report.totals)
    assert len(plain["layers"]) == len(report.layers)
    for line, layer in zip(plain["layers"], report.layers, strict=True):
        assert list(line) == LAYER
        assert line == {key: getattr(layer, key) for key in LAYER}


def test_fewer_bits_cost_less(workload):
    """[S10.1]"""
    accelerator = load_accelerator("edge-small")
    ours, eight = (simulate(work, accelerator).totals for work in (workload, workload.at_bits(8)))
    assert ours.cycles < eight.cycles
    assert ours.energy_pj < eight.energy_pj
    assert ours.macs == eight.macs


def test_layer_that_does_not_fit():
    """[S10.4]"""
    huge = Workload("w", (Layer.linear("fc", 10**6, 8, 8),))
    with pytest.raises(ValueError, match="layer fc: the weight buffer of edge-small"):
        simulate(huge, load_accelerator("edge-small"))


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
