"""The restricted reader: what it lets through, and that nothing else runs."""

import collections
import contextlib
import io
import os
import pickle
import struct
import subprocess

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from msq_ref.pickled import NUMPY_ARRAYS, restricted_load

PLAIN = [
    None, True, 3, -(2**70), 1.5, "text", b"bytes", [1, [2]], (1, (2, 3)), {"a": {1: 2}}, {1, 2},
]  # fmt: skip
PROTOCOLS = pytest.mark.parametrize("protocol", range(2, 6))


def load(content, allowed=NUMPY_ARRAYS, **options):
    return restricted_load(io.BytesIO(content), allowed, **options)


@pytest.mark.parametrize("protocol", range(6))
def test_plain_values(protocol):
    """Numbers, texts and containers need no names, but sets and bytes of the oldest protocols."""
    for value in PLAIN if protocol > 3 else PLAIN[:6] + PLAIN[7:-1]:
        assert load(pickle.dumps(value, protocol)) == value


@given(shape=st.lists(st.integers(1, 4), max_size=3), fortran=st.booleans(),
       dtype=st.sampled_from("?BHIQbhiqefd"), order=st.sampled_from("<>"),
       protocol=st.integers(2, 4))  # fmt: skip
def test_arrays_of_numpy(shape, fortran, dtype, order, protocol):
    """As the ordinary reader gives them."""
    values = np.arange(np.prod(shape, dtype=int)).reshape(shape)
    array = values.astype(np.dtype(dtype).newbyteorder(order), order="F" if fortran else "C")
    content = pickle.dumps({"data": array, "again": [array]}, protocol)
    found = load(content)
    assert found["data"] is found["again"][0]
    np.testing.assert_array_equal(np.asarray(found["data"]), array)
    assert found["data"].dtype == pickle.loads(content)["data"].dtype  # noqa: S301


