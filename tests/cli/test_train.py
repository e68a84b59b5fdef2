"""``msq train`` from settings to a run folder, and from a killed run to the same bits."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import pytest
from safetensors.numpy import load_file

from msq_ref.cli import app
from msq_ref.cli.folder import prepare_folder
from msq_ref.formats.console import run_app
from msq_ref.settings import read_toml
from msq_ref.training.config import parse_config

MSQ = Path(sys.executable).with_name("msq")
SHORT = """
seed = 3
[training]
epochs = 6
[msq]
interval = 1
hessian_samples = 2
hessian_images = 64
prune_until = 4
alpha = 0.9
"""


@pytest.fixture(scope="module")
def short(tmp_path_factory):
    config = tmp_path_factory.mktemp("short") / "short.toml"
    config.write_text(SHORT)
    return config


def train(config, out, *flags):
    arguments = ["train", "--config", str(config), "--out", str(out), *flags]
    assert run_app(app, "msq", arguments) == 0
    return out


@pytest.fixture(scope="module")
def whole(short):
    """A run that was never interrupted."""
    return train(short, short.parent / "whole")


def test_the_run_folder(whole):
    """Settings, log, network, integers, figures and a picture; nothing left over."""
    assert sorted(path.name for path in whole.iterdir()) == [
        "config.toml", "integer.safetensors", "log.csv", "model.safetensors", "report.json",
        "training.png",
    ]  # fmt: skip
    config = parse_config(read_toml(whole / "config.toml"), "config.toml")
    assert (config.seed, config.training.epochs, config.msq.prune_until) == (3, 6, 4)
    assert (whole / "training.png").read_bytes().startswith(b"\x89PNG")


def test_the_log(whole):
    """A line per epoch; [S6.3] compression follows from the bits, [S6.2] bits freeze."""
    with (whole / "log.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["epoch"]) for row in rows] == list(range(6))
    layers = {"conv1": 144, "conv2": 4608, "conv3": 18432, "fc": 640}
    for row in rows:
        for name in ("loss", "accuracy", "penalty", "lambda", "learning_rate", "average_bits"):
            float(row[name])
        stored = sum(int(row[f"bits.{name}"]) * size for name, size in layers.items())
        expected = Fraction(32 * sum(layers.values()), stored)
        assert float(row["compression"]) == float(expected)
        for name in layers:
            assert 0 <= float(row[f"beta.{name}"]) <= 1
            assert int(row[f"k.{name}"]) in (0, 1, 2)
            float(row[f"omega.{name}"])
    bits = [[int(row[f"bits.{name}"]) for name in layers] for row in rows]
    assert bits[0] != bits[3], "a threshold of 0.9 must drop bits"
    assert bits[3:] == [bits[3]] * 3
    assert [float(row["lambda"]) > 0 for row in rows] == [True] * 4 + [False] * 2


def test_the_report_agrees_with_eval(whole, capsys):
    report = json.loads((whole / "report.json").read_text())
    assert report["integer_accuracy"] >= report["accuracy"] - 0.02
    assert report["packed_equals_definition"]
    assert all(step["unexplained"] == 0 for step in report["integer_steps"])
    capsys.readouterr()
    assert run_app(app, "msq", ["eval", str(whole), "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    for name in ("accuracy", "compression", "bits", "integer_accuracy", "agreement"):
        assert figures[name] == report[name]
    assert run_app(app, "msq", ["eval", str(whole)]) == 0
    assert f"{report['accuracy']:.4g}" in capsys.readouterr().out


def test_trace_prints_every_layer(whole, capsys):
    """[S5.4] [S5.5]"""
    outputs = []
    for _ in range(2):
        arguments = ["trace", str(whole), "--samples", "3", "--images", "32", "--json"]
        assert run_app(app, "msq", arguments) == 0
        outputs.append(json.loads(capsys.readouterr().out)["layers"])
    assert outputs[0] == outputs[1]
    assert [row["layer"] for row in outputs[0]] == ["conv1", "conv2", "conv3", "fc"]
    assert all(row["standard_error"] > 0 and row["samples"] == 3 for row in outputs[0])


def same_run(one, two):
    """Equal in everything but the seconds and the memory it took."""
    for name in ("config.toml", "log.csv", "model.safetensors", "integer.safetensors"):
        assert (one / name).read_bytes() == (two / name).read_bytes(), name
    reports = [json.loads((run / "report.json").read_text()) for run in (one, two)]
    for report in reports:
        report.pop("seconds")
        report.pop("peak_bytes")
    assert reports[0] == reports[1]


def test_the_settings_of_a_run_repeat_it(whole, short):
    """Same seed, same machine: the same bits, from the folder's own config.toml."""
    same_run(whole, train(whole / "config.toml", short.parent / "again"))


@pytest.mark.parametrize("threads", [1, 4])
def test_the_number_of_threads_does_not_show(whole, short, threads, monkeypatch):
    """[S0.5]"""
    monkeypatch.setenv("MSQ_THREADS", str(threads))
    same_run(whole, train(short, short.parent / f"threads-{threads}"))


def test_a_run_killed_at_its_first_file_resumes(tmp_path):
    """What such a run leaves is the temporary file of its settings; other files are kept."""
    config = parse_config({}, "config.toml")
    left = tmp_path / ".config-abcd1234.toml"
    left.write_text("seed")
    with pytest.raises(ValueError, match="is not empty and holds no run"):
        prepare_folder(tmp_path, config, resume=False)
    assert left.exists()
    prepare_folder(tmp_path, config, resume=True)
    assert not left.exists()
    other = tmp_path / "config-abcd1234.toml"
    other.write_text("mine")
    with pytest.raises(ValueError, match="is not empty and holds no run"):
        prepare_folder(tmp_path, config, resume=True)
    assert other.read_text() == "mine"


@pytest.mark.parametrize("epochs_done", [1, 3, 5])
def test_a_killed_run_resumes_to_the_same_bits(whole, short, tmp_path, epochs_done):
    """SIGKILL once some epochs are in the log, then ``--resume``."""
    out = tmp_path / "killed"
    command = [MSQ, "train", "--config", short, "--out", out]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    log, deadline = out / "log.csv", time.monotonic() + 120
    while process.poll() is None and time.monotonic() < deadline:
        if log.exists() and log.read_text().count("\n") > epochs_done:
            os.kill(process.pid, signal.SIGKILL)
            break
        time.sleep(0.001)
    assert process.wait() == -signal.SIGKILL, "it was to be killed, not to finish"
    assert not (out / "report.json").exists()
    train(short, out, "--resume")
    same_run(whole, out)
    train(short, out, "--resume")  # once more: nothing to do
    same_run(whole, out)


@pytest.mark.parametrize("method", ["float", "dorefa"])
def test_other_methods(short, method, capsys):
    out = train(short, short.parent / method, "--method", method)
    report = json.loads((out / "report.json").read_text())
    assert report["method"] == method
    assert report["compression"] == {"float": 1, "dorefa": 8}[method]
    assert (out / "integer.safetensors").exists() == (method == "dorefa")
    assert load_file(out / "model.safetensors")["fc.weight"].shape == (64, 10)
    capsys.readouterr()
    assert run_app(app, "msq", ["eval", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["accuracy"] == report["accuracy"]
    assert run_app(app, "msq", ["trace", str(out), "--samples", "2"]) == 0
