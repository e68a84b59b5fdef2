"""Words that name workloads, and files of widths."""

import json

import pytest

from hwsim import workload_from_run
from hwsim.bits_file import read_bits
from hwsim.compression import allocate
from hwsim.load import load_workload, with_widths
from hwsim.networks import network_workload
from hwsim.topology import topology_workload

TOPOLOGY = (
    "Layer name,IFMAP Height,IFMAP Width,Filter Height,Filter Width,Channels,Num Filter,Strides\n"
    "a,8,8,3,3,4,5,1,\n"
)


@pytest.fixture
def write(tmp_path):
    def write(name, text):
        file = tmp_path / name
        file.write_text(text, encoding="utf-8")
        return file

    return write


def test_names(run_folder, write):
    """A bundled network, a run's folder, a topology; words and paths."""
    assert load_workload("resnet20") == network_workload("resnet20")
    assert load_workload("resnet20", in_bits=4) == network_workload("resnet20", in_bits=4)
    assert load_workload(run_folder) == load_workload(str(run_folder))
    assert load_workload(run_folder) == workload_from_run(run_folder)
    file = write("net.CSV", TOPOLOGY)
    assert load_workload(file, in_bits=5) == topology_workload(file, in_bits=5)


def test_one_width_for_all():
    work = network_workload("deit-ti")
    for bits in (5, "5"):
        assert load_workload("deit-ti", bits=bits) == work.at_bits(5)
    assert load_workload("deit-ti", compression=9.58) == allocate(work, 9.58)
    assert with_widths(work) is work


def test_widths_from_files(write):
    """TOML with quoted names or tables, JSON flat or nested: the same widths."""
    work = network_workload("resnet20")
    bits = {layer.name: 2 + i % 6 for i, layer in enumerate(work.layers)}
    nested = {}
    for name, width in bits.items():
        *tables, last = name.split(".")
        place = nested
        for table in tables:
            place = place.setdefault(table, {})
        place[last] = width
    files = [
        write("quoted.toml", "".join(f'"{name}" = {width}\n' for name, width in bits.items())),
        write("tables.toml", "".join(f"{name} = {width}\n" for name, width in bits.items())),
        write("flat.json", json.dumps(bits)),
        write("nested.json", json.dumps(nested)),
    ]
    for file in files:
        assert load_workload("resnet20", bits=file) == work.with_bits(bits)
        assert load_workload("resnet20", bits=str(file)) == work.with_bits(bits)


def test_widths_of_a_run(run_folder):
    """Of the same network, untrained or not."""
    trained = workload_from_run(run_folder)
    bits = {layer.name: layer.bits for layer in trained.layers}
    assert read_bits(run_folder) == bits
    found = load_workload("digits-cnn", bits=run_folder)
    assert {layer.name: layer.bits for layer in found.layers} == bits
    assert load_workload(run_folder, bits=8) == trained.at_bits(8)


def resnet_run(folder, **report):
    (folder / "integer.safetensors").unlink()
    config = folder / "config.toml"
    text = config.read_text(encoding="utf-8").replace('"digits-cnn"', '"resnet20"')
    config.write_text(text, encoding="utf-8")
    names = [layer.name for layer in network_workload("resnet20").layers]
    values = {"not_in_integers": "it has branches", "bits": dict.fromkeys(names, 3), **report}
    (folder / "report.json").write_text(json.dumps(values), encoding="utf-8")


def test_run_without_integers(run_folder, monkeypatch):
    """A trained network with branches: its layers by name, at the sizes and widths of the run."""
    resnet_run(run_folder)
    monkeypatch.setattr(
        "hwsim.run_folder._data_sizes", lambda *_: {"classes": 7, "input_size": 16}
    )
    work = workload_from_run(run_folder)
    assert work == network_workload("resnet20", bits=3, classes=7, input_size=16)


def test_sizes_that_follow_from_the_data(run_folder):
    """Those of digits, which no bundled network but its own fits."""
    from hwsim.run_folder import _data_sizes

    assert _data_sizes("resnet20", {"data": "digits"}) == {"classes": 10, "input_size": 8}
    assert _data_sizes("digits-cnn", {}) == {"classes": 10}


@pytest.mark.parametrize(
    ("report", "message"),
    [
        ({"bits": {"conv9": 3}}, "layer = 'conv9': did you mean 'conv1'"),
        ({"bits": {"conv1": 99}}, "layer conv1: bits = 99: expected 2 to 16"),
        ({"bits": 3}, "the run is not finished"),
    ],
)
def test_damaged_reports(run_folder, report, message):
    resnet_run(run_folder, **report)
    with pytest.raises(ValueError, match=message) as caught:
        workload_from_run(run_folder)
    assert str(run_folder) in str(caught.value)


