"""Write what pages of prose take from elsewhere: ``python docs/make_prose.py``.

Floors come from tests/test_house.py, lessons from the notebooks' texts, the citation from
CITATION.cff, and what the tutorial prints from first-run.json, which is written by
``python docs/measure_first_run.py FOLDER``.
"""

from __future__ import annotations

import ast
import json
import re
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from marks import between

from msq_ref.files import write_text

__all__ = ["PAGES", "floors", "house_list", "page_with_blocks"]

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent

FLOORS = {
    0: "ground: arguments, files, names, settings, seeds, the contract",
    1: "the definitions",
    2: "the same operations in other systems; fast twins",
    3: "layers: forward, backward, tangents",
    4: "second derivatives; networks",
    5: "integers; what is trained, and how",
    6: "the kit; data and files",
    7: "the command `msq`",
}
"""What is on each floor, in a few words."""


def house_list(name: str) -> Any:  # noqa: ANN401
    """Return a list of tests/test_house.py by its name, without running the test."""
    tree = ast.parse((ROOT / "tests" / "test_house.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            return ast.literal_eval(node.value)
    raise ValueError(f"tests/test_house.py has no {name}")


def floors() -> dict[int, list[str]]:
    """Return the packages of each floor, the ground first."""
    found: dict[int, list[str]] = {}
    for package, floor in sorted(house_list("FLOORS").items()):
        found.setdefault(floor, []).append(package)
    return dict(sorted(found.items()))


def floors_table() -> str:
    """Return the floors, the highest first, and the two rules beside them."""
    lines = ["| floor | packages of `msq_ref` | what is there | may import |", "|---|---|---|---|"]
    for floor, packages in reversed(floors().items()):
        names = ", ".join(f"`{name}`" for name in packages)
        below = f"floors 0 to {floor}" if floor else "the ground"
        lines.append(f"| {floor} | {names} | {FLOORS[floor]} | {below} |")
    allowed = ", ".join(f"`{name}`" for name in house_list("FOR_HWSIM"))
    rules = (
        f"`hwsim` may import {allowed}, and nothing else of `msq_ref`. Of `msq_ref` only "
        f"`{house_list('MAY_IMPORT_HWSIM')}` may import `hwsim`."
    )
    lines += ["", *textwrap.wrap(rules, 105)]
    return "\n".join(lines) + "\n"


def lessons_table() -> str:
    """Return number, name and question of every notebook."""
    lines = ["| lesson | question |", "|---|---|"]
    for path in sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.py")):
        text = path.read_text(encoding="utf-8")
        title = re.search(r"^# # (\d+\. .*)$", text, re.MULTILINE)
        question = re.search(r"\*\*Question: (.*?)\*\*", text, re.DOTALL)
        if title is None or question is None:
            raise ValueError(f"{path}: no title or no question")
        asked = " ".join(question[1].replace("\n#", "\n").split())
        lines.append(f"| [{title[1]}](../../notebooks/{path.stem}.ipynb) | {asked} |")
    return "\n".join(lines) + "\n"


def citation() -> str:
    """Return BibTeX of CITATION.cff."""
    about = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    authors = " and ".join(f"{{{author['name']}}}" for author in about["authors"])
    return (
        "```bibtex\n@software{msq_ref,\n"
        f"  title   = {{{about['title']}}},\n"
        f"  author  = {{{authors}}},\n"
        f"  version = {{{about['version']}}},\n"
        f"  license = {{{about['license']}}}\n"
        "}\n```\n"
    )


def printed(name: str) -> Callable[[], str]:
    """Return what makes the block of a command of the tutorial: what it printed."""

    def block() -> str:
        texts = json.loads((HERE / "first-run.json").read_text(encoding="utf-8"))
        lines = [line.rstrip() for line in _first_failure(texts[name]).rstrip().splitlines()]
        return "\n".join(["```text", *lines, "```", ""])

    return block


def _first_failure(text: str) -> str:
    """Return what was printed with the first of its failures, the others left out."""
    before, *failures = text.split("\nFAILED ")
    if not failures:
        return text
    *_, after = failures[-1].split("\n\n")
    first = failures[0].split("\n\n")[0]
    return f"{before}\nFAILED {first}\n...\n{after}"


PAGES: dict[str, dict[str, Callable[[], str]]] = {
    "design.md": {"floors": floors_table},
    "cite.md": {"software": citation},
    "tutorials/notebooks.md": {"lessons": lessons_table},
    "tutorials/first-run.md": {
        name: printed(name) for name in ("demo", "cost", "wrong", "right")
    },
}  # fmt: skip
"""Pages, and in each the marks with what stands between them."""


def page_with_blocks(page: str, text: str) -> str:
    """Return the text of a page with its blocks as they are now."""
    for mark, block in PAGES[page].items():
        text = between(text, f"<!-- {mark} -->\n", f"<!-- end {mark} -->", block())
    return text


if __name__ == "__main__":
    for page in PAGES:
        path = HERE / page
        write_text(path, page_with_blocks(page, path.read_text(encoding="utf-8")))
