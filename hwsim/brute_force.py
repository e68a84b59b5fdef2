"""The search for tilings against all legal tilings, tried one after another."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from hwsim.analytic import closed_form
from hwsim.comparison import Comparison, Pair, compared
from hwsim.drawn_machines import Drawn, draw, legal_tilings
from hwsim.energy import energy_of
from hwsim.problem import ORDERS
from hwsim.tiling import OBJECTIVES, Tiling, best_tiling

__all__ = ["brute_force_comparisons", "try_all"]

ROUNDING = 1e-12
"""Energies are sums of fractions: in another order they differ by a share of this at the most."""


class Cost(NamedTuple):
    """What a tiling costs; the place among equals is `rest`, as `best_tiling` decides."""

    cycles: int
    energy: float
    bytes: int
    rest: tuple[int, ...]
    tiling: Tiling


def brute_force_comparisons(
    count: int, seed: int = 0, progress: Callable[[int], None] | None = None
) -> list[Comparison]:
    """Compare the best tilings of drawn layers with the best of all, for each objective.

    Parameters
    ----------
    count : int
        Layers to draw, by `hwsim.drawn_machines.draw`.
    seed : int
    progress : callable, optional
        Called with the number of layers done.

    Returns
    -------
    list of Comparison
        Of least cycles, energy (pJ) and DRAM bytes. Cycles and bytes are equal if the search has
        found the very tiling that comes first by its rules; the energy, if none has less, but for
        the rounding of a sum.
    """
    pairs: dict[str, list[Pair]] = {objective: [] for objective in OBJECTIVES}
    tried = 0
    for index in range(count):
        drawn = draw(index, seed)
        costs = try_all(drawn)
        tried += len(costs)
        for objective in OBJECTIVES:
            pairs[objective].append(_pair(drawn, costs, objective))
        if progress is not None:
            progress(index + 1)
    return [
        compared(
            f"brute force, {count} layers drawn, seed {seed}",
            f"least {_UNITS[objective]} of {tried:,} legal tilings",
            pairs[objective],
        )
        for objective in OBJECTIVES
    ]


_UNITS = {"cycles": "cycles", "energy": "energy, pJ,", "bytes": "DRAM bytes"}


def try_all(drawn: Drawn) -> list[Cost]:
    """Return what every legal tiling costs, by the closed form."""
    layer, accelerator = drawn
    found = []
    for tiling in legal_tilings(layer, accelerator):
        counts = closed_form(layer, accelerator, tiling)
        found.append(
            Cost(
                counts.cycles, energy_of(counts, layer, accelerator).total, counts.dram_bytes,
                (tiling.tiles(layer), ORDERS.index(tiling.order), *tiling.sizes), tiling,
            )
        )  # fmt: skip
    return found


def _pair(drawn: Drawn, costs: list[Cost], objective: str) -> Pair:
    chosen = best_tiling(*drawn, objective)
    ours = next((cost for cost in costs if cost.tiling == chosen), None)
    if ours is None:  # the search took one that is not legal
        return Pair(f"{drawn.text}: {chosen}", None, None, False)
    if objective == "energy":
        least = min(cost.energy for cost in costs)
        return Pair(drawn.text, ours.energy, least, ours.energy <= least * (1 + ROUNDING))
    if objective == "cycles":
        best = min(costs, key=lambda cost: (cost.cycles, cost.bytes, cost.rest))
    else:
        best = min(costs, key=lambda cost: (cost.bytes, cost.cycles, cost.rest))
    said = "" if ours == best else f": {ours.tiling} here, {best.tiling} there"
    return Pair(
        f"{drawn.text}{said}", getattr(ours, objective), getattr(best, objective), ours == best
    )
