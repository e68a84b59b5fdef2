"""Comparisons with others' figures: all that come along hold, and a changed figure is noticed."""

import json
import re
import shutil

import pytest

from hwsim import load_accelerator, simulate
from hwsim.comparison import Pair, compared
from hwsim.networks import network_workload
from hwsim.topology import topology_workload
from hwsim.validate import FORMS, TABLES, built_in, compare_drawn, compare_table

REQUIRED_ROWS = {
    ("published sizes", "MACs, 1e9"): 5,
    ("published sizes", "parameters"): 5,
    ("SCALE-Sim, os, 32x32, scalesim_resnet18_topology", "compute cycles"): 21,
    ("SCALE-Sim, os, 32x32, scalesim_product_topology", "compute cycles"): 1,
    ("SCALE-Sim, ws, 32x32, scalesim_product_topology", "compute cycles"): 1,
    ("SCALE-Sim, is, 32x32, scalesim_product_topology", "compute cycles"): 1,
    ("BitSim, weight-serial, bitsim_resnet20", "compute cycles"): 480,
    ("Bit Fusion, bitfusion", "compute cycles"): 59,
    ("Loom, DAC 2018", "ideal speed-ups of full layers"): 512,
    ("BISMO, largest instances", "peak binary TOPS"): 3,
    ("DNNsim, dnnsim", "cycles of Stripes, Loom and their rivals"): 266,
}


@pytest.fixture
def tables(tmp_path):
    """Give a copy of the figures, to spoil."""
    return shutil.copytree(TABLES, tmp_path / "tables")


def spoil(file, line, old, new):
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    assert old in lines[line - 1]
    lines[line - 1] = lines[line - 1].replace(old, new, 1)
    file.write_text("".join(lines), encoding="utf-8")


def scalesim(tables, name="resnet18", dataflow="os", array="32x32"):
    report, topology = f"scalesim_{name}_{dataflow}.csv", f"scalesim_{name}_topology.csv"
    return f"scalesim:{tables / report},{tables / topology},{array},{dataflow}"


def test_built_in():
    """Every row that must be equal is; what is only stated is as the page says."""
    found = {(one.against, one.what): one for one in built_in()}
    required = {key: one.rows for key, one in found.items() if one.required}
    assert required == REQUIRED_ROWS
    for key in required:
        assert found[key].equal == found[key].rows, found[key].first_difference
        assert found[key].holds
    stalls = found["Bit Fusion, bitfusion", "cycles with stalls"]
    assert (stalls.rows, stalls.equal, stalls.error) == (59, 59, 0)
    grouped = found["DNNsim, dnnsim", "cycles of Loom, layers with groups"]
    assert (grouped.rows, grouped.equal, grouped.holds) == (9, 6, True)


def test_command(call):
    """One table, the totals, and what differs."""
    code, out, err = call("validate", "--rtl", 0, "--layers", 0)
    assert (code, err) == (0, "")
    assert re.search(r"Bit Fusion, bitfusion\W+cycles with stalls\W+59\W+59\W+59,632,829", out)
    assert "RTL: left out: --rtl 0" in out
    code, out, err = call("validate", "--rtl", 0, "--layers", 11, "--json")
    assert (code, err) == (0, "")
    result = json.loads(out)
    assert result["holds"] is True
    expected = [one.to_json() for one in (*built_in(), *compare_drawn(11))]
    assert result["comparisons"] == json.loads(json.dumps(expected))
    assert result["left_out"] == ["RTL: left out: --rtl 0"]
    code, out, _ = call("validate", "--rtl", 0, "--layers", 0, "--json")
    left_out = ["Drawn layers: left out: --layers 0", "RTL: left out: --rtl 0"]
    assert json.loads(out)["left_out"] == left_out
    assert len(json.loads(out)["comparisons"]) == len(list(built_in()))


@pytest.mark.parametrize("dataflow", ["os", "ws", "is"])
def test_own_scalesim(call, tables, dataflow):
    code, out, _ = call("validate", "--table", scalesim(tables, "product", dataflow), "--json")
    assert code == 0
    (one,) = json.loads(out)["comparisons"]
    assert (one["rows"], one["equal"], one["first_difference"]) == (1, 1, None)


def test_stalls_are_taken_off(call, tables):
    """SCALE-Sim's total cycles are with its stalls."""
    file = tables / "scalesim_resnet18_os.csv"
    spoil(file, 4, " 117391, 0,", " 118391, 1000,")
    assert call("validate", "--table", scalesim(tables))[0] == 0
    spoil(file, 4, " 1000,", " 1001,")
    code, out, _ = call("validate", "--table", scalesim(tables))
    assert code == 1
    assert "row 3, layer Conv2_1b: 117,391 here, 117,390 there" in " ".join(out.split())


