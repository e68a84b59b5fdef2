"""The closed form: worked examples, traffic by hand, and what no machine can beat."""

import itertools
import math
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwsim import Layer, Workload, load_accelerator, places, simulate
from hwsim.analytic import closed_form, compute_cycles
from hwsim.counts import Counts
from hwsim.tiling import ORDERS, Tiling


def conv(**changes):
    values = {
        "name": "conv", "kind": "conv", "height": 8, "width": 8, "channels": 16, "outputs": 32,
        "bits": 3, "kernel_height": 3, "kernel_width": 3, "padding": 1,
    }  # fmt: skip
    return Layer(**{**values, **changes})


@pytest.mark.parametrize(("bits", "cycles"), [(3, 896), (8, 2336)])
def test_worked_example(bits, cycles):
    """[S10.1] A 3x3 convolution of 16 to 32 channels on 8x8 positions."""
    layer = conv(bits=bits)
    assert (layer.K, layer.M, layer.P) == (144, 32, 64)
    accelerator = load_accelerator("edge-small")
    assert compute_cycles(layer, accelerator) == cycles
    assert simulate(Workload("one", (layer,)), accelerator).totals.compute_cycles == cycles


def test_groups_count_by_themselves(machine):
    """[S10.2] Depthwise: 16 groups of K = 9, M = 1, P = 64."""
    layer = conv(groups=16, outputs=16)
    accelerator = machine(8, 8, 16)
    assert compute_cycles(layer, accelerator) == 16 * 1 * 8 * (1 * 3 + 1)
    assert layer.macs == 16 * 9 * 64


def test_traffic_by_hand_in_one_tile(machine):
    """[S10.4] K = 5, M = 3, 3 bits: 11 bytes in, 12 out; 20 cycles of work, 23 of transfer."""
    layer = Layer.linear("fc", 5, 3, 3, out_bits=32)
    whole = Tiling("mpc", 3, 1, 5)
    counts = closed_form(layer, machine(2, 1, 2, bandwidth=8), whole)
    assert (counts.compute_cycles, counts.stall_cycles) == (2 * (3 * 3 + 1), 3)
    assert counts.dram_weight_bytes == 6  # 45 bits
    assert counts.dram_input_bytes == 5
    assert counts.dram_output_bytes == 12
    assert counts.dram_bytes == 23
    assert counts.weight_bits_read == 45  # one column: each bit once
    assert counts.weight_bits_written == 48
    assert counts.input_bits_read == 2 * 40  # once for each of two row passes
    assert counts.input_bits_written == 40
    assert counts.output_bits_written == counts.output_bits_read == 96
    assert counts.lane_operations == 45
    assert counts.accumulates == 3 * 3 * 3  # outputs, reduction steps, planes
    assert counts.sram_bytes == math.ceil((45 + 48 + 80 + 40 + 96 + 96) / 8)
    alone = closed_form(layer, machine(2, 1, 2, bandwidth=8, double=False), whole)
    assert (alone.compute_cycles, alone.stall_cycles) == (20, 23)


def test_traffic_by_hand_in_two_tiles(machine):
    """[S10.4] Outputs in ranges of 2 and 1: 30 and 15 bits of weights, the inputs loaded once."""
    layer = Layer.linear("fc", 5, 3, 3, out_bits=32)
    counts = closed_form(layer, machine(2, 1, 2, bandwidth=8), Tiling("mpc", 2, 1, 5))
    assert counts.dram_weight_bytes == 4 + 2
    assert counts.dram_input_bytes == 5
    assert counts.dram_output_bytes == 8 + 4
    # Tiles of 10 cycles of work each, and (4 + 5) + 8 and 2 + 4 of transfer.
    assert (counts.cycles, counts.stall_cycles) == (17 + 10, 7)


def test_order_decides_what_is_loaded_again(machine):
    """[S10.4] 4 outputs, 4 positions, tiles of 2 by 2: one operand twice, the other once."""
    layer = Layer.linear("fc", 4, 4, 2, positions=4)
    accelerator = machine(2, 2, 4)
    for order, weights, inputs in (("mpc", 4, 2 * 16), ("pmc", 2 * 4, 16)):
        counts = closed_form(layer, accelerator, Tiling(order, 2, 2, 4))
        assert (counts.dram_weight_bytes, counts.dram_input_bytes) == (weights, inputs)


