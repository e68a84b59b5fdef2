"""What a user gets wrong, through the command line: one clear line each, and exit code 2."""

import re
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import hwsim
from hwsim.tiling import best_tiling

PRESET = (Path(hwsim.__file__).parent / "presets" / "edge-small.toml").read_text(encoding="utf-8")
HEAD = (
    "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, "
    "Strides,"
)
ENERGY = (
    '[energy]\nsource = "mine"\nadd_8bit_pj = 1\nadd_32bit_pj = 1\ndram_64bit_pj = 1\n'
    "leakage_pw_per_bit = 1\n[[energy.buffers]]\nbytes = 65536\naccess_64bit_pj = 1\n"
)
BUFFERS = "weight_bytes", "input_bytes", "output_bytes"


@pytest.fixture
def refused(call):
    """Give a function that runs a command line which must fail as a user's mistake does."""

    def run(*arguments):
        code, out, err = call(*arguments)
        assert (code, out) == (2, ""), arguments
        assert err.startswith("hwsim: error: ")
        assert err.count("\n") == 1
        assert "Traceback" not in err
        return err

    return run


@pytest.fixture
def write(tmp_path):
    """Give a function that writes a file and returns its path."""

    def write(name, text):
        file = tmp_path / name
        file.write_bytes(text.encode("utf-8"))
        return file

    return write


