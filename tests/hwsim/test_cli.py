"""The command line: what it prints and writes, and one clear line for each mistake."""

import errno
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import hwsim
from hwsim import accelerator_names, load_accelerator, simulate, workload_from_run

SMALL = Path(hwsim.__file__).parent / "presets" / "edge-small.toml"


def small(run_folder, bits=None):
    work = workload_from_run(run_folder)
    return simulate(work if bits is None else work.at_bits(bits), load_accelerator("edge-small"))


def test_tables(call, run_folder):
    """A line per layer, the totals, the same at 8 bits, and the speed-up."""
    code, out, err = call("run", run_folder, "--accelerator", "edge-small")
    assert (code, err) == (0, "")
    ours, eight = small(run_folder), small(run_folder, 8)
    for layer in ours.layers:
        line = next(line for line in out.splitlines() if layer.name in line)
        for figure in (layer.bits, f"{layer.cycles:,}", f"{layer.dram_bytes:,}"):
            assert str(figure) in line
    for key in ("compute_cycles", "stall_cycles", "dram_bytes"):
        name = key.replace("_cycles", " cycles").replace("dram_bytes", "DRAM bytes")
        line = next(line for line in out.splitlines() if name in line)
        for report in (ours, eight):
            assert f"{getattr(report.totals, key):,}" in line
    ratio = eight.totals.cycles / ours.totals.cycles
    assert f"Speed-up over 8 bits: {ratio:.2f}x" in out
    assert "Energy is an estimate from M. Horowitz" in out


def test_json_to_standard_output(call, run_folder):
    """``--json -`` prints one object and nothing else."""
    code, out, err = call("run", run_folder, "--accelerator", "edge-small", "--json", "-")
    assert (code, err) == (0, "")
    assert json.loads(out) == small(run_folder).to_json()


def test_the_accelerator_that_nobody_named(call, run_folder):
    """It is `edge-small`."""
    code, out, _ = call("run", run_folder, "--json", "-")
    assert code == 0
    assert json.loads(out) == small(run_folder).to_json()


def test_bits_and_files(call, run_folder, tmp_path):
    """``--bits 8`` runs every layer so; files are written whole, over older ones too."""
    file, html = tmp_path / "a.json", tmp_path / "a.html"
    file.write_text("old", encoding="utf-8")
    code, out, _ = call(
        "run", run_folder, "--accelerator", SMALL, "--bits", 8, "--json", file, "--html", html
    )
    assert code == 0
    assert "Speed-up over 8 bits: 1.00x" in out
    assert json.loads(file.read_text(encoding="utf-8")) == small(run_folder, 8).to_json()
    assert {layer["bits"] for layer in json.loads(file.read_text())["layers"]} == {8}
    assert html.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a.html", "a.json", "run"]


def test_network_that_fits_only_with_fewer_bits(call, run_folder, tmp_path):
    """[S10.4] It is reported all the same; what is missing is the comparison."""
    own = tmp_path / "own.toml"
    # conv3 has K = 90: 180 bytes a tile at 2 bits, 720 at 8; conv2, K = 45 at 3 bits: 135.
    text = SMALL.read_text(encoding="utf-8").replace("weight_bytes = 32768", "weight_bytes = 400")
    own.write_text(text, encoding="utf-8")
    html = tmp_path / "a.html"
    code, out, err = call("run", run_folder, "--accelerator", own, "--html", html)
    assert (code, err) == (0, "")
    assert "Speed-up over 8 bits: -" in out
    assert "No comparison with 8 bits: layer conv2: the weight buffer" in out
    assert "With 8-bit weights the network does not fit." in html.read_text(encoding="utf-8")
    code, _, err = call("run", run_folder, "--accelerator", own, "--bits", 8)
    assert code == 2
    assert err.startswith("hwsim: error: layer conv2: the weight buffer of edge-small is too small")


def test_accelerators(call):
    """A line per preset, or JSON of everything in it."""
    code, out, err = call("accelerators")
    assert (code, err) == (0, "")
    assert re.search(r"edge-small\W+weight-serial\W+8 x 8 x 16\W+200\W+32 \+ 32 \+ 8\W+32\W", out)
    assert "edge-large" in out
    code, out, err = call("accelerators", "--json")
    assert (code, err) == (0, "")
    presets = {preset["name"]: preset for preset in json.loads(out)["accelerators"]}
    assert list(presets) == accelerator_names()
    array = presets["edge-small"]["array"]
    assert (array["rows"], array["cols"], array["lanes"], array["drain"]) == (8, 8, 16, 1)
    assert presets["systolic-ws"]["array"]["dataflow"] == "ws"


