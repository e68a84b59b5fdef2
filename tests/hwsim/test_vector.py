"""The vector unit: cycles, traffic, and operands that stay on the chip."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim import Layer, Workload
from hwsim.accelerator import Dram, Vector
from hwsim.network_steps import network_steps
from hwsim.networks import network_names, network_workload
from hwsim.vector import kept_tensors, vector_counts, vector_lines
from hwsim.vector_layer import ELEMENT_WISE, OPERATIONS, Operand, VectorLayer

EIGHT = [
    "resnet20", "resnet18", "resnet50", "mobilenetv3-large", "mobilenetv3-small", "deit-ti",
    "deit-s", "swin-t",
]  # fmt: skip


def with_vector(accelerator, lanes=4, activation_bytes=0):
    unit = Vector(lanes=lanes, activation_bytes=activation_bytes)
    return accelerator.model_copy(update={"vector": unit})


def operand(tensor, bits, made, **rest):
    return Operand(tensor, bits, rest.pop("whole", bits), made, **rest)


def test_counts_by_hand(machine):
    """[S10.4] 10 results of 3 operations on 4 lanes; 13 bits in, 9 bits in, 20 bits out."""
    layer = VectorLayer(
        "p", "max_pool", "", 3, 10, 3, operands=(operand("x", 13, 1), operand("y", 9, 2)),
        constant_bits=3, stored_bits=20,
    )  # fmt: skip
    double = with_vector(machine(bandwidth=8))
    counts = vector_counts(layer, double)
    assert (counts.operations, counts.compute_cycles, counts.hidden_cycles) == (30, 8, 0)
    assert (counts.dram_input_bytes, counts.dram_output_bytes) == (1 + 2 + 2, 3)
    assert (counts.stall_cycles, counts.cycles, counts.dram_bytes) == (0, 8, 8)
    narrow = vector_counts(layer, with_vector(machine(bandwidth=3)))
    transfer = 14 + 8  # 40 bits in, 24 out, 3 at a time
    assert (narrow.compute_cycles, narrow.stall_cycles) == (8, transfer - 8)
    single = vector_counts(layer, with_vector(machine(bandwidth=3, double=False)))
    assert (single.compute_cycles, single.stall_cycles) == (8, transfer)


def test_streams_of_dram(machine):
    """[S10.4] Bursts of 4 bytes, 5 cycles to the first word, rows of 8 bytes at 7 cycles each."""
    layer = VectorLayer(
        "p", "add", "", 3, 1, 2, operands=(operand("x", 8 * 13, 1), operand("y", 9, 2)),
        stored_bits=8 * 8,
    )  # fmt: skip
    plain = with_vector(machine(bandwidth=8))
    dram = Dram(
        bits_per_cycle=8, burst_bytes=4, latency_cycles=5, row_bytes=8, row_miss_cycles=7
    )
    counts = vector_counts(layer, plain.model_copy(update={"dram": dram}))
    assert (counts.dram_input_bytes, counts.dram_output_bytes) == (16 + 4, 8)
    channel = 2 * 5 + (2 + 1) * 7 + 20 + 5 + 7 + 8
    assert (counts.compute_cycles, counts.stall_cycles) == (1, channel - 1)


def test_kept_operands_are_read_on_the_chip(machine):
    """[S10.4] Written once, whole, and read as often as they are used."""
    first = VectorLayer("a", "average_pool", "", 3, 1, 5, operands=(operand("x", 16, 1),))
    again = VectorLayer(
        "b", "multiply", "", 5, 2, 2, operands=(operand("x", 8, 1, whole=16, first=False),)
    )
    accelerator = with_vector(machine(), activation_bytes=2)
    one, two = (vector_counts(layer, accelerator, kept={"x"}) for layer in (first, again))
    assert (one.activation_bits_written, one.activation_bits_read) == (16, 16)
    assert (two.activation_bits_written, two.activation_bits_read) == (0, 8)
    assert (one.dram_bytes, two.dram_bytes) == (0, 0)


def test_fused_layers_work_beside_the_array(machine):
    """[S10.4] As long as the array does; what comes behind a pool does not."""
    layers = tuple(Layer.linear(name, 4, 4, 4) for name in "ab")
    vector = (
        VectorLayer("q", "requantize", "a", 1, 12, 1, fused=True),
        VectorLayer("g", "gelu", "a", 2, 12, 7, fused=True),
        VectorLayer("m", "max_pool", "a", 3, 4, 4),
        VectorLayer("h", "gelu", "a", 4, 4, 7, fused=True),
        VectorLayer("r", "requantize", "b", 6, 12, 1, fused=True),
    )
    workload = Workload("w", layers, vector)
    accelerator = with_vector(machine())
    lines = vector_lines(workload, accelerator, {"a": 5, "b": 100})
    assert [line.name for line in lines] == ["q", "g", "m", "h", "r"]
    assert [line.hidden_cycles for line in lines] == [3, 2, 0, 0, 3]
    assert [line.compute_cycles for line in lines] == [0, 19, 4, 7, 0]
    with pytest.raises(ValueError, match="cycles has no 'b': layer r follows it"):
        vector_lines(workload, accelerator, {"a": 5})


def test_accelerators_without_a_unit(machine):
    """They count products only."""
    workload = network_workload("resnet20")
    assert vector_lines(workload, machine(), {}) == ()
    with pytest.raises(ValueError, match="accelerator drawn: vector is missing: layer conv1"):
        vector_counts(workload.vector[0], machine())


@st.composite
def used(draw):
    layers = []
    for step in range(draw(st.integers(1, 8))):
        chosen = draw(st.lists(st.integers(0, 5), max_size=3, unique=True))
        operands = tuple(
            operand(f"t{made}", 8 * (1 + (5 * made) % 7), made, external=made == 5)
            for made in chosen
            if made <= step
        )
        layers.append(VectorLayer(f"s{step}", "add", "", step + 1, 1, 2, operands=operands))
    return layers


@given(used(), st.integers(0, 20))
def test_what_is_kept_fits_at_every_step(layers, room):
    """[S10.4] First come, first served: replayed step by step, with what is on the chip."""
    sizes, last = {}, {}
    for layer in layers:
        for one in layer.operands:
            if not one.external:
                sizes[one.tensor], last[one.tensor] = one.whole // 8, layer.step
    chip, expected = {}, set()
    for step in range(12):
        chip = {tensor: size for tensor, size in chip.items() if last[tensor] >= step}
        tensor = f"t{step}"
        if tensor in sizes and sum(chip.values()) + sizes[tensor] <= room:
            chip[tensor] = sizes[tensor]
            expected.add(tensor)
        assert sum(chip.values()) <= room
    assert kept_tensors(layers, room) == expected


@pytest.mark.parametrize("name", network_names())
def test_bundled_networks(name):
    """[S9.4] [S9.5] Every product but the last is requantized once; every addition has two."""
    work = network_workload(name, in_bits=6)
    kinds = {layer.kind for layer in work.vector}
    assert kinds <= OPERATIONS.keys()
    requantized = [layer.after for layer in work.vector if layer.kind == "requantize"]
    assert requantized == [layer.name for layer in work.layers[:-1]]
    outputs = {layer.name: layer.P * layer.outputs for layer in work.layers}
    for layer in work.vector:
        if layer.kind == "requantize":
            assert (layer.fused, layer.elements) == (True, outputs[layer.after])
        if layer.kind not in ELEMENT_WISE:
            assert (bool(layer.operands), layer.fused) == (True, False)
        for one in layer.operands:
            assert one.bits % 6 == 0
            assert one.bits <= one.whole
            assert one.made < layer.step
    logits = work.layers[-1]
    assert logits.out_bits == 32
    assert logits.name not in requantized


def summed(name, kind):
    return sum(layer.elements for layer in network_workload(name).vector if layer.kind == kind)


def test_operations_of_published_networks():
    """Counted by hand from the papers' tables."""
    assert summed("resnet18", "max_pool") == 56 * 56 * 64
    stages = [(56, 64), (28, 128), (14, 256), (7, 512)]
    assert summed("resnet18", "add") == sum(2 * side**2 * width for side, width in stages)
    blocks = [3, 4, 6, 3]
    assert summed("resnet50", "add") == sum(
        count * side**2 * 4 * width for count, (side, width) in zip(blocks, stages, strict=True)
    )
    assert summed("deit-s", "softmax") == 12 * 6 * 197**2
    assert summed("deit-s", "layernorm") == 25 * 197 * 384
    assert summed("deit-s", "gelu") == 12 * 197 * 1536
    assert summed("deit-s", "add") == 197 * 384 + 24 * 197 * 384
    tokens = [(2, 56, 3), (2, 28, 6), (6, 14, 12), (2, 7, 24)]
    assert summed("swin-t", "softmax") == sum(n * s**2 * heads * 49 for n, s, heads in tokens)
    squeezed = [layer for layer in network_workload("mobilenetv3-large").vector
                if layer.kind == "multiply"]  # fmt: skip
    sizes = [(28, 72), (28, 120), (28, 120), (14, 480), (14, 672), (7, 672), (7, 960), (7, 960)]
    assert [layer.elements for layer in squeezed] == [side**2 * width for side, width in sizes]


