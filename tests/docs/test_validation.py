"""The page of comparisons shows what the command finds now."""

from hwsim.validate import built_in
from tests.docs.test_results import DOCS, script


def test_the_page_is_that_of_the_command():
    """Tables to the letter."""
    make = script("make_validation")
    found = [one.to_json() for one in built_in()]
    result = {"holds": True, "comparisons": found}
    text = (DOCS / "hwsim-validation.md").read_text(encoding="utf-8")
    assert make.page_with_tables(text, result) == text
    assert len(make.comparisons_table(result).splitlines()) == 2 + len(found)
