"""Presets after published designs: they load, run, and take the cycles that were published."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hwsim
from hwsim import Layer, Workload, accelerator_names, load_accelerator, simulate
from hwsim.analytic import compute_cycles
from hwsim.networks import network_workload
from hwsim.peers import (
    bismo_cycles,
    bismo_peak,
    bitfusion_cycles,
    loom_cycles,
    shape_of,
    stripes_cycles,
    systolic_cycles,
)
from hwsim.peers.bitfusion import BitFusion

PRESETS = Path(hwsim.__file__).parent / "presets"
NAMES = [
    "bismo", "bitfusion", "edge-large", "edge-small", "loom", "stripes", "systolic-is",
    "systolic-os", "systolic-ws",
]  # fmt: skip
FUSION = BitFusion(16, 32, 8, 2, 192, 65536, 32768, 16384)

FORMULAS = {
    "bismo": lambda shape: bismo_cycles(shape, 8, 256, 8),
    "bitfusion": lambda shape: bitfusion_cycles(shape, FUSION, flat=False),
    "loom": loom_cycles,
    "stripes": stripes_cycles,
    "systolic-is": lambda shape: systolic_cycles(shape, 32, 32, "is"),
    "systolic-os": lambda shape: systolic_cycles(shape, 32, 32, "os"),
    "systolic-ws": lambda shape: systolic_cycles(shape, 32, 32, "ws"),
}
"""The published compute cycles of a layer."""


def test_names():
    assert accelerator_names() == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_file(name):
    """Under its own name, with its source and what is assumed."""
    text = (PRESETS / f"{name}.toml").read_text(encoding="utf-8")
    comment = text[: text.index("name =")]
    assert load_accelerator(name).name == name
    if name in FORMULAS:
        assert re.search(r"(ISPASS|ISCA|MICRO|DAC|FPL) 20\d\d", comment)
        assert "hwsim/peers/" in comment
    assert "Horowitz" in load_accelerator(name).energy.source


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("bits", [2, 8])
def test_resnet20(name, bits):
    """Runs, and keeps the bounds [S10.5]."""
    work = network_workload("resnet20", bits=bits)
    report = simulate(work, load_accelerator(name))
    assert report.totals.macs == work.macs
    assert report.totals.cycles > 0
    for line in report.layers:
        assert 0 < line.utilization <= 1
        assert sum(line.stalls.values()) == line.stall_cycles
        assert line.energy.lanes > 0


@st.composite
def small_layers(draw):
    number = lambda low, high: draw(st.integers(low, high))  # noqa: E731
    widths = {"bits": number(2, 8), "in_bits": number(1, 8)}
    kernel, side = number(1, 3), number(4, 8)
    return Layer(
        "drawn", "conv", side, side, number(1, 40), number(1, 70), kernel_height=kernel,
        kernel_width=kernel, stride=number(1, 2), **widths,
    )  # fmt: skip


@pytest.mark.parametrize("name", FORMULAS)
@settings(max_examples=60, deadline=None)
@given(layer=small_layers())
def test_published_cycles(name, layer):
    """[S10.1] Of layers that fit in one tile: alone, and in a report."""
    accelerator = load_accelerator(name)
    published = FORMULAS[name](shape_of(layer))
    assert compute_cycles(layer, accelerator) == published
    (line,) = simulate(Workload("one", (layer,)), accelerator).layers
    sizes = line.tiling.m_size, line.tiling.p_size, line.tiling.c_size
    if sizes == (layer.M, layer.P, layer.group_channels):
        assert line.compute_cycles == published


def test_loom_has_another_nest_for_one_position():
    """[S10.1] It gives columns filters in place of windows there, as its preset says."""
    layer = Layer.linear("fc", 64, 4096, 8)
    cycles = compute_cycles(layer, load_accelerator("loom"))
    assert (cycles, loom_cycles(shape_of(layer))) == (32 * 4 * 64, 2 * 4 * 16 * 8)


def test_peak_of_bismo():
    """6.5 TOPS, as its paper has it for this size."""
    array = load_accelerator("bismo").array
    peak = bismo_peak(array.rows, array.lanes, array.cols, 200e6)
    assert f"{peak / 1e12:.2f}" == "6.55"