@pytest.mark.parametrize("name", EIGHT)
def test_enough_room_leaves_what_must_move(name, machine):
    """[S10.4] With all operands kept, DRAM sees constants and stores only; without, the most."""
    work = network_workload(name)
    cycles = {layer.name: 10**9 for layer in work.layers}
    none, some, all_ = (
        vector_lines(work, with_vector(machine(), 64, room), cycles) for room in (0, 150_000, 10**9)
    )
    reads = [sum(line.dram_input_bytes for line in lines) for lines in (none, some, all_)]
    assert reads[0] >= reads[1] >= reads[2]
    constants = sum(-(-layer.constant_bits // 8) for layer in work.vector)
    outside = sum(-(-o.bits // 8) for layer in work.vector for o in layer.operands if o.external)
    assert reads[2] == constants + outside
    operands = sum(-(-o.bits // 8) for layer in work.vector for o in layer.operands)
    assert reads[0] == constants + operands
    for lines in (none, some, all_):
        assert all(line.activation_bits_read == 0 for line in lines) == (lines is none)
        assert sum(line.operations for line in lines) == sum(
            layer.elements * layer.operations for layer in work.vector
        )


def test_layers_that_are_not_understood():
    """A layer of an unknown kind is an error, not silence."""
    from types import SimpleNamespace

    layer = SimpleNamespace(parts={}, quantizable=False)
    network = SimpleNamespace(layers={"odd": layer})
    with pytest.raises(ValueError, match="layer odd: SimpleNamespace is not understood"):
        network_steps(network, {id(layer): ((1, 4), (1, 4))}, {}, 8)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "fft"}, "layer v: kind = 'fft': expected one of add"),
        ({"elements": 0}, "layer v: elements = 0: expected an integer of at least 1"),
        ({"operations": -1}, "layer v: operations = -1: expected an integer of at least 0"),
        ({"stored_bits": 1.5}, "layer v: stored_bits = 1.5"),
        ({"kind": "softmax"}, "layer v: fused = True: softmax needs whole windows"),
    ],
)
def test_bad_layers(change, message):
    good = VectorLayer("v", "add", "", 0, 1, 1, fused=True)
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(good, **change)