def test_input_footprint_by_hand(machine):
    """[S10.4] 3x3 windows on a padded 4x4 image, two positions a tile: parts of rows only."""
    layer = Layer("c", "conv", 4, 4, 1, 1, 2, 3, 3, padding=1)
    counts = closed_form(layer, machine(1, 2, 9), Tiling("mpc", 1, 2, 1))
    # Columns 0-2 and 1-3 of rows 0-1, 0-2, 1-3, 2-3.
    assert counts.dram_input_bytes == 2 * 3 * (2 + 3 + 3 + 2)
    # Without padding, windows see 2 + 3 + 3 + 2 rows and as many columns.
    assert counts.input_bits_read == 8 * 10 * 10
    # Three positions straddle rows: whole rows of 4, 0-1, 0-2, 0-3, 1-3, 2-3, and at last one part.
    counts = closed_form(layer, machine(1, 3, 9), Tiling("mpc", 1, 3, 1))
    spans = [(0, 2), (3, 5), (6, 8), (9, 11), (12, 14), (15, 15)]
    sizes = []
    for first, last in spans:
        (r0, c0), (r1, c1) = divmod(first, 4), divmod(last, 4)
        rows = min(r1 + 2, 4) - max(r0 - 1, 0)
        sizes.append(rows * (4 if r1 > r0 else min(c1 + 2, 4) - max(c0 - 1, 0)))
    assert sizes == [2 * 4, 3 * 4, 4 * 4, 3 * 4, 2 * 4, 2 * 2]
    assert counts.dram_input_bytes == sum(sizes)


def test_cut_reduction_by_hand(machine):
    """[S10.4] 4 channels in two ranges: 2 passes of 2 x 3 + 1 cycles each, sums there and back.

    12 weights of 3 bits are 2 x 3 bytes (two outputs and channels: 12 bits, then 6), 4 inputs 2 x 2
    bytes, 3 outputs 3 bytes. With 1 output in the last range: 2 bytes, 1 byte of weights.
    """
    layer = Layer.linear("fc", 4, 3, 3)
    counts = closed_form(layer, machine(2, 1, 1), Tiling("mpc", 2, 1, 2))
    assert counts.compute_cycles == 2 * 2 * (2 * 3 + 1)
    assert counts.dram_weight_bytes == 2 * 2 + 2 * 1
    assert counts.dram_input_bytes == 2 * (2 + 2)  # each range of outputs needs both
    assert counts.dram_output_bytes == 3
    assert counts.dram_partial_sum_bytes == 0
    assert counts.partial_sum_bits_read == counts.partial_sum_bits_written == 3 * 32
    assert counts.accumulates == 3 * 4 * 3 + 3


def test_causes_by_hand(machine):
    """[S10.4] A tile of 10 cycles of work; the channel's 6 + 5 + 12 bytes and what comes before.

    Latency of 2 x 3 cycles, one row of 16 bytes each at 5 cycles, 6 + 5 cycles; then 3, 5 and 12.
    """
    layer = Layer.linear("fc", 5, 3, 3, out_bits=32)
    whole = Tiling("mpc", 3, 1, 5)
    extra = {"bandwidth": 8, "latency": 3, "row": 16, "miss": 5}

    def stalls(**changes):
        counts = closed_form(layer, machine(2, 1, 2, **extra, **changes), whole)
        assert counts.compute_cycles == 20
        return [
            getattr(counts, f"stall_{cause}_cycles")
            for cause in ("latency", "row_miss", "weight", "input", "output", "partial_sum")
        ]

    assert stalls(double=False) == [6 + 3, 10 + 5, 6, 5, 12, 0]
    # The first 20 cycles are hidden: all waits for loads, and 4 of 6 cycles of weights.
    assert stalls() == [3, 5, 2, 5, 12, 0]
    # With one port no cycle in which words move is: 16 and then 3 + 1 waits are.
    assert stalls(ports=1) == [0, 4, 6, 5, 12, 0]
    # Bursts of 16 bytes: one each.
    assert stalls(burst=16) == [3, 5, 16 - 4, 16, 16, 0]


def test_compute_cycles_of_each_tile(machine):
    """[S10.4] In place of those of its size: the same numbers are the same counts."""
    layer = Layer.linear("fc", 8, 5, 3, positions=3)
    accelerator = machine(2, 2, 2, bandwidth=5, outputs=40)
    for order in ORDERS:
        tiling = Tiling(order, 2, 2, 4)
        counts = closed_form(layer, accelerator, tiling)
        work = np.broadcast_to(np.array([7, 7])[None, None, None, :], (1, 3, 2, 2))
        assert closed_form(layer, accelerator, tiling, work) == counts
    more = closed_form(layer, accelerator, tiling, work + np.eye(2, dtype=int))
    assert more.compute_cycles == counts.compute_cycles + 3 * 2
    with pytest.raises(ValueError, match=r"compute has shape \(1, 3\): expected \(1, 3, 2, 2\)"):
        closed_form(layer, accelerator, tiling, work[0, 0, :1].repeat(3, 1)[:, :3])


