"""Planes of zeros that are skipped: counted once more, step by step, from the definition."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim import Layer, simulate
from hwsim.analytic import closed_form
from hwsim.array import Array
from hwsim.skipping import closed_form_of_values, skips
from hwsim.tiling import Tiling
from hwsim.workload import Workload


def planes(values, bits):
    """The planes in which some of the values have a one, in two's complement."""
    return {j for j in range(bits) if any(int(value) >> j & 1 for value in values)}


def brute_force(layer, array, w, x):
    """Cycles, lane operations of the elements and idle lane-cycles of a linear layer, by loops."""
    cycles = operations = idle = 0
    for m0, p0 in itertools.product(
        range(0, layer.M, array.rows), range(0, layer.P, array.cols)
    ):
        rows = range(m0, min(m0 + array.rows, layer.M))
        cols = range(p0, min(p0 + array.cols, layer.P))
        for k0 in range(0, layer.K, array.lanes):
            k = slice(k0, min(k0 + array.lanes, layer.K))
            lanes = k.stop - k.start
            lines = []
            for operand, bits, values in (
                ("weight", layer.bits, [w[k, m] for m in rows]),
                ("activation", layer.in_bits, [x[p, k] for p in cols]),
            ):
                if not array.is_serial(operand):
                    own = [1] * len(values)
                elif not array.skips(operand):
                    own = [bits] * len(values)
                elif array.skip_by == "line":
                    own = [len(planes(one, bits)) for one in values]
                else:
                    own = [len(planes(np.concatenate(values), bits))] * len(values)
                lines.append(own)
            step = max(1, *lines[0]) * max(1, *lines[1])
            done = sum(a * b for a, b in itertools.product(*lines))
            cycles += step
            operations += lanes * done
            idle += lanes * (step * len(rows) * len(cols) - done)
        cycles += array.fill + array.drain
    return cycles + array.tile_switch, operations, idle


@given(data=st.data())
def test_closed_form_is_brute_force(data, machine):
    """[S10.1] A step takes its planes, or those of the line that has most; one at the least."""
    number = lambda low, high: data.draw(st.integers(low, high))  # noqa: E731
    serial, skip = data.draw(
        st.sampled_from(
            [("weight", "weight-planes"), ("activation", "activation-bits"), ("both", "both"),
             ("both", "weight-planes"), ("both", "activation-bits")]
        )
    )  # fmt: skip
    array = Array(
        rows=number(1, 3), cols=number(1, 3), lanes=number(1, 4), drain=number(0, 2),
        fill=number(0, 2), tile_switch=number(0, 2), serial=serial, skip=skip,
        skip_by=data.draw(st.sampled_from(["array", "line"])),
    )  # fmt: skip
    layer = Layer.linear(
        "fc", number(1, 9), number(1, 5), number(2, 6), positions=number(1, 5), in_bits=number(1, 6)
    )
    rng = np.random.default_rng(number(0, 2**32))
    top = 2 ** (layer.bits - 1) - 1
    w = rng.integers(-top, top, (layer.K, layer.M), endpoint=True)
    x = rng.integers(0, 2**layer.in_bits, (layer.P, layer.K))
    w[rng.random(w.shape) < data.draw(st.sampled_from([0, 0.5, 1]))] = 0
    x[rng.random(x.shape) < data.draw(st.sampled_from([0, 0.5, 1]))] = 0
    accelerator = machine().model_copy(update={"array": array})
    whole = Tiling("mpc", layer.M, layer.P, layer.K)
    counts = closed_form_of_values(layer, accelerator, whole, w, x)
    found = counts.compute_cycles, counts.lane_operations, counts.idle_lane_cycles
    assert found == brute_force(layer, array, w, x)
    # [S10.5] What is not known is not skipped; skipping saves, and all the more by line.
    plain = closed_form(layer, accelerator, whole)
    assert closed_form_of_values(layer, accelerator, whole) == plain
    assert counts.compute_cycles <= plain.compute_cycles
    by_line = accelerator.model_copy(
        update={"array": array.model_copy(update={"skip_by": "line"})}
    )
    finer = closed_form_of_values(layer, by_line, whole, w, x)
    assert finer.compute_cycles <= counts.compute_cycles
    assert finer.lane_operations <= counts.lane_operations


