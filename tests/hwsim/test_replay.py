"""Traffic of the closed form against a replay of every access."""

from dataclasses import asdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwsim import Layer
from hwsim import replay as module
from hwsim.analytic import closed_form
from hwsim.replay import replay
from hwsim.tiling import ORDERS, Tiling


@settings(max_examples=60)
@given(data=st.data())
def test_closed_form_counts_what_a_replay_moves(data, layers, machines, fitting):
    """[S10.4] Bytes by kind, and bits that the buffers take and give, with any tiling that fits."""
    layer = data.draw(layers(max_side=4))
    accelerator = data.draw(machines(layer))
    for tiling in data.draw(fitting(layer, accelerator)):
        counted = asdict(closed_form(layer, accelerator, tiling))
        found = replay(layer, accelerator, tiling)
        assert found == {name: counted[name] for name in found}


def test_a_spill_by_hand(machine):
    """[S10.4] Four channels in two ranges, four positions in two: all four sums, or two at a time.

    With channels outside, each range of two positions comes and goes: 8 bytes stored and loaded,
    twice.
    """
    layer = Layer.linear("fc", 4, 1, 2, positions=4)
    tiling = Tiling("cpm", 1, 2, 2)
    for room, spilled in ((16, 0), (15, 32)):
        counts = replay(layer, machine(1, 2, 2, double=False, outputs=room), tiling)
        assert counts["dram_partial_sum_bytes"] == spilled
        assert counts["partial_sum_bits_read"] == 4 * 32 + 4 * spilled
        assert counts["dram_output_bytes"] == 2 * 2


def test_every_order_spills_or_not(machine):
    """[S10.4] Room for six sums: of 2 x 3 outputs and positions, 12 sums with all positions."""
    layer = Layer.linear("fc", 4, 4, 2, positions=6)
    accelerator = machine(2, 3, 2, double=False, outputs=24)
    spills = {
        order: replay(layer, accelerator, Tiling(order, 2, 3, 2))["dram_partial_sum_bytes"] > 0
        for order in ORDERS
    }
    assert spills == {
        "mpc": False, "pmc": False, "mcp": True, "pcm": True, "cmp": True, "cpm": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("tiles", "message"),
    [
        (lambda tiles: tiles[:1], "partial sums are left"),
        (lambda tiles: tiles[1:], "a partial sum is not in its buffer"),
    ],
)
def test_replay_notices(machine, monkeypatch, tiles, message):
    """[S10.4] An order that leaves tiles out."""
    layer = Layer.linear("fc", 4, 1, 2)
    right = module._tiles
    monkeypatch.setattr(module, "_tiles", lambda *args: iter(tiles(list(right(*args)))))
    with pytest.raises(RuntimeError, match=f"layer fc: {message}"):
        replay(layer, machine(1, 1, 2), Tiling("mpc", 1, 1, 2))


def test_replay_notices_full_buffers(machine):
    """[S10.4]"""
    layer = Layer.linear("fc", 4, 2, 2)
    with pytest.raises(RuntimeError, match="layer fc: a buffer holds"):
        replay(layer, machine(1, 1, 2, double=False, weight=1), Tiling("mpc", 2, 1, 4))
