"""Every row is what `simulate` says, however it was run, stopped and gone on with."""

import csv
import itertools
import json
import re

import numpy as np
import pytest

from hwsim import load_accelerator, load_workload, simulate
from hwsim.overrides import override
from hwsim.sweep import read_results, run_sweep
from hwsim.sweep.columns import MEASURES


def lines_of(target):
    """Return the lines of a CSV file: names first, then sorted."""
    names, *lines = target.read_text(encoding="utf-8").splitlines()
    return [names, *sorted(lines)]


def test_every_row_is_simulated(small, network, tmp_path):
    """[S10] Point by point, in the order of `itertools.product`; what does not run says why."""
    target = tmp_path / "out.csv"
    seen = []
    assert run_sweep(small, target, jobs=1, progress=lambda *done: seen.append(done)) == 24
    assert seen == [(done, 24) for done in range(25)]
    results = read_results(target)
    assert results["point"].tolist() == list(range(24))
    work = load_workload(network)
    grid = itertools.product(
        ["edge-small", "stripes"], [1, 4], ["weight", "activation"], [24, 2060, 4096]
    )
    for at, (name, rows, serial, room) in enumerate(grid):
        row = {key: values[at] for key, values in results.items()}
        assert (row["accelerator"], row["array.rows"]) == (name, rows)
        assert (row["array.serial"], row["buffers.weight_bytes"]) == (serial, room)
        design = override(
            load_accelerator(name), None,
            [f"array.rows={rows}", f"array.serial={serial}", f"buffers.weight_bytes={room}"],
        )  # fmt: skip
        if row["status"] != "ok":
            assert row["status"] == "does not fit"
            with pytest.raises(ValueError, match=f"^{re.escape(row['reason'])}$"):
                simulate(work, design)
            assert all(np.isnan(row[name]) for name in MEASURES)
            continue
        report = simulate(work, design)
        assert (row["status"], row["reason"]) == ("ok", "")
        totals, area = report.totals, report.area
        for key in (
            "cycles", "compute_cycles", "stall_cycles", "latency_s", "energy_pj", "dram_bytes"
        ):  # fmt: skip
            assert row[key] == getattr(totals, key)
        assert row["array_gate_equivalents"] == area.array
        assert row["buffers_gate_equivalents"] == area.buffers
        assert row["total_gate_equivalents"] == area.total
        for cause, count in totals.stalls.items():
            share = row[cause.removesuffix("_cycles") + "_share"]
            assert share == count / totals.cycles
        operations = sum(line.counts.lane_operations for line in report.layers)
        lanes = design.array.rows * design.array.cols * design.array.lanes
        assert row["utilization"] == pytest.approx(operations / (lanes * totals.cycles), rel=1e-12)
    assert set(results["status"]) == {"ok", "does not fit"}


def test_settings_that_are_none_together(network, tmp_path):
    """Each is fine by itself: a row with the reason, and the others run."""
    config = {
        "network": str(network), "accelerator": "systolic-os",
        "vary": {"array.rows": [1, 2], "array.cols": [1, 2]},
    }  # fmt: skip
    run_sweep(config, tmp_path / "out.csv", jobs=1)
    results = read_results(tmp_path / "out.csv")
    assert results["status"].tolist() == ["invalid", "ok", "ok", "ok"]
    assert "at least 2 elements" in results["reason"][0]


def test_widths_and_objective(network, tmp_path):
    """[S10] At every width as `simulate` at that width, tilings of the least energy."""
    config = {
        "network": str(network), "accelerator": "edge-small", "objective": "energy", "in_bits": 5,
        "vary": {"bits": {"from": 2, "to": 8, "step": 2}, "frequency_mhz": [1, 2.5]},
    }  # fmt: skip
    run_sweep(config, tmp_path / "out.csv", jobs=1)
    results = read_results(tmp_path / "out.csv")
    assert results["frequency_mhz"].tolist() == 4 * [1.0, 2.5]
    for at, (bits, mhz) in enumerate(itertools.product([2, 4, 6, 8], [1, 2.5])):
        design = override(load_accelerator("edge-small"), None, [f"frequency_mhz={mhz}"])
        work = load_workload(network, bits=bits, in_bits=5)
        totals = simulate(work, design, objective="energy").totals
        assert results["energy_pj"][at] == totals.energy_pj
        assert results["latency_s"][at] == totals.latency_s


def test_skipping_sees_the_weights(run_folder, tmp_path):
    """An array that skips planes is given the values, also where only an axis makes it skip."""
    config = {
        "network": str(run_folder), "accelerator": "edge-small",
        "vary": {"array.skip": ["none", "weight-planes"]},
    }  # fmt: skip
    run_sweep(config, tmp_path / "out.csv", jobs=1)
    work = load_workload(run_folder)
    for at, skip in enumerate(["none", "weight-planes"]):
        design = override(load_accelerator("edge-small"), None, [f"array.skip={skip}"])
        cycles = simulate(work, design).totals.cycles
        assert read_results(tmp_path / "out.csv")["cycles"][at] == cycles


def test_any_number_of_processes(small, tmp_path, same):
    """The same lines; the same arrays from Parquet."""
    one, two, parquet = (tmp_path / name for name in ("1.csv", "2.csv", "2.parquet"))
    run_sweep(small, one, jobs=1)
    run_sweep(small, two, jobs=2)
    run_sweep(small, parquet, jobs=2)
    assert lines_of(one) == lines_of(two)
    same(read_results(one), read_results(two))
    same(read_results(one), read_results(parquet))
    assert run_sweep(small, parquet, jobs=2) == 0


