"""The command: the front as a table, JSON or a page, and what it says of the rest."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
import tomli_w
from rich.console import Console

from hwsim.cli.progress import CountBar
from hwsim.sweep import pareto_front, read_results, read_sweep

EXAMPLE = Path(__file__).parents[3] / "examples" / "sweep.toml"


@pytest.fixture
def config(small, tmp_path):
    """Give the path of the small sweep's settings."""
    path = tmp_path / "small.toml"
    path.write_text(tomli_w.dumps(small), encoding="utf-8")
    return path


def front_of(results):
    """Return the points of the front, the fastest first."""
    names = ("latency_s", "energy_pj", "total_gate_equivalents")
    table = np.stack([results[name] for name in names], axis=1)
    found = np.flatnonzero(pareto_front(table))
    return sorted(found.tolist(), key=lambda at: tuple(table[at]))


def test_table(call, config, tmp_path, monkeypatch):
    """Results beside the config's name in this folder; the second time nothing runs."""
    monkeypatch.chdir(tmp_path)
    code, out, err = call("sweep", "--config", config, "--jobs", 1)
    assert (code, err) == (0, "")
    results = read_results(tmp_path / "small.csv")
    front = front_of(results)
    assert 1 < len(front) < 20
    rows = [line.split() for line in out.splitlines() if line.strip()[:1].isdigit()]
    assert [int(row[0]) for row in rows[: len(front)]] == front
    for row, at in zip(rows, front, strict=False):
        assert row[1] == results["accelerator"][at]
        assert f"{results['latency_s'][at] * 1e6:,.1f}" in row
        assert f"{results['total_gate_equivalents'][at] / 1e3:,.1f}" in row
    fits = int(np.count_nonzero(results["status"] == "ok"))
    assert f"24 designs, {fits} of them run the network." in out
    assert f"does not fit: {24 - fits}, the first is point 0: layer Conv1" in " ".join(out.split())
    assert "small.csv: 24 designs ran now." in out
    code, again, _ = call("sweep", "--config", config, "--jobs", 1)
    assert code == 0
    assert "small.csv: the sweep is finished already." in again
    assert again.splitlines()[:-1] == out.splitlines()[:-1]


def test_json(call, config, tmp_path):
    """Counts, and every column of the front; whole figures are whole."""
    target = tmp_path / "out.parquet"
    code, out, err = call("sweep", "--config", config, "--out", target, "--json", "--jobs", 1)
    assert (code, err) == (0, "")
    found, results = json.loads(out), read_results(target)
    assert found["points"] == found["ran"] == 24
    assert found["ok"] + found["does_not_fit"] == 24
    assert found["invalid"] == 0
    assert found["objectives"] == ["latency_s", "energy_pj", "total_gate_equivalents"]
    assert [row["point"] for row in found["front"]] == front_of(results)
    for row in found["front"]:
        assert list(row) == list(results)
        assert type(row["cycles"]) is int
        assert all(row[name] == values[row["point"]] for name, values in results.items())


def test_page(call, config, tmp_path):
    """One file; without area among what varies, two objectives."""
    page = tmp_path / "page.html"
    code, _, err = call(
        "sweep", "--config", config, "--out", tmp_path / "x.csv", "--html", page, "--jobs", 1
    )
    assert (code, err) == (0, "")
    text = page.read_text(encoding="utf-8")
    assert "x.csv" in text
    assert "24 points" in text


def test_same_area(call, tmp_path, network):
    """An area that does not differ is no objective, nor a column of the table."""
    path = tmp_path / "a.toml"
    values = {"network": str(network), "accelerator": "loom", "vary": {"bits": [2, 4]}}
    path.write_text(tomli_w.dumps(values), encoding="utf-8")
    code, out, _ = call("sweep", "--config", path, "--out", tmp_path / "a.csv", "--jobs", 1)
    assert code == 0
    assert "kGE" not in out
    assert "in latency, energy; energy and area are estimates." in out
    assert "accelerator" not in out


def test_nothing_fits(call, tmp_path, network):
    """An empty front, and the reason; that is an answer too."""
    path = tmp_path / "a.toml"
    values = {"network": str(network), "accelerator": "edge-small",
              "vary": {"buffers.input_bytes": [2, 4]}}  # fmt: skip
    path.write_text(tomli_w.dumps(values), encoding="utf-8")
    code, out, err = call(
        "sweep", "--config", path, "--out", tmp_path / "a.csv", "--jobs", 1,
        "--html", tmp_path / "a.html",
    )  # fmt: skip
    assert (code, err) == (0, "")
    assert "2 designs, 0 of them run the network." in out
    code, out, _ = call("sweep", "--config", path, "--out", tmp_path / "a.csv", "--json")
    assert (code, json.loads(out)["front"]) == (0, [])


def test_a_billion(call, tmp_path):
    """Refused at once with the number; nothing is made."""
    path = tmp_path / "big.toml"
    side = {"from": 1, "to": 1000}
    values = {"network": "resnet50", "accelerator": "edge-small",
              "vary": {"array": dict.fromkeys(("rows", "cols", "lanes"), side)}}  # fmt: skip
    path.write_text(tomli_w.dumps(values), encoding="utf-8")
    code, out, err = call("sweep", "--config", path, "--out", tmp_path / "big.csv")
    assert (code, out) == (2, "")
    assert err == (
        f"hwsim: error: {path}: 1,000,000,000 points: more than 1,000,000 run only if that is "
        "confirmed: --yes\n"
    )
    assert list(tmp_path.iterdir()) == [path]


def test_a_billion_confirmed(tmp_path, sweeping, until, done_in):
    """With ``--yes`` it begins at once."""
    path, target = tmp_path / "big.toml", tmp_path / "big.csv"
    side = {"from": 1, "to": 1000}
    values = {"network": "digits-cnn", "accelerator": "edge-small",
              "vary": {"array": dict.fromkeys(("rows", "cols", "lanes"), side)}}  # fmt: skip
    path.write_text(tomli_w.dumps(values), encoding="utf-8")
    with sweeping(path, target, "--jobs", 1, "--yes") as process:
        until(lambda: done_in(target) > 0, process)


def test_jobs_and_scheduler(call, config, tmp_path):
    code, _, err = call("sweep", "--config", config, "--scheduler", "x:1", "--jobs", 2)
    assert (code, err) == (
        2, "hwsim: error: --jobs = 2: expected without --scheduler, whose workers run it all\n"
    )  # fmt: skip


def test_example():
    """It is small, and has a range, a list and widths."""
    config = read_sweep(EXAMPLE)
    assert {"bits", "array.rows", "buffers.weight_bytes"} <= config.vary.keys()


def test_bar():
    """On a terminal only."""
    for terminal in (True, False):
        file = io.StringIO()
        console = Console(file=file, force_terminal=terminal, width=80)
        with CountBar("designs [/x]", console) as bar:
            bar.show(3, 10)
        assert ("designs [/x]" in file.getvalue()) == terminal
        assert ("3/10" in file.getvalue()) == terminal
