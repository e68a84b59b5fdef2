"""The search against brute force on small layers, footprints against pixels one by one."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwsim import Layer, load_accelerator, network_workload
from hwsim.analytic import closed_form, compute_cycles
from hwsim.energy import energy_of
from hwsim.tiling import ORDERS, Tiling, best_tiling, input_bytes, legal


def up(a, b):
    return -(-a // b)


def footprint(layer, positions, channels):
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
    return up(len(ys) * len(xs) * channels * layer.in_bits, 8)


CAUSES = "weight", "input", "partial_sum", "output", "latency", "row_miss"


def walk(layer, accelerator, tiling):
    """Cycles by cause, and bytes, of a tiling, tile by tile; None if a tile does not fit.

    A list of what the channel does in each cycle of a tile, of which the array's work hides some.
    """
    array, buffers, dram = accelerator.array, accelerator.buffers, accelerator.dram
    parts = 2 if buffers.double_buffered else 1
    rooms = [
        size // parts for size in (buffers.weight_bytes, buffers.input_bytes, buffers.output_bytes)
    ]
    taps, channels = layer.kernel_height * layer.kernel_width, layer.group_channels
    whole = {"m": layer.M, "p": layer.P, "c": channels}
    size = {"m": tiling.m_size, "p": tiling.p_size, "c": tiling.c_size}
    cut = tiling.c_size < channels
    inside = tiling.order[tiling.order.index("c") :]
    live = [whole[loop] if loop in inside else size[loop] for loop in "mp"]
    spills = cut and 4 * live[0] * live[1] > rooms[2]
    ranges = {
        loop: [
            range(at, min(at + size[loop], whole[loop])) for at in range(0, whole[loop], size[loop])
        ]
        for loop in "mpc"
    }
    stalls = dict.fromkeys(CAUSES, 0)
    compute = total = tiles = 0
    before = (None, None)
    for group in range(layer.groups):
        for at in itertools.product(*(ranges[loop] for loop in tiling.order)):
            part = dict(zip(tiling.order, at, strict=True))
            m, p, c = (len(part[loop]) for loop in "mpc")
            begun, finished = part["c"].start > 0, part["c"].stop == channels
            weights = up(m * taps * c * layer.bits, 8)
            inputs = footprint(layer, part["p"], c)
            outputs, words = up(m * p * layer.out_bits, 8), 4 * m * p
            needs = weights, inputs, words if cut else outputs
            if any(need > room for need, room in zip(needs, rooms, strict=True)):
                return None
            own = (group, part["m"], part["c"]), (group, part["p"], part["c"])
            loads = [
                ("weight", weights if own[0] != before[0] else 0),
                ("input", inputs if own[1] != before[1] else 0),
                ("partial_sum", words if spills and begun else 0),
            ]
            spilled = ("partial_sum", words if spills else 0)
            stores = [("output", outputs) if finished else spilled]
            before = own
            work = up(m, array.rows) * up(p, array.cols) * (
                up(taps * c, array.lanes) * layer.bits + array.drain
            )  # fmt: skip
            did = []
            for streams in (loads, stores):
                bursts = [
                    (kind, up(amount, dram.burst_bytes) * dram.burst_bytes)
                    for kind, amount in streams
                    if amount
                ]
                did += ["latency"] * dram.latency_cycles * len(bursts)
                for _, amount in bursts:
                    rows = up(amount, dram.row_bytes) if dram.row_bytes else 0
                    did += ["row_miss"] * rows * dram.row_miss_cycles
                bits = [kind for kind, amount in bursts for _ in range(8 * amount)]
                did += bits[:: dram.bits_per_cycle]
                total += sum(amount for _, amount in bursts)
            compute += work
            left = work if buffers.double_buffered else 0
            for kind in did:
                hides = left > 0 and (buffers.ports == 2 or kind in ("latency", "row_miss"))
                left -= hides
                stalls[kind] += not hides
            tiles += 1
    return compute, stalls, total, tiles


def every_tiling(layer, accelerator):
    array, taps = accelerator.array, layer.kernel_height * layer.kernel_width
    unit = next(c for c in range(1, array.lanes + 1) if c * taps % array.lanes == 0)
    steps = (layer.M, array.rows), (layer.P, array.cols), (layer.group_channels, unit)
    sizes = (
        sorted({min(size, whole) for size in range(step, whole + step, step)})
        for whole, step in steps
    )
    for m, p, c in itertools.product(*sizes):
        for order in ("mpc", "pmc", "mcp", "pcm", "cmp", "cpm"):
            yield Tiling(order, m, p, c)


@settings(max_examples=60)
@given(data=st.data())
def test_search_finds_what_brute_force_finds(data, layers, machines):
    """[S10.4] The least cycles, bytes and energy of all sizes in all orders, tile by tile."""
    layer = data.draw(layers(max_side=4))
    accelerator = data.draw(machines(layer))
    found = []
    for tiling in every_tiling(layer, accelerator):
        cost = walk(layer, accelerator, tiling)
        if cost is None:
            with pytest.raises(ValueError, match="does not fit the buffers"):
                closed_form(layer, accelerator, tiling)
            continue
        compute, stalls, total, tiles = cost
        counts = closed_form(layer, accelerator, tiling)
        assert (counts.compute_cycles, counts.dram_bytes) == (compute, total)
        assert {cause: getattr(counts, f"stall_{cause}_cycles") for cause in CAUSES} == stalls
        assert counts.stall_cycles == sum(stalls.values())
        energy = energy_of(counts, layer, accelerator).total
        rest = tiles, ORDERS.index(tiling.order), tiling.m_size, tiling.p_size, tiling.c_size
        found.append((counts.cycles, total, energy, rest, tiling))
    assert found
    by_cycles, by_bytes, by_energy = (
        best_tiling(layer, accelerator, objective) for objective in ("cycles", "bytes", "energy")
    )
    assert by_cycles == min(found, key=lambda one: (one[0], one[1], one[3]))[-1]
    assert by_bytes == min(found, key=lambda one: (one[1], one[0], one[3]))[-1]
    least = min(one[2] for one in found)
    assert next(one[2] for one in found if one[-1] == by_energy) <= least * (1 + 1e-9)


@settings(max_examples=150)
@given(data=st.data())
def test_footprints_are_what_windows_see(data, layers):
    """[S10.4]"""
    layer = data.draw(layers())
    size = data.draw(st.integers(1, layer.P))
    ranges = [range(a, min(a + size, layer.P)) for a in range(0, layer.P, size)]
    channels = data.draw(st.integers(1, layer.group_channels))
    assert input_bytes(layer, size, channels).tolist() == [
        footprint(layer, p, channels) for p in ranges
    ]


def test_a_cut_adds_nothing_but_drains(machine):
    """[S10.1] No cut adds a pass or a step; one of the channels adds a drain for each pass."""
    layer = Layer("c", "conv", 5, 5, 7, 7, 2, 3, 3, padding=1)
    accelerator = machine(3, 4, 2)
    counts = {t: closed_form(layer, accelerator, t) for t in every_tiling(layer, accelerator)}
    assert len(counts) == 3 * 7 * 4 * 6
    for tiling, found in counts.items():
        drains = up(7, tiling.c_size)
        assert found.compute_cycles == 3 * 7 * (32 * 2 + drains)
        assert found.partial_sum_bits_written == 32 * 7 * 25 * (drains - 1)
    assert compute_cycles(layer, accelerator) == 3 * 7 * (32 * 2 + 1)


@pytest.mark.parametrize("network", ["resnet50", "deit-s", "swin-t"])
def test_networks_run_on_the_small_core(network):
    """[S10.4] Their longest reductions are cut."""
    accelerator = load_accelerator("edge-small")
    layers = network_workload(network).layers
    cuts = [best_tiling(layer, accelerator).c_size < layer.group_channels for layer in layers]
    assert any(cuts) or network != "resnet50"


def test_layers_of_equal_shape_are_cut_alike(machine):
    """[S10.4] Whatever their names; but not at another width."""
    one, other = (Layer.linear(name, 40, 30, 5, positions=9) for name in ("one", "other"))
    accelerator = machine(2, 3, 4, weight=90, inputs=60, outputs=60)
    assert best_tiling(one, accelerator) == best_tiling(other, accelerator)


def test_unknown_objective(machine):
    """[S10.4]"""
    with pytest.raises(ValueError, match="objective = 'cycle': did you mean 'cycles'"):
        best_tiling(Layer.linear("fc", 2, 2, 2), machine(), "cycle")


@pytest.mark.parametrize("double", [False, True])
@pytest.mark.parametrize(("kind", "need"), [("weight", 27), ("input", 36), ("output", 4)])
def test_no_tile_fits(machine, kind, need, double):
    """[S10.4] The error names layer, buffer and both sizes; one byte more is enough.

    9 x 4 x 2 weights of 3 bits; 3 x 3 pixels of 4 channels inside the image; 2 x 2 outputs,
    finished in a tile.
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