def test_planes_that_training_made_zero(machine):
    """[S10.1] Weights whose k lowest planes are zero take n - k cycles a step, in both domains."""
    rng = np.random.default_rng(0)
    for domain, k in itertools.product(("signed", "offset"), range(6)):
        layer = Layer.linear("fc", 64, 8, 7, positions=3, domain=domain)
        low, high = (-63, 64) if domain == "signed" else (0, 128)
        w = rng.integers(low, high, (64, 8)) >> k << k
        array = Array(rows=8, cols=1, lanes=16, drain=0, skip="weight-planes")
        accelerator = machine().model_copy(update={"array": array})
        counts = closed_form_of_values(layer, accelerator, Tiling("mpc", 8, 3, 64), w)
        assert counts.compute_cycles == 3 * 4 * (7 - k)
        assert counts.weight_bits_read == 3 * 64 * 8 * (7 - k)
        assert counts.idle_lane_cycles == 0


def test_load_imbalance_is_counted(machine):
    """A row with one plane waits for the one with three: 2 cycles of its lanes at each column."""
    layer = Layer.linear("fc", 2, 2, 4, positions=3, domain="offset")
    w = np.array([[0b0001, 0b1011], [0b0001, 0b0010]])
    array = Array(rows=2, cols=3, lanes=2, drain=1, skip="weight-planes", skip_by="line")
    accelerator = machine().model_copy(update={"array": array})
    counts = closed_form_of_values(layer, accelerator, Tiling("mpc", 2, 3, 2), w)
    assert counts.compute_cycles == 3 + 1
    assert counts.idle_lane_cycles == 2 * 2 * 3
    assert counts.lane_operations == 2 * 3 * (1 + 3) + 2 * 3  # and the sums of activations [S9.1]
    array = array.model_copy(update={"skip_by": "array"})
    together = accelerator.model_copy(update={"array": array})
    counts = closed_form_of_values(layer, together, Tiling("mpc", 2, 3, 2), w)
    assert (counts.compute_cycles, counts.idle_lane_cycles) == (3 + 1, 0)


def test_a_report_skips_what_is_known(machine):
    """[S10.5] The workload's weights; utilization counts planes that were not skipped."""
    layers = tuple(
        Layer.linear(name, 32, 8, 6, positions=2, domain="offset") for name in ("known", "unknown")
    )
    values = {"known": np.full((1, 1, 32, 8), 0b110000)}
    workload = Workload("two", layers, values=values)
    array = Array(rows=8, cols=2, lanes=16, drain=0, skip="weight-planes")
    accelerator = machine(bandwidth=10**6).model_copy(update={"array": array})
    known, unknown = simulate(workload, accelerator).layers
    assert (known.compute_cycles, unknown.compute_cycles) == (2 * 2, 2 * 6)
    assert known.utilization <= 1
    assert unknown.utilization <= 1
    assert known.utilization > 0.5
    assert any("1 of 2 layers" in note for note in simulate(workload, accelerator).notes)


def test_shapes_are_checked(machine):
    """[S0.2] And an array that skips nothing does not look."""
    layer = Layer.linear("fc", 4, 2, 3)
    array = Array(rows=2, cols=2, lanes=2, skip="weight-planes")
    accelerator = machine().model_copy(update={"array": array})
    whole = Tiling("mpc", 2, 1, 4)
    with pytest.raises(ValueError, match=r"layer fc: weights has shape \(2, 4\): expected \(1, 1"):
        closed_form_of_values(layer, accelerator, whole, np.zeros((2, 4), int))
    assert skips(array)
    assert not skips(machine().array)
    plain = closed_form_of_values(layer, machine(), whole, np.zeros((2, 4), int))
    assert plain == closed_form(layer, machine(), whole)
