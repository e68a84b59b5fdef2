"""The reports as pages: every figure of the tables, and words for every picture."""

import re
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction

import pytest

from hwsim import Layer, Workload, load_accelerator, network_workload, simulate, workload_from_run
from hwsim.overrides import override
from hwsim.pages import write_comparison, write_report, write_sweep_page
from hwsim.pages.sweep import MOST_ROWS


@pytest.fixture
def edge():
    return load_accelerator("edge-small")


def sections(text):
    return re.findall(r'<h2 id="section-\d+">(.*?)</h2>', text)


def test_a_run(run_folder, edge, tmp_path):
    """[S10.4] Totals, limits, pictures, both tables of layers, notes; names are escaped."""
    workload = workload_from_run(run_folder)
    ours, eight = simulate(workload, edge), simulate(workload.at_bits(8), edge)
    pages = tmp_path / "one.html", tmp_path / "two.html"
    for target in pages:
        write_report(target, replace(ours, network="<b>&"), eight, workload)
    text = pages[0].read_text(encoding="utf-8")
    assert pages[0].read_bytes() == pages[1].read_bytes()
    assert "&lt;b&gt;&amp;" in text
    assert "<b>" not in text
    assert sections(text) == [
        "Totals", "What bounds it", "Where the cycles go", "Where the energy goes",
        "What the buffers hold", "Layers, as it is", "Layers, at 8 bits", "Exact and estimated",
    ]  # fmt: skip
    assert text.count("<img") == 5
    for layer in (*ours.layers, *eight.layers):
        assert f"<td>{layer.cycles:,}</td>" in text
        assert f"<td>{layer.macs / layer.cycles:,.1f}</td>" in text
    for layer in ours.layers:
        assert f"<td>{layer.energy.dram / 1e3:,.1f}</td>" in text
    assert f"{eight.totals.cycles / ours.totals.cycles:.2f}x the speed" in text
    working = Fraction(ours.totals.compute_cycles, ours.totals.cycles)
    assert f"It computes in {float(working):.1%} of {ours.totals.cycles:,} cycles." in text
    assert "By the roofline DRAM limits " in text
    assert "ISSCC 2014" in text


def test_a_run_at_8_bits_is_shown_once(edge, tmp_path):
    workload = network_workload("digits-cnn")
    report = simulate(workload, edge)
    write_report(tmp_path / "a.html", report, simulate(workload.at_bits(8), edge), workload)
    text = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert "Its weights have 8 bits." in text
    assert "Layers, at 8 bits" not in sections(text)


def test_another_workload(edge, tmp_path):
    workload = network_workload("resnet20")
    with pytest.raises(ValueError, match="its layer conv1 is not that of the report"):
        write_report(tmp_path / "a.html", simulate(workload, edge), None, workload.at_bits(4))
    assert list(tmp_path.iterdir()) == []


def test_a_comparison(edge, tmp_path):
    """A line and a section for each design, also where names or layers are not alike."""
    workload = network_workload("digits-cnn")
    designs = [edge, override(load_accelerator("systolic-os"), None, ["vector.lanes=8"]), edge]
    reports = [simulate(workload, design) for design in designs]
    write_comparison(tmp_path / "a.html", reports, workload)
    text = (tmp_path / "a.html").read_text(encoding="utf-8")
    names = ["edge-small, 1", "systolic-os", "edge-small, 2"]
    assert sections(text) == ["Designs", *names, "How to read it"]
    assert text.count("<img") == 2 + 3 * len(designs)
    for report in reports:
        assert f"<td>{report.totals.cycles:,}</td>" in text
    with pytest.raises(ValueError, match=r"reports = \[\]: expected at least one"):
        write_comparison(tmp_path / "a.html", [], workload)


def test_comparison_on_the_command_line(call, run_folder, tmp_path):
    """``--html`` writes the page beside the table, and is checked like other files."""
    target = tmp_path / "a.html"
    designs = "edge-small", "edge-small@parallel"
    code, out, err = call("compare", run_folder, *designs, "--html", target)
    assert (code, err) == (0, "")
    assert "edge-small" in out
    assert 'edge-small@parallel</h2>' in target.read_text(encoding="utf-8")
    code, out, err = call("compare", run_folder, *designs, "--html", tmp_path / "a" / "b")
    assert (code, out) == (2, "")
    assert f"--html = {tmp_path / 'a' / 'b'}: no such folder" in err


