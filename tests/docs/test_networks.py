"""The page of networks shows what they are now, and the errors that were measured."""

from tests.docs.test_results import DOCS, script


def test_the_page_is_up_to_date():
    """Counts to the digit, errors as in parity.json, of every network but the digits' one."""
    make = script("make_networks")
    text = (DOCS / "networks.md").read_text(encoding="utf-8")
    assert make.page_with_tables(text) == text
    networks, parity = (text.split(first)[1].split(last)[0] for first, last in make.MARKS.values())
    names = [line.split("`")[1] for line in networks.splitlines()[2:]]
    measured = {line.split("`")[1] for line in parity.splitlines()[2:]}
    assert measured == set(names) - {"digits-cnn"}