FILES = {
    "rows": ("rows = 8", "rows = 0", "array.rows = 0: "),
    "lanes": ("lanes = 16", "lanes = -16", "array.lanes = -16: "),
    "buffer": ("input_bytes = 32768", "input_bytes = -1", "buffers.input_bytes = -1: "),
    "clock": ("frequency_mhz = 200.0", "frequency_mhz = -200.0", "frequency_mhz = -200.0: "),
    "bandwidth": ("bits_per_cycle = 32", "bits_per_cycle = 0", "dram.bits_per_cycle = 0: "),
    "misspelled": (
        "bits_per_cycle", "bits_per_cycles",
        "unknown key 'dram.bits_per_cycles'; did you mean 'dram.bits_per_cycle'?",
    ),
    "misspelled group": ("[buffers]", "[bufers]", "unknown key 'bufers'; did you mean 'buffers'?"),
    "GB/s": (
        "bits_per_cycle = 32", "gb_per_s = 0.8",
        "unknown key 'dram.gb_per_s': its unit is another one: dram.gb_per_s = 0.8 is "
        "dram.bits_per_cycle = 32 at 200 MHz",
    ),
    "GB/s as bits": (
        "bits_per_cycle = 32", "bits_per_cycle = 0.8",
        "dram.bits_per_cycle = 0.8: Input should be a valid integer, the bits of a cycle; "
        "--set dram.gb_per_s=0.8 says how many a bandwidth in GB/s is",
    ),
    "KB": (
        "weight_bytes = 32768", "weight_kb = 32",
        "its unit is another one: buffers.weight_kb = 32 is buffers.weight_bytes = 32768",
    ),
    "GHz": ("frequency_mhz = 200.0", "frequency_ghz = 0.2", "is frequency_mhz = 200"),
    "GB/s without a clock": (
        'frequency_mhz = 200.0', 'frequency_mhz = "fast"', "frequency_mhz = 'fast': "
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_accelerator_files(refused, write, name):
    """[S10.1] Sizes that are none, keys that are none, and values in another unit."""
    old, new, message = FILES[name]
    assert old in PRESET
    file = write("mine.toml", PRESET.replace(old, new, 1))
    said = refused("run", "resnet20", "--accelerator", file)
    assert f"hwsim: error: {file}: " in said
    assert message in said


@pytest.mark.parametrize("entry", [
    "add_8bit_pj", "add_32bit_pj", "dram_64bit_pj", "leakage_pw_per_bit", "access_64bit_pj",
])  # fmt: skip
def test_negative_energies(refused, write, entry):
    """[S10.4] No event gives energy back."""
    text = f"{PRESET}\n{ENERGY}"
    file = write("mine.toml", text.replace(f"{entry} = 1", f"{entry} = -0.5"))
    said = refused("run", "resnet20", "--accelerator", file)
    key = "energy.buffers.0." if entry.startswith("access") else "energy."
    assert f"{file}: {key}{entry} = -0.5: " in said
    assert "greater than or equal to 0" in said


def test_the_energy_table_that_was_spoiled_is_good(call, write):
    """Else the cases above would fail for something else."""
    file = write("mine.toml", f"{PRESET}\n{ENERGY}")
    assert call("run", "resnet20", "--accelerator", file, "--json", "-")[0] == 0


OPTIONS = {
    "rows": ("--array 0x8", "--array = '0x8': rows = 0: expected at least 1"),
    "lanes": ("--set array.lanes=-1", "array.lanes = -1: "),
    "GB/s as bits": ("--set dram.bits_per_cycle=0.8", "--set dram.gb_per_s=0.8 says how many"),
    "MB": ("--set buffers.input_mb=1", "is buffers.input_bytes = 1048576"),
    "energy": ("--set energy.dram_64bit_pj=-1", "energy.dram_64bit_pj = -1: "),
    "no bits": ("--bits 0", "bits = 0: expected 1 to 16"),
    "negative bits": ("--bits -3", "bits = -3: expected 1 to 16"),
    "half a bit": ("--bits 4.5", "bits = '4.5': expected 1 to 16, a .toml or .json file, or a"),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_options(refused, name):
    """[S10.1]"""
    arguments, message = OPTIONS[name]
    command = "run", "resnet20", "--accelerator", "edge-small", *arguments.split()
    assert message in refused(*command)


@pytest.mark.parametrize("width", ["0", "17", "-1", "2.5", '"4"', "true", "null"])
def test_widths_in_a_file(refused, write, width):
    """[S10.1] 1 to 16 bits, and the layer is named."""
    file = write("bits.json", f'{{"conv1": {width}}}')
    said = refused("run", "resnet20", "--accelerator", "edge-small", "--bits", file)
    assert f"{file}: conv1 = " in said
    assert "expected 1 to 16 bits" in said


def test_layers_in_a_file_of_widths(refused, write):
    """The nearest known one."""
    file = write("bits.toml", "conf1 = 4\n")
    said = refused("run", "resnet20", "--accelerator", "edge-small", "--bits", file)
    assert "unknown layers: 'conf1' (did you mean 'conv1'?)" in said


TOPOLOGIES = {
    "no column": (HEAD.replace(" Num Filter,", "") + "\na,8,8,3,3,4,1,\n",
                  "line 1: column 'Num Filter' is missing: in its place, 7, is Strides"),
    "no cell": (f"{HEAD}\r\n\r\na,8,8,3,3,4,5\r\n", "line 3: column 'Strides' is missing"),
    "zero": (f"{HEAD}\na,8,8,3,3,0,5,1,\n", "line 2: column 'Channels' = '0': expected an integer"),
    "negative": (f"{HEAD}\na,-8,8,3,3,4,5,1,\n", "line 2: column 'IFMAP Height' = '-8': expected"),
    "large filter": (f"{HEAD}\na,8,8,3,9,4,5,1,\n", "line 2: column 'Filter Width' = '9': exp"),
    "nothing": ("", "an empty file: expected the names of columns in line 1"),
}  # fmt: skip


@pytest.mark.parametrize("name", TOPOLOGIES)
def test_topologies(refused, write, name):
    """The file, the line and the column."""
    text, message = TOPOLOGIES[name]
    file = write("net.csv", text)
    said = refused("run", file, "--accelerator", "edge-small")
    assert f"{file}: " in said
    assert message in said


def test_lines_of_a_topology(call, write):
    """Blank lines and Windows line ends are no mistakes: the result is the same."""
    rows = f"{HEAD}\na,8,8,3,3,4,5,1,\nb,1,1,1,1,45,7,1,\n"
    texts = rows, rows.replace("\n", "\r\n"), rows.replace("\n", "\n\n \n,,,\n")
    results = [
        call("run", write("net.csv", text), "--accelerator", "edge-small", "--json", "-")
        for text in texts
    ]
    assert results[0][0] == 0
    assert results[0] == results[1] == results[2]


@pytest.mark.parametrize(("sizes", "shown"), [
    (("N", 2, 4, 4), "(N, 2, 4, 4)"), ((1, 2, None, 4), "(1, 2, ?, 4)"), ((0, 2, 4, 4), "(?, 2"),
])  # fmt: skip
def test_onnx_without_sizes(refused, onnx_file, sizes, shown):
    """A batch or an image without a size, and what sets it."""
    file = onnx_file(sizes)
    said = refused("run", file, "--accelerator", "edge-small")
    assert f"{file}: input 'x' has shape {shown}" in said
    assert "expected fixed sizes; onnx.tools.update_model_dims sets them" in said


def test_onnx_without_its_data(refused, call, onnx_file):
    """Weights in a file beside that is gone, or cut short."""
    file = onnx_file((1, 2, 4, 4), external="weights.bin")
    weights = file.parent / "weights.bin"
    assert call("run", file, "--accelerator", "edge-small", "--json", "-")[0] == 0
    weights.write_bytes(weights.read_bytes()[:-1])
    for _ in range(2):
        said = refused("run", file, "--accelerator", "edge-small")
        assert f"{file}: its external data cannot be read" in said
        weights.unlink(missing_ok=True)


@pytest.fixture
def onnx_file(tmp_path):
    """Give a function that writes a network of one convolution."""
    onnx = pytest.importorskip("onnx", reason="the extra onnx is not installed")
    numpy = pytest.importorskip("numpy")

    def write(sizes, external=None):
        weights = onnx.numpy_helper.from_array(numpy.ones((3, 2, 1, 1), numpy.float32), "w")
        graph = onnx.helper.make_graph(
            [onnx.helper.make_node("Conv", ["x", "w"], ["y"], name="c")],
            "net",
            [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, sizes)],
            [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, None)],
            [weights],
        )
        model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)])
        file = tmp_path / "net.onnx"
        onnx.save_model(
            model, file, save_as_external_data=external is not None, location=external,
            size_threshold=0,
        )  # fmt: skip
        return file

    return write


