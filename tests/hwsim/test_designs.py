"""Designs beside each other: equal areas, bit-parallel rivals, and the command that compares."""

import csv
import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwsim import accelerator_names, load_accelerator, simulate
from hwsim.area import area_of
from hwsim.designs import DESIGN_CSV_COLUMNS
from hwsim.equal_area import parallel_rival, scaled_to
from hwsim.networks import network_workload
from hwsim.overrides import override

SMALL = load_accelerator("edge-small")


def sides(accelerator):
    return accelerator.array.rows, accelerator.array.cols


def resized(accelerator, rows, cols):
    array = accelerator.array.model_copy(update={"rows": rows, "cols": cols})
    return area_of(accelerator.model_copy(update={"array": array})).array


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(accelerator_names()), st.integers(2_500, 10_000_000))
def test_scaled_is_the_most_that_fits(name, room):
    """Columns first, with the rows there are, then rows; by trying the next larger one."""
    accelerator = load_accelerator(name)
    rows = accelerator.array.rows
    if resized(accelerator, 1, 1) > room:
        with pytest.raises(ValueError, match=f"{name}: one row of one column has"):
            scaled_to(accelerator, room)
        return
    scaled = scaled_to(accelerator, room)
    new_rows, new_cols = sides(scaled)
    assert area_of(scaled).array <= room
    assert new_rows == 4096 or resized(accelerator, new_rows + 1, new_cols) > room
    assert new_cols == 4096 or resized(accelerator, rows, new_cols + 1) > room
    assert new_cols == 1 or resized(accelerator, rows, new_cols) <= room
    assert scaled.buffers == accelerator.buffers
    assert area_of(scaled).buffers == area_of(accelerator).buffers


def test_too_few_elements():
    """A systolic array of one is none."""
    systolic = load_accelerator("systolic-os")
    room = 1.5 * resized(systolic, 1, 1)
    with pytest.raises(ValueError, match=r"systolic-os: 1 x 1: .*at least 2 elements"):
        scaled_to(systolic, room)


def test_its_own_area_gives_it_back():
    """Without a change, or a word about one."""
    for name in accelerator_names():
        accelerator = load_accelerator(name)
        assert scaled_to(accelerator, area_of(accelerator).array) is accelerator


def test_rival():
    """[S10.1] Same lanes, buffers and memory, a step a cycle, as large and no larger."""
    rival = parallel_rival(SMALL)
    assert (rival.name, rival.array.serial) == ("edge-small@parallel", "none")
    assert (rival.array.lanes, rival.buffers, rival.dram) == (16, SMALL.buffers, SMALL.dram)
    ours, theirs = area_of(SMALL), area_of(rival)
    assert 0.8 * ours.array < theirs.array <= ours.array
    assert theirs.multiplier_adders > 0
    assert theirs.shifters == theirs.column_sums == 0
    work = network_workload("resnet20")
    one, eight = (simulate(work.at_bits(bits), rival).totals for bits in (2, 8))
    assert one.compute_cycles == eight.compute_cycles
    serial = simulate(work.at_bits(2), SMALL).totals
    assert serial.compute_cycles < one.compute_cycles
    with pytest.raises(ValueError, match="is bit-parallel already"):
        parallel_rival(rival)
    with pytest.raises(ValueError, match="layer conv1: bits = 9: edge-small@parallel takes 8 bits"):
        simulate(work.at_bits(9), rival)
    wide = parallel_rival(override(SMALL, None, ["widths.weight_bits=9"]))
    assert simulate(work.at_bits(9), wide).totals.macs == eight.macs


def test_table(call):
    """A line per design, ratios to the first."""
    code, out, err = call("compare", "resnet20", "edge-small", "edge-large", "--bits", 4)
    assert (code, err) == (0, "")
    work = network_workload("resnet20", bits=4)
    first, second = (
        simulate(work, load_accelerator(name)) for name in ("edge-small", "edge-large")
    )
    line = next(line for line in out.splitlines() if "edge-large" in line)
    assert f"{second.totals.cycles:,}" in line
    assert f"{first.totals.latency_s / second.totals.latency_s:.2f}x" in line
    assert f"{second.totals.energy_pj / first.totals.energy_pj:.2f}x" in line
    assert f"{second.area.array / 1e3:,.0f}" in line
    assert "Area is an estimate" in out
    assert "Leakage is not counted" in out


def test_json_and_csv(call, tmp_path):
    """The reports whole, and one line a design."""
    names = ["edge-small", "edge-small@parallel", "edge-large"]
    code, out, err = call("compare", "resnet20", *names, "--equal-area", "--json", "-")
    assert (code, err) == (0, "")
    result = json.loads(out)
    assert [design["accelerator"] for design in result["designs"]] == names
    room = result["designs"][0]["area"]["array_gate_equivalents"]
    for design in result["designs"]:
        assert 0 < design["area"]["array_gate_equivalents"] <= room
        ratio = result["designs"][0]["totals"]["latency_s"] / design["totals"]["latency_s"]
        assert design["ratios"]["speed_up"] == pytest.approx(ratio)
    assert set(result["designs"][0]["ratios"].values()) == {1.0}
    scaled = scaled_to(load_accelerator("edge-large"), room)
    work = network_workload("resnet20")
    assert result["designs"][2]["totals"] == simulate(work, scaled).to_json()["totals"]
    file = tmp_path / "designs.csv"
    code, out, _ = call("compare", "resnet20", *names, "--csv", file)
    assert code == 0
    assert "edge-small@parallel" in out
    rows = list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8"))))
    assert tuple(rows[0]) == DESIGN_CSV_COLUMNS
    assert [row["accelerator"] for row in rows] == names
    assert float(rows[0]["speed_up"]) == 1


BAD = {
    "no design": ("compare resnet20", "Missing argument 'A B ...'"),
    "unknown": ("compare resnet20 edge-smal", "did you mean 'edge-small'?"),
    "rival": ("compare resnet20 edge-small@serial", "design = '@serial': "),
    "twice": (
        "compare resnet20 edge-small@parallel@parallel", "accelerator = 'edge-small@parallel'"
    ),
    "network": ("compare resnet2 edge-small", "did you mean 'resnet"),
    "both printed": (
        "compare resnet20 edge-small --json - --csv -", "--csv = -: --json is printed already"
    ),
    "bits": ("compare resnet20 edge-small --bits 0", "bits = 0: expected 1 to 16"),
    "too wide": ("compare resnet20 edge-small@parallel --bits 16", "takes 8 bits at a time"),
    "buffer": (
        "compare resnet20 edge-small edge-large --set buffers.weight_bytes=16",
        "the weight buffer of edge-small is too small: the smallest tile needs",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_mistakes(call, name):
    """Exit code 2, one line on standard error, nothing printed."""
    command, message = BAD[name]
    code, out, err = call(*command.split())
    assert (code, out) == (2, "")
    assert err.startswith("hwsim: error: ")
    assert err.count("\n") == 1
    assert message in err
