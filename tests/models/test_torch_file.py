"""Files of ``torch.save`` read without PyTorch: what comes out, and what is refused."""

import io
import os
import pickle
import zipfile

import numpy as np
import pytest

from msq_ref.models.torch_file import read_torch

torch = pytest.importorskip("torch")

X = torch.arange(24.0).reshape(2, 3, 4)
STATE = {
    "whole": X, "permuted": X.permute(2, 0, 1), "row": X[1], "column": X[:, :, 1], "last": X[1, 2],
    "empty": X[:0], "scalar": torch.tensor(3), "again": X,
    "float64": X.double(), "float16": X.half(), "int32": X.int(), "int16": X.short(),
    "int8": X.char(), "uint8": X.byte(), "bool": X > 7,
}  # fmt: skip
FORMS = pytest.mark.parametrize("present", [True, False], ids=["zip", "rows"])


@pytest.fixture
def file(tmp_path):
    return tmp_path / "weights.pth"


def save(value, file, present):
    torch.save(value, file, _use_new_zipfile_serialization=present)


def refused(file, match):
    with pytest.raises(ValueError, match=match) as caught:
        read_torch(file)
    message = str(caught.value)
    assert message.startswith(f"{file}: not a readable PyTorch file (")
    assert "\n" not in message


@FORMS
@pytest.mark.parametrize("kind", [str, lambda path: path], ids=["str", "Path"])
def test_every_tensor(file, present, kind):
    """Views, strides, dtypes and empty ones, bit for bit; each an array of its own."""
    save(STATE, file, present)
    found = read_torch(kind(file))
    assert [*found] == [*STATE]
    for name, tensor in STATE.items():
        np.testing.assert_array_equal(found[name], tensor.numpy(), strict=True)
        assert found[name].flags.c_contiguous
        assert found[name].flags.writeable
    found["whole"][...] = 0
    np.testing.assert_array_equal(found["again"], X.numpy())


@FORMS
def test_a_module_s_state(file, present):
    """With what PyTorch hangs on the mapping beside it."""
    module = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 1), torch.nn.BatchNorm2d(3))
    save(module.state_dict(), file, present)
    found = read_torch(file)
    for name, tensor in module.state_dict().items():
        np.testing.assert_array_equal(found[name], tensor.numpy(), strict=True)
    assert found["1.num_batches_tracked"].shape == ()


class Runs:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


OTHER = {
    "a list": ([X], "holds a list"),
    "nothing": ({}, "holds a dict"),
    "a number": ({"a": 1}, "'a' is no tensor"),
    "a nested mapping": ({"state": {"a": X}}, "'state' is no tensor"),
    "a numbered mapping": ({1: X}, "1 is no tensor"),
    "bfloat16": ({"a": X.bfloat16()}, r"asks for torch\.BFloat16Storage; expected "),
    "complex": ({"a": X * 1j}, r"asks for torch\.ComplexFloatStorage"),
    "a parameter": ({"a": torch.nn.Parameter(X)}, r"asks for torch\._utils\._rebuild_parameter"),
    "a sparse tensor": ({"a": X.to_sparse()}, r"asks for torch\._utils\._rebuild_sparse_tensor"),
    "a module": (torch.nn.Linear(1, 1), r"asks for torch\.nn\.modules\.linear\.Linear"),
}


@FORMS
@pytest.mark.parametrize(("value", "match"), OTHER.values(), ids=OTHER.keys())
def test_what_is_no_mapping_of_tensors(file, present, value, match):
    """In one line: what was found or asked for."""
    save(value, file, present)
    refused(file, match)


@FORMS
def test_nothing_runs(file, present, tmp_path):
    """A call among the tensors is refused by its name; it would have run."""
    trace = tmp_path / "trace"
    save({"a": X, "b": Runs(trace)}, file, present)
    refused(file, r"asks for (posix|nt)\.system")
    assert not trace.exists()
    torch.load(file, weights_only=False)
    assert trace.exists()


@FORMS
def test_truncated_files(file, present):
    """At every length, no tensor comes out."""
    save({"a": torch.arange(5.0), "b": torch.arange(3)}, file, present)
    whole = file.read_bytes()
    step = 7 if present else 1
    for length in [*range(0, len(whole), step), len(whole) - 1]:
        file.write_bytes(whole[:length])
        refused(file, "not a readable PyTorch file")


