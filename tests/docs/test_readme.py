"""The README's form: its lines are few, its links and those of all pages exist."""

import re

import pytest

from tests.docs.blocks import PAGES, ROOT, blocks_of

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_fifteen_lines():
    """Short, and every print says what it gives; `test_code_blocks` compares."""
    (block,) = (block for block in blocks_of("README.md") if block.language == "python")
    lines = [line for line in block.code.splitlines() if line.strip()]
    assert len(lines) <= 15
    prints = [line for line in lines if line.startswith("print(")]
    assert len(prints) >= 6
    assert all(" # " in line for line in prints)


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
