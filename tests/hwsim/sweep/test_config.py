"""Settings of a sweep: what they may be, and one line for what they may not."""

import pytest

from hwsim.sweep import Range, parse_sweep, read_sweep, run_sweep

HEAD = 'network = "resnet20"\naccelerator = "edge-small"\n'

BAD = {
    "no network": ('accelerator = "edge-small"', "network is missing"),
    "no accelerator": ('network = "resnet20"', "accelerator: expected once"),
    "two accelerators": (HEAD + '[vary]\naccelerator = ["edge-large"]', "expected once"),
    "key": (HEAD + "objektive = 'cycles'", "'objektive'; did you mean 'objective'?"),
    "objective": (HEAD + "objective = 'speed'", "objective = 'speed'"),
    "unknown network": (HEAD.replace("20", "2"), "NETWORK = 'resnet2': did you mean 'resnet"),
    "unknown preset": (HEAD.replace("small", "smal"), "did you mean 'edge-small'?"),
    "preset twice": (HEAD.replace('"edge-small"', '["loom", "loom"]'), "'loom': given twice"),
    "points of a grid": (HEAD + "points = 8", "points = 8: expected with sampling = 'sobol' only"),
    "no points": (HEAD + "sampling = 'sobol'", "points is missing"),
    "too many": (HEAD + "sampling = 'sobol'\npoints = 1_100_000_000", "points = 1100000000"),
    "seed": (HEAD + "seed = -1", "seed = -1"),
    "axis": (HEAD + "[vary]\narray.rowz = [1]", "'array.rowz': unknown key: did you mean 'array.r"),
    "group": (HEAD + "[vary]\narray = [1]", "'array': unknown key: it is a group: array."),
    "unit": (HEAD + "[vary]\nbuffers.weight_kb = [1]", "= 1 is buffers.weight_bytes = 1024"),
    "one value": (HEAD + "[vary]\narray.rows = 3", "array.rows = 3: expected a list of values"),
    "no value": (HEAD + "[vary]\narray.rows = []", "array.rows = []: expected a list of values"),
    "twice": (HEAD + "[vary]\narray.rows = [2, 3, 2]", "array.rows: 2: given twice"),
    "date": (HEAD + "[vary]\narray.rows = [2020-01-01]", "array.rows: datetime.date(2020, 1, 1)"),
    "nan": (HEAD + "[vary]\nfrequency_mhz = [nan]", "frequency_mhz: nan: expected numbers"),
    "huge": (HEAD + "[vary]\narray.rows = [10_000_000_000_000_000]", "expected at most 2^53"),
    "control": (HEAD + '[vary]\narray.serial = ["a\\nb"]', "expected no control characters"),
    "any value": (HEAD + "[vary]\narray.rows = [1, 5000, 2]", "array.rows = 5000"),
    "first": (HEAD + "[vary]\narray.rows = {from = 0, to = 9}", "with array.rows = 0: array.rows"),
    "last": (HEAD + "[vary]\narray.rows = {from = 2, to = 4999}", "with array.rows = 4999: array"),
    "type": (HEAD + "[vary]\narray.rows = [2.5]", "with array.rows = 2.5: array.rows = 2.5"),
    "word": (HEAD + '[vary]\narray.serial = ["wait"]', "array.serial = 'wait'"),
    "kind": (HEAD + '[vary]\narray.kind = ["systolik"]', "did you mean 'systolic'?"),
    "range key": (HEAD + "[vary]\nx = {from = 1, too = 2}", "x: unknown key 'too'"),
    "no end": (HEAD + "[vary]\nx = {from = 1}", "x: to is missing"),
    "backwards": (HEAD + "[vary]\nx = {from = 2, to = 1}", "to = 1: expected at least from = 2"),
    "no step": (HEAD + "[vary]\nx = {from = 1, to = 2, step = 0}", "x: step = 0"),
    "scale": (HEAD + "[vary]\nx = {from = 1, to = 2, scale = 'log'}", "x: scale = 'log'"),
    "log of 0": (HEAD + "[vary]\nx = {from = 0, to = 2, scale = 'log2'}", "more than 0 with scale"),
    "log step": (
        HEAD + "[vary]\nx = {from = 1, to = 2, step = 2, scale = 'log2'}", "step = 2: expected none"
    ),
    "decimals": (
        HEAD + "[vary]\nfrequency_mhz = {from = 1.5, to = 2}",
        "vary.frequency_mhz: step is missing: a grid of decimals needs one",
    ),
    "bits": (HEAD + "[vary]\nbits = [8, 17]", "vary.bits = 17: bits = 17: expected 1 to 16"),
    "signed bits": (HEAD + "[vary]\nbits = [1]", "vary.bits = 1: layer conv1: bits = 1"),
    "half a bit": (HEAD + "[vary]\nbits = [2.5]", "vary.bits = 2.5: expected 1 to 16, a file"),
    "many bits": (HEAD + "[vary]\nbits = {from = 1, to = 17}", "expected whole numbers, 1 to 16"),
    "bits file": (HEAD + '[vary]\nbits = ["none.toml"]', "vary.bits = none.toml: "),
    "bits twice": (HEAD + "bits = 3\n[vary]\nbits = [4]", "vary.bits: expected neither bits nor"),
    "accelerators": (
        'network = "resnet20"\n[vary]\naccelerator = {from = 1, to = 2}', "a list of presets"
    ),
    "vary": (HEAD + "vary = 3", "vary: 3: expected a table"),
    "no TOML": ("network =", "not a TOML file"),
    "many": (
        HEAD + "[vary]\nbuffers.weight_bytes = {from = 1, to = 1_000_001}", "1,000,001 points: more"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_mistakes(call, tmp_path, name):
    """Exit code 2, one line that names the file and the key, nothing printed, nothing made."""
    text, message = BAD[name]
    path = tmp_path / "bad.toml"
    path.write_text(text, encoding="utf-8")
    code, out, err = call("sweep", "--config", path, "--out", tmp_path / "x.csv", "--jobs", 1)
    assert (code, out) == (2, "")
    assert err.startswith(f"hwsim: error: {path}: ")
    assert err.count("\n") == 1
    assert message in err
    assert "--set" not in err
    assert [entry.name for entry in tmp_path.iterdir()] == ["bad.toml"]


def test_no_file(call, tmp_path):
    code, _, err = call("sweep", "--config", tmp_path / "none.toml")
    assert (code, err.count("\n")) == (2, 1)
    assert f"{tmp_path / 'none.toml'}: cannot read it" in err


def test_forms(tmp_path):
    """Keys may be dotted, quoted or tables; ranges and lists stay what they are, in order."""
    path = tmp_path / "a.toml"
    path.write_text(
        HEAD + '[vary]\n"array.rows" = [1, 2]\ndram = {bits_per_cycle = [8]}\n'
        "array.cols.from = 1\narray.cols.to = 9\n[vary.buffers]\nweight_bytes = [1, 2.5, true]\n",
        encoding="utf-8",
    )
    config = read_sweep(path)
    assert list(config.vary.items()) == [
        ("array.rows", [1, 2]),
        ("dram.bits_per_cycle", [8]),
        ("array.cols", Range(first=1, last=9)),
        ("buffers.weight_bytes", [1, 2.5, True]),
    ]
    assert parse_sweep(config.model_dump(by_alias=True, exclude_none=True), "again") == config


def test_python_names_no_file(tmp_path):
    """Settings that come as a mapping are called a sweep."""
    values = {"network": "resnet20", "accelerator": "edge-small", "vary": {"array.rowz": [1]}}
    with pytest.raises(ValueError, match=r"^sweep: vary: 'array.rowz': unknown key"):
        run_sweep(values, tmp_path / "x.csv", jobs=1)
    with pytest.raises(ValueError, match=r"^jobs = 0: expected at least 1"):
        run_sweep(values, tmp_path / "x.csv", jobs=0)