def test_a_batch_of_python_2():
    """As Python 2 wrote them: texts are bytes, NumPy lies at its old place."""
    content = (
        b"\x80\x02}q\x01(U\x04dataq\x02cnumpy.core.multiarray\n_reconstruct\nq\x03cnumpy\nndarray\n"
        b"q\x04K\x00\x85U\x01b\x87Rq\x05(K\x01K\x02K\x03\x86cnumpy\ndtype\nq\x06U\x02u1K\x00K\x01"
        b"\x87Rq\x07(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U\x06\x00\x01\x02"
        b"\x03\x04\x05tbU\x06labels]q\x08(K\x07K\x01eu."
    )
    found = load(content)
    assert found.keys() == {b"data", b"labels"}
    assert found[b"data"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert found[b"labels"] == [7, 1]


def test_the_file_is_left_behind_the_pickle():
    """Several in a row, with other bytes behind them."""
    file = io.BytesIO(b"before" + pickle.dumps(1) + pickle.dumps([2] * 1000) + b"after")
    file.seek(6)
    assert restricted_load(file, {}) == 1
    assert restricted_load(file, {}) == [2] * 1000
    assert file.read() == b"after"


# --- what is refused ----------------------------------------------------------------------------


class Calls:
    """Pickles as a call of a function."""

    def __init__(self, function, *arguments, state=None):
        self.parts = (function, arguments) if state is None else (function, arguments, state)

    def __reduce__(self):
        return self.parts


class Hashed(Calls):
    """As a key of a dictionary."""


ran = []


def note(*arguments):
    """Leave a trace, for the tests to look for."""
    ran.append(arguments)
    return ran


Ordered = collections.OrderedDict
# From a path that must not appear: what is pickled, and the name in the error.
MALICIOUS = {
    "shell": (lambda path: Calls(os.system, f"touch {path}"), r"(posix|nt)\.system"),
    "eval": (lambda path: Calls(eval, f"open({path!r}, 'w')"), r"\w+\.eval"),
    "exec": (lambda path: Calls(exec, f"open({path!r}, 'w')"), r"\w+\.exec"),
    "open": (lambda path: Calls(open, path, "w"), r"\w+\.open"),
    "a process": (lambda path: Calls(subprocess.Popen, ["touch", path]), r"\w+\.Popen"),
    "any function": (lambda path: Calls(note, path), r"\S+note"),
    "an argument": (lambda path: Calls(Ordered, [["a", Calls(note)]]), r"\S+note"),
    "an argument of an array": (lambda path: Calls(np.ndarray, Calls(note)), r"\S+note"),
    "in containers": (lambda path: [1, {"a": (2, Calls(note))}], r"\S+note"),
    "a key": (lambda path: {Hashed(note): 1}, r"\S+note"),
    "a state": (lambda path: Calls(np.dtype, "u1", state=Calls(note)), r"\S+note"),
    "slots": (lambda path: Calls(Ordered, state=(None, {"x": Calls(note)})), r"\S+note"),
    "getattr": (lambda path: Calls(getattr, Calls(__import__, "os"), "system"), r"\w+\.getattr"),
    "numpy's loader": (lambda path: Calls(np.load, path), r"numpy\.load|numpy\S+load"),
    "a class": (lambda path: Calls, r"\S+Calls"),
    "a builtin class": (lambda path: Calls(bytearray, 10), r"\w+\.bytearray"),
}


@PROTOCOLS
@pytest.mark.parametrize(("make", "asked"), MALICIOUS.values(), ids=MALICIOUS.keys())
def test_malicious_pickles(make, asked, protocol, tmp_path):
    """The error says what was asked for; no file appears, nothing is called."""
    path = str(tmp_path / "trace")
    content = pickle.dumps(make(path), protocol)
    ran.clear()
    allowed = {**NUMPY_ARRAYS, "collections.OrderedDict": dict}
    with pytest.raises(ValueError, match=rf"^pickle refused: it asks for ({asked}); expected "):
        load(content, allowed)
    assert not os.path.exists(path)
    assert not ran


def test_they_would_have_run(tmp_path):
    """The ordinary reader runs them: the test above can fail."""
    ran.clear()
    for name in ("any function", "in containers", "a state", "slots"):
        before = len(ran)
        with contextlib.suppress(TypeError, ValueError):
            pickle.loads(pickle.dumps(MALICIOUS[name][0]("x")))  # noqa: S301
        assert len(ran) == before + 1, name
    path = tmp_path / "trace"
    pickle.loads(pickle.dumps(MALICIOUS["open"][0](str(path)))).close()  # noqa: S301
    assert path.exists()


# Written by hand, as no ordinary writer would.
HAND_MADE = {
    "an instance": (b"(S'true'\niposix\nsystem\n.", "it asks for posix.system"),
    "an object": (b"(cposix\nsystem\nS'true'\no.", "it asks for posix.system"),
    "by way of what is allowed": (b"\x80\x04\x8c\x05numpy\x8c\x0fdtype.__class__\x93.",
                                  "it asks for numpy.dtype.__class__"),
    "a new object": (b"\x80\x02cnumpy\ndtype\n)\x81.", "damaged"),
    "an extension": (b"\x80\x02\x82\x01.", "it asks for a registered extension"),
    "a persistent object": (b"Pname\n.", "it refers to objects outside it"),
    "another call": (b"cnumpy\ndtype\n}S'__call__'\nNsb.", "it changes what it was given to call"),
    "another call, by slots": (b"cnumpy\ndtype\n(N}S'_Named__call'\nNstb.",
                               "it changes what it was given to call"),
    "an object number": (b"Nr\xff\xff\xff\x7f.", "it has an object number 2147483647"),
    "an object number in words": (b"Np99999999999\n.", "it has an object number 99999999999"),
    "a long text": (b"\x80\x04\x8d" + struct.pack("<Q", 2**62) + b"x.", "damaged|expected"),
    "no end": (b"]" * 10, "pickle exhausted|damaged"),
    "nothing": (b"", "pickle exhausted|damaged"),
    "an empty stack": (b".", "damaged"),
    "another encoding": (b"\x80\x02c_codecs\nencode\nX\x01\0\0\0aX\x03\0\0\0zip\x86R.",
                         "it asks for the encoding 'zip'"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "match"), HAND_MADE.values(), ids=HAND_MADE.keys())
def test_hand_made_pickles(content, match):
    """Names by every opcode, changes of what is allowed, sizes without content."""
    with pytest.raises(ValueError, match=rf"^pickle refused: .*({match})"):
        load(content, encoding="ASCII")


def test_nothing_is_changed_for_the_next():
    """After all attempts an array is read as before."""
    for content, _ in HAND_MADE.values():
        with contextlib.suppress(ValueError):
            load(content)
    assert load(pickle.dumps(np.arange(3), 4)).tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("arguments", "state", "match"),
    [
        (("O",), None, "dtype 'O'; expected booleans and numbers"),
        (("V8",), None, "dtype 'V8'"),
        (("f16",), None, "dtype 'f16'"),
        (("u1,u1",), None, "dtype 'u1,u1'"),
        (([("a", "u1")],), None, "dtype"),
        (("f8",), (3, "!", None, None, None, -1, -1, 0), "byte order '!'"),
    ],
)
def test_dtypes(arguments, state, match):
    """Numbers only: a record with a field beyond its end would read memory that is not its own."""
    content = pickle.dumps(Calls(np.dtype, *arguments, state=state), 4)
    with pytest.raises(ValueError, match=rf"^pickle refused: it has an array of {match}"):
        load(content)


