"""The main job: what the demo promises, over seeds, and what it prints and writes."""

import json
import re
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

from msq_ref.cli.demo import RUNS
from msq_ref.cli.folder import RunFolder
from msq_ref.cli.job import make_job, run_job
from msq_ref.training.config import parse_config
from tests.commands import examples_of

MSQ = Path(sys.executable).with_name("msq")
SEEDS = range(5)


def train(folder, name, seed):
    config = parse_config({**RUNS[name], "seed": seed}, "test")
    run = RunFolder(folder / f"{name}-{seed}")
    run_job(make_job(config), run, lambda trainer: None)
    return run.read_report()


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("seeds")
    return {name: [train(folder, name, seed) for seed in SEEDS] for name in ("float", "msq")}


def test_msq_keeps_its_accuracy_at_ten_times(runs):
    """Mean within 1.0 point of the float mean; no seed more than 2 points below its own."""
    floats, msqs = ([run["accuracy"] for run in runs[name]] for name in ("float", "msq"))
    assert all(run["compression"] >= 10 for run in runs["msq"])
    assert statistics.mean(msqs) >= statistics.mean(floats) - 0.01
    for ours, theirs in zip(msqs, floats, strict=True):
        assert ours >= theirs - 0.02
    assert min(floats) > 0.95


def test_integers_keep_it_too(runs):
    """[S9.6] No more than a point lost, every difference explained."""
    for run in runs["msq"]:
        assert run["integer_accuracy"] >= run["accuracy"] - 0.01
        assert run["agreement"] >= 0.99
        assert run["packed_equals_definition"]
        assert all(step["unexplained"] == 0 for step in run["integer_steps"])


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """A whole demo, as a user runs it."""
    folder = tmp_path_factory.mktemp("demo")
    return folder / "runs" / "demo", _demo(folder, "--json")


def _demo(folder, *flags):
    """Run the example in the help, from a folder."""
    (example,) = examples_of("msq demo")
    assert example == "msq demo --out runs/demo"
    done = subprocess.run(
        [MSQ, *example.split()[1:], *flags], capture_output=True, text=True, check=False,
        cwd=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done


def test_the_json_and_nothing_else(demo):
    out, done = demo
    summary = json.loads(done.stdout)
    assert summary == json.loads((out / "demo.json").read_text())
    assert summary["seed"] == 0
    assert {"float", "dorefa4", "msq", "hardware", "checks"} <= summary.keys()
    assert summary["float"]["accuracy"] > 0.95
    msq = summary["msq"]
    assert msq["compression"] >= 10
    assert msq["compression"] * msq["average_bits"] == pytest.approx(32)
    assert msq["bits"].keys() == {"conv1", "conv2", "conv3", "fc"}
    assert 0 <= msq["agreement"] <= 1
    hardware = summary["hardware"]
    assert 0 < hardware["cycles"] < hardware["cycles_8bit"]
    assert 0 < hardware["energy_pj"] < hardware["energy_pj_8bit"]
    assert len(summary["checks"]) >= 7
    assert all(held is True for held in summary["checks"].values())


def test_the_pictures_and_the_page(demo):
    out, _ = demo
    for name in ("training", "bins", "frontier", "cycles", "overview"):
        assert (out / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert "</svg>" in (out / f"{name}.svg").read_text(encoding="utf-8")
    page = (out / "report.html").read_text(encoding="utf-8")
    assert page.count('<img src="data:image/svg+xml,') == page.count("<img") == 4
    assert not re.findall(r"(?:src|href)=.http", page), "it needs no network"
    for words in ("MSQ", "DoReFa, 4 bits", "These digits are easy", "Where the cycles go"):
        assert words in page


def test_a_second_demo_starts_from_what_is_there(demo):
    """Finished runs are kept; the table says the same as the JSON."""
    out, first = demo
    before = {path: path.stat().st_mtime_ns for path in out.rglob("model.safetensors")}
    assert len(before) == len(RUNS)
    done = _demo(out.parents[1])
    assert {path: path.stat().st_mtime_ns for path in out.rglob("model.safetensors")} == before
    summary = json.loads(first.stdout)
    assert f"{summary['msq']['accuracy']:.4f}" in done.stdout
    assert f"{summary['hardware']['cycles']:,}" in done.stdout
    assert "FAILED" not in done.stdout
    assert done.stdout.count("held") == len(summary["checks"])


def test_another_seed_wants_another_folder(demo):
    out, _ = demo
    done = subprocess.run(
        [MSQ, "demo", "--out", out, "--seed", "1"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "other settings" in done.stderr
    assert done.stderr.count("\n") == 1
