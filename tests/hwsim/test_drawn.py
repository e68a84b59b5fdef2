"""Comparisons on drawn layers: all hold, what is drawn is of every kind, and faults are noticed."""

from dataclasses import replace

import numpy as np
import pytest

from hwsim import Layer, brute_force, replayed, stepped
from hwsim.array import Array
from hwsim.brute_force import brute_force_comparisons, try_all
from hwsim.drawn import KINDS, generator
from hwsim.drawn_machines import ARRAYS, draw, every_tiling, legal_tilings
from hwsim.energy import energy_of
from hwsim.replayed import replay_comparisons, tilings_to_run
from hwsim.stepped import engine_comparisons
from hwsim.tiling import best_tiling, legal
from hwsim.validate import compare_drawn

COUNT = len(ARRAYS) * KINDS


@pytest.fixture(scope="module")
def draws():
    """Give as many layers as the command draws."""
    return [draw(index, 0) for index in range(264)]


def test_what_is_drawn(draws):
    """[S10.4] Every kind of array with every kind of layer, and what makes tilings differ."""
    layers = [one.layer for one in draws]
    machines = [one.accelerator for one in draws]
    for which in range(len(ARRAYS)):
        kinds = layers[which :: len(ARRAYS)]
        assert {layer.kind for layer in kinds} == {"conv", "linear", "attention"}
        assert any(1 < layer.groups < layer.channels for layer in kinds)
        assert any(1 < layer.groups == layer.channels for layer in kinds)
    assert {layer.stride for layer in layers} == {1, 2, 3}
    assert {layer.padding for layer in layers} == {0, 1, 2}
    assert {layer.domain for layer in layers} == {"signed", "offset"}
    assert {layer.bits for layer in layers} >= set(range(1, 9))
    assert max(layer.bits for layer in layers) > 8
    for key in ("double_buffered", "ports"):
        shares = [getattr(machine.buffers, key) for machine in machines]
        assert 60 < shares.count(shares[0]) < 204
    assert 60 < sum(machine.dram.row_bytes > 0 for machine in machines) < 204
    assert len({machine.array for machine in machines}) > 200
    assert draw(17, 3) == draw(17, 3) != draw(17, 4)


def test_each_seed_draws_by_itself():
    """Numbers of more than 32 bits would be joined: (2^33, 0) is (0, 2) to NumPy."""
    joined = np.random.default_rng([2**33, 0]).random(4)
    assert np.array_equal(joined, np.random.default_rng([0, 2]).random(4))
    first = {generator(*parts).random() for parts in ((0, 2), (2, 0), (0, 2, 1), (2**32 - 1, 0))}
    assert len(first) == 4
    for seed in (-1, 2**32, 2**33):
        with pytest.raises(ValueError, match=f"seed = {seed}: expected 0 to 4294967295"):
            draw(0, seed)


def test_what_runs(draws):
    """[S10.4] Sums spill, edges are ragged, all orders come, and mostly there is a choice."""
    some = draws[:132]
    cuts = [len(legal_tilings(*one)) for one in some]
    assert min(cuts) >= 6
    assert sum(count > 6 for count in cuts) > 90
    run = [(one, tiling) for at, one in enumerate(some) for tiling in tilings_to_run(one, at, 0)]
    assert len(run) == 3 * len(some)
    assert {tiling.order for _, tiling in run} == {"mpc", "pmc", "mcp", "pcm", "cmp", "cpm"}
    spills = [stepped.closed_form_of_values(*one, tiling).dram_partial_sum_bytes
              for one, tiling in run]  # fmt: skip
    assert sum(spilled > 0 for spilled in spills) > 25
    for size, whole in (("m_size", "M"), ("p_size", "P"), ("c_size", "group_channels")):
        ragged = [1 for one, tiling in run if getattr(one.layer, whole) % getattr(tiling, size)]
        assert len(ragged) > 15, size


def test_all_hold():
    """[S10.3], [S10.4] As the command prints them; another seed draws other layers."""
    said = []
    found = list(compare_drawn(COUNT, 5, said.append))
    assert len(found) == 8
    assert all(one.required and one.holds for one in found), found
    rows = {(one.against.split(",")[0], one.what.split(" of ")[0]): one.rows for one in found}
    assert rows["brute force", "least cycles"] == COUNT
    assert rows["replay of every access", "DRAM bytes by kind"] == 4 * 3 * COUNT
    assert rows["replay of every access", "buffer bits by kind"] == 6 * 3 * COUNT
    assert rows["engine", "cycles, computing and stalled"] == 2 * 3 * COUNT
    assert rows["engine", "all other counters"] == 21 * 3 * COUNT
    assert said[:2] == ["brute force", f"brute force: 1 of {COUNT} layers"]
    assert said[-1].endswith(f": {COUNT} of {COUNT} layers")
    assert [one.ours for one in found] != [one.ours for one in compare_drawn(COUNT, 6)]
    assert list(compare_drawn(0)) == []
    with pytest.raises(ValueError, match="count = -1: expected at least 0"):
        list(compare_drawn(-1))


