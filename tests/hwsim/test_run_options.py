"""Options of ``run``: designs changed on the way, assumed widths, tables for other programs."""

import csv
import io
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hwsim import load_accelerator, simulate
from hwsim.cli import app
from hwsim.compression import allocate
from hwsim.networks import network_workload
from hwsim.overrides import override
from hwsim.tables import CSV_COLUMNS
from msq_ref.formats.console import run_app

SMALL = load_accelerator("edge-small")
RUN = "run", "resnet20", "--accelerator", "edge-small"


@pytest.fixture(scope="module")
def work():
    return network_workload("resnet20")


def test_array_and_settings(call, work):
    """The same as in Python, and the JSON says what was run."""
    changes = "--array", "4x16x32", "--set", "dram.bits_per_cycle=8", "--set", "array.drain=3"
    code, out, err = call(*RUN, *changes, "--json", "-")
    assert (code, err) == (0, "")
    changed = override(SMALL, "4x16x32", ["dram.bits_per_cycle=8", "array.drain=3"])
    assert json.loads(out) == json.loads(json.dumps(simulate(work, changed).to_json()))
    assert json.loads(out)["design"]["array"]["drain"] == 3


def test_assumed_widths(call, work):
    """Marked, and those of the rule."""
    code, out, err = call(*RUN, "--compression", 6, "--json", "-")
    assert (code, err) == (0, "")
    result = json.loads(out)
    assert result["assumed_bits"] is True
    assert result["assumed"]
    widths = [layer.bits for layer in allocate(work, 6).layers]
    assert [layer["bits"] for layer in result["layers"]] == widths
    assert len(set(widths)) > 1
    _, out, _ = call(*RUN, "--compression", 6)
    assert "Assumed: " in out
    _, out, _ = call(*RUN)
    assert "Assumed" not in out


def test_widths_from_a_file(call, work, tmp_path):
    file = tmp_path / "bits.json"
    widths = {layer.name: 2 + at % 7 for at, layer in enumerate(work.layers)}
    file.write_text(json.dumps(widths), encoding="utf-8")
    code, out, err = call(*RUN, "--bits", file, "--json", "-")
    assert (code, err) == (0, "")
    assert {line["name"]: line["bits"] for line in json.loads(out)["layers"]} == widths


def test_csv(call, work, tmp_path):
    """The figures of the JSON, a line a layer."""
    file = tmp_path / "layers.csv"
    code, out, _ = call(*RUN, "--csv", file, "--set", "vector.lanes=8")
    assert code == 0
    assert "Totals" in out
    rows = list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8"))))
    report = simulate(work, override(SMALL, None, ["vector.lanes=8"]))
    assert tuple(rows[0]) == CSV_COLUMNS
    assert len(rows) == len(report.layers) > len(work.layers)
    for row, line in zip(rows, report.layers, strict=True):
        for name in ("name", "kind", "cycles", "dram_bytes", "energy_pj"):
            assert row[name] == str(getattr(line, name))
        assert row["m_size"] == ("" if line.tiling is None else str(line.tiling.m_size))
    code, out, _ = call(*RUN, "--csv", "-")
    assert code == 0
    assert out.splitlines()[0] == ",".join(CSV_COLUMNS)
    assert len(out.splitlines()) == 1 + len(work.layers)


@pytest.mark.parametrize("objective", ["cycles", "energy", "bytes"])
def test_objective(call, work, objective):
    """[S10.4] No other objective has less of what one asks for."""
    code, out, err = call(*RUN, "--set", "buffers.weight_bytes=10240", "--objective", objective,
                          "--json", "-")  # fmt: skip
    assert (code, err) == (0, "")
    tight = override(SMALL, None, ["buffers.weight_bytes=10240"])
    key = {"cycles": "cycles", "energy": "energy_pj", "bytes": "dram_bytes"}[objective]
    ours = json.loads(out)
    assert ours["objective"] == objective
    for other in ("cycles", "energy", "bytes"):
        theirs = simulate(work, tight, objective=other)
        for mine, line in zip(ours["layers"], theirs.layers, strict=True):
            assert mine[key] <= getattr(line, key) * (1 + 1e-12)


BAD = {
    "both": ("--bits 4 --compression 9", "expected one of them at most"),
    "compression": ("--compression 0", "0"),
    "nan": ("--compression nan", "nan"),
    "objective": ("--objective time", "'--objective'"),
    "array": ("--array 8by8", "--array = '8by8': expected ROWSxCOLS"),
    "key": ("--set dram.bit_per_cycle=8", "did you mean 'dram.bits_per_cycle'? known: name,"),
    "unit": ("--set dram.gb_per_s=0.8", "is dram.bits_per_cycle = 32 at 200 MHz"),
    "zero": ("--set buffers.output_bytes=0", "buffers.output_bytes = 0"),
    "small": (
        "--set buffers.input_bytes=8",
        "the input buffer of edge-small is too small: the smallest tile needs",
    ),
    "rival": ("--accelerator edge-large@bitparallel", "did you mean '@parallel'?"),
}


@pytest.mark.parametrize("name", BAD)
def test_mistakes(call, name):
    """Exit code 2, one line on standard error, nothing printed."""
    arguments, message = BAD[name]
    code, out, err = call(*RUN, *arguments.split())
    assert (code, out) == (2, "")
    assert err.startswith("hwsim: error: ")
    assert err.count("\n") == 1
    assert message in err


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.one_of(
        st.sampled_from(["dram.bits_per_cycle", "buffers.weight_bytes", "array.rows", "array.taps",
                         "frequency_mhz", "energy.dram_64bit_pj", "widths.input_bits", "vector"]),
        st.text(max_size=12),
    ),
    st.one_of(st.integers(-2, 2**70).map(str), st.floats().map(str), st.text(max_size=12)),
)  # fmt: skip
def test_any_setting_ends_well(capsys, key, value):
    """Done, or one line: never a traceback, whatever is set."""
    code = run_app(app, "hwsim", [*RUN, "--set", f"{key}={value}", "--csv", "-"])
    captured = capsys.readouterr()
    assert code in (0, 2)
    assert (captured.err.count("\n") == 1) == (code == 2)
    assert bool(captured.out) == (code == 0)