@pytest.mark.parametrize(
    ("kind", "file", "line", "old", "new", "difference"),
    [
        ("bitsim", "bitsim_resnet20.csv", 3, ",1152,", ",1153,",
         "row 2, layer l1.0.c1: 1,152 here, 1,153 there"),
        ("bitfusion", "bitfusion.csv", 7, ",73728,", ",73729,",
         "row 6, SVHN conv4/Convolution: 73,728 here, 73,729 there"),
        ("dnnsim", "dnnsim.csv", 4, ",421632", ",421633",
         "row 3, loom, layer Conv2_1a: 421,632 here, 421,633 there"),
    ],
)  # fmt: skip
def test_a_changed_figure_is_noticed(call, tables, kind, file, line, old, new, difference):
    """Exit code 1, the row and both figures."""
    name = f"{kind}:{tables / file}"
    assert call("validate", "--table", name)[0] == 0
    spoil(tables / file, line, old, new)
    code, out, err = call("validate", "--table", name)
    assert (code, err) == (1, "")
    assert difference in " ".join(out.split())
    code, out, _ = call("validate", "--table", name, "--json")
    result = json.loads(out)
    first = result["comparisons"][0]
    assert (code, result["holds"], first["equal"]) == (1, False, first["rows"] - 1)
    assert len(first["differences"]) == 1


def test_the_stall_model_is_stated_only(call, tables):
    """A total that differs is said and does not fail; the error is that of the sum."""
    file = tables / "bitfusion.csv"
    spoil(file, 2, ",398679,", ",398680,")
    code, out, _ = call("validate", "--table", f"bitfusion:{file}", "--json")
    compute, total = json.loads(out)["comparisons"]
    assert code == 0
    assert (compute["equal"], total["equal"], total["required"]) == (59, 58, False)
    assert total["error"] == pytest.approx(59632829 / 59632830 - 1)


def test_no_rows(call, tables):
    """A table without a row proves nothing."""
    for kind, file in (
        ("bitsim", "bitsim_resnet20.csv"), ("bitfusion", "bitfusion.csv"), ("dnnsim", "dnnsim.csv")
    ):  # fmt: skip
        head = (tables / file).read_text(encoding="utf-8").splitlines()[0]
        (tables / file).write_text(head + "\r\n\r\n", encoding="utf-8")
        assert call("validate", "--table", f"{kind}:{tables / file}")[0] == 1
    report = tables / "scalesim_resnet18_os.csv"
    report.write_text("LayerID, Total Cycles, Stall Cycles,\n", encoding="utf-8")
    assert call("validate", "--table", scalesim(tables))[0] == 1


def test_a_layer_left_out(call, tables):
    """A report of fewer layers than the topology differs."""
    report = tables / "scalesim_resnet18_os.csv"
    lines = report.read_text(encoding="utf-8").splitlines(keepends=True)
    report.write_text("".join(lines[:-1]), encoding="utf-8")
    code, out, _ = call("validate", "--table", scalesim(tables))
    assert code == 1
    assert "row 21, layer FC: 18,367 here, nothing there" in " ".join(out.split())


def test_depthwise_layers_run_channel_by_channel(tables):
    """SCALE-Sim takes each channel of a DP layer for a layer of its own."""
    topology, report = tables / "dw.csv", tables / "report.csv"
    head = (tables / "scalesim_resnet18_topology.csv").read_text(encoding="utf-8").splitlines()[0]
    topology.write_text(f"{head}\nDP1,6,6,3,3,4,1,1,\n", encoding="utf-8")
    cycles = 9 + 4 + 4 - 2 - 1 + (4 - 1) * (9 + 4 + 4 - 2)  # 16 positions on 4 rows: 4 folds
    rows = "".join(f"{index},{cycles},0\n" for index in range(4))
    report.write_text(f"LayerID,Total Cycles,Stall Cycles\n{rows}", encoding="utf-8")
    (one,) = compare_table(f"scalesim:{report},{topology},4x4,os")
    assert (one.rows, one.equal) == (4, 4)


def test_two_tables(call, tables):
    """One that fails is enough."""
    good, bad = scalesim(tables), scalesim(tables, array="32x16")
    assert call("validate", "--table", good, "--table", good)[0] == 0
    assert call("validate", "--table", good, "--table", bad)[0] == 1


