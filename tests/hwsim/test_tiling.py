"""The search against brute force on small layers, footprints against pixels one by one."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwsim import Layer
from hwsim.analytic import closed_form
from hwsim.tiling import Tiling, best_tiling, input_bytes, legal


def up(a, b):
    return -(-a // b)


def footprint(layer, positions):
    """Bytes of the box around all that the windows of some positions see, pixel by pixel."""
    rows = {p // layer.out_width for p in positions}
    ys, xs = set(), set()
    for p in positions:
        row, column = divmod(p, layer.out_width)
        ys |= {row * layer.stride - layer.padding + i for i in range(layer.kernel_height)}
        xs |= {column * layer.stride - layer.padding + j for j in range(layer.kernel_width)}
    if len(rows) > 1:
        xs = {0, layer.width - 1}
    ys = [y for y in range(min(ys), max(ys) + 1) if 0 <= y < layer.height]
    xs = [x for x in range(min(xs), max(xs) + 1) if 0 <= x < layer.width]
    return up(len(ys) * len(xs) * layer.group_channels * layer.in_bits, 8)


def walk(layer, accelerator, order, m_size, p_size):
    """Cycles and bytes of a tiling, tile by tile; None if a tile does not fit."""
    array, buffers = accelerator.array, accelerator.buffers
    parts = 2 if buffers.double_buffered else 1
    bandwidth = accelerator.dram.bits_per_cycle
    outputs = [range(a, min(a + m_size, layer.M)) for a in range(0, layer.M, m_size)]
    places = [range(a, min(a + p_size, layer.P)) for a in range(0, layer.P, p_size)]
    pairs = (
        [(m, p) for m in outputs for p in places]
        if order == "weights"
        else [(m, p) for p in places for m in outputs]
    )
    cycles = total = tiles = 0
    before = (None, None)
    for group in range(layer.groups):
        for m, p in pairs:
            weight = up(len(m) * layer.K * layer.bits, 8)
            inputs = footprint(layer, p)
            stored = up(len(m) * len(p) * layer.out_bits, 8)
            if (
                weight * parts > buffers.weight_bytes - buffers.weight_bytes % parts
                or inputs * parts > buffers.input_bytes - buffers.input_bytes % parts
                or stored * parts > buffers.output_bytes - buffers.output_bytes % parts
            ):
                return None
            loaded = (weight if before[0] != (group, m) else 0) + (
                inputs if before[1] != (group, p) else 0
            )
            before = (group, m), (group, p)
            step = up(layer.K, array.lanes) * layer.bits + array.drain
            compute = up(len(m), array.rows) * up(len(p), array.cols) * step
            transfer = up(8 * loaded, bandwidth) + up(8 * stored, bandwidth)
            cycles += max(compute, transfer) if parts == 2 else compute + transfer
            total += loaded + stored
            tiles += 1
    return cycles, total, tiles


def every_tiling(layer, accelerator):
    array = accelerator.array
    for m_size in range(array.rows, layer.M + array.rows, array.rows):
        for p_size in range(array.cols, layer.P + array.cols, array.cols):
            for order in ("weights", "inputs"):
                yield Tiling(order, min(m_size, layer.M), min(p_size, layer.P))


@settings(max_examples=150)
@given(data=st.data())
def test_search_finds_what_brute_force_finds(data, layers, machines):
    """[S10.4]"""
    layer = data.draw(layers(max_side=5))
    accelerator = data.draw(machines(layer))
    found = []
    for tiling in every_tiling(layer, accelerator):
        cost = walk(layer, accelerator, tiling.order, tiling.m_size, tiling.p_size)
        if cost is None:
            with pytest.raises(ValueError, match="does not fit the buffers"):
                closed_form(layer, accelerator, tiling)
            continue
        counts = closed_form(layer, accelerator, tiling)
        assert (counts.cycles, counts.dram_bytes) == cost[:2]
        found.append((*cost, tiling.order == "inputs", tiling.m_size, tiling.p_size, tiling))
    assert best_tiling(layer, accelerator) == min(found, key=lambda entry: entry[:-1])[-1]


@settings(max_examples=150)
@given(data=st.data())
def test_footprints_are_what_windows_see(data, layers):
    """[S10.4]"""
    layer = data.draw(layers())
    size = data.draw(st.integers(1, layer.P))
    ranges = [range(a, min(a + size, layer.P)) for a in range(0, layer.P, size)]
    assert input_bytes(layer, size).tolist() == [footprint(layer, p) for p in ranges]


def test_passes_of_all_tiles_are_those_of_the_layer(machine):
    """[S10.1] Ranges are multiples of the array's sides, so no tiling adds a pass."""
    layer = Layer("c", "conv", 5, 5, 2, 7, 2, 3, 3, padding=1)
    accelerator = machine(3, 4, 5)
    counts = [closed_form(layer, accelerator, t) for t in every_tiling(layer, accelerator)]
    assert len(counts) == 3 * 7 * 2
    assert {found.compute_cycles for found in counts} == {3 * 7 * (4 * 2 + 1)}