def test_every_tiling_is_tried():
    """[S10.4] All sizes by their definition, and those that fit of them."""
    layer, machine = draw(12, 0)
    sides = 1, 1, 1
    if isinstance(machine.array, Array):
        sides = machine.array.rows, machine.array.cols, machine.array.lanes
    taps = layer.kernel_height * layer.kernel_width
    unit = next(c for c in range(1, sides[2] + 1) if c * taps % sides[2] == 0)
    tried = {(one.m_size, one.p_size, one.c_size) for one in every_tiling(layer, machine)}
    assert tried == {
        (m, p, c)
        for m in range(1, layer.M + 1) if m % sides[0] == 0 or m == layer.M
        for p in range(1, layer.P + 1) if p % sides[1] == 0 or p == layer.P
        for c in range(1, layer.group_channels + 1)
        if c % unit == 0 or c == layer.group_channels
    }  # fmt: skip
    fitting = legal_tilings(layer, machine)
    assert all(legal(layer, machine, one) == one for one in fitting)
    costs = try_all(draw(12, 0))
    assert tuple(cost.tiling for cost in costs) == fitting
    least = min(costs, key=lambda cost: (cost.cycles, cost.bytes, cost.rest))
    assert best_tiling(layer, machine) == least.tiling


def test_a_worse_tiling_is_noticed(monkeypatch):
    """[S10.4] Of least cycles, energy and bytes; and one that does not fit."""

    def worst(layer, accelerator, objective):
        costs = try_all((layer, accelerator))
        return max(costs, key=lambda cost: getattr(cost, objective)).tiling

    monkeypatch.setattr(brute_force, "best_tiling", worst)
    for one in brute_force_comparisons(22):
        assert not one.holds
        assert one.error > 0
    assert "Tiling(order=" in brute_force_comparisons(22)[0].first_difference

    def unfit(layer, accelerator, objective):
        tilings = every_tiling(layer, accelerator)
        return next(iter(set(tilings) - set(legal_tilings(layer, accelerator))), None)

    monkeypatch.setattr(brute_force, "best_tiling", unfit)
    assert [one.equal for one in brute_force_comparisons(22)] == [0, 0, 0]


def test_one_byte_or_bit_too_many_is_noticed(monkeypatch):
    """[S10.4] In any field, and the row says in which."""
    right = replayed.closed_form
    for name, at in (("dram_input_bytes", 0), ("output_bits_written", 1)):

        def wrong(*arguments, name=name):
            counts = right(*arguments)
            return replace(counts, **{name: getattr(counts, name) + 1})

        monkeypatch.setattr(replayed, "closed_form", wrong)
        found = replay_comparisons(5)
        assert [one.holds for one in found] == [at == 1, at == 0]
        assert found[at].rows - found[at].equal == 15
        assert f": {name}: " in found[at].first_difference


def test_wrong_counters_and_outputs_of_the_engine_are_noticed(monkeypatch):
    """[S10.3] A cycle, a bit, an output."""
    right = stepped.simulate_layer

    def with_fault(fault):
        def run(*arguments, **settings):
            return fault(right(*arguments, **settings))

        monkeypatch.setattr(stepped, "simulate_layer", run)
        return [one.holds for one in engine_comparisons(4)]

    def count(name):
        return lambda ran: replace(
            ran, counts=replace(ran.counts, **{name: getattr(ran.counts, name) + 1})
        )

    assert with_fault(lambda ran: ran) == [True, True, True]
    assert with_fault(count("stall_cycles")) == [False, True, True]
    assert with_fault(count("stall_weight_cycles")) == [True, False, True]
    assert with_fault(count("lane_operations")) == [True, False, True]
    flipped = with_fault(lambda ran: replace(ran, accumulators=ran.accumulators ^ 1))
    assert flipped == [True, True, False]


def test_the_definition_of_attention():
    """[S9.1] A product for each head."""
    layer = Layer.attention("scores", 3, 2, 4, positions=2, groups=2)
    rng = np.random.default_rng(0)
    x, codes, signs = stepped.draw_tensors(rng, layer, in_signed=True)
    found = stepped.definition(layer, stepped.Tensors(x, codes, signs))
    v = codes * signs
    heads = [x[:, 3 * g : 3 * g + 3] @ v[:, 2 * g : 2 * g + 2] for g in range(2)]
    assert np.array_equal(found.reshape(2, 4), np.concatenate(heads, axis=1))


def test_time_costs_energy(draws):
    """[S10.4] Else the least energy would be that of the least bytes and reads alone."""
    layer, machine = draws[0]
    counts = try_all(draws[0])[0]
    full = stepped.closed_form_of_values(layer, machine, counts.tiling)
    slower = replace(full, stall_cycles=full.stall_cycles + 1)
    energies = [energy_of(one, layer, machine).total for one in (full, slower)]
    assert energies[0] < energies[1] < 2 * energies[0]
