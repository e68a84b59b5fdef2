"""A user's mistake: one clear line on standard error, exit code 2, and nothing lost or created."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from tests.cli.quick import finished_run, msq

MSQ = Path(sys.executable).with_name("msq")
QUICK = "[training]\nepochs = 2\n[msq]\nhessian_samples = 2\nhessian_images = 32\ninterval = 1\n"


def files_below(folder):
    """Every file below a folder with its bytes."""
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished run of two epochs."""
    return finished_run(tmp_path_factory.mktemp("finished"), QUICK)


@pytest.fixture
def run(finished, tmp_path):
    """A copy of it to damage."""
    shutil.copytree(finished, tmp_path / "run")
    return tmp_path / "run"


def refused(capsys, *arguments, code=2):
    """Run, and return the one line that says why not."""
    capsys.readouterr()
    assert msq(*arguments) == code
    streams = capsys.readouterr()
    assert streams.out == ""
    assert streams.err.startswith("msq: error: ")
    assert streams.err.count("\n") == 1
    assert "Traceback" not in streams.err
    return streams.err


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--model", "digits-cn"], "did you mean 'digits-cnn'?"),
        (["--data", "digit"], "did you mean 'digits'?"),
        (["--method", "mqs"], "method = 'mqs'"),
        (["--seed", "-1"], "seed = -1"),
        (["--seed", "1.5"], "--seed"),
        (["--seed", "9223372036854775808"], "seed = 9223372036854775808"),
        (["--sed", "1"], "--sed"),
        (["--config", "no-such.toml"], "no-such.toml"),
        (["surplus"], "surplus"),
    ],
)
def test_flags(capsys, tmp_path, flags, says):
    out = tmp_path / "run"
    assert says in refused(capsys, "train", "--out", out, *flags)
    assert not out.exists()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("sed = 3", "unknown key 'sed'; did you mean 'seed'?"),
        ("[training]\nepoch = 3", "unknown key 'training.epoch'; did you mean 'training.epochs'?"),
        ("[training]\nepochs = 'many'", "training.epochs = 'many'"),
        ("[training]\nepochs = 0", "training.epochs = 0"),
        ("[training]\nepochs = true", "training.epochs = True"),
        ("[training]\nepochs = 2.5", "training.epochs = 2.5"),
        ("[training]\nlearning_rate = nan", "training.learning_rate"),
        ("[training]\nlearning_rate = -0.1", "training.learning_rate = -0.1"),
        ("training = 3", "training = 3"),
        ("[msq]\ndomain = 'sined'", "msq.domain = 'sined'"),
        ("[msq]\nlambda = inf", "msq.lambda"),
        ("[msq]\nn_min = 9", "n_min = 9"),
        ("[msq]\ndomain = 'signed'\nn_min = 1", "n_min"),
        ("[dorefa]\nbits = 17", "dorefa.bits = 17"),
        ("model = 'digits-cnm'", "did you mean 'digits-cnn'?"),
        ("data = 'mnits'", "data = 'mnits'"),
        ("format = 99", "newer"),
        ("seed = ", "not a TOML file"),
    ],
)
def test_config_files(capsys, tmp_path, text, says):
    config = tmp_path / "c.toml"
    config.write_text(text)
    error = refused(capsys, "train", "--config", config, "--out", tmp_path / "run")
    assert says in error
    assert "c.toml" in error or "did you mean" in error or "known:" in error
    assert sorted(tmp_path.iterdir()) == [config]


def test_a_config_that_is_no_text(capsys, tmp_path):
    (tmp_path / "c.toml").write_bytes(b"\xff\xfe\x00")
    assert "not a TOML file" in refused(
        capsys, "train", "--config", tmp_path / "c.toml", "--out", tmp_path / "run"
    )
    assert "cannot read it" in refused(
        capsys, "train", "--config", tmp_path, "--out", tmp_path / "run"
    )


def test_output_folders(capsys, tmp_path, run):
    """Another run, something else, a file, a path below a file, a folder nobody may write."""
    before = files_below(tmp_path)
    assert "--resume continues it" in refused(capsys, "train", "--out", run)
    assert "other settings" in refused(capsys, "train", "--out", run, "--resume", "--seed", "5")
    assert files_below(tmp_path) == before
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("dear")
    assert "not empty" in refused(capsys, "train", "--out", tmp_path / "full")
    assert "not empty" in refused(capsys, "train", "--out", tmp_path / "full", "--resume")
    file = tmp_path / "file"
    file.write_text("x")
    for path in (file, file / "below", Path("/proc/nothing/here")):
        assert "--out" in refused(capsys, "train", "--out", path)
    assert file.read_text() == "x"