def test_plots_are_loaded_for_pages_only(run_folder):
    """A run without ``--html`` does not wait for them."""
    code = (
        "import sys; from hwsim.cli import main\n"
        "try: main()\nexcept SystemExit as stop: assert not stop.code\n"
        "print({'matplotlib', 'jinja2', 'hwsim.plots'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", code, "run", run_folder, "--accelerator", "edge-small"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "set()"


def test_no_layer_is_slower_than_it_looks(edge, tmp_path):
    """Numbers in the words below a picture are those of the report."""
    workload = Workload("w", (Layer.linear("a", 64, 8, 4), Layer.linear("b", 64, 80, 4)))
    report = simulate(workload, edge)
    write_report(tmp_path / "a.html", report, None, workload)
    text = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert "With 8-bit weights the network does not fit." in text
    share = report.layers[1].cycles / report.totals.cycles
    assert f"The longest layer is b: {share:.1%} of all cycles." in text
    stalls = report.totals.stall_cycles / report.totals.cycles
    assert f"{report.totals.cycles:,} cycles, {stalls:.1%} of them waiting, most in b" in text


COLUMNS = {
    "point": [0, 1, 2, 3],
    "array.rows": [4, 8, 16, 32],
    "status": ["ok", "ok", "refused", "ok"],
    "reason": ["", "", "too <large>", ""],
    "cycles": [400, 200, None, 300],
    "latency_s": [4e-6, 2e-6, None, 3e-6],
    "energy_pj": [1e6, 3e6, None, 4e6],
    "dram_bytes": [1000, 2000, None, 3000],
    "stall_input_share": [0.0, 0.125, None, 0.0],
    "stall_output_share": [0.0, 0.0, None, 0.5],
}


def test_a_sweep(tmp_path):
    """The front by latency, how the points went, and why some did not."""
    target = tmp_path / "a.html"
    write_sweep_page(target, "A sweep", COLUMNS, notes=["Be careful."])
    text = target.read_text(encoding="utf-8")
    assert sections(text) == ["Front", "Points", "Why points did not run", "Notes"]
    front = re.findall(r'<th scope="row">(.*?)</th><td>(.*?)</td><td>(.*?)</td>', text)
    assert front == [("1", "1", "8"), ("2", "0", "4")]
    assert "<td>2 µs</td><td>3 µJ</td><td>2,000</td><td>12.5%</td></tr>" in text
    assert "stall input share" in text
    assert "stall output share" not in text  # nothing on the front
    assert "4 points, 3 of which ran." in text
    assert '<th scope="row">ok</th><td>3</td>' in text
    assert '<th scope="row">too &lt;large&gt;</th><td>1</td>' in text
    assert "The front has 2 points, from 2 µs and 3 µJ to 4 µs and 1 µJ." in text
    first = target.read_bytes()
    write_sweep_page(target, "A sweep", COLUMNS, notes=["Be careful."])
    assert target.read_bytes() == first


def test_a_sweep_by_other_columns(tmp_path):
    target = tmp_path / "a.html"
    write_sweep_page(target, "A sweep", COLUMNS, x="dram_bytes", y="cycles")
    text = target.read_text(encoding="utf-8")
    assert "Points that no other one beats in DRAM and cycles" in text
    assert "from 1,000 and 400 to 2,000 and 200" in text


def test_a_sweep_by_a_third_column(tmp_path):
    """What is beaten in two figures may be the best in a third."""
    target = tmp_path / "a.html"
    columns = {**COLUMNS, "total_gate_equivalents": [20, 30, None, 10]}
    write_sweep_page(target, "A sweep", columns, also=["total_gate_equivalents"])
    text = target.read_text(encoding="utf-8")
    assert "Points that no other one beats in latency, energy and total gate equivalents" in text
    front = re.findall(r'<th scope="row">(.*?)</th><td>(.*?)</td><td>(.*?)</td>', text)
    assert front == [("1", "1", "8"), ("2", "3", "32"), ("3", "0", "4")]
    assert "a diamond is one that no other one beats" in text


def test_a_sweep_in_which_nothing_ran(tmp_path):
    columns = {**COLUMNS, "status": ["failed"] * 4}
    write_sweep_page(tmp_path / "a.html", "A sweep", columns)
    text = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert "No point ran: there is no front." in text
    assert "<img" not in text


def test_a_long_front_is_cut_short_and_says_so(tmp_path):
    count = MOST_ROWS + 100
    columns = {
        "point": list(range(count)), "status": ["ok"] * count,
        "latency_s": [float(at + 1) for at in range(count)],
        "energy_pj": [float(count - at) for at in range(count)],
    }  # fmt: skip
    write_sweep_page(tmp_path / "a.html", "A sweep", columns)
    text = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert f"latency and energy: the first {MOST_ROWS}" in text
    assert text.count('<th scope="row">') == MOST_ROWS + 1
    assert f"The front has {count} points" in text


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({key: COLUMNS[key] for key in ("status", "energy_pj")}, "columns has no 'latency_s'"),
        ({key: COLUMNS[key] for key in ("latency_s", "energy_pj")}, "columns has no 'status'"),
        ({**COLUMNS, "point": [1]}, "columns of lengths .*'point': 1"),
    ],
)
def test_columns_that_are_no_table(columns, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        write_sweep_page(tmp_path / "a.html", "A sweep", columns)
