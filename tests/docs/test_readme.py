"""The README's code prints the numbers beside it, its commands and links exist."""

import contextlib
import io
import re
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_fifteen_lines():
    """Every print gives the text of its comment."""
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    lines = [line for line in code.splitlines() if line.strip()]
    assert len(lines) <= 15
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), np.printoptions(legacy=False):
        exec(compile(code, "README.md", "exec"), {})
    expected = [line.split("#")[1].strip() for line in lines if line.startswith("print(")]
    actual = printed.getvalue().splitlines()
    assert len(actual) == len(expected) >= 6
    for got, said in zip(actual, expected, strict=True):
        number = re.sub(r"(: .*)? ?\[S\d+\.\d+\]$", "", said)
        assert got == number


PAGES = ["README.md", *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md")))]


@pytest.mark.parametrize("page", PAGES)
def test_links_and_pictures_exist(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)#]+)\)", text)
    for target in targets:
        if not target.startswith("http"):
            assert (ROOT / page).parent.joinpath(target).is_file(), target


def test_every_folder_on_the_map_exists():
    entries = re.findall(r"^\| (`[^|]*`)", README, re.MULTILINE)
    assert len(entries) >= 10
    for entry in entries:
        for part in re.findall(r"`([^`]+)`", entry):
            assert (ROOT / part).exists() or (ROOT / "msq_ref" / part).exists(), part
