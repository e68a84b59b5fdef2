"""The closed form's traffic against a replay of every access of small layers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

from hwsim.analytic import closed_form
from hwsim.comparison import Comparison, Pair, compared
from hwsim.drawn import generator
from hwsim.drawn_machines import Drawn, draw, legal_tilings
from hwsim.replay import replay
from hwsim.tiling import Tiling, best_tiling

__all__ = ["replay_comparisons", "tilings_to_run"]

MORE_TILINGS = 2
"""Run beside the best one of a layer, so that sums spill and loops turn in every order."""


def replay_comparisons(
    count: int, seed: int = 0, progress: Callable[[int], None] | None = None
) -> list[Comparison]:
    """Compare the traffic of drawn layers, field by field; parameters as of the brute force.

    Returns
    -------
    list of Comparison
        Of the bytes to and from DRAM, a row for each of weights, inputs, outputs and partial sums
        of each tiling that runs; and of the bits in and out of the buffers by kind.
    """
    found: dict[str, list[Pair]] = {"DRAM bytes": [], "buffer bits": []}
    for index in range(count):
        drawn = draw(index, seed)
        for tiling in tilings_to_run(drawn, index, seed):
            counted = asdict(closed_form(*drawn, tiling))
            for name, there in replay(*drawn, tiling).items():
                unit = "DRAM bytes" if name.endswith("_bytes") else "buffer bits"
                row = f"{drawn.text}, {tiling}: {name}"
                found[unit].append(Pair(row, counted[name], there, counted[name] == there))
        if progress is not None:
            progress(index + 1)
    against = f"replay of every access, {count} layers drawn, seed {seed}"
    return [compared(against, f"{unit} by kind", pairs) for unit, pairs in found.items()]


def tilings_to_run(drawn: Drawn, index: int, seed: int) -> list[Tiling]:
    """Return the tiling with the least cycles, and some drawn ones of the others."""
    best = best_tiling(*drawn)
    others = [tiling for tiling in legal_tilings(*drawn) if tiling != best]
    rng = generator(seed, index, 1)
    chosen = rng.permutation(len(others))[:MORE_TILINGS]
    return [best, *(others[int(at)] for at in chosen)]