def stated_minimum(message):
    """Return the sizes that an error asks for."""
    found = re.findall(r"expected buffers\.(\w+_bytes) of at least (\d+)", message)
    assert len(found) == len(re.findall("buffer of", message)) >= 1
    return {name: int(size) for name, size in found}


@pytest.mark.parametrize("buffer", BUFFERS)
def test_the_least_buffer_is_stated(refused, call, write, buffer):
    """[S10.4] With it the network runs; with a byte less it does not."""
    net = write("net.csv", f"{HEAD}\na,8,8,3,3,4,5,1,\n")
    command = "run", net, "--accelerator", "edge-small", "--set"
    said = refused(*command, f"buffers.{buffer}=3")
    assert "layer a: the " in said
    sizes = stated_minimum(said)
    assert set(sizes) == {buffer}
    assert call(*command, f"buffers.{buffer}={sizes[buffer]}", "--json", "-")[0] == 0
    again = refused(*command, f"buffers.{buffer}={sizes[buffer] - 1}")
    assert stated_minimum(again) == sizes


@settings(max_examples=150)
@given(data=st.data())
def test_stated_sizes_are_the_least(data, layers, machines):
    """[S10.4] Of one buffer or of several: with them a tile fits; with a byte less of one, none."""
    layer = data.draw(layers(max_side=4))
    machine = data.draw(machines(layer))

    def of(sizes):
        buffers = machine.buffers.model_copy(update=sizes)
        return machine.model_copy(update={"buffers": buffers})

    names = data.draw(st.sets(st.sampled_from(BUFFERS), min_size=1))
    small = {
        name: data.draw(st.integers(1, max(getattr(machine.buffers, name) - 1, 1)))
        for name in sorted(names)
    }
    try:
        best_tiling(layer, of(small))
    except ValueError as error:
        sizes = stated_minimum(str(error))
    else:
        assume(False)
    assert set(sizes) <= set(BUFFERS)
    best_tiling(layer, of(small | sizes))
    for name, size in sizes.items():
        assert size > getattr(of(small).buffers, name)
        with pytest.raises(ValueError, match="too small"):
            best_tiling(layer, of(small | sizes | {name: size - 1}))


def test_two_buffers_that_are_too_small(refused, write):
    """[S10.4] Both are named, in one line."""
    net = write("net.csv", f"{HEAD}\na,8,8,3,3,4,5,1,\n")
    sizes = "--set", "buffers.weight_bytes=1", "--set", "buffers.output_bytes=1"
    said = refused("run", net, "--accelerator", "edge-small", *sizes)
    assert set(stated_minimum(said)) == {"weight_bytes", "output_bytes"}