BAD = {
    "kind": ("scalsim:a.csv", "--table = 'scalsim': did you mean 'scalesim'?"),
    "nothing": ("bitsim", "expected bitsim:FILE.csv"),
    "no file": ("bitsim:<TMP>/none.csv", "<TMP>/none.csv: cannot read it (No such file"),
    "a folder": ("bitfusion:<TMP>", "<TMP>: cannot read it"),
    "parts": ("scalesim:a.csv,b.csv,32x32", f"expected {FORMS['scalesim']}"),
    "array": ("scalesim:a.csv,b.csv,32,os", f"expected {FORMS['scalesim']}"),
    "zero": ("scalesim:a.csv,b.csv,0x32,os", "array 0x32: expected sides of at least 1"),
    "dataflow": ("scalesim:<REPORT>,<TOPOLOGY>,32x32,rs", "dataflow = 'rs': known: os, ws, is"),
    "other table": ("bitsim:<REPORT>", "line 1: column 'layer' is missing"),
    "other report": ("scalesim:<TOPOLOGY>,<TOPOLOGY>,32x32,os", "column 'LayerID' is missing"),
    "more layers": (
        "scalesim:<REPORT>,<ONE>,32x32,os", "line 3: column 'LayerID' = '1': expected one of the"
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_mistakes(call, tables, name):
    """Exit code 2, one line on standard error, nothing printed."""
    names = {
        "TMP": tables, "REPORT": tables / "scalesim_resnet18_os.csv",
        "TOPOLOGY": tables / "scalesim_resnet18_topology.csv",
        "ONE": tables / "scalesim_product_topology.csv",
    }  # fmt: skip
    text, message = BAD[name]
    for word, path in names.items():
        text, message = (part.replace(f"<{word}>", str(path)) for part in (text, message))
    code, out, err = call("validate", "--table", text)
    assert (code, out) == (2, "")
    assert err.startswith("hwsim: error: ")
    assert err.count("\n") == 1
    assert message in err


@pytest.mark.parametrize(
    ("file", "line", "old", "new", "message"),
    [
        ("bitsim_resnet20.csv", 5, ",16,16,32,", ",16,x,32,",
         "line 5: column 'Cout' = 'x': expected an integer"),
        ("bitsim_resnet20.csv", 5, ",1152,1152", "", "line 5: column 'bitsim_cycles' is missing"),
        ("dnnsim.csv", 2, "stripes,", "strips,", "machine = 'strips': did you mean 'stripes'? kno"),
        ("dnnsim.csv", 2, ",64,1,64,", ",64,3,64,", "column 'C' = '64': expected a multiple of gr"),
        ("bitfusion.csv", 2, ",16,8,8,", ",16,9,8,", "column 'act_bits' = '9': expected at most p"),
        ("bitfusion.csv", 2, ",8,2,", ",1,2,", "column 'pmin' = '2': expected at most pmax = 1"),
        ("scalesim_resnet18_os.csv", 3, "1, ", "0, ", "column 'LayerID' = '0': expected every la"),
        ("scalesim_resnet18_os.csv", 3, " 0, 89", " 117392, 89",
         "column 'Total Cycles' = '117391': expected an integer from 117392"),
    ],
)  # fmt: skip
def test_bad_tables(call, tables, file, line, old, new, message):
    """Line and column."""
    spoil(tables / file, line, old, new)
    kind = file.partition("_")[0].partition(".")[0]
    text = scalesim(tables) if kind == "scalesim" else f"{kind}:{tables / file}"
    code, _, err = call("validate", "--table", text)
    assert code == 2
    assert f"{tables / file}: line {line}: " in err
    assert message in err


def test_comparisons_of_nothing():
    empty = compared("x", "y", [])
    assert (empty.holds, empty.error, empty.first_difference) == (False, None, None)
    assert not compared("x", "y", [], required=False).holds
    many = compared("x", "y", [Pair(str(i), 1, 2, False) for i in range(50)])
    assert (len(many.differences), many.rows, many.equal, many.error) == (10, 50, 0, -0.5)


def test_networks_and_topologies_by_name(call, tables):
    """``networks`` lists what ``run`` takes; a topology runs as well."""
    code, out, _ = call("networks")
    assert code == 0
    assert re.search(r"resnet50\W+224x224x3\W+54\W+4,089,184,256\W+25,557,032", out)
    code, out, _ = call("networks", "--json")
    listed = {one["name"]: one for one in json.loads(out)["networks"]}
    assert listed["swin-t"]["macs"] == network_workload("swin-t").macs
    small, large = load_accelerator("edge-small"), load_accelerator("edge-large")
    code, out, _ = call("run", "resnet20", "--accelerator", "edge-small", "--bits", 4,
                        "--json", "-")  # fmt: skip
    assert code == 0
    assert json.loads(out) == simulate(network_workload("resnet20", bits=4), small).to_json()
    topology = tables / "scalesim_resnet18_topology.csv"
    code, out, _ = call("run", topology, "--accelerator", "edge-large", "--json", "-")
    assert json.loads(out) == simulate(topology_workload(topology), large).to_json()


@pytest.mark.parametrize(
    ("network", "message"),
    [
        ("resnet21", "NETWORK = 'resnet21': did you mean 'resnet"),
        ("none.csv", "none.csv: cannot read it"),
    ],
)
def test_networks_that_do_not_run(call, network, message):
    """[S10.4] One clear line."""
    code, out, err = call("run", network, "--accelerator", "edge-small")
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1
