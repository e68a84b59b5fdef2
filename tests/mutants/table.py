"""The table of which case kills which mutant: ``python -m tests.mutants.table`` writes it."""

from collections.abc import Iterator
from pathlib import Path

from msq_ref.contract import OPERATIONS
from tests.mutants.collection import FORMULAS, collect
from tests.mutants.killing import killer
from tests.mutants.registry import MUTANTS, Mutant

TABLE = Path(__file__).parents[2] / "docs" / "mutants.md"

HEAD = """# Mutants

{count} wrong backends: each is the reference but for one mistake in one operation, a plausible one
for somebody who writes it in PyTorch, JAX, C, NumPy or RTL. {formulas} are written one by one; the
others are mistakes of memory, type, shape and checking that are made in every operation. The tests
prove for each by an input of its own, without the kit, that it is wrong, and that the kit kills it
at level `quick`. The last column is a case of the kit that fails on it.

Made by `python -m tests.mutants.table`.
"""


def main() -> None:
    """Run the kit on every mutant and write the table."""
    made = collect()
    written = {mutant.name for module in FORMULAS for mutant in made[module]}
    TABLE.write_text("\n".join(_lines(written)), encoding="utf-8")


def _lines(written: set[str]) -> Iterator[str]:
    yield HEAD.format(count=len(MUTANTS), formulas=len(written))
    for entry in OPERATIONS:
        mutants = [m for m in MUTANTS.values() if m.operation == entry.name]
        yield f"## {entry.name}\n"
        for title, chosen in (
            ("Formula", [mutant for mutant in mutants if mutant.name in written]),
            ("Memory, types, arguments", [m for m in mutants if m.name not in written]),
        ):
            yield f"| {title} | Mistake | Killed by |"
            yield "|---|---|---|"
            yield from map(row, chosen)
            yield ""


def row(mutant: Mutant) -> str:
    """The line of a mutant; running the kit on it."""
    result = killer(mutant)
    slug = mutant.name.partition("/")[2]
    mistake = mutant.mistake.replace("|", "\\|")
    return f"| {slug} | {mistake} | {f'`{result.case.id}`' if result else '**survives**'} |"


if __name__ == "__main__":
    main()
