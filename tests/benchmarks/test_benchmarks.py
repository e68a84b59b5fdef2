"""Benchmarks run, say what they compared, and refuse what they do not know. Never how fast."""

import json
import statistics
from dataclasses import replace

import pytest

from benchmarks import (
    bitserial_gemm,
    fused_quantizer,
    hessian,
    hwsim_engine,
    hwsim_resnet50,
    int8_gemm,
    integer_paths,
    machine,
    measure,
    memory,
    mobilenetv3_step,
    report,
    resnet20_step,
    small_cnn_step,
    startup,
    steps,
    vit_step,
)
from benchmarks.__main__ import BENCHMARKS, app
from benchmarks.targets import TARGETS, judge
from msq_ref.formats.console import console, run_app
from msq_ref.nn import BatchNorm2d

NUMBERS = {"ours_s", "peer_s", "ratio", "limit_s", "ratio_to_limit", "spread"}
FIELDS = NUMBERS | {
    "case", "peer", "ours_spread_s", "peer_spread_s", "unit", "threads", "flops", "nbytes",
    "details", "target", "target_of", "met", "of_peak", "of_bandwidth", "noise", "machine",
}  # fmt: skip
QUIET = machine.Limits(2e11, 1e11, 3e10, 2e10, 0.0)


def run(*arguments):
    return run_app(app, "benchmarks", [str(argument) for argument in arguments])


@pytest.mark.parametrize("name", BENCHMARKS)
def test_rows(name, tmp_path, monkeypatch, capsys):
    """A list of rows in JSON, exactly one of them named like the benchmark; a table of all."""
    monkeypatch.setattr(fused_quantizer, "SIZE", 100_000)
    monkeypatch.setattr(startup, "TORCH_STEP", "import numpy")
    for size, value in {"WIDTH": 2, "SIDE": 8, "BATCH": 2}.items():
        monkeypatch.setattr(hessian, size, value)
    small = {"WIDTH": 0.25, "SIDE": 16, "BATCH": 2, "BATCHES": (1, 2), "WIDTHS": (0.25,)}
    for size, value in small.items():
        monkeypatch.setattr(mobilenetv3_step, size, value)
    for module in (bitserial_gemm, int8_gemm, integer_paths):
        monkeypatch.setattr(module, "ROWS", 40)
    monkeypatch.setattr(integer_paths, "WIDTHS", (1, 8))
    tiny = {"WIDTH": 2, "SIDE": 8, "BATCH": 2, "BATCHES": (2, 3), "WIDTHS": (2, 4)}
    for size, value in tiny.items():
        monkeypatch.setattr(resnet20_step, size, value)
        monkeypatch.setattr(small_cnn_step, size, value, raising=False)
    monkeypatch.setattr(vit_step, "BATCH", 2)
    monkeypatch.setattr(hwsim_engine, "SIZES", {"width": 2})
    monkeypatch.setattr(hwsim_resnet50, "NETWORK", "resnet20")
    monkeypatch.setattr(memory, "MOST_ROUNDS", 1)
    monkeypatch.setattr(memory, "PEERS", ("PyTorch, NHWC",))
    monkeypatch.setattr(machine, "measure_limits", lambda: QUIET)
    file, picture = tmp_path / "below" / "rows.json", tmp_path / "ratios.png"
    assert run(name, "--rounds", 2, "--json", file, "--plot", picture) == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    rows = json.loads(file.read_text())
    assert [row["case"] for row in rows].count(name) == 1
    table = " ".join(capsys.readouterr().out.split())
    for row in rows:
        assert row.keys() == FIELDS
        assert all(isinstance(row[key], float) for key in NUMBERS)
        assert min(row["ours_s"], row["peer_s"], row["limit_s"], row["ratio"]) > 0
        assert row["spread"] >= 0
        assert row["case"] in table
        assert (row["target"] is None) == (row["case"] not in TARGETS)


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


# --- the harness ------------------------------------------------------------------------------


def rows_of(ratio, **more):
    seconds = {"ours": [2.0 * ratio], "peer": [2.0]}
    return [measure.row("vit_step", seconds, "ours", "peer", 1.0, **more)]


@pytest.mark.parametrize(
    ("ratio", "after", "says"),
    [
        (0.5, QUIET, "0.55: met"),
        (0.6, QUIET, "0.55: missed"),
        (0.5, replace(QUIET, flops=1.7e11), "0.55: too noisy"),
        (0.5, replace(QUIET, bandwidth=2e10), "0.55: too noisy"),
        (0.5, replace(QUIET, others=0.3), "0.55: too noisy"),
    ],
)
def test_verdicts(ratio, after, says, capsys):
    """The target's column; a machine that changed, or that others use, judges nothing."""
    report.show([report.Result(rows_of(ratio), QUIET, after)], console())
    text = " ".join(capsys.readouterr().out.split())
    assert says in text
    assert ("too noisy to judge" in text) == ("noisy" in says)


def test_bytes_are_judged_on_a_busy_machine():
    busy = replace(QUIET, others=0.9)
    assert report.Result(rows_of(0.5, unit="B"), QUIET, busy).noise == ""


def test_shares_of_the_roofline():
    """Work over time over what the machine gives to as many threads."""
    (row,) = rows_of(0.5, flops=1e11, nbytes=1e10, threads=2)
    assert report.Result([row], QUIET, QUIET).shares(row) == {
        "of_peak": 0.5, "of_bandwidth": pytest.approx(1 / 3)
    }
    (row,) = rows_of(0.5, flops=1e11, threads=1)
    assert report.Result([row], QUIET, QUIET).shares(row) == {"of_peak": 1.0, "of_bandwidth": None}
    assert QUIET.seconds(4e11, 3e10) == 2.0
    assert QUIET.seconds(1e11, 6e10, threads=1) == 3.0


def test_limits_are_measured():
    limits = machine.measure_limits()
    assert min(limits.flops, limits.flops_1, limits.bandwidth, limits.bandwidth_1) > 1e8
    assert 0 <= limits.others <= 1


def test_targets_name_numbers_of_rows():
    """And cases of benchmarks that there are."""
    for case, target in TARGETS.items():
        assert case.partition("/")[0] in BENCHMARKS
        assert judge(replace(rows_of(1.0)[0], case=case))["met"] in (True, False)
        assert target.most > 0


def test_where_the_time_goes_adds_up():
    """Shares of the parts are 1 together; watching leaves the classes as they were."""
    forward, trainer = BatchNorm2d.forward, small_cnn_step.small_cnn_trainer(2)
    step = steps.step_of(trainer, *steps.batch_of(4, (8, 8, 1)))
    lines = steps.by_layer(trainer, step, rounds=2)
    whole = [line for line in lines if not line["part"].startswith(" ")]
    assert {"Conv2d", "BatchNorm2d", "quantizer", "update"} <= {line["part"] for line in whole}
    assert sum(line["share"] for line in whole) == pytest.approx(1, abs=0.2)
    assert [line["part"] for line in lines if "conv" in line["part"]] == [
        "  conv1", "  conv2", "  conv3"
    ]
    assert BatchNorm2d.forward is forward


def test_work_is_counted_by_definition():
    """Three products of every weight with every position, two operations each."""
    trainer = small_cnn_step.small_cnn_trainer(2)
    images, _ = steps.batch_of(3, (8, 8, 1))
    products = 64 * 9 * 2 + 16 * 9 * 2 * 4 + 4 * 9 * 4 * 8 + 8 * 10
    flops, nbytes = steps.work(trainer, images)
    assert flops == 3 * 3 * 2 * products
    assert nbytes > 4 * 3 * images.size