def test_other_files(tmp_path):
    """No file, a folder, other formats."""
    refused(tmp_path / "missing.pth", "No such file")
    refused(tmp_path, "directory")
    file = tmp_path / "other.pth"
    for content in (b"", b"text", b"PK\3\4 a broken archive", pickle.dumps({"a": 1})):
        file.write_bytes(content)
        refused(file, "pickle refused|begins with another number")
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.txt", "x")
    refused(file, r"has 0 members data\.pkl, not 1")


def rewritten(file, change, compression=zipfile.ZIP_STORED):
    """Write an archive anew, its members changed: a mapping of names to bytes."""
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    folder = next(iter(members)).partition("/")[0]
    change(members, folder)
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def add(name, content):
    return lambda members, folder: members.update({f"{folder}/{name}": content})


ARCHIVES = {
    "two pickles": (add("more/data.pkl", b"N."), "has 2 members"),
    "a storage too short": (add("data/0", bytes(95)), "storage 0 has 95 bytes, not as announced"),
    "a storage too long": (add("data/0", bytes(100)), "storage 0 has 100 bytes"),
    "no storage": (lambda members, folder: members.pop(f"{folder}/data/0"), "has no member"),
    "big-endian": (add("byteorder", b"big"), "is not little-endian"),
}


@pytest.mark.parametrize(("change", "match"), ARCHIVES.values(), ids=ARCHIVES.keys())
def test_archives_that_do_not_fit_together(file, change, match):
    """What one member says of another must hold."""
    save({"a": X}, file, True)
    rewritten(file, lambda members, folder: None)
    assert read_torch(file)["a"].tolist() == X.tolist()
    rewritten(file, change)
    refused(file, match)


def test_compressed_archives(file):
    """PyTorch writes none, and a small one could fill any memory."""
    save({"a": X}, file, True)
    rewritten(file, lambda members, folder: None, zipfile.ZIP_DEFLATED)
    refused(file, "is compressed")


class Storage:
    """What a pickle refers to from outside it."""

    def __init__(self, *words):
        self.words = words


class Pickler(pickle.Pickler):
    def persistent_id(self, value):
        return value.words if isinstance(value, Storage) else None


class View:
    """A tensor as PyTorch describes it."""

    def __init__(self, storage, offset, size, stride):
        self.parts = storage, offset, size, stride, False, None

    def __reduce__(self):
        return torch._utils._rebuild_tensor_v2, self.parts


FLOATS = ("storage", torch.FloatStorage, "0", "cpu", 24)
VIEWS = {
    "beyond its end": (View(Storage(*FLOATS), 1, (24,), (1,)), "beyond its storage 0"),
    "far beyond": (View(Storage(*FLOATS), 0, (3,), (2**40,)), "beyond its storage 0"),
    "before its start": (View(Storage(*FLOATS), -1, (3,), (1,)), "with strides"),
    "backwards": (View(Storage(*FLOATS), 9, (3,), (-1,)), r"with strides \(-1,\)"),
    "larger than it": (View(Storage(*FLOATS), 0, (2**50,), (0,)), "beyond its storage 0"),
    "without strides": (View(Storage(*FLOATS), 0, (3,), ()), "with strides"),
    "of no size": (View(Storage(*FLOATS), 0, 3, 1), "without a size"),
    "of true size": (View(Storage(*FLOATS), 0, (True,), (1,)), "of size"),
    "of no storage": (View([1.0] * 24, 0, (3,), (1,)), "without a storage"),
    "of a type of no storage": (
        View(Storage("storage", "float", "0", "cpu", 24), 0, (3,), (1,)), "of no known type"
    ),
    "of a storage of a storage": (
        View(Storage(*FLOATS, ("1", 0, 3)), 0, (3,), (1,)), "in a form that is not known"
    ),
    "of something else": (View(Storage("module", 1), 0, (3,), (1,)), "in a form that is not known"),
    "of a negative number": (View(Storage(*FLOATS[:4], -1), 0, (0,), (1,)), "form that is not"),
    "of two storages in one": (
        (View(Storage(*FLOATS), 0, (3,), (1,)), View(Storage(*FLOATS[:4], 3), 0, (3,), (1,))),
        "it has two storages 0",
    ),
}


@pytest.mark.parametrize(("value", "match"), VIEWS.values(), ids=VIEWS.keys())
def test_tensors_that_lie_outside(file, value, match):
    """No memory but the storage's own is looked at, and not more of it than there is."""
    save({"a": X}, file, True)
    content = io.BytesIO()
    Pickler(content, 2).dump({"a": value})
    rewritten(file, add("data.pkl", content.getvalue()))
    refused(file, match)