def test_arrays_of_objects():
    """Refused by their dtype, before what is in them is asked for."""
    ran.clear()
    for protocol in range(2, 6):
        with pytest.raises(ValueError, match="dtype 'O8'; expected booleans and numbers"):
            load(pickle.dumps(np.array([Calls(note)], object), protocol))
    assert not ran


@pytest.mark.parametrize(
    ("shape", "content", "match"),
    [
        ((4,), b"123", r"of shape \(4,\) with 3 bytes"),
        ((2,), b"123", r"of shape \(2,\) with 3 bytes"),
        ((-3,), b"123", r"of shape \(-3,\)"),
        ((-1, -3), b"123", r"of shape \(-1, -3\)"),
        ((2**62, 4, 2), b"", "with 0 bytes"),
        ((3,), [1, 2, 3], "not made of a dtype and bytes"),
        ((3,), "123", "not made of a dtype and bytes"),
    ],
)
def test_arrays_whose_bytes_do_not_fit(shape, content, match):
    """Counted in exact integers, before memory is asked for."""
    empty = np._core.multiarray._reconstruct
    state = (1, shape, np.dtype("u1"), False, content)
    with pytest.raises(ValueError, match=rf"^pickle refused: it has an array .*{match}"):
        load(pickle.dumps(Calls(empty, np.ndarray, (0,), b"b", state=state), 4))


WHOLE = pickle.dumps({"data": np.arange(40, dtype=np.uint8).reshape(5, 8), "labels": [1, 2]}, 4)


def test_truncated_pickles():
    """At every length: no whole pickle, no error but ours."""
    for length in range(len(WHOLE)):
        with pytest.raises(ValueError, match=r"^pickle refused: "):
            load(WHOLE[:length])


@given(data=st.data())
def test_damaged_pickles(data):
    """Any bytes changed: either it can still be read, or the error is ours."""
    content = bytearray(WHOLE)
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(ValueError):
        load(bytes(content))


@given(content=st.binary(max_size=60))
def test_any_bytes(content):
    """Whatever is in the file: a value or a ``ValueError``."""
    with contextlib.suppress(ValueError):
        load(content)


def test_persistent_objects():
    """Those of the caller, by what the pickle calls them."""
    assert load(b"Pname\n.", persistent=str.upper, encoding="ASCII") == "NAME"


def test_allowed_callables_check_their_arguments():
    """What they raise becomes one line."""
    def positive(value):
        if value < 0:
            raise ValueError("a negative number")
        return value

    name = f"{note.__module__}.note"
    assert load(pickle.dumps(Calls(note, 3)), {name: positive}) == 3
    for value, match in ((-3, "a negative number"), ("x", r"damaged \(TypeError: ")):
        with pytest.raises(ValueError, match=f"^pickle refused: {match}"):
            load(pickle.dumps(Calls(note, value)), {name: positive})
