"""Topologies in SCALE-Sim's format: what is read, and one clear line for each mistake."""

import pytest

from hwsim import load_accelerator, simulate
from hwsim.peers import shape_of
from hwsim.topology import read_topology, topology_workload

HEAD = (
    "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, "
    "Strides,"
)


@pytest.fixture
def write(tmp_path):
    def write(text, name="net.csv"):
        file = tmp_path / name
        file.write_bytes(text.encode("utf-8") if isinstance(text, str) else text)
        return file

    return write


def test_sizes(write):
    """A ragged last window counts; the workload has the same positions and multiplications."""
    file = write(f"{HEAD}\na,224,224,7,7,3,64,2,\nfc,1,1,1,1,512,10,1,\nr,5,7,2,3,4,6,3,\n")
    first, fc, ragged = read_topology(file)
    assert (first.out_height, first.out_width) == (110, 110)
    assert (ragged.out_height, ragged.out_width) == (2, 3)
    work = topology_workload(file, bits=4, in_bits=6)
    assert work.name == "net"
    assert [layer.kind for layer in work.layers] == ["conv", "linear", "conv"]
    assert {(layer.bits, layer.in_bits) for layer in work.layers} == {(4, 6)}
    for line, layer in zip((first, fc, ragged), work.layers, strict=True):
        (shape,) = line.shapes()
        mine = shape_of(layer)
        assert (shape.K, shape.M, shape.P) == (mine.K, mine.M, mine.P)


@pytest.mark.parametrize(
    "text",
    [
        f"{HEAD}\n\na,8,8,3,3,4,5,1,\n\n  \n,,,,\nb,8,8,1,1,4,5,1,\n\n",
        f"{HEAD}\r\na,8,8,3,3,4,5,1,\r\nb,8,8,1,1,4,5,1,\r\n",
        f"\ufeff{HEAD}\na,8,8,3,3,4,5,1,,,,\nb , 8 ,8,1,1,4,5.0,1",
        f"{HEAD} Sparsity,\na,8,8,3,3,4,5,1,1:1,\nb,8,8,1,1,4,5,1,\n",
        f"{HEAD.upper()}\na,8,8,3,3,4,5,1,\nb,8,8,1,1,4,5,1,\n",
    ],
)
def test_lines(write, text):
    """Blank lines, Windows line ends, marks, spaces and commas at the end do no harm."""
    file = write(text)
    assert [line.name for line in read_topology(file)] == ["a", "b"]
    assert [layer.macs for layer in topology_workload(file).layers] == [36 * 36 * 5, 64 * 4 * 5]


def test_matrix_products(write):
    """M x K by K x N."""
    file = write("Layer, M, N, K,\nscores, 196, 197, 64,\n")
    (line,) = read_topology(file)
    (shape,) = line.shapes()
    assert (shape.P, shape.M, shape.K) == (196, 197, 64)
    (layer,) = topology_workload(file).layers
    assert (layer.kind, layer.P, layer.M, layer.K) == ("linear", 196, 197, 64)


def test_depthwise(write):
    """A layer called DP is one for each channel, or as many groups."""
    file = write(f"{HEAD}\nConvDP2,10,10,3,3,32,1,1,\n")
    (line,) = read_topology(file)
    assert [(s.channels, s.outputs, s.P) for s in line.shapes()] == [(1, 1, 64)] * 32
    (layer,) = topology_workload(file).layers
    assert (layer.groups, layer.K, layer.M, layer.P) == (32, 9, 1, 64)


def test_same_names(write):
    file = write(f"{HEAD}\na,8,8,3,3,4,5,1,\na,8,8,3,3,4,5,1,\n")
    assert [layer.name for layer in topology_workload(file).layers] == ["a", "a (2)"]
    report = simulate(topology_workload(file), load_accelerator("edge-small"))
    assert report.totals.macs == 2 * 36 * 36 * 5


BAD = {
    "empty": ("", "an empty file: expected the names of columns in line 1"),
    "blank": ("\n \n,,\n", "an empty file"),
    "no names": ("a,8,8,3,3,4,5,1,\n", "line 1: column 'Layer name' is missing: in its place, 1"),
    "no channels": (
        HEAD.replace(" Channels,", "") + "\n",
        "line 1: column 'Channels' is missing: in its place, 6, is Num Filter",
    ),
    "no strides": (HEAD.replace(" Strides,", "") + "\n", "line 1: column 'Strides' is missing"),
    "short": (f"{HEAD}\na,8,8,3,3,4,5,1,\n\nb,8,8,3,3,4,5\n", "line 4: column 'Strides' is missi"),
    "hole": (f"{HEAD}\na,8,,3,3,4,5,1,\n", "line 2: column 'IFMAP Width' is missing"),
    "word": (f"{HEAD}\na,8,8,3,3,x,5,1,\n", "line 2: column 'Channels' = 'x': expected an int"),
    "zero": (f"{HEAD}\na,8,8,3,3,4,0,1,\n", "line 2: column 'Num Filter' = '0': expected an int"),
    "negative": (f"{HEAD}\na,8,8,3,3,4,5,-1,\n", "column 'Strides' = '-1'"),
    "part": (f"{HEAD}\na,8.5,8,3,3,4,5,1,\n", "column 'IFMAP Height' = '8.5'"),
    "huge": (f"{HEAD}\na,8,8,3,3,4,{10**17},1,\n", "expected an integer from 1 to 2^53"),
    "large": (f"{HEAD}\na,8,8,9,3,4,5,1,\n", "line 2: column 'Filter Height' = '9': expected at"),
    "deep": (f"{HEAD}\nDP,8,8,3,3,99999,1,1,\n", "column 'Channels' = '99999': expected at most"),
    "sparse": (f"{HEAD} Sparsity,\na,8,8,3,3,4,5,1,2:4,\n", "column 'Sparsity' = '2:4': expect"),
    "binary": (b"\xff\xfe\x00", "not a text file in UTF-8"),
    "null": (f"{HEAD}\na\0,8,8,3,3,4,x,1,\n", "line 2"),
    "none": (f"{HEAD}\n", "no layers below the names of the columns"),
}


@pytest.mark.parametrize("name", BAD)
def test_mistakes(write, name):
    """One line that names the file, the line and the column."""
    text, message = BAD[name]
    file = write(text)
    with pytest.raises(ValueError, match=r"net\.csv: ") as caught:
        topology_workload(file)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_file(tmp_path):
    with pytest.raises(ValueError, match=r"none\.csv: cannot read it"):
        read_topology(tmp_path / "none.csv")
