"""The page of comparisons shows what the command finds now."""

from hwsim.rtl import missing_tool, rtl_comparison
from hwsim.validate import built_in, compare_drawn
from tests.docs.test_results import DOCS, script


def test_the_page_is_that_of_the_command():
    """Tables to the letter; the row of the RTL where that can run."""
    make = script("make_validation")
    found = [one.to_json() for one in (*built_in(), *compare_drawn())]
    text = (DOCS / "hwsim-validation.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines(keepends=True) if line.startswith("| RTL, ")]
    assert len(rows) == 1
    if missing_tool() is None:
        found.append(rtl_comparison().to_json())
    else:
        text = text.replace(rows[0], "")
    result = {"holds": True, "comparisons": found}
    assert make.page_with_tables(text, result) == text
    assert len(make.comparisons_table(result).splitlines()) == 2 + len(found)
