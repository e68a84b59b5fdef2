"""The peers' formulas against loops that count what their machines do."""

import itertools
from math import ceil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwsim import Layer
from hwsim.peers import (
    DATAFLOWS,
    LayerShape,
    bismo_cycles,
    bismo_peak,
    bitfusion_cycles,
    bitfusion_total,
    bitsim_cycles,
    dadiannao_cycles,
    dpnn_cycles,
    loom_cycles,
    shape_of,
    stripes_cycles,
    systolic_cycles,
)
from hwsim.peers.bitfusion import BitFusion

small = st.integers(1, 5)
shapes = st.builds(
    LayerShape, st.integers(1, 40), st.integers(1, 40), small, small, st.integers(1, 3), small,
    st.integers(1, 20), st.integers(1, 3), st.integers(1, 2), st.integers(1, 16),
    st.integers(1, 16),
)  # fmt: skip


def ranges(total, step):
    """Return the ranges that a loop of a step cuts a size into."""
    return [range(start, min(start + step, total)) for start in range(0, total, step)]


@given(shapes, st.integers(1, 9), st.integers(1, 9), st.sampled_from(DATAFLOWS))
def test_systolic(shape, rows, cols, dataflow):
    """A value meets the element in row r and column c r + c cycles after it was due at the edge.

    A fold ends when the last value has met the last element; operands that stay take a cycle for
    each row to get in place.
    """
    K, M, P = shape.K, shape.M, shape.P
    down, across, by = {"os": (P, M, K), "ws": (K, M, P), "is": (K, P, M)}[dataflow]
    last = (rows - 1) + (cols - 1) + (by - 1)
    one = (0 if dataflow == "os" else rows) + last + 1
    folds = len(ranges(down, rows)) * len(ranges(across, cols))
    assert systolic_cycles(shape, rows, cols, dataflow) == shape.groups * (folds * one - 1)


def test_unknown_dataflow():
    with pytest.raises(ValueError, match="dataflow = 'rs': known: os, ws, is"):
        systolic_cycles(LayerShape(1, 1), 1, 1, "rs")


@given(shapes, st.integers(1, 9), st.integers(1, 9), st.integers(1, 9))
def test_bitsim(shape, rows, cols, lanes):
    """Passes over outputs and columns, in each the steps of a reduction, in each the bits."""
    taps = shape.kernel_height * shape.kernel_width
    if taps > shape.channels or shape.groups > 1:
        steps = [lane for _ in range(shape.channels) for lane in ranges(taps, lanes)]
    else:
        steps = [lane for _ in range(taps) for lane in ranges(shape.channels, lanes)]
    filters = shape.groups * shape.outputs
    passes = filters if shape.groups > 1 else len(ranges(filters, rows))
    lines = shape.batch * shape.out_height
    tiles = passes * lines * len(ranges(shape.out_width, cols)) * len(steps)
    assert bitsim_cycles(shape, rows, cols, lanes) == tiles * shape.weight_bits


@given(shapes, st.integers(1, 4), st.integers(1, 9), st.integers(1, 4))
@settings(max_examples=30)
def test_bismo(shape, d_m, d_k, d_n):
    """Every plane of the one operand with every plane of the other, tile by tile."""
    tiles = itertools.product(ranges(shape.M, d_m), ranges(shape.K, d_k), ranges(shape.P, d_n))
    planes = itertools.product(range(shape.weight_bits), range(shape.activation_bits))
    count = len(list(tiles)) * len(list(planes)) * shape.groups
    assert bismo_cycles(shape, d_m, d_k, d_n) == count


def test_bismo_peak():
    """A full array does its binary products in every cycle: 2 x 8 x 256 x 8 at 200 MHz."""
    assert bismo_peak(8, 256, 8, 200e6) == 6.5536e12
    full = LayerShape(256, 8, out_width=8, weight_bits=1, activation_bits=1)
    assert bismo_cycles(full, 8, 256, 8) == 1


