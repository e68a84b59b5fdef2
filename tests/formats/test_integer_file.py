"""Integer networks in files: the same bytes, the same outputs, and one line for anything else."""

import json
import re
from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.numpy import load_file, save_file
from safetensors.torch import save_file as save_torch

from msq_ref.formats.integer_file import (
    INTEGER_FORMAT,
    load_integer_network,
    save_integer_network,
)
from msq_ref.integer import IntegerAveragePool, Requantizer, from_packed_planes
from msq_ref.training.checkpoint import load_checkpoint, save_checkpoint
from tests.integer.networks import generate


def same(a, b):
    """Equal to the bit, dataclass by dataclass."""
    if isinstance(a, np.ndarray):
        return (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())
    if isinstance(a, tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if hasattr(a, "__dataclass_fields__"):
        return type(a) is type(b) and all(
            same(getattr(a, f.name), getattr(b, f.name)) for f in fields(a)
        )
    return type(a) is type(b) and a == b


def refused(path):
    """Loading is a ValueError of one line with the path in front, and nothing else."""
    with pytest.raises(ValueError, match=re.escape(str(path))) as caught:
        load_integer_network(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message


@pytest.fixture(scope="module")
def network():
    """A network with everything: grouped convolution, both poolings, flattening."""
    kinds = set()
    for seed in range(100):
        integer = generate(seed).lower()
        kinds = {type(step).__name__ for step in integer.steps}
        if len(kinds) == 4:
            return integer
    raise AssertionError(kinds)


@pytest.fixture
def saved(tmp_path, network):
    path = tmp_path / "integer.safetensors"
    save_integer_network(path, network)
    return path


@pytest.mark.parametrize("seed", range(30))
def test_round_trip(tmp_path, seed):
    """[S9.1] [S9.4] Every field to the bit; the same bytes again; the same logits."""
    case = generate(seed)
    network = case.lower()
    first, second = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    save_integer_network(first, network)
    back = load_integer_network(str(first))
    assert same(back, network)
    save_integer_network(second, back)
    assert second.read_bytes() == first.read_bytes()
    codes = network.quantize_input(case.images)
    assert np.array_equal(back.quantize_input(case.images), codes)
    assert np.array_equal(back.run(codes, from_packed_planes), network.run(codes))


def test_numbers_of_a_pooling_stay_numbers(network, saved):
    """[S9.4] 0-dimensional arrays come back so."""
    pools = [
        step for step in load_integer_network(saved).steps if isinstance(step, IntegerAveragePool)
    ]
    assert pools
    for pool in pools:
        for name in ("multiplier", "shift", "zero_point"):
            assert getattr(pool.requantizer, name).shape == ()


def test_nothing_is_pickled(saved):
    """A file is tensors and one line of JSON."""
    with safe_open(saved, framework="numpy") as file:
        text = file.metadata()["msq_ref"]
    whole = json.loads(text.partition(" ")[2])
    assert whole["integer_format"] == INTEGER_FORMAT
    assert {array.dtype.kind for array in load_file(saved).values()} == {"i"}


def test_truncated_anywhere(saved):
    """Cut at many lengths, the header's and the data's."""
    content = saved.read_bytes()
    cuts = {*range(40), *range(40, len(content), max(1, len(content) // 150)), len(content) - 1}
    for length in cuts:
        saved.write_bytes(content[:length])
        refused(saved)
    saved.write_bytes(content)
    assert load_integer_network(saved).steps


def test_any_bit_flipped(saved):
    """Every kind of damage is found: by the format, the checksum or the fields."""
    content = saved.read_bytes()
    rng = np.random.default_rng(0)
    for at in rng.integers(0, len(content), 200):
        damaged = bytearray(content)
        damaged[at] ^= 1 << int(rng.integers(8))
        saved.write_bytes(damaged)
        try:
            loaded = load_integer_network(saved)
        except ValueError as error:
            assert str(saved) in str(error)  # noqa: PT017  (either way is right, but no other)
        else:
            saved.write_bytes(content)  # white space of the header, say
            assert same(loaded, load_integer_network(saved))


def test_foreign_files(tmp_path):
    """Something else, or nothing, under the name."""
    path = tmp_path / "x.safetensors"
    assert "not a readable safetensors file" in refused(path)
    path.write_bytes(b"")
    refused(path)
    path.write_text("hello")
    refused(path)
    path.write_bytes(b"\x80\x04\x95" + bytes(100))  # a pickle
    refused(path)
    path.write_bytes((2**60).to_bytes(8, "little") + b"{}")
    refused(path)
    save_file({"a": np.zeros(3)}, path)
    assert "not one that msq-ref wrote" in refused(path)
    save_file({"a": np.zeros(3)}, path, metadata={"format": "pt"})
    refused(path)
    save_torch({"a": torch.zeros(3, dtype=torch.bfloat16)}, path)
    refused(path)
    folder = tmp_path / "folder.safetensors"
    folder.mkdir()
    refused(folder)


@pytest.mark.parametrize(
    "text", ["", "null", "[]", "3", "[" * 5000, "{", '{"integer_format": ' + "9" * 5000 + "}"]
)
def test_foreign_metadata(tmp_path, text):
    """Our key, but not our text."""
    path = tmp_path / "x.safetensors"
    save_file({"a": np.zeros(3)}, path, metadata={"msq_ref": text})
    refused(path)


def rewrite(path, change):
    """Save the arrays and the JSON values of a file again, changed; its checksum holds."""
    arrays, whole = load_checkpoint(path)
    change(arrays, whole)
    save_checkpoint(path, arrays, whole)


@pytest.mark.parametrize(
    ("version", "message"),
    [
        (INTEGER_FORMAT + 1, "format 2 is newer than this program's 1"),
        (10**30, "is newer"),
        (0, "not an integer network"),
        (True, "not an integer network"),
        ("1", "not an integer network"),
        (None, "not an integer network"),
    ],
)
def test_versions(saved, version, message):
    """A newer program's file says so."""
    rewrite(saved, lambda arrays, whole: whole.update(integer_format=version))
    assert message in refused(saved)


def test_another_checkpoint(saved):
    """A file of this project that is no integer network."""
    save_checkpoint(saved, {"conv.weight": np.zeros(3)}, {"epoch": 3})
    assert "not an integer network" in refused(saved)


def test_every_missing_array_and_key(saved):
    """Each of them, one by one."""
    content = saved.read_bytes()
    arrays, whole = load_checkpoint(saved)

    def all_keys(value, path=()):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, part in items:
            if isinstance(value, dict):
                yield (*path, key)
            if isinstance(part, dict | list):
                yield from all_keys(part, (*path, key))

    for name in arrays:
        saved.write_bytes(content)
        rewrite(saved, lambda arrays, whole: arrays.pop(name))  # noqa: B023  (called at once)
        if name.endswith("signs"):
            continue  # then the layer is of the other domain, and its codes may fit
        refused(saved)
    keys = [key for key in all_keys(whole) if key != ("integer_format",)]
    assert len(keys) > 40
    for key in keys:

        def drop(arrays, whole):
            holder = whole
            for part in key[:-1]:  # noqa: B023
                holder = holder[part]
            del holder[key[-1]]  # noqa: B023

        saved.write_bytes(content)
        rewrite(saved, drop)
        refused(saved)


@pytest.mark.parametrize("junk", [None, True, -1, 1.5, "x", [], {}, [1, 2], {"kind": "flatten"}])
def test_every_key_with_junk(saved, junk):
    """Wrong types and values in every place of the JSON part."""
    content = saved.read_bytes()
    _, whole = load_checkpoint(saved)

    def places(value, path=()):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, part in items:
            yield (*path, key), part
            if isinstance(part, dict | list):
                yield from places(part, (*path, key))

    tried = 0
    for path, old in places(whole):
        # A name may be any text; a bit width of -1 and the like are what this is about.
        if path[-1] == "name" and isinstance(junk, str):
            continue
        # So may the unit of logits be any positive number.
        if type(old) is type(junk) and (old == junk or isinstance(junk, float)):
            continue

        def put(arrays, whole):
            holder = whole
            for part in path[:-1]:  # noqa: B023
                holder = holder[part]
            holder[path[-1]] = junk  # noqa: B023

        saved.write_bytes(content)
        rewrite(saved, put)
        refused(saved)
        tried += 1
    assert tried > 40


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("codes", lambda a: a + 2**20, "codes contains"),
        ("codes", lambda a: a.astype(np.float32), "codes has dtype float32"),
        ("codes", lambda a: a.astype(np.int64), "codes has dtype int64"),
        ("codes", lambda a: a[0], "codes has shape"),
        ("codes", lambda a: a[..., :0], "has shape"),
        ("bias", lambda a: a.astype(np.int32), "bias has dtype int32"),
        ("bias", lambda a: a[:-1], "bias has shape"),
        ("bias", lambda a: a + 2**31, "accumulators may reach"),
        ("requantizer.multiplier", lambda a: a[:-1], "multiplier has shape"),
        ("requantizer.multiplier", lambda a: a * 0, "multiplier contains 0"),
        ("requantizer.shift", lambda a: a + 63, "shift contains"),
        ("requantizer.zero_point", lambda a: a + 2**17, "zero_point contains"),
    ],
)
def test_arrays_that_do_not_fit(network, saved, name, value, message):
    """[S9.1] [S9.4] Written by whoever with a right checksum, refused all the same."""
    first = next(i for i, step in enumerate(network.steps) if hasattr(step, "codes"))

    def change(arrays, whole):
        arrays[f"{first}.{name}"] = value(arrays[f"{first}.{name}"])

    rewrite(saved, change)
    assert message in refused(saved)


def test_unexpected_arrays(saved):
    """What the structure does not name is not carried along."""
    rewrite(saved, lambda arrays, whole: arrays.update(extra=np.zeros(2)))
    assert "unexpected extra" in refused(saved)


def test_failed_writes_leave_the_old_file(tmp_path, network, saved):
    """Only whole files appear under the name."""
    before = saved.read_bytes()
    step = next(step for step in network.steps if hasattr(step, "codes"))
    unwritable = replace(network, steps=(replace(step, in_scale=object()),))
    with pytest.raises(TypeError):
        save_integer_network(saved, unwritable)
    assert saved.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == [saved.name]
    with pytest.raises(OSError, match="No such file"):
        save_integer_network(tmp_path / "no" / "folder.safetensors", network)


def test_requantizers_hold_arrays():
    """What the file format relies on: every array field is an array, numbers are 0-dimensional."""
    for seed in range(20):
        for step in generate(seed).lower().steps:
            kind = getattr(step, "requantizer", None)
            if isinstance(kind, Requantizer):
                for field in ("multiplier", "shift", "zero_point"):
                    assert isinstance(getattr(kind, field), np.ndarray)
