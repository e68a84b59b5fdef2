"""Benchmarks run, say what they compared, and refuse what they do not know. Never how fast."""

import json
import statistics

import pytest

from benchmarks import fused_quantizer, measure, startup
from benchmarks.__main__ import BENCHMARKS, app
from msq_ref.formats.console import run_app

FIELDS = {
    "case", "ours_s", "peer", "peer_s", "ratio", "limit_s", "ratio_to_limit", "spread",
}  # fmt: skip


def run(*arguments):
    return run_app(app, "benchmarks", [str(argument) for argument in arguments])


@pytest.mark.parametrize("name", BENCHMARKS)
def test_rows(name, tmp_path, monkeypatch, capsys):
    """A list of rows in JSON, exactly one of them named like the benchmark; a table of all."""
    monkeypatch.setattr(fused_quantizer, "SIZE", 100_000)
    monkeypatch.setattr(startup, "TORCH_STEP", "import numpy")
    file = tmp_path / "below" / "rows.json"
    assert run(name, "--rounds", 2, "--json", file) == 0
    rows = json.loads(file.read_text())
    assert [row["case"] for row in rows].count(name) == 1
    table = " ".join(capsys.readouterr().out.split())
    for row in rows:
        assert row.keys() == FIELDS
        numbers = [value for key, value in row.items() if key not in ("case", "peer")]
        assert all(isinstance(value, float) for value in numbers)
        assert min(row["ours_s"], row["peer_s"], row["limit_s"], row["ratio"]) > 0
        assert row["spread"] >= 0
        assert row["case"] in table


def test_candidates_take_turns():
    order = []
    seconds = measure.interleave(
        {"a": lambda: order.append("a"), "b": lambda: order.append("b") or 0.5}, rounds=3
    )
    assert order == ["a", "b"] * 4, "one round is not counted"
    assert len(seconds["a"]) == 3
    assert all(value > 0 for value in seconds["a"])
    assert seconds["b"] == [0.5] * 3, "a float is the candidate's own time"


def test_a_row_is_made_of_medians():
    seconds = {"ours": [1.0, 2.0, 6.0], "peer": [2.0, 2.0, 3.0], "limit": [0.5, 1.0, 2.0]}
    row = measure.row("case", seconds, "ours", "peer", "limit")
    assert (row.ours_s, row.peer_s, row.limit_s) == (2.0, 2.0, 1.0)
    assert row.ratio == statistics.median([0.5, 1.0, 2.0])
    assert row.ratio_to_limit == 2.0
    assert row.spread == pytest.approx(0.75)
    assert measure.quartile_spread([1.0]) == 0.0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["fused_quantiser"], "did you mean 'fused_quantizer'?"),
        (["startup", "--rounds", "0"], "--rounds"),
        (["startup", "--json", "/proc/no/rows.json"], "--json"),
    ],
)
def test_bad_input(capsys, arguments, says):
    assert run(*arguments) == 2
    streams = capsys.readouterr()
    assert says in streams.err
    assert streams.err.count("\n") == 1
    assert streams.out == ""
