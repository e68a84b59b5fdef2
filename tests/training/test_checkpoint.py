"""Checkpoints: the same bits back, every damage a ValueError, never half written."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from msq_ref.files import remove_leftovers
from msq_ref.training import checkpoint
from msq_ref.training.checkpoint import load_checkpoint, save_checkpoint

ARRAYS = {
    "conv.weight": np.arange(12, dtype=np.float32).reshape(2, 3, 2) / 7,
    "velocity/conv.weight": np.full((2, 3, 2), -1e-30, np.float32),
    "wide": np.array([np.pi, -0.0, 5e-324]),
    "scalar": np.float32(3.5),
    "none": np.zeros((0, 4)),
    "codes": np.array([[1, -2], [3, 4]], np.int32),
}
STATE = {"epoch": 3, "rows": [{"loss": 0.1 + 0.2, "k.fc": 2}], "method": {"frozen": False}}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    save_checkpoint(path, ARRAYS, STATE)
    return path


def test_round_trip(file):
    """Names, shapes, dtypes and bits of the arrays; keys and bits of the state."""
    arrays, state = load_checkpoint(file)
    assert arrays.keys() == ARRAYS.keys()
    for name, value in ARRAYS.items():
        np.testing.assert_array_equal(arrays[name], value, strict=True)
        assert arrays[name].tobytes() == np.asarray(value).tobytes()
    assert state == STATE
    assert list(state["rows"][0]) == ["loss", "k.fc"]


def test_the_same_content_gives_the_same_bytes(file, tmp_path):
    """[S0.4] Whatever the layout in memory; and the arrays read do not hold the file."""
    other = tmp_path / "other.safetensors"
    twice = {name: np.asarray(value) for name, value in ARRAYS.items()}
    twice["conv.weight"] = np.repeat(ARRAYS["conv.weight"], 2, axis=1)[:, ::2]
    twice["velocity/conv.weight"] = np.asfortranarray(ARRAYS["velocity/conv.weight"])
    twice["wide"] = ARRAYS["wide"].astype(">f8")
    save_checkpoint(other, twice, STATE)
    assert other.read_bytes() == file.read_bytes()
    arrays, _ = load_checkpoint(file)
    save_checkpoint(file, {"a": np.zeros(1)}, {})
    arrays["wide"][0] = 1
    assert arrays["conv.weight"][1, 2, 1] == ARRAYS["conv.weight"][1, 2, 1]


def refused(path, match="safetensors"):
    """Reading raises a ValueError of one line that names the file; nothing else is raised."""
    with pytest.raises(ValueError, match=match) as caught:
        load_checkpoint(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message


def test_truncated_at_every_length(file):
    """Nothing, a part of the header, a part of the arrays, all but a byte."""
    whole = file.read_bytes()
    for length in range(len(whole)):
        file.write_bytes(whole[:length])
        refused(file)
    file.write_bytes(whole + b"\0")
    refused(file)


def test_every_flipped_bit_is_noticed(file):
    """In the length, the header and its metadata, the names and the arrays alike."""
    whole = file.read_bytes()
    for place in range(len(whole)):
        for bit in range(8):
            spoilt = bytearray(whole)
            spoilt[place] ^= 1 << bit
            file.write_bytes(spoilt)
            refused(file, None)


def foreign(dtype, size, metadata):
    """A safetensors file of one array of two elements, by hand."""
    header = {"t": {"dtype": dtype, "shape": [2], "data_offsets": [0, size]}}
    text = json.dumps(header | ({"__metadata__": metadata} if metadata else {})).encode()
    return len(text).to_bytes(8, "little") + text + bytes(size)


@pytest.mark.parametrize(
    ("dtype", "size"),
    [("F32", 8), ("BF16", 4), ("F16", 4), ("F8_E4M3", 2), ("F8_E5M2", 2), ("C64", 16), ("BOOL", 2),
     ("I64", 16), ("F4", 1), ("F128", 32)],
)  # fmt: skip
@pytest.mark.parametrize("metadata", [None, {"format": "pt"}, {"msq_ref": "{}"}])
def test_files_of_other_programs(tmp_path, dtype, size, metadata):
    """Whatever their dtypes, those that NumPy does not have among them."""
    path = tmp_path / "foreign.safetensors"
    path.write_bytes(foreign(dtype, size, metadata))
    refused(path)


@pytest.mark.parametrize(
    "content",
    [b"", b"x", b"\0" * 8, b"\0" * 100, b"\xff" * 100, b"PK\3\4" + bytes(40), b"{}" * 20,
     (2**63).to_bytes(8, "little") + b"{}"],
)  # fmt: skip
def test_files_of_another_kind(tmp_path, content):
    """Empty, zeros, a zip file, a length beyond any file."""
    path = tmp_path / "other"
    path.write_bytes(content)
    refused(path)


def test_no_file_at_all(tmp_path):
    """A missing file, a folder, a file that may not be read."""
    refused(tmp_path / "missing.safetensors")
    refused(tmp_path)
    refused(tmp_path / "missing" / "missing.safetensors")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_numbers_that_are_none(tmp_path, bad, dtype):
    """They can be written, for a post-mortem; they cannot be read as a state to go on from."""
    path = tmp_path / "nan.safetensors"
    save_checkpoint(path, {"good": np.ones(2, dtype), "fc.bias": np.array([0, bad], dtype)}, {})
    refused(path, "fc.bias contains NaN or infinities")


@pytest.mark.parametrize("text", ["[]", "3", "null", '"text"', "NaN", "{", "[" * 100_000])
def test_metadata_that_is_no_state(tmp_path, text):
    """With a checksum that holds: the state must be an object all the same."""
    path = tmp_path / "foreign.safetensors"
    arrays = {"a": np.zeros(2)}
    checksum = checkpoint._checksum(text, arrays)
    save_file(arrays, path, metadata={"msq_ref": f"{checksum:08x} {text}"})
    refused(path, "not a checkpoint's metadata")


def broken(after, error):
    """A writer that fails in the middle."""

    def write(path, content):
        with path.open("wb") as file:
            file.write(content[:after])
        raise error

    return write


@pytest.mark.parametrize(
    ("error", "seen"),
    [(OSError(28, "No space left on device"), OSError),
     (KeyboardInterrupt(), KeyboardInterrupt), (MemoryError(), MemoryError)],
    ids=["disk", "interrupt", "memory"],
)  # fmt: skip
@pytest.mark.parametrize("exists", [True, False], ids=["over an old file", "new"])
def test_writing_fails_in_the_middle(tmp_path, monkeypatch, error, seen, exists):
    """The old file stays whole, or there is none; no temporary file is left."""
    path = tmp_path / "checkpoint.safetensors"
    before = {}
    if exists:
        save_checkpoint(path, ARRAYS, STATE)
        before = {path: path.read_bytes()}
    monkeypatch.setattr(Path, "write_bytes", broken(50, error))
    with pytest.raises(seen):
        save_checkpoint(path, {"a": np.zeros(9)}, {})
    assert {p: p.read_bytes() for p in tmp_path.iterdir()} == before


@pytest.mark.parametrize("limit", [0, 100, 5000])
def test_a_disk_without_room(file, limit):
    """The operating system stops the writing after so many bytes: an OSError names the file."""
    resource = pytest.importorskip("resource", reason="only POSIX limits the size of files")
    before = file.read_bytes()
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, usual[1]))
    try:
        with pytest.raises(OSError, match=r"checkpoint\.safetensors: cannot write it"):
            save_checkpoint(file, {"a": np.zeros(1000)}, {})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    assert {p: p.read_bytes() for p in file.parent.iterdir()} == {file: before}


def test_a_folder_that_is_not_there(tmp_path):
    """Checkpoints make no folders."""
    with pytest.raises(OSError, match="missing"):
        save_checkpoint(tmp_path / "missing" / "c.safetensors", ARRAYS, STATE)
    assert list(tmp_path.iterdir()) == []


def test_leftovers_of_killed_processes(tmp_path):
    """Of this file only: not of another one, not what merely looks like it."""
    path = tmp_path / "check[point].safetensors"
    save_checkpoint(path, ARRAYS, STATE)
    left = [".check[point]-abc_0189.safetensors", ".check[point]-zzzzzzzz.safetensors"]
    kept = [
        ".checkpoint-abcdefgh.safetensors", "check[point]-abcdefgh.safetensors",
        ".check[point]-abcdefgh.csv", ".check[point]-abc.safetensors", path.name,
    ]  # fmt: skip
    for name in [*left, *kept[:-1]]:
        (tmp_path / name).write_text("x")
    remove_leftovers(path)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(kept)
    load_checkpoint(path)
    remove_leftovers(tmp_path / "missing" / "c.safetensors")