def test_entry_point(run_folder):
    """As it is installed."""
    code = "from hwsim.cli import main; main()"
    command = [sys.executable, "-c", code, "run", str(run_folder), "--accelerator"]
    good = subprocess.run([*command, "edge-large", "--json", "-"], capture_output=True, check=False)
    assert good.returncode == 0
    assert json.loads(good.stdout)["accelerator"] == "edge-large"
    bad = subprocess.run([*command, "edge"], capture_output=True, check=False, text=True)
    assert (bad.returncode, bad.stdout) == (2, "")
    assert bad.stderr.startswith("hwsim: error: accelerator = 'edge'")


def folder(tmp_path, name):
    (tmp_path / name).mkdir()
    return tmp_path / name


BAD = {
    "no command": ("rum", "No such command 'rum'"),
    "no network": ("run --accelerator edge-small", "Missing argument 'NETWORK'"),
    "unknown flag": ("run RUN --accelerator edge-small --bit 8", "No such option"),
    "no folder": ("run TMP/none --accelerator edge-small", "TMP/none: no such folder"),
    "no run": ("run TMP --accelerator edge-small", "TMP: not a run folder"),
    "preset": ("run RUN --accelerator edge-smal", "did you mean 'edge-small'? known: bismo"),
    "file": ("run RUN --accelerator TMP/x.toml", "TMP/x.toml: cannot read it"),
    "bits": ("run RUN --accelerator edge-small --bits 17", "bits = 17: expected 1 to 16"),
    "word": ("run RUN --accelerator edge-small --bits eight", "eight"),
    "one bit": ("run RUN --accelerator edge-small --bits 1", "layer conv1: bits = 1"),
    "json parent": ("run RUN --accelerator edge-small --json TMP/a/b", "--json = TMP/a/b: no such"),
    "html parent": ("run RUN --accelerator edge-small --html TMP/a/b", "--html = TMP/a/b: no such"),
    "json folder": ("run RUN --accelerator edge-small --json RUN", "--json = RUN: it is a folder"),
    "html dash": ("run RUN --accelerator edge-small --html -", "--html = -: expected the name"),
    "same file": (
        "run RUN --accelerator edge-small --json TMP/x --html TMP/x", "the same file as --json"
    ),
    "under a file": (
        "run RUN --accelerator edge-small --html RUN/config.toml/x", "no such folder"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_mistakes(call, run_folder, tmp_path, name):
    """Exit code 2, one line on standard error, nothing printed, nothing created."""
    command, message = (
        text.replace("RUN", str(run_folder)).replace("TMP", str(tmp_path)) for text in BAD[name]
    )
    before = sorted(tmp_path.rglob("*"))
    code, out, err = call(*command.split())
    assert (code, out) == (2, "")
    assert err.startswith("hwsim: error: ")
    assert err.count("\n") == 1
    assert message in err
    assert sorted(tmp_path.rglob("*")) == before


def test_refused_before_any_work(call, run_folder, tmp_path, monkeypatch):
    """Files that cannot be written are noticed before the network is read."""
    monkeypatch.setattr("hwsim.load.workload_from_run", lambda _: pytest.fail("it was read"))
    place = folder(tmp_path, "locked")
    monkeypatch.setattr("hwsim.cli.targets.check_writable", _refuse)
    code, _, err = call(
        "run", run_folder, "--accelerator", "edge-small", "--html", place / "page.html"
    )
    assert code == 2
    assert f"--html = {place}: cannot write there" in err


def test_full_disk_is_a_failed_run(call, run_folder, tmp_path, monkeypatch):
    """Exit code 1 with one line, the older file whole."""
    target = tmp_path / "a.json"
    target.write_text("old", encoding="utf-8")

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    code, _, err = call("run", run_folder, "--accelerator", "edge-small", "--json", target)
    assert code == 1
    assert err == "hwsim: error: [Errno 28] No space left on device\n"
    assert target.read_text(encoding="utf-8") == "old"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a.json", "run"]


def test_device_is_written_to(call, run_folder):
    """``--json /dev/null`` replaces nothing, and asks for no file beside it."""
    code, _, err = call("run", run_folder, "--accelerator", "edge-small", "--json", "/dev/null")
    assert (code, err) == (0, "")
    assert not Path("/dev/null").is_file()


def test_names_are_not_markup(call, run_folder):
    """A layer or model may be called ``[/x]``."""
    config = run_folder / "config.toml"
    text = config.read_text(encoding="utf-8").replace("digits-cnn", "[/x]")
    config.write_text(text, encoding="utf-8")
    code, out, _ = call("run", run_folder, "--accelerator", "edge-small")
    assert code == 0
    assert "[/x] on edge-small" in out


def _refuse(name, folder):
    raise ValueError(f"{name} = {folder}: cannot write there (Permission denied)")