FULL = "".join(f"{layer.name} = 4\n" for layer in network_workload("resnet20").layers)

BAD_FILES = {
    "unknown.toml": (
        FULL + "conv2 = 4\n[layer9.0]\nconv1 = 3\n",
        r"unknown layers: 'conv2' \(did you mean 'conv1'\?\), 'layer9.0.conv1' \(did you mean",
    ),
    "missing.toml": (
        FULL.replace("conv1 = 4\n", "", 1).replace("linear = 4\n", ""),
        "2 of 20 layers are missing: conv1, linear",
    ),
    "many.toml": ("conv1 = 4\n", "19 of 20 layers are missing: .* and 9 more"),
    "wide.toml": (FULL.replace("= 4", "= 17", 1), "conv1 = 17: expected 1 to 16 bits"),
    "zero.toml": (FULL.replace("= 4", "= 0", 1), "conv1 = 0: expected 1 to 16 bits"),
    "one.toml": (FULL.replace("= 4", "= 1", 1), r"layer conv1: bits = 1: .* \(signed domain\)"),
    "float.toml": (FULL.replace("= 4", "= 4.0", 1), "conv1 = 4.0: expected 1 to 16 bits"),
    "bool.json": ('{"conv1": true}', "conv1 = True: expected 1 to 16 bits"),
    "text.json": ('{"conv1": "4"}', "conv1 = '4': expected 1 to 16 bits"),
    "list.json": ("[4, 4]", "expected an object of names and bits"),
    "twice.json": ('{"conv1": 4, "conv1": 5}', "conv1 is there twice"),
    "both.json": ('{"a.b": 4, "a": {"b": 5}}', "a.b is there twice"),
    "broken.json": ("{", "not a JSON file of names and bits"),
    "broken.toml": ("= 4", "not a TOML file"),
    "empty.toml": ("", "no names with bits in it"),
    "net.txt": ("4", "expected 1 to 16, a .toml or .json file, or a run"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_files_that_do_not_fit(write, name):
    """One line that names the file, the layer, and what was expected."""
    text, message = BAD_FILES[name]
    with pytest.raises(ValueError, match=message) as caught:
        load_workload("resnet20", bits=write(name, text))
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_attention_has_no_weights(write):
    """Its operands are activations: no file may set their width."""
    names = [layer.name for layer in network_workload("deit-ti").layers]
    text = "".join(f'"{name}" = 4\n' for name in names)
    with pytest.raises(ValueError, match=r"'blocks.0.attn.scores' \(a product of attention"):
        load_workload("deit-ti", bits=write("all.toml", text))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bits": 0}, "bits = 0: expected 1 to 16, a file or a run's folder"),
        ({"bits": "17"}, "bits = 17: expected 1 to 16"),
        ({"bits": "-3"}, "bits = -3: expected 1 to 16"),
        ({"bits": "9" * 5000}, "bits = 9"),
        ({"bits": True}, "bits = True: expected 1 to 16"),
        ({"bits": 1}, "layer conv1: bits = 1: expected 2 to 16"),
        ({"bits": "none.toml"}, "none.toml: cannot read it"),
        ({"bits": "none.json"}, "none.json: cannot read it"),
        ({"bits": 4, "compression": 8.0}, "bits = 4 and compression = 8: expected one of them"),
        ({"compression": 99.0}, "compression = 99: resnet20 reaches 16 at most"),
        ({"in_bits": 17}, "layer conv1: in_bits = 17: expected 1 to 16"),
    ],
)
def test_bad_widths(options, message):
    with pytest.raises(ValueError, match=message):
        load_workload("resnet20", **options)


def test_names_that_are_none(tmp_path, run_folder):
    with pytest.raises(ValueError, match=r"did you mean 'resnet32'.*and there is no such folder"):
        load_workload("resnet2")
    with pytest.raises(ValueError, match="none: no such folder"):
        load_workload(tmp_path / "none")
    with pytest.raises(ValueError, match=r"none\.onnx: cannot read it"):
        load_workload(tmp_path / "none.onnx")
    with pytest.raises(ValueError, match=r"in_bits = 4: the activations of a run, .*as trained"):
        load_workload(run_folder, in_bits=4)
