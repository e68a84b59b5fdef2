"""Cases through pipes: written, answered by programs in other languages, judged."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from msq_ref import reference
from msq_ref.conformance.case import Raises
from msq_ref.conformance.line_reading import arguments_of, read_answer
from msq_ref.conformance.lines import SCALAR, NotALine, answer_text, case_text, line_format
from msq_ref.conformance.pipes import CASES, ver
from msq_ref.conformance.pipes import gen as generated
from msq_ref.conformance.vectors import vector_cases
from msq_ref.contract import OPERATIONS, operation
from tests.conformance.backends import NAMES
from tests.conformance.streams import ROOT, answered, gen


@pytest.fixture(scope="module")
def stream():
    """Give a right stream of requantizations."""
    return [answered("requantize", line) for line in gen("requantize")]


def faults(name, lines):
    return [str(fault) for fault in ver(name, lines).faults]


# Writing.


@pytest.mark.parametrize("name", NAMES)
def test_a_right_stream_holds(name):
    lines = gen(name, invalid=True)
    verdict = ver(name, [answered(name, line) + "\n" for line in lines])
    assert verdict.faults == []
    assert verdict.held()
    assert verdict.cases == len(lines) - 2
    assert min(100, CASES["quick"][1]) <= verdict.cases <= CASES["quick"][name not in SCALAR]


def test_the_same_seed_gives_the_same_lines_and_another_does_not():
    for name in ("lsb", "prune_step"):
        assert generated(name, "quick", 3) == generated(name, "quick", 3)
        assert generated(name, "quick", 3) != generated(name, "quick", 4)
    assert len(generated("prune_step", "full")) > len(generated("prune_step", "quick"))


def test_every_width_and_both_types_are_in_a_quick_stream():
    """[S0.2] [S0.3]"""
    fields = [line.split() for line in gen("roundclamp")[1:-1]]
    assert {field[2] for field in fields} == {str(n) for n in range(1, 17)}
    assert {field[0] for field in fields} == {"f32", "f64"}


def test_the_kernels_hold_too():
    from msq_ref import kernels

    for name in ("roundclamp", "requantize", "normalize", "integer_conv2d"):
        assert ver(name, [answered(name, line, kernels) for line in gen(name)]).held()


def test_a_wrong_backend_does_not():
    """One plausible mistake in each form of answer."""
    wrong = type("Wrong", (), {
        "roundclamp": staticmethod(lambda u, n: np.minimum(np.floor(2.0**n * u + 0.5), 2**n - 1)
                                   .astype(np.int32)),
        "effective": staticmethod(lambda q, s: np.asarray(-reference.effective(q, s))),
        "compression": staticmethod(lambda sizes, bits: reference.compression(sizes[:1], bits[:1])),
        "prune_step": staticmethod(lambda bits, *others: list(bits)),
        "bit_planes": staticmethod(lambda c, n, s: reference.bit_planes(c, n, s)[::-1].copy()),
        "sgd_step": staticmethod(lambda *a: reference.sgd_step(*a)[::-1]),
        "lsb_l1": staticmethod(lambda u, n, k: 2 * reference.lsb_l1(u, n, k)),
        "normalize": staticmethod(lambda w: np.asarray(reference.normalize(w)
                                                       + w.dtype.type(1e-6))),
    })  # fmt: skip
    for name in (name for name in vars(wrong) if not name.startswith("_")):
        verdict = ver(name, [answered(name, line, wrong) for line in gen(name)])
        assert not verdict.held()
        entry = operation(name)
        assert all(f"[{entry.clauses[0]}]" in fault.text for fault in verdict.faults)


def test_the_table_of_the_documentation_is_that_of_the_code():
    text = (ROOT / "docs" / "pipes.md").read_text()
    for entry in OPERATIONS:
        shown = line_format(entry).replace("|", "\\|")
        assert f"| `{entry.name}` | `{shown}` | `" in text


# Lines.


@pytest.mark.parametrize("name", NAMES)
def test_lines_keep_every_value(name):
    """What is read is what was written, to the bit."""
    entry, written = operation(name), 0
    for line in gen(name)[1:-1]:
        arguments = arguments_of(entry, line)
        assert case_text(entry, arguments) == line
        written += 1
    assert written


def test_vectors_come_back_from_their_lines():
    """Not only lines, values too."""
    checked = 0
    for case in vector_cases(["normalize", "prune_step", "integer_linear"]):
        entry = operation(case.operation)
        arguments = dict(zip(entry.required, case.required, strict=True))
        if "signs" in entry.optional:
            arguments["signs"] = case.optional.get("signs")
        if isinstance(case.expected, Raises):
            continue
        back = arguments_of(entry, case_text(entry, arguments))
        for key, value in arguments.items():
            if key == "alpha" and not isinstance(value, list):
                value = [value] * len(arguments["bits"])
            assert np.array_equal(back[key], value) or (back[key] is None and value is None)
            if isinstance(value, np.ndarray) and value.dtype.kind == "f":
                assert back[key].tobytes() == value.tobytes()
        answer = answer_text(entry, case.expected.value)
        assert answer_text(entry, read_answer(entry, answer, case.expected.value)) == answer
        checked += 1
    assert checked > 100


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("roundclamp", {"u": np.zeros(2), "bits": 3}),
        ("roundclamp", {"u": np.float16(0.5), "bits": 3}),
        ("roundclamp", {"u": np.array(1), "bits": 3}),
        ("roundclamp", {"u": np.array(0.5), "bits": 3.0}),
        ("roundclamp", {"u": np.array(0.5), "bits": True}),
        ("compression", {"sizes": [2**64], "bits": [3]}),
        ("effective_signed", {"q": np.array(0.5), "signs": np.array(-0.0), "scale": 1.0}),
        ("effective", {"q": np.array(0.5), "scale": None}),
        ("effective", {"q": np.array(0.5), "scale": 2**53 + 1}),
        ("dequantize", {"codes": np.array(1), "bits": 3, "dtype": "nonsense"}),
        ("bit_planes", {"codes": np.array([1]), "bits": 3, "signed": 1}),
        ("assign_k", {"omegas": 1.0}),
    ],
)
def test_what_has_no_text_is_not_written(name, arguments):
    with pytest.raises(NotALine):
        case_text(operation(name), arguments)


# Faults of a stream.


def changed(stream, index, text):
    return [*stream[:index], text, *stream[index + 1 :]]


def test_a_cut_stream_is_a_failure(stream):
    """Wherever it is cut."""
    for end in (0, 1, 2, len(stream) // 2, len(stream) - 1):
        verdict = ver("requantize", stream[:end])
        assert not verdict.held()
        assert any("cut short" in f.text or "empty" in f.text for f in verdict.faults)
    text = "\n".join(stream) + "\n"
    for end in (5, 40, len(text) // 2, len(text) - 10, len(text) - 2):
        assert not ver("requantize", io.StringIO(text[:end])).held()
    assert ver("requantize", io.StringIO(text)).held()
    assert ver("requantize", io.StringIO(text.replace("\n", "\r\n"))).held()


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda s: s[1:], "line 1: "),
        (lambda s: [], "the stream is empty"),
        (lambda s: changed(s, 0, "#msq 2 requantize 1 -"), "expected the header"),
        (lambda s: changed(s, 0, s[0].replace("requantize", "lsb")), "of lsb, not of requantize"),
        (lambda s: s[:5] + s[6:], "cases came, the header promised"),
        (lambda s: [*s[:5], s[4], *s[5:]], "cases came, the header promised"),
        (lambda s: [*s[:4], s[5], s[4], *s[6:]], "their digest differs"),
        (lambda s: changed(s, 7, s[8]), "their digest differs"),
        (lambda s: changed(s, 7, s[7].split(" = ")[0]), "line 8: "),
        (lambda s: changed(s, 7, s[7] + " 1"), "expected nothing more"),
        (lambda s: changed(s, 7, s[7].split("=")[0] + "= "), "it ends too early"),
        (lambda s: changed(s, 7, s[7].split("=")[0] + "= 0x3"), "expected an integer in decimal"),
        (lambda s: changed(s, 7, s[7].split("=")[0] + "= 3.0"), "expected an integer in decimal"),
        (lambda s: changed(s, 7, s[7].split("=")[0] + "= 1_0"), "expected an integer in decimal"),
        (lambda s: changed(s, 7, s[7].split("=")[0] + f"= {2**31}"), "expected an int32"),
        (lambda s: changed(s, 7, s[7].split("=")[0] + "= error"), "got 'error'"),
        (lambda s: changed(s, 7, s[7] + " = " + s[7]), "line 8: "),
        (lambda s: changed(s, 7, "garbage"), "line 8: 'garbage': not a case"),
        (lambda s: changed(s, 7, ""), "line 8: '': not a case"),
        (lambda s: changed(s, 7, "# a remark"), "line 8: '# a remark'"),
        (lambda s: changed(s, 7, s[-1]), "line 8: "),
        (lambda s: [*s, s[-1]], "expected nothing after the trailer"),
        (lambda s: [*s, ""], "expected nothing after the trailer"),
        (lambda s: changed(s, -1, "#end 3"), "the trailer has 3"),
        (lambda s: changed(s, -1, "#end"), "expected a case or the trailer"),
        (lambda s: ["#msq 1 requantize 0 -", "#end 0"], "no case was judged"),
    ],
)
def test_a_fault_is_named(stream, change, fault):
    verdict = ver("requantize", change(stream))
    assert not verdict.held()
    assert any(fault in str(found) for found in verdict.faults), verdict.faults[:5]


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ("0x1.8p-3", ""), ("0X1.8P-3", ""), ("0x3p-4", ""), ("0x0.3p0", ""), ("+0x18p-7", ""),
        ("0.1875", "expected a float in hexadecimal"), ("0x1.8000000001p-3", "expected a float32"),
        ("0x1.80002p-3", "expected 0x1.8p-3"), ("-0x1.8p-3", "expected 0x1.8p-3"),
        ("nan", "expected 0x1.8p-3"), ("-inf", "expected 0x1.8p-3"), ("0xp0", "hexadecimal"),
        ("0x1p99999", "hexadecimal"), ("1e5", "hexadecimal"), ("3", "hexadecimal"), ("", "early"),
    ],
)  # fmt: skip
def test_floats_are_read_as_c_writes_them(answer, fault):
    """Any form of the same number; nothing that is not it to the bit."""
    lines = ["#msq 1 effective 1 -", f"f32 0x1.cp-1 0x1p-2 = {answer}", "#end 1"]
    found = faults("effective", lines)
    assert bool(found) == bool(fault)
    assert all(fault in line for line in found)


def test_the_sign_of_a_zero_counts():
    """[S1.4]"""
    case = "f64 0x0p+0 -1 0x1p+0"
    for answer, holds in (("-0x0p+0", True), ("0x0p+0", False)):
        lines = ["#msq 1 effective_signed 1 -", f"{case} = {answer}", "#end 1"]
        assert ver("effective_signed", lines).held() is holds


def test_illegal_calls_are_to_be_refused():
    """[S0.2] [S0.3]"""
    for case in ("f32 nan 3", "f64 0x1.8p+0 3", "f32 0x1p-1 0", "f32 0x1p-1 17", "f32 -0x1p-1 3"):
        for answer, holds in (("error", True), ("0", False)):
            lines = ["#msq 1 roundclamp 1 -", f"{case} = {answer}", "#end 1"]
            assert ver("roundclamp", lines).held() is holds


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("f32 9 1 1 1 = 9 1 1 1", "at most 8 axes"),
        ("f32 1 -1 = 0", "expected a length"),
        ("f32 2 9999999 9999999 = 0", "at most 10^7"),
        ("f32 1 3 0x1p+0 0x1p+0 = 0", "too early"),
        ("f16 0 0x1p+0 = 0", "expected f32 or f64"),
        ("f32 1 1 0x1p+0 = 0 0x1p+0", "expected 1 1 0x1p+0"),
        ("f32 1 1 0x1p+0 = 2 1 1 0x1p+0", "expected 1 1 0x1p+0"),
    ],
)
def test_shapes_are_judged(line, fault):
    found = faults("normalize", ["#msq 1 normalize 1 -", line, "#end 1"])
    assert any(fault in text for text in found)


@given(st.sampled_from(NAMES), st.lists(st.text(max_size=60), max_size=4))
def test_garbage_is_never_right_and_never_a_crash(name, lines):
    for whole in (lines, [f"#msq 1 {name} {len(lines)} -", *lines, f"#end {len(lines)}"]):
        verdict = ver(name, whole)
        assert verdict.faults
        assert not verdict.held()


@given(st.sampled_from(NAMES), st.text("f326401x.p+-= \tnaierox", max_size=40))
def test_near_garbage_neither(name, line):
    verdict = ver(name, [f"#msq 1 {name} 1 -", line, "#end 1"])
    assert verdict.held() is not bool(verdict.faults)