def test_offset_domain_sums_activations_too(machine):
    """[S9.1] One addition more per input, reduction step and row pass; no cycle more."""
    layer = Layer.linear("fc", 5, 3, 3)
    accelerator = machine(2, 1, 2)
    tiling = Tiling("mpc", 3, 1, 5)
    signed = closed_form(layer, accelerator, tiling)
    offset = closed_form(replace(layer, domain="offset"), accelerator, tiling)
    assert offset.lane_operations - signed.lane_operations == 2 * 5
    assert offset.accumulates - signed.accumulates == 2 * 3
    assert offset.cycles == signed.cycles


def touched(layer):
    """Count the input pixels that any window covers, one by one."""
    pixels = set()
    for row in range(layer.out_height):
        for column in range(layer.out_width):
            for i in range(layer.kernel_height):
                for j in range(layer.kernel_width):
                    y = row * layer.stride + i - layer.padding
                    x = column * layer.stride + j - layer.padding
                    if 0 <= y < layer.height and 0 <= x < layer.width:
                        pixels.add((y, x))
    return len(pixels)


@settings(max_examples=200)
@given(data=st.data())
def test_conservation(data, layers, machines):
    """[S10.5]"""
    layer = data.draw(layers())
    accelerator = data.draw(machines(layer))
    report = simulate(Workload("one", (layer,)), accelerator).layers[0]
    array = accelerator.array
    serial = layer.groups * layer.K * layer.M * layer.P * layer.bits
    assert report.cycles * array.rows * array.cols * array.lanes >= serial
    assert 0 < report.utilization <= 1
    weights = layer.groups * layer.K * layer.M * layer.bits
    inputs = touched(layer) * layer.channels * layer.in_bits
    outputs = layer.groups * layer.M * layer.P * layer.out_bits
    counts = report.counts
    assert 8 * counts.dram_weight_bytes >= weights
    assert 8 * counts.dram_input_bytes >= inputs
    assert 8 * counts.dram_output_bytes >= outputs
    assert 8 * report.dram_bytes >= weights + inputs + outputs
    assert report.cycles * accelerator.dram.bits_per_cycle >= 8 * report.dram_bytes
    assert report.cycles == report.compute_cycles + report.stall_cycles
    assert report.stall_cycles >= 0


@settings(max_examples=100)
@given(data=st.data())
def test_more_bits_are_never_faster(data, layers, machines):
    """[S10.1] [S10.5]"""
    widest = replace(data.draw(layers()), bits=9)
    accelerator = data.draw(machines(widest))
    reports = [
        simulate(Workload("one", (replace(widest, bits=bits),)), accelerator).totals
        for bits in range(2, 10)
    ]
    for fewer, more in itertools.pairwise(reports):
        assert fewer.compute_cycles < more.compute_cycles
        assert fewer.cycles <= more.cycles


@settings(max_examples=100)
@given(data=st.data())
def test_stripes_steps_are_met_or_beaten(data, layers, machine):
    """[S10.1] A Stripes-like array walks kernel taps and output rows one by one.

    Its cycles, ``ceil(C/lanes) kh kw ceil(M/rows) ceil(W/cols) H n``, are ours without drain where
    lanes divide the channels and columns the row, and never fewer.
    """
    layer = data.draw(layers())
    rows, cols, lanes = (data.draw(st.integers(1, 4)) for _ in range(3))
    ours = compute_cycles(layer, machine(rows, cols, lanes, drain=0))
    up = lambda a, b: -(-a // b)  # noqa: E731
    steps = up(layer.group_channels, lanes) * layer.kernel_height * layer.kernel_width
    positions = up(layer.out_width, cols) * layer.out_height
    stripes = layer.groups * steps * up(layer.M, rows) * positions * layer.bits
    assert ours <= stripes
    if layer.group_channels % lanes == 0 and layer.out_width % cols == 0:
        assert ours == stripes


def test_ideal_speed_up_is_the_ratio_of_bits(machine):
    """[S10.1] Without drain, 16 bits take 16 / n times as long as n."""
    accelerator = machine(8, 8, 16, drain=0)
    sixteen = compute_cycles(conv(bits=16), accelerator)
    for bits in range(2, 17):
        assert compute_cycles(conv(bits=bits), accelerator) * 16 == sixteen * bits


def test_places_are_the_fields_of_counts():
    """[S10.3] What compiled code counts by number."""
    names = [field.name for field in fields(Counts)]
    assert len(names) == places.PLACES
    assert names[places.STALL] == "stall_cycles"
    assert names[places.WAIT_ROW] == "stall_row_miss_cycles"
    assert names[places.DRAM_S] == "dram_partial_sum_bytes"
    assert names[places.S_WRITTEN] == "partial_sum_bits_written"
    assert names[places.ACCUMULATE] == "accumulates"
