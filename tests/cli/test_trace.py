"""``msq trace``: figures, plot, and a killed trace that continues to the same bits [S5.4]."""

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from matplotlib.image import imread

from msq_ref.cli import tracing
from msq_ref.cli.folder import open_folder
from msq_ref.cli.job import load_trained
from msq_ref.hessian import Hutchinson, HutchPP, TraceEstimate, hutchinson_layers, hutchpp_layers
from msq_ref.training.checkpoint import load_checkpoint, save_checkpoint
from tests.cli.quick import finished_run, msq

LAYERS = ["conv1", "conv2", "conv3", "fc"]
QUICK = "[training]\nepochs = 1\n[msq]\nhessian_samples = 2\nhessian_images = 16\ninterval = 1\n"
METHODS = {
    "hutchinson": ["--samples", "20"],
    "hutchpp": ["--method", "hutchpp", "--samples", "19"],
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished run of one epoch."""
    return finished_run(tmp_path_factory.mktemp("finished"), QUICK)


def trace(run, out, *flags):
    return msq("trace", run, "--images", 24, "--out", out, *flags)


def break_after(products, estimator, patch):
    """Let an estimator fail after some products more."""
    advance, left = estimator.advance, itertools.count(products, -1)

    def breaking(self):
        if next(left) <= 0:
            raise OSError("the disk is full")
        advance(self)

    patch.setattr(estimator, "advance", breaking)


@pytest.fixture(scope="module")
def whole(run):
    """A trace by each method that was never interrupted, and no pictures in between."""
    for name, flags in METHODS.items():
        assert trace(run, run.parent / name, *flags) == 0
    return {name: run.parent / name for name in METHODS}


@pytest.mark.parametrize("method", METHODS)
def test_the_folder(run, whole, method):
    """[S5.4] The figures are those of the estimator on the run's network and first images."""
    names = sorted(path.name for path in whole[method].iterdir())
    assert names == ["trace.json", "trace.png"]
    figures = json.loads((whole[method] / "trace.json").read_text())
    assert (figures["method"], figures["images"], figures["seed"]) == (method, 24, 0)
    job = load_trained(open_folder(run))
    images, labels = job.data.train.images[:24], job.data.train.labels[:24]
    estimate = {"hutchinson": hutchinson_layers, "hutchpp": hutchpp_layers}[method]
    found = estimate(job.network, images, labels, seed=0, max_samples=figures["samples"])
    assert [row["layer"] for row in figures["layers"]] == LAYERS
    for row in figures["layers"]:
        one = found[row["layer"]]
        assert (row["trace"], row["standard_error"]) == (one.trace, one.standard_error)
        assert (row["samples"], row["products"]) == (one.samples, one.products)
        assert (row["low"], row["high"]) == one.interval()
        weight = job.method.weights[row["layer"]]
        assert row["bits"] == weight.bits
        # [S5.5]
        assert row["omega"] == weight.sensitivity(row["trace"])
        assert row["omega_low"] < row["omega"] < row["omega_high"]
        distance = row["omega"] / row["trace"]
        assert row["omega_high"] == pytest.approx(row["high"] * distance)


def test_the_plot_shows_the_intervals(tmp_path):
    """Ink where the points and their bars are, and other ink for other figures."""
    from msq_ref.cli.trace_plot import plot_omega

    def rows(reach, count=4):
        return [
            {"layer": f"layer{i}", "omega": 1.0 + i, "omega_low": 1 + i - reach,
             "omega_high": 1 + i + 2 * reach}
            for i in range(count)
        ]  # fmt: skip

    for name, figures in {"a": rows(0.2), "b": rows(0.2), "c": rows(0.6)}.items():
        plot_omega(figures, tmp_path / f"{name}.png")
    a, b, c = ((tmp_path / f"{name}.png").read_bytes() for name in "abc")
    assert a == b != c
    plot_omega(rows(0.2, 54), tmp_path / "wide.png")
    narrow, wide = imread(tmp_path / "a.png"), imread(tmp_path / "wide.png")
    assert wide.shape[1] > 2 * narrow.shape[1]
    blue = np.array([0x00, 0x72, 0xB2]) / 255
    assert (np.abs(narrow[..., :3] - blue).max(axis=2) < 0.02).sum() > 100


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("after", [1, 6, 9])
def test_a_trace_that_breaks_off_continues_to_the_same_bits(
    run, whole, tmp_path, monkeypatch, method, after, capsys
):
    """Whatever product it breaks off at; twice over; and once more changes nothing."""
    monkeypatch.setattr(tracing, "SAVE_EVERY", 0.0)
    estimator = {"hutchinson": Hutchinson, "hutchpp": HutchPP}[method]
    out, flags = tmp_path / "out", METHODS[method]
    for restart in ([], ["--resume"]):
        with monkeypatch.context() as patch:
            break_after(after, estimator, patch)
            assert trace(run, out, *flags, *restart) == 1
        assert [path.name for path in out.iterdir()] == ["trace.safetensors"]
    capsys.readouterr()
    assert trace(run, out, *flags) == 2
    assert "an unfinished trace is there; --resume continues it" in capsys.readouterr().err
    assert trace(run, out, *flags, "--resume", "--json") == 0
    for name in ("trace.json", "trace.png"):
        assert (out / name).read_bytes() == (whole[method] / name).read_bytes()
    assert not (out / "trace.safetensors").exists()
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads((out / "trace.json").read_text())
    stamps = {path: path.stat().st_mtime_ns for path in out.iterdir()}
    assert trace(run, out, *flags, "--resume", "--json") == 0
    assert {path: path.stat().st_mtime_ns for path in out.iterdir()} == stamps
    assert json.loads(capsys.readouterr().out) == printed


def test_a_killed_trace_continues_to_the_same_bits(run, whole, tmp_path):
    """SIGKILL once samples have been saved."""
    out = tmp_path / "killed"
    program = (
        "import msq_ref.cli.tracing as t; t.SAVE_EVERY = 0\n"
        "from msq_ref.hessian import HutchPP\n"
        "import time; fast = HutchPP.advance\n"
        "HutchPP.advance = lambda self: (time.sleep(0.05), fast(self))\n"
        "from msq_ref.cli import main; main()"
    )
    flags = ["trace", run, "--images", "24", "--out", out, *METHODS["hutchpp"]]
    process = subprocess.Popen(
        [sys.executable, "-c", program, *flags], stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while not (out / "trace.safetensors").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "it was to be killed, not to finish"
    assert not (out / "trace.json").exists()
    assert trace(run, out, *METHODS["hutchpp"], "--resume") == 0
    for name in ("trace.json", "trace.png"):
        assert (out / name).read_bytes() == (whole["hutchpp"] / name).read_bytes()


@pytest.mark.parametrize("threads", [1, 4])
def test_the_number_of_threads_does_not_show(run, whole, tmp_path, threads, monkeypatch):
    """[S0.5] Nor does it in the sketch's orthonormal basis."""
    monkeypatch.setenv("MSQ_THREADS", str(threads))
    for method, flags in METHODS.items():
        out = tmp_path / method
        assert trace(run, out, *flags) == 0
        assert (out / "trace.json").read_bytes() == (whole[method] / "trace.json").read_bytes()


def test_the_relative_error_stops_it(run, tmp_path):
    out = tmp_path / "out"
    assert trace(run, out, "--samples", "3000", "--relative-error", "0.5") == 0
    rows = json.loads((out / "trace.json").read_text())["layers"]
    assert len({row["samples"] for row in rows}) == 1
    assert 16 <= rows[0]["samples"] < 3000
    assert all(row["standard_error"] <= 0.5 * abs(row["trace"]) for row in rows)


def test_the_table_and_the_usual_folder(run, capsys):
    """Beside the run, in `trace`; the table says what the file says."""
    assert msq("trace", run, "--images", 24, "--samples", 3) == 0
    figures = json.loads((run / "trace" / "trace.json").read_text())
    shown = " ".join(capsys.readouterr().out.split())
    for row in figures["layers"]:
        for value in (row["layer"], f"{row['trace']:.4g}", f"{row['omega']:.4g}"):
            assert value in shown
    shutil.rmtree(run / "trace")


def test_a_float_run_has_traces_and_no_omega(run, tmp_path):
    folder = tmp_path / "float"
    config = run.parent / "quick.toml"
    assert msq("train", "--config", config, "--method", "float", "--out", folder) == 0
    assert trace(folder, tmp_path / "out", "--samples", "3") == 0
    rows = json.loads((tmp_path / "out" / "trace.json").read_text())["layers"]
    assert [row["omega"] for row in rows] == [0.0] * 4
    assert all(row["trace"] != 0 for row in rows)


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--method", "hutchpluplus"], "--method = 'hutchpluplus'"),
        (["--method", "hutchpp", "--samples", "17"], "--samples = 17: expected"),
        (["--samples", "1"], "--samples"),
        (["--relative-error", "-1"], "--relative-error"),
        (["--relative-error", "nan"], "--relative-error"),
        (["--images", "0"], "--images"),
        (["--out", "/proc/no/where"], "--out"),
    ],
)
def test_flags(run, tmp_path, capsys, flags, says):
    """One line, exit code 2, nothing made."""
    arguments = [] if "--out" in flags else ["--out", tmp_path / "out"]
    assert msq("trace", run, *arguments, *flags) == 2
    streams = capsys.readouterr()
    assert says in streams.err
    assert streams.err.count("\n") == 1
    assert streams.out == ""
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def unfinished(run, tmp_path, monkeypatch):
    """A trace that broke off after three products."""
    monkeypatch.setattr(tracing, "SAVE_EVERY", 0.0)
    with monkeypatch.context() as patch:
        break_after(3, Hutchinson, patch)
        assert trace(run, tmp_path / "out", "--samples", "5") == 1
    return tmp_path / "out"


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--samples", "6"], "samples = 5, not 6"),
        (["--samples", "5", "--seed", "1"], "seed = 0, not 1"),
        (["--samples", "5", "--relative-error", "0.1"], "relative_error = 0.0, not 0.1"),
        (["--samples", "5", "--images", "25"], "subject"),
        (["--samples", "20", "--method", "hutchpp"], "method = 'hutchinson', not 'hutchpp'"),
    ],
)
@pytest.mark.parametrize("finish", [False, True])
def test_other_settings_do_not_continue(run, unfinished, capsys, flags, says, finish):
    """Nor does what is finished pass for them."""
    if finish:
        assert trace(run, unfinished, "--samples", "5", "--resume") == 0
    before = {path: path.read_bytes() for path in unfinished.iterdir()}
    capsys.readouterr()
    assert trace(run, unfinished, *flags, "--resume") == 2
    error = capsys.readouterr().err
    if "--images" in flags and finish:
        says = "images = 24, not 25"
    assert says in error
    assert "holds another trace" in error
    assert error.count("\n") == 1
    assert {path: path.read_bytes() for path in unfinished.iterdir()} == before