@given(shapes)
def test_stripes_and_loom_are_never_faster_than_ideal(shape):
    """At 16 bits they are as fast as the bit-parallel machine, or slower at ragged edges."""
    ideal = 16 / shape.activation_bits
    assert dadiannao_cycles(shape) / stripes_cycles(shape) <= ideal * (1 + 1e-12)
    if shape.P > 1:
        ideal = 256 / (shape.weight_bits * shape.activation_bits)
        assert dpnn_cycles(shape) / loom_cycles(shape) <= 16 * ideal


@given(
    st.integers(1, 600), st.integers(1, 600), st.integers(1, 16), st.integers(1, 16),
    st.integers(1, 3),
)  # fmt: skip
def test_stripes_at_one_position(channels, outputs, w, a, groups):
    """A brick a cycle goes to the next of 16 columns, which has it for as many cycles as bits."""
    shape = LayerShape(channels, outputs, groups=groups, weight_bits=w, activation_bits=a)
    free = [0] * 16
    time = end = 0
    for at, _ in enumerate(
        itertools.product(range(groups), ranges(outputs, 256), ranges(channels, 16))
    ):
        time = max(time, free[at % 16])
        free[at % 16] = end = time + a
        time += 1
    assert stripes_cycles(shape) == end
    assert dadiannao_cycles(shape) + a - 1 == end


@pytest.mark.parametrize("bits", range(1, 17))
def test_full_layers_reach_the_ideal(bits):
    """Sizes that fill every lane, filter and window."""
    widths = {"weight_bits": 5, "activation_bits": bits}
    conv = LayerShape(32, 256, 3, 3, out_height=4, out_width=8, **widths)
    assert dadiannao_cycles(conv) / stripes_cycles(conv) == pytest.approx(16 / bits)
    assert dpnn_cycles(conv) / loom_cycles(conv) == pytest.approx(256 / (5 * bits))
    linear = LayerShape(64, 4096, **widths)
    assert dpnn_cycles(linear) / loom_cycles(linear) == pytest.approx(16 / 5)


def fusion(**changes):
    sizes = {
        "rows": 4, "cols": 2, "most_bits": 8, "least_bits": 2, "bandwidth": 24,
        "weight_bytes": 256, "input_bytes": 256, "output_bytes": 256,
    }  # fmt: skip
    return BitFusion(**{**sizes, **changes})


fusions = st.builds(
    fusion, rows=small, cols=small, bandwidth=st.sampled_from([8, 24, 1000]),
    weight_bytes=st.sampled_from([512, 2048, 8192]), input_bytes=st.sampled_from([512, 8192]),
    output_bytes=st.sampled_from([256, 4096]),
)  # fmt: skip
fused = st.builds(
    lambda channels, outputs, kernel, stride, size, batch, w, a: LayerShape(
        channels, outputs, kernel, kernel, stride, size, size, 1, batch, w, a
    ),
    st.integers(1, 20), st.integers(1, 12), st.integers(1, 3), st.integers(1, 2),
    st.integers(1, 5), st.integers(1, 4), st.sampled_from([1, 2, 4, 8]),
    st.sampled_from([1, 2, 4, 8]),
)  # fmt: skip


