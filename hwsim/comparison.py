"""What a comparison with somebody's figures found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

__all__ = ["Comparison", "Pair", "compared"]

MOST_DIFFERENCES = 10
"""Of a comparison, for the record."""


class Pair(NamedTuple):
    """A row: what it is, our figure and theirs; None where there is none."""

    row: str
    ours: float | None
    theirs: float | None
    equal: bool


@dataclass(frozen=True)
class Comparison:
    """Figures of ours beside theirs.

    Attributes
    ----------
    against, what : str
        Whose figures, and of what.
    rows, equal : int
        Rows compared, and those that are equal.
    first_difference : str or None
        The first row that differs, and in what.
    ours, theirs : float or None
        Totals over all rows that both have; None where a total says nothing.
    error : float or None
        Error of our total as a share of theirs; without totals the largest of a row.
    differences : tuple of Pair
        Rows that differ, of many the first `MOST_DIFFERENCES`.
    required : bool
        Whether all must be equal; else the difference is only stated.
    """

    against: str
    what: str
    rows: int
    equal: int
    first_difference: str | None
    ours: float | None
    theirs: float | None
    error: float | None
    differences: tuple[Pair, ...]
    required: bool = True

    @property
    def holds(self) -> bool:
        """Whether there are rows and, if required, all are equal."""
        return self.rows > 0 and (self.equal == self.rows or not self.required)

    def to_json(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        differences = [
            {"row": pair.row, "ours": pair.ours, "theirs": pair.theirs}
            for pair in self.differences
        ]
        return {**vars(self), "differences": differences, "holds": self.holds}


def compared(
    against: str,
    what: str,
    pairs: Iterable[Pair],
    *,
    required: bool = True,
    total: bool = True,
) -> Comparison:
    """Return the comparison of some rows; without `total` their sums say nothing."""
    rows = list(pairs)
    wrong = [pair for pair in rows if not pair.equal]
    both = [(p.ours, p.theirs) for p in rows if p.ours is not None and p.theirs is not None]
    ours = sum(mine for mine, _ in both) if total else None
    theirs = sum(yours for _, yours in both) if total else None
    if total:
        error = ours / theirs - 1 if ours is not None and theirs else None
    else:
        errors = [mine / yours - 1 for mine, yours in both if yours]
        error = max(errors, key=abs, default=None)
    first = wrong[0] if wrong else None
    return Comparison(
        against=against,
        what=what,
        rows=len(rows),
        equal=len(rows) - len(wrong),
        first_difference=None if first is None else (
            f"{first.row}: {_shown(first.ours)} here, {_shown(first.theirs)} there"
        ),
        ours=ours,
        theirs=theirs,
        error=error,
        differences=tuple(wrong[:MOST_DIFFERENCES]),
        required=required,
    )  # fmt: skip


def _shown(value: float | None) -> str:
    if value is None:
        return "nothing"
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"