def test_sobol(small, tmp_path, same):
    """Stopped and gone on with, the points are those of the whole sequence."""
    config = {**small, "sampling": "sobol", "points": 20, "seed": 3}
    whole, target = tmp_path / "whole.csv", tmp_path / "out.csv"
    run_sweep(config, whole, jobs=1)
    run_sweep(config, target, jobs=1)
    lines = target.read_text(encoding="utf-8").splitlines(keepends=True)
    target.write_text("".join(lines[:4] + lines[9:15])[:-3], encoding="utf-8", newline="\n")
    assert run_sweep(config, target, jobs=1) == 20 - 8
    same(read_results(whole), read_results(target))


def stop_after(count):
    def progress(done, total):
        if done >= count:
            raise KeyboardInterrupt

    return progress


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_goes_on(small, tmp_path, suffix, monkeypatch, same):
    """Nothing is lost, nothing is done twice; finished, nothing is left to do."""
    target, whole = tmp_path / f"out.{suffix}", tmp_path / "whole.csv"
    run_sweep(small, whole, jobs=1)
    for count in (5, 11):
        with pytest.raises(KeyboardInterrupt):
            run_sweep(small, target, jobs=1, progress=stop_after(count))
        assert read_results(target)["point"].tolist() == list(range(count))
    assert run_sweep(small, target, jobs=1) == 24 - 11
    same(read_results(target), read_results(whole))
    monkeypatch.setattr("hwsim.sweep.local.run_points", lambda *_: pytest.fail("it ran again"))
    assert run_sweep(small, target, jobs=1) == 0


CHANGES = {
    "objective": {"objective": "bytes"},
    "axis": {"vary": {"array.rows": [1, 2]}},
    "order": {"vary": {"buffers.weight_bytes": {"from": 24, "to": 4096, "step": 2036},
                       "array.rows": [1, 4], "array.serial": ["weight", "activation"]}},
    "type": {"bits": 8},
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_other_settings(small, tmp_path, name):
    """Results of another config are not added to, and stay as they are."""
    target = tmp_path / "out.csv"
    run_sweep(small, target, jobs=1)
    before = target.read_bytes()
    with pytest.raises(ValueError, match=r"holds a sweep with other settings; see .*\.sweep\.json"):
        run_sweep({**small, **CHANGES[name]}, target, jobs=1)
    assert target.read_bytes() == before


def test_changed_network(small, network, tmp_path, monkeypatch):
    """Nor those of another network of that name, of another version, or of anything else."""
    target = tmp_path / "out.csv"
    run_sweep(small, target, jobs=1)
    text = network.read_text(encoding="utf-8")
    network.write_text(text.replace("64, 10", "64, 11"), encoding="utf-8")
    with pytest.raises(ValueError, match="its network, an accelerator or a file of bits has ch"):
        run_sweep(small, target, jobs=1)
    network.write_text(text, encoding="utf-8")
    assert run_sweep(small, target, jobs=1) == 0
    monkeypatch.setattr("hwsim.sweep.prepare.installed_version", lambda: "99")
    with pytest.raises(ValueError, match=r"holds a sweep of hwsim .*, this is 99"):
        run_sweep(small, target, jobs=1)
    with pytest.raises(RuntimeError, match=r"a worker has hwsim .*: expected 99, as here"):
        run_sweep(small, tmp_path / "new.csv", jobs=1)


def test_targets(small, tmp_path, monkeypatch):
    """What is no result of a sweep is left alone."""
    (tmp_path / "mine.csv").write_text("1,2\n", encoding="utf-8")
    (tmp_path / "mine.parquet").mkdir()
    for name in ("mine.csv", "mine.parquet"):
        with pytest.raises(ValueError, match="it is there, and not the results of a sweep"):
            run_sweep(small, tmp_path / name, jobs=1)
        with pytest.raises(ValueError, match=rf"not the results of a sweep \(no {name}.sweep"):
            read_results(tmp_path / name)
    with pytest.raises(ValueError, match=r"expected a name that ends in \.csv or \.parquet"):
        run_sweep(small, tmp_path / "x.json", jobs=1)
    with pytest.raises(ValueError, match="no such folder as"):
        run_sweep(small, tmp_path / "none" / "x.csv", jobs=1)
    run_sweep(small, tmp_path / "x.csv", jobs=1)
    (tmp_path / "x.csv").unlink()
    with pytest.raises(ValueError, match="no such results; run the sweep"):
        read_results(tmp_path / "x.csv")
    (tmp_path / "x.csv").mkdir()
    with pytest.raises(ValueError, match="expected a file"):
        run_sweep(small, tmp_path / "x.csv", jobs=1)
    (tmp_path / "x.csv.sweep.json").write_text("{", encoding="utf-8")
    with pytest.raises(ValueError, match=r"x\.csv\.sweep\.json: cannot read it"):
        read_results(tmp_path / "x.csv")


def test_two_at_once(small, tmp_path):
    """A second sweep of the same results is refused while the first one runs."""
    target = tmp_path / "out.csv"
    refused = []

    def again(done, total):
        with pytest.raises(ValueError, match="another sweep is writing it"):
            run_sweep(small, target, jobs=1)
        refused.append(done)

    assert run_sweep(small, target, jobs=1, progress=again) == 24
    assert len(refused) == 25


def test_record(small, tmp_path):
    """Beside the results lies what they are of, with nothing left out."""
    target = tmp_path / "out.csv"
    run_sweep(small, target, jobs=1)
    record = json.loads((tmp_path / "out.csv.sweep.json").read_text(encoding="utf-8"))
    assert run_sweep(record["config"], target, jobs=1) == 0
    with target.open(encoding="utf-8") as file:
        assert list(next(csv.DictReader(file))) == list(read_results(target))
