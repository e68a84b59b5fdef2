"""Presets, accelerators from files, and every way in which one can be wrong."""

import sys
from pathlib import Path
from subprocess import run

import pytest
from pydantic import ValidationError

import hwsim
from hwsim import accelerator_names, load_accelerator
from hwsim.accelerator import Array, Buffers
from hwsim.energy import HOROWITZ

SMALL = Path(hwsim.__file__).parent / "presets" / "edge-small.toml"


def test_presets():
    """[S10.1]"""
    assert {"edge-large", "edge-small"} <= set(accelerator_names())
    small, large = (load_accelerator(name) for name in ("edge-small", "edge-large"))
    assert (small.array.rows, small.array.cols, small.array.lanes) == (8, 8, 16)
    assert (large.array.rows, large.array.cols, large.array.lanes) == (32, 32, 32)
    assert (small.frequency_mhz, large.frequency_mhz) == (200.0, 500.0)
    for preset in (small, large):
        assert preset.array.drain == 1
        assert preset.array.serial == "weight"
        assert preset.energy == HOROWITZ
        buffers = preset.buffers
        total = buffers.weight_bytes + buffers.input_bytes + buffers.output_bytes
        rate = preset.dram.bits_per_cycle * preset.frequency_mhz / 8e3
        size = f"{total // 1024} KB" if total < 2**20 else f"{total / 2**20:g} MB"
        assert f"{size} on chip, {rate:g} GB/s" in preset.description
    assert small.buffers.weight_bytes < large.buffers.weight_bytes
    assert small.dram.bits_per_cycle < large.dram.bits_per_cycle


def test_file_of_ones_own(tmp_path):
    """[S10.4] Whole numbers for floats, an energy table of one's own, a path in either form."""
    file = tmp_path / "mine.toml"
    text = SMALL.read_text(encoding="utf-8").replace("edge-small", "mine").replace("200.0", "150")
    file.write_text(
        text
        + '[energy]\nsource = "a data sheet"\nadd_8bit_pj = 1\nadd_32bit_pj = 2\n'
        + "dram_64bit_pj = 64\n[[energy.buffers]]\nbytes = 65536\naccess_64bit_pj = 128\n",
        encoding="utf-8",
    )
    mine = load_accelerator(file)
    assert mine == load_accelerator(str(file))
    assert (mine.name, mine.frequency_mhz) == ("mine", 150.0)
    assert mine.energy.source == "a data sheet"
    assert mine.energy.buffer_pj_per_bit("weight", 65536) == 2.0
    assert hash(mine) == hash(load_accelerator(file))


def test_unknown_preset():
    """[S10.1] The nearest name, and all of them."""
    message = r"= 'edge-smal': did you mean 'edge-small'\? known: bismo, .*edge-large, edge-small, "
    with pytest.raises(ValueError, match=message):
        load_accelerator("edge-smal")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("rows = 8", "row = 8", "unknown key 'array.row'; did you mean 'array.rows'"),
        ("rows = 8", "rows = 0", "array.rows = 0: .* greater than or equal to 1"),
        ("rows = 8", "rows = 8.5", "array.rows = 8.5"),
        ("rows = 8", "rows = true", "array.rows = True"),
        ("rows = 8", "rows =", "not a TOML file"),
        ("drain = 1", "drain = -1", "array.drain = -1"),
        ("drain = 1", 'serial = "bits"', "array.serial = 'bits'"),
        ("drain = 1", 'kind = "serpent"', "array: no such kind as 'serpent': known: 'serial', "),
        ("drain = 1", 'kind = "systolic"', "unknown key 'array.lanes'"),
        ("frequency_mhz = 200.0", "frequency_mhz = 0", "frequency_mhz = 0: .* greater than 0"),
        ("frequency_mhz = 200.0", "", "frequency_mhz is missing"),
        ("weight_bytes = 32768", "weight_bytes = 0", "buffers.weight_bytes = 0"),
        (
            "weight_bytes = 32768",
            "weight_bytes = 1048577",
            "buffers.weight_bytes = 1048577: the energy table ends at 1048576 bytes",
        ),
        ("bits_per_cycle = 32", "bits_per_cycle = 0", "dram.bits_per_cycle = 0"),
        ("[dram]", "[energy]\nadd_8bit_pj = 1.0\n[dram]", "energy.source is missing"),
    ],
)
def test_bad_files(tmp_path, old, new, message):
    """[S10.1] One line that names the file, the key and its value."""
    file = tmp_path / "bad.toml"
    file.write_text(SMALL.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ValueError, match=message) as caught:
        load_accelerator(file)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_array_that_is_none(tmp_path):
    """[S10.1] A number where a group of settings should be."""
    file = tmp_path / "bad.toml"
    text = SMALL.read_text(encoding="utf-8")
    head, _, tail = text.partition("[array]")
    file.write_text(f"{head}array = 5\n{tail[tail.index('[buffers]'):]}", encoding="utf-8")
    with pytest.raises(ValueError, match="array = 5: Input should be a valid dictionary"):
        load_accelerator(file)


def test_missing_file(tmp_path):
    """[S10.1] A path is never taken for a name."""
    for path in (tmp_path / "none.toml", str(tmp_path / "none"), "none.toml", Path("edge-small")):
        with pytest.raises(ValueError, match="cannot read it"):
            load_accelerator(path)


def test_settings_are_frozen_and_checked():
    """[S10.1]"""
    with pytest.raises(ValidationError):
        Array(rows=1, cols=1, lanes=0)
    array = Array(rows=1, cols=1, lanes=1)
    with pytest.raises(ValidationError):
        array.rows = 2
    assert Buffers(weight_bytes=1, input_bytes=1, output_bytes=1).parts == 2


def test_import_brings_no_compiled_code_or_plots():
    """``import hwsim`` and reading a preset stay light."""
    code = (
        "import sys, hwsim; hwsim.load_accelerator('edge-small'); "
        "sys.exit(bool({'numba', 'matplotlib', 'jinja2', 'torch'} & set(sys.modules)))"
    )
    assert run([sys.executable, "-c", code], check=False).returncode == 0