def test_damaged_files(run, unfinished, capsys):
    """A truncated file, samples of something else, figures that are no JSON."""
    partial = unfinished / "trace.safetensors"
    kept = partial.read_bytes()
    arrays, state = load_checkpoint(partial)
    partial.write_bytes(kept[:-8])
    assert trace(run, unfinished, "--samples", "5", "--resume") == 2
    assert "trace.safetensors" in capsys.readouterr().err
    save_checkpoint(partial, {**arrays, "fc": np.zeros(4)}, state)
    assert trace(run, unfinished, "--samples", "5", "--resume") == 2
    assert "not those of these layers" in capsys.readouterr().err
    partial.unlink()
    (unfinished / "trace.json").write_text("{")
    assert trace(run, unfinished, "--samples", "5", "--resume") == 2
    assert "trace.json" in capsys.readouterr().err
    (unfinished / "trace.json").unlink()
    assert trace(run, unfinished, "--samples", "5", "--resume") == 0, "from the start"


def test_any_network_can_be_traced(tmp_path):
    """No run is needed: a network, a batch, a folder."""
    from msq_ref import kernels, models

    network = models.build("resnet20", width=2, input_size=8, backend=kernels)
    images = np.random.default_rng(0).standard_normal((3, 8, 8, 3), dtype=np.float32)
    labels, folder = np.arange(3), tracing.TraceFolder(tmp_path / "out")
    settings = tracing.TraceSettings("hutchinson", 4, 0.0, 7)
    done = []
    found = tracing.SavedTrace(network, images, labels, settings, folder).run(done.append)
    assert done == [1, 2, 3, 4]
    assert found == hutchinson_layers(network, images, labels, seed=7, max_samples=4)
    assert all(isinstance(one, TraceEstimate) for one in found.values())
    assert folder.partial.exists(), "for the caller to remove"
    network.parameters()["linear.weight"][0, 0] += 1
    with pytest.raises(ValueError, match="subject"):
        tracing.SavedTrace(network, images, labels, settings, folder, resume=True)