def test_smallest_tile_has_one_range_of_channels(machine):
    """[S10.4] 2 outputs of 9 x 2 channels at 3 bits; their partial sums take 4 bytes each."""
    layer = Layer("tight", "conv", 4, 4, 40, 4, 3, 3, 3, padding=1, out_bits=8)
    accelerator = machine(2, 2, 2, double=False, weight=14, inputs=200, outputs=16)
    assert best_tiling(layer, accelerator).c_size == 2
    with pytest.raises(ValueError, match=r"the weight buffer .* needs 14 bytes, 13 bytes are"):
        best_tiling(layer, machine(2, 2, 2, double=False, weight=13))
    with pytest.raises(ValueError, match=r"the output buffer .* needs 16 bytes, 15 bytes are"):
        best_tiling(layer, machine(2, 2, 2, double=False, weight=14, outputs=15))


@pytest.mark.parametrize(
    ("tiling", "message"),
    [
        (Tiling("rows", 2, 2, 8), "tiling.order = 'rows': known: mpc, pmc, mcp, pcm, cmp, cpm"),
        (Tiling("mpc", 3, 2, 8), r"layer fc: tiling.m_size = 3: expected a multiple of 2 below 5"),
        (Tiling("mpc", 6, 2, 8), r"tiling.m_size = 6"),
        (Tiling("mpc", 0, 2, 8), r"tiling.m_size = 0"),
        (Tiling("mpc", 2, 1, 8), r"tiling.p_size = 1: expected a multiple of 2 below 4, or 4"),
        (Tiling("mpc", 2, 2, 6), r"tiling.c_size = 6: expected a multiple of 4 below 8, or 8"),
        (Tiling("mpc", 2, 2, True), r"tiling.c_size = True"),
        (Tiling("mpc", 5, 4, 8), "layer fc: .* a tile does not fit the buffers"),
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
    layer = Layer("conv1", "conv", 224, 224, 3, 64, 8, 7, 7, stride=2, padding=3)
    for name in ("edge-small", "edge-large"):
        accelerator = load_accelerator(name)
        best = closed_form(layer, accelerator, best_tiling(layer, accelerator))
        tried = 0
        for m_size, p_size, order in itertools.product((32, 64), (32, 448, 896), ORDERS[:2]):
            try:
                other = closed_form(layer, accelerator, Tiling(order, m_size, p_size, 3))
            except ValueError:
                continue
            tried += 1
            assert best.cycles <= other.cycles
        assert tried
