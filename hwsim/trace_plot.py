"""A trace of `hwsim.trace` as a picture: a column a cycle, a band for all that the array holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hwsim.trace import Cycle
from msq_ref.formats.style import COLOURS, new_figure

__all__ = ["draw_trace", "trace_figure"]

MOST_CYCLES = 40
"""More than these cannot be read."""

BLUE, RED, GREEN, PINK, ORANGE, SKY, _ = COLOURS
GREY = "#b0b0b0"


def trace_figure(cycles: Sequence[Cycle]) -> Any:  # noqa: ANN401
    """Return a figure of the size that a trace needs; see `draw_trace`."""
    _check(cycles)
    bands = len(_bands(cycles))
    figure, axis = new_figure(width=2.0 + 0.95 * len(cycles), height=1.0 + 0.48 * bands)
    draw_trace(axis, cycles)
    return figure


def draw_trace(axis: Any, cycles: Sequence[Cycle]) -> None:  # noqa: ANN401
    """Draw each cycle of an array: operands, what is added, what the accumulators hold then.

    A weight's bit of 1 is filled; behind the bits stands what their plane counts. Activations are
    dark in the cycle in which they are read and pale while they stay. An accumulator shows what is
    added, and below it what it holds then; in a pass's last cycle, what leaves.

    Parameters
    ----------
    axis : matplotlib axes
    cycles : sequence of Cycle
        Of `trace_linear`, 1 to 40.

    Raises
    ------
    ValueError
        If there is no cycle, or more than can be read.
    """
    _check(cycles)
    bands = _bands(cycles)
    at = {band: y for y, band in enumerate(bands)}
    before: Cycle | None = None
    for x, cycle in enumerate(cycles, 1):
        fresh = before is None or _operands(before) != _operands(cycle)
        _draw_cycle(axis, x, cycle, at, fresh=fresh)
        before = cycle
    axis.set(
        xlim=(0.4, len(cycles) + 0.6), ylim=(len(bands) - 0.4, -1.0), xlabel="cycle",
        xticks=range(1, len(cycles) + 1), yticks=range(len(bands)),
        yticklabels=list(bands.values()),
    )  # fmt: skip
    axis.tick_params(length=0)
    axis.grid(visible=False)
    axis.spines["left"].set_visible(False)


def _draw_cycle(
    axis: Any, x: int, cycle: Cycle, at: dict[tuple[Any, ...], int], *, fresh: bool  # noqa: ANN401
) -> None:
    axis.text(x, -0.75, _head(cycle), ha="center", va="center", fontsize=8)
    lanes = len(cycle.terms)
    for col in range(len(cycle.positions)) if lanes else ():
        words = [str(value) for value in cycle.activations[col]]
        shade = ORANGE + ("90" if fresh else "28")
        _lanes(axis, x, at["x", col], words, [shade] * lanes, ORANGE)
        if ("sum", col) in at:
            more = int(cycle.activations[col].sum())
            _value(axis, x, at["sum", col], f"+ {more}" if fresh else "", cycle.sums[col], RED)
    for row, plane in enumerate(cycle.planes if lanes else ()):
        if plane is None:
            _box(axis, x - 0.46, at["w", row], 0.92, "white", GREY, hatch="////")
            continue
        shades = [SKY if bit else "white" for bit in cycle.weight_bits[row]]
        words = [str(bit) for bit in cycle.weight_bits[row]]
        _lanes(axis, x, at["w", row], words, shades, SKY, behind=f"x {cycle.factors[row]}")
    for row in range(len(cycle.outputs)):
        for col in range(len(cycle.positions)):
            place, holds = at["acc", row, col], cycle.accumulators[row, col]
            change = _change(cycle, row, col)
            if cycle.results is not None:
                change = f"{change} = {holds}" if lanes else "leaves"
                _value(axis, x, place, change, cycle.results[row, col], GREEN)
            elif lanes:
                _value(axis, x, place, change, holds, GREY if change == "waits" else BLUE)


def _operands(cycle: Cycle) -> tuple[range, range, range]:
    return cycle.outputs, cycle.positions, cycle.terms


def _head(cycle: Cycle) -> str:
    if not cycle.terms:
        return cycle.phase
    return ("terms " if len(cycle.terms) > 1 else "term ") + ", ".join(map(str, cycle.terms))


def _change(cycle: Cycle, row: int, col: int) -> str:
    if cycle.planes[row] is None:
        return "waits"
    added = cycle.added[row, col]
    return f"- {-added}" if added < 0 else f"+ {added}"


def _lanes(
    axis: Any, x: int, y: int, words: Sequence[str], shades: Sequence[str], edge: str,  # noqa: ANN401
    behind: str = "",
) -> None:  # fmt: skip
    room = 0.92 - (0.3 if behind else 0)
    width = min(0.3, room / len(words))
    left = x - (width * len(words) + (0.3 if behind else 0)) / 2
    for lane, (word, shade) in enumerate(zip(words, shades, strict=True)):
        _box(axis, left + lane * width, y, width, shade, edge)
        axis.text(left + (lane + 0.5) * width, y, word, ha="center", va="center", fontsize=9)
    axis.text(left + len(words) * width + 0.04, y, behind, ha="left", va="center", fontsize=8)


def _value(axis: Any, x: int, y: int, above: str, value: int, colour: str) -> None:  # noqa: ANN401
    _box(axis, x - 0.46, y, 0.92, colour + "28", colour)
    axis.text(x, y - 0.2, above, ha="center", va="center", fontsize=8)
    axis.text(x, y + 0.17, str(value), ha="center", va="center", fontsize=9, fontweight="bold")


def _box(axis: Any, left: float, y: int, width: float, face: str, edge: str, **more: Any) -> None:  # noqa: ANN401
    from matplotlib.patches import Rectangle  # noqa: PLC0415

    style = {"facecolor": face, "edgecolor": edge, "linewidth": 0.9, **more}
    axis.add_patch(Rectangle((left, y - 0.42), width, 0.84, **style))


def _bands(cycles: Sequence[Cycle]) -> dict[tuple[Any, ...], str]:
    """Return what is drawn from top to bottom, with its label."""
    rows = range(max(len(cycle.outputs) for cycle in cycles))
    cols = range(max(len(cycle.positions) for cycle in cycles))
    bands: dict[tuple[Any, ...], str] = {}
    bands |= {("x", col): f"activations, column {col}" for col in cols}
    bands |= {("w", row): f"weight bits, row {row}" for row in rows}
    bands |= {("acc", row, col): f"accumulator {row}, {col}" for row in rows for col in cols}
    if any(cycle.sums.any() for cycle in cycles):
        bands |= {("sum", col): f"sum of column {col}" for col in cols}
    return bands


def _check(cycles: Sequence[Cycle]) -> None:
    if not 1 <= len(cycles) <= MOST_CYCLES:
        raise ValueError(f"cycles: {len(cycles)} of them: expected 1 to {MOST_CYCLES}")