@pytest.mark.parametrize("double", [False, True])
@pytest.mark.parametrize(("kind", "need"), [("weight", 27), ("input", 36), ("output", 4)])
def test_no_tile_fits(machine, kind, need, double):
    """[S10.4] The error names layer, buffer and both sizes; one byte more is enough.

    36 x 2 weights of 3 bits; 3 x 3 pixels of 4 channels inside the image; 2 x 2 outputs.
    """
    layer = Layer("tight", "conv", 4, 4, 4, 4, 3, 3, 3, padding=1, out_bits=8)
    argument = {"weight": "weight", "input": "inputs", "output": "outputs"}[kind]
    parts = 2 if double else 1
    best_tiling(layer, machine(2, 2, 4, double=double, **{argument: parts * need}))
    message = f"layer tight: the {kind} buffer of drawn .* {need} bytes.* {need - 1} bytes are"
    with pytest.raises(ValueError, match=message):
        best_tiling(layer, machine(2, 2, 4, double=double, **{argument: parts * need - 1}))


def test_inputs_fit_only_with_more_outputs_than_there_is_room_for(machine):
    """[S10.4] Two positions straddle rows and see more than a whole row of three does."""
    layer = Layer("c", "conv", 2, 3, 1, 1, 2)
    fitting = {"inputs": 3, "outputs": 3}
    assert best_tiling(layer, machine(1, 3, 1, double=False, **fitting)).p_size == 3
    with pytest.raises(ValueError, match=r"output buffer of drawn .* 3 bytes, 2 bytes are there"):
        best_tiling(layer, machine(1, 3, 1, double=False, inputs=3, outputs=2))


@pytest.mark.parametrize(
    ("tiling", "message"),
    [
        (Tiling("rows", 2, 2), "tiling.order = 'rows': expected one of weights, inputs"),
        (Tiling("weights", 3, 2), r"layer fc: tiling.m_size = 3: expected a multiple of 2 below 5"),
        (Tiling("weights", 6, 2), r"tiling.m_size = 6"),
        (Tiling("weights", 0, 2), r"tiling.m_size = 0"),
        (Tiling("weights", 2, 1), r"tiling.p_size = 1: expected a multiple of 2 below 4, or 4"),
        (Tiling("weights", 5, 4), "layer fc: .* a tile does not fit the buffers"),
    ],
)
def test_bad_tilings(machine, tiling, message):
    """[S10.4]"""
    layer = Layer.linear("fc", 8, 5, 4, positions=4)
    accelerator = machine(2, 2, 4, weight=2 * 16)
    with pytest.raises(ValueError, match=message):
        legal(layer, accelerator, tiling)
    with pytest.raises(ValueError, match=message):
        closed_form(layer, accelerator, tiling)


def test_big_layers_are_searched_whole():
    """[S10.4] A ResNet's first layer has 1568 sizes of ranges of positions."""
    from hwsim import load_accelerator

    layer = Layer("conv1", "conv", 224, 224, 3, 64, 8, 7, 7, stride=2, padding=3)
    for name in ("edge-small", "edge-large"):
        accelerator = load_accelerator(name)
        best = closed_form(layer, accelerator, best_tiling(layer, accelerator))
        for m_size in (32, 64):
            for p_size in (32, 448, 896):
                for order in ("weights", "inputs"):
                    try:
                        other = closed_form(layer, accelerator, Tiling(order, m_size, p_size))
                    except ValueError:
                        continue
                    assert best.cycles <= other.cycles