def test_demo_refuses_before_it_works(capsys, tmp_path):
    out = tmp_path / "demo"
    assert "did you mean 'edge-small'?" in refused(
        capsys, "demo", "--out", out, "--accelerator", "edge-smal"
    )
    assert "seed" in refused(capsys, "demo", "--out", out, "--seed", "-3")
    assert not out.exists()
    out.mkdir()
    (out / "letter.txt").write_text("dear")
    assert "letter.txt" in refused(capsys, "demo", "--out", out)
    assert [path.name for path in out.iterdir()] == ["letter.txt"]


@pytest.mark.parametrize("command", ["eval", "trace"])
def test_folders_that_are_no_finished_runs(capsys, tmp_path, command):
    assert "no such folder" in refused(capsys, command, tmp_path / "nowhere")
    assert "not a run folder" in refused(capsys, command, tmp_path)
    (tmp_path / "config.toml").write_text("seed = 0\n")
    assert "not finished" in refused(capsys, command, tmp_path)


@pytest.mark.parametrize("command", ["eval", "trace"])
@pytest.mark.parametrize("keep", [0, 4, 8, 100, -1, -1000])
def test_a_truncated_model(capsys, run, command, keep):
    model = run / "model.safetensors"
    model.write_bytes(model.read_bytes()[:keep])
    before = files_below(run)
    assert "model.safetensors" in refused(capsys, command, run)
    assert files_below(run) == before


def test_foreign_and_damaged_models(capsys, run):
    model = run / "model.safetensors"
    arrays = load_file(model)
    save_file(arrays, model)  # without our metadata
    assert "not one that msq-ref wrote" in refused(capsys, "eval", run)
    shutil.copy(run / "integer.safetensors", model)
    assert "model.safetensors" in refused(capsys, "eval", run)


def test_nan_weights(capsys, run):
    from msq_ref.training.checkpoint import load_checkpoint, save_checkpoint

    arrays, state = load_checkpoint(run / "model.safetensors")
    arrays["conv1.weight"][0, 0, 0, 0] = np.nan
    save_checkpoint(run / "model.safetensors", arrays, state)
    assert "conv1.weight contains NaN" in refused(capsys, "eval", run)


def test_a_run_of_a_newer_version(capsys, run):
    config = run / "config.toml"
    config.write_text(config.read_text().replace("format = 1", "format = 2"))
    for command in ("eval", "trace"):
        assert "newer" in refused(capsys, command, run)
    assert "newer" in refused(capsys, "train", "--out", run, "--resume")


def test_damaged_integers(capsys, run):
    integer = run / "integer.safetensors"
    integer.write_bytes(integer.read_bytes()[:-3])
    assert "integer.safetensors" in refused(capsys, "eval", run)
    integer.unlink()
    assert "integer.safetensors" in refused(capsys, "eval", run)


def test_trace_flags(capsys, run):
    for flags in (["--samples", "1"], ["--images", "0"], ["--seed", "-1"], ["--samples", "x"]):
        assert flags[0] in refused(capsys, "trace", run, *flags)


def test_a_rate_that_diverges_fails_with_code_1(capsys, tmp_path):
    config = tmp_path / "c.toml"
    config.write_text("[training]\nepochs = 3\nlearning_rate = 1e30\n")
    out = tmp_path / "run"
    assert msq("train", "--config", config, "--method", "float", "--out", out) == 1
    lines = [line for line in capsys.readouterr().err.splitlines() if "error" in line]
    assert len(lines) == 1
    assert "the loss became nan in epoch" in lines[0]
    assert not (out / "report.json").exists()


def test_a_full_disk(tmp_path):
    """Files may not grow past 20 kB: the run fails with one line, what is written stays whole."""
    config = tmp_path / "c.toml"
    config.write_text(QUICK)

    command = [MSQ, "train", "--config", config, "--out"]
    # A whole run first: the limit must not meet compiled code on its way into the cache.
    subprocess.run([*command, tmp_path / "whole"], capture_output=True, check=True)
    # The shell sets the limit: forking here is no good once JAX has threads.
    limited = ["bash", "-c", 'ulimit -f 20 && exec "$@"', "bash", *command, tmp_path / "run"]
    done = subprocess.run(limited, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert "msq: error: " in done.stderr
    names = sorted(path.name for path in (tmp_path / "run").iterdir())
    assert names == ["config.toml", "log.csv"]
    assert "epochs = 2" in (tmp_path / "run" / "config.toml").read_text()


def test_a_good_run_is_left_as_it_is(capsys, finished):
    """The commands that read change nothing, but that a trace puts its results beside them."""
    before = files_below(finished)
    assert msq("eval", finished, "--json") == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["bits"].keys() == {"conv1", "conv2", "conv3", "fc"}
    assert msq("trace", finished, "--samples", "2", "--images", "16") == 0
    assert msq("train", "--resume", "--config", finished / "config.toml", "--out", finished) == 0
    after = files_below(finished)
    trace = {path: after.pop(path) for path in list(after) if path.parent.name == "trace"}
    assert sorted(path.name for path in trace) == ["trace.json", "trace.png"]
    assert after == before
