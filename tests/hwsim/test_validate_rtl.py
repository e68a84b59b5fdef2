"""The row of the RTL in the table of comparisons, where the tools are."""

import json

import pytest

from hwsim import validate as module
from hwsim.comparison import Pair, compared
from hwsim.rtl import missing_tool

GOOD = Pair("a row", 1, 1, True)


def test_rtl(call):
    """[S10.3] A row of layers that ran in Verilog, where the tools are."""
    reason = missing_tool()
    if reason is not None:
        pytest.skip(reason)
    code, out, err = call("validate", "--rtl", 18, "--layers", 0, "--json")
    assert (code, err) == (0, "")
    result = json.loads(out)
    (row,) = (one for one in result["comparisons"] if one["against"].startswith("RTL"))
    assert row["rows"] == row["equal"] == 18 + 2 * 4
    assert row["ours"] == row["theirs"] > 1_000
    assert result["left_out"] == ["Drawn layers: left out: --layers 0"]


def test_rtl_is_left_out_without_tools(call, monkeypatch):
    """All else is compared, and the reason is printed; a difference fails like others."""
    monkeypatch.setenv("VERILATOR", "no-such-verilator")
    monkeypatch.setattr(module, "built_in", lambda: iter([compared("us", "it", [GOOD])]))
    monkeypatch.setattr(module, "compare_drawn", lambda count, progress: iter([]))
    code, out, err = call("validate")
    assert (code, err) == (0, "")
    assert "RTL: left out: VERILATOR = 'no-such-verilator'" in out
    wrong = compared("RTL", "cycles", [GOOD._replace(theirs=2, equal=False)])
    monkeypatch.setattr(module, "compare_rtl", lambda count, progress: wrong)
    assert call("validate")[0] == 1
    for option in ("--rtl", "--layers"):
        code, _, err = call("validate", option, -1)
        assert code == 2
        assert option in err