@given(fused, fusions, st.booleans())
@settings(deadline=None, max_examples=40)
def test_bitfusion(shape, machine, flat):
    """Loops over images, outputs and positions; what a multiplier does in a cycle; all cuts."""
    splits = [8 // max(bits, 2) for bits in (shape.weight_bits, shape.activation_bits)]
    assert machine.products(shape) == splits[0] * splits[1]
    terms = machine.rows * machine.products(shape)
    reduction = [shape.K] if flat else [shape.channels] * shape.kernel_height**2
    cycles = sum(len(ranges(part, terms)) for part in reduction)
    cycles *= shape.P * len(ranges(shape.outputs, machine.cols))
    assert bitfusion_cycles(shape, machine, flat=flat) == cycles
    slow = slow_total(shape, machine, flat)
    if slow is None:
        with pytest.raises(ValueError, match="no tile of the layer fits"):
            bitfusion_total(shape, machine, flat=flat)
    else:
        assert bitfusion_total(shape, machine, flat=flat) == slow


def test_bitfusion_of_absurd_sizes():
    """Refused before integers run over."""
    with pytest.raises(ValueError, match="multiplications: expected at most 2"):
        bitfusion_total(LayerShape(2**40, 2**40), fusion(), flat=False)


def slow_total(shape, machine, flat):
    """Try every cut in every order of all five loops, one by one."""
    sides = shape.batch, shape.out_height, shape.channels, shape.outputs
    steps = 1, 1, 1, 1 if flat else machine.cols
    best = None
    for tile in itertools.product(*map(doublings, sides, steps)):
        b, o, ic, oc = tile
        n = [ceil(side / size) for side, size in zip(sides, tile, strict=True)]
        loops = {"b": n[0], "ow": n[1], "oh": n[1], "ic": n[2], "oc": n[3]}
        for order in itertools.permutations(loops):
            cycles = one_total(shape, machine, flat, (b, o, ic, oc), loops, order)
            if cycles is not None and (best is None or cycles < best):
                best = cycles
    return best


def doublings(side, step):
    sizes = [step]
    while sizes[-1] < side:
        sizes.append(2 * sizes[-1])
    return [min(size, side) for size in sizes]


def one_total(shape, machine, flat, tile, loops, order):
    b, o, ic, oc = tile
    k, terms = shape.kernel_height, machine.rows * machine.products(shape)
    bits = {
        "w": ceil(k * k * ic / terms) * terms * oc * shape.weight_bits,
        "i": (o * o * k * k if flat else (k + (o - 1) * shape.stride) ** 2) * ic * b
        * shape.activation_bits,
        "o": o * o * ceil(oc / machine.cols) * machine.cols * b * 32,
    }  # fmt: skip
    room = dict(zip("wio", (machine.weight_bytes, machine.input_bytes, machine.output_bytes),
                    strict=True))  # fmt: skip
    if any(bits[kind] > room[kind] * 4 for kind in "wio"):
        return None
    depends = {"w": {"ic", "oc"}, "i": {"b", "ow", "oh", "ic"}, "o": {"b", "ow", "oh", "oc"}}
    held = dict(bits)
    for kind in "wio":
        whole = True
        for loop in reversed(order):
            if not whole:
                bits[kind] *= loops[loop]
            elif loop in depends[kind]:
                bits[kind] *= loops[loop]
                if bits[kind] > room[kind] * 4:
                    whole = False
                else:
                    held[kind] = bits[kind]
    begin, end = sum(held.values()), held["o"]
    between = bits["w"] + bits["i"] + 2 * bits["o"] - begin - end
    steps = ceil(k * k * ic / terms) if flat else k * k * ceil(ic / terms)
    compute = b * o * o * ceil(oc / machine.cols) * steps * int(np.prod(list(loops.values())))
    waits = ceil(begin / machine.bandwidth) + ceil(end / machine.bandwidth)
    return max(compute, ceil(between / machine.bandwidth)) + waits


def test_shapes():
    """[S10.2] Sizes are those of a group; a size that is none is refused."""
    layer = Layer(
        "c", "conv", 9, 7, 6, 4, 3, kernel_height=3, kernel_width=2, stride=2, padding=1,
        groups=2, in_bits=5,
    )  # fmt: skip
    shape = shape_of(layer)
    assert (shape.K, shape.M, shape.P, shape.macs) == (layer.K, layer.M, layer.P, layer.macs)
    assert (shape.groups, shape.weight_bits, shape.activation_bits) == (2, 3, 5)
    with pytest.raises(ValueError, match="outputs = 0: expected an integer of at least 1"):
        LayerShape(1, 0)
