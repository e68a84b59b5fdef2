"""Cases through pipes, for C, RTL and whatever reads lines: written here, judged here.

``gen`` writes a header, cases and a trailer; a program appends ``= answer`` to each case and copies
the lines that start with ``#``; ``ver`` judges. See ``docs/pipes.md``.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from msq_ref import checks, reference
from msq_ref.conformance.case import Case, Raises
from msq_ref.conformance.cases import LEVELS, generate
from msq_ref.conformance.judge import judge
from msq_ref.conformance.line_reading import arguments_of, read_answer
from msq_ref.conformance.lines import (
    SCALAR,
    NotALine,
    answer_text,
    case_text,
    elements,
    line_format,
)
from msq_ref.conformance.vectors import vector_cases
from msq_ref.conformance.wide import bound_of
from msq_ref.contract import OPERATIONS, Operation, operation
from msq_ref.names import known_name

__all__ = ["REFUSED", "Fault", "Verdict", "gen", "ver"]

REFUSED = "error"
"""The answer to an illegal call."""

CASES = {"quick": (2_000, 200), "full": (20_000, 1_000), "deep": (200_000, 5_000)}
"""Most cases a level writes, of operations with one element a line and of the others."""

SHARE = {"quick": 8, "full": 64, "deep": 512}
"""Elements that one call on arrays contributes."""

LONGEST = {"quick": 1_024, "full": 10_000, "deep": 200_000}
"""Most elements in one line."""

_HEADER = re.compile(r"#msq 1 ([a-z][a-z0-9_]*) ([0-9]{1,18}) ([0-9a-f]{16}|-)")
_TRAILER = re.compile(r"#end ([0-9]{1,18})")


@dataclass(frozen=True)
class Fault:
    """What is wrong with a line; line 0 is the stream as a whole."""

    line: int
    text: str

    def __str__(self) -> str:
        """Return one line of text."""
        return f"line {self.line}: {self.text}" if self.line else self.text


@dataclass
class Verdict:
    """What became of a stream: how many cases were judged, and what was wrong."""

    cases: int = 0
    faults: list[Fault] = field(default_factory=list)

    def held(self) -> bool:
        """Tell whether there were cases, all of them right, in a whole stream."""
        return self.cases > 0 and not self.faults


def gen(name: str, level: str = "quick", seed: int = 0, *, invalid: bool = False) -> list[str]:
    """Return the lines of a stream of cases, header and trailer included.

    Parameters
    ----------
    name : str
        Of an operation.
    level : {"quick", "full", "deep"}
    seed : int
        The same seed and level give the same lines.
    invalid : bool
        Illegal calls too, to be answered by ``error``.

    Raises
    ------
    ValueError
        If a name is unknown or `seed` is no such number.
    """
    entry = operation(known_operation(name))
    level = known_name("--level", level, LEVELS)
    rng = random.Random(f"pipes {name} {level} {checks.integer('--seed', seed, 0)}")
    most = CASES[level][name not in SCALAR]
    lines: list[str] = []
    # The frozen vectors first, so that they are always there; the others fill what is left.
    for cases in (vector_cases([name]), generate([name], level, seed)):
        more = dict.fromkeys(_case_lines(entry, cases, level, rng, invalid=invalid))
        known = set(lines)
        new = [line for line in more if line not in known]
        room = min(most - len(lines), len(new))
        lines += [new[i] for i in sorted(rng.sample(range(len(new)), room))]
    return [f"#msq 1 {name} {len(lines)} {_digest(lines)}", *lines, f"#end {len(lines)}"]


def known_operation(name: str) -> str:
    """Return a name if an operation has it; ``ValueError`` with the nearest one otherwise."""
    return known_name("OP", name, [entry.name for entry in OPERATIONS])


def _case_lines(
    entry: Operation, cases: Iterable[Case], level: str, rng: random.Random, *, invalid: bool
) -> Iterator[str]:
    for case in cases:
        if isinstance(case.expected, Raises) and not invalid:
            continue
        arguments = _all_arguments(entry, case)
        calls: Iterable[Mapping[str, Any]] = [arguments]
        if entry.name in SCALAR:
            calls = elements(
                arguments,
                entry,
                lambda size: sorted(rng.sample(range(size), min(SHARE[level], size))),
            )
        for call in calls:
            try:
                if _size(call) <= LONGEST[level] and _answerable(entry, call):
                    yield case_text(entry, call)
            except NotALine:
                continue  # a wrong type, say, which only Python can pass


def _all_arguments(entry: Operation, case: Case) -> dict[str, Any]:
    defaults = {"None": None, "True": True, "False": False, "0": 0, "1": 1, "float32": "float32"}
    return {
        **dict(zip(entry.required, case.required, strict=True)),
        **{name: defaults[text] for name, text in entry.optional.items()},
        **case.optional,
    }


def _size(call: Mapping[str, Any]) -> int:
    """Return the number of elements of the largest array."""
    return max((v.size for v in call.values() if isinstance(v, np.ndarray)), default=0)


def _answerable(entry: Operation, call: Mapping[str, Any]) -> bool:
    """Tell whether the answer fits in 64 bits where it is an integer."""
    if entry.name != "compression":
        return True
    try:
        answer_text(entry, reference.compression(**call))
    except (NotALine, TypeError, ValueError) as error:
        return not isinstance(error, NotALine)
    return True


def ver(name: str, lines: Iterable[str]) -> Verdict:
    """Judge a stream of answered cases.

    Parameters
    ----------
    name : str
        Of the operation that the stream must be of.
    lines : iterable of str
        With or without line ends.

    Raises
    ------
    ValueError
        If there is no operation of that name; whatever is wrong with the stream is a fault.
    """
    return _Reader(operation(known_operation(name))).read(lines)


class _Reader:
    def __init__(self, entry: Operation) -> None:
        self.entry = entry
        self.verdict = Verdict()
        self.promised: tuple[int, str] | None = None
        self.ended = False
        self.texts = 0
        self.digest = hashlib.sha256()

    def fault(self, line: int, text: str) -> None:
        self.verdict.faults.append(Fault(line, text))

    def read(self, lines: Iterable[str]) -> Verdict:
        for number, line in enumerate(lines, start=1):
            text = line.rstrip("\r\n")
            if self.ended:
                self.fault(number, f"{text!r:.60}: expected nothing after the trailer")
            elif number == 1:
                self.header(text)
            elif text.startswith("#"):
                self.trailer(number, text)
            else:
                self.case(number, text)
            if number == 1 and self.promised is None:
                return self.verdict
        self.close()
        return self.verdict

    def header(self, text: str) -> None:
        match = _HEADER.fullmatch(text)
        if not match:
            self.fault(1, f"{text!r:.60}: expected the header, #msq 1 OP CASES DIGEST")
        elif match[1] != self.entry.name:
            self.fault(1, f"the stream is of {match[1]}, not of {self.entry.name}")
        else:
            self.promised = int(match[2]), match[3]

    def trailer(self, number: int, text: str) -> None:
        match = _TRAILER.fullmatch(text)
        if not match:
            self.fault(number, f"{text!r:.60}: expected a case or the trailer, #end CASES")
            return
        self.ended = True
        if int(match[1]) != self.texts:
            self.fault(number, f"{self.texts} cases came, the trailer has {match[1]}")

    def case(self, number: int, text: str) -> None:
        given, separator, answer = text.partition("=")
        given = given.strip()
        self.texts += 1
        self.digest.update(f"{given}\n".encode(errors="replace"))
        try:
            arguments = arguments_of(self.entry, given)
        except NotALine as error:
            form = line_format(self.entry)
            self.fault(number, f"{given!r:.60}: not a case ({error}); expected {form}")
            return
        self.verdict.cases += 1
        if not separator:
            self.fault(number, f"{given:.200}: no answer; expected CASE = ANSWER")
            return
        fault = _answer_fault(self.entry, arguments, answer.strip())
        if fault:
            clauses = " ".join(f"[{clause}]" for clause in self.entry.clauses)
            self.fault(number, f"{given:.200}: {fault} {clauses}")

    def close(self) -> None:
        if self.promised is None:
            self.fault(0, "the stream is empty: expected the header, #msq 1 OP CASES DIGEST")
            return
        count, digest = self.promised
        if not self.ended:
            self.fault(0, "the stream is cut short: expected the trailer, #end CASES")
        if self.texts != count:
            self.fault(0, f"{self.texts} cases came, the header promised {count}")
        elif digest not in ("-", self.digest.hexdigest()[:16]):
            self.fault(0, "the cases are not those that were generated: their digest differs")
        if not self.verdict.cases:
            self.fault(0, "no case was judged")


def _answer_fault(entry: Operation, arguments: dict[str, Any], answer: str) -> str:
    positional = [arguments[name] for name in entry.required]
    optional = {name: value for name, value in arguments.items() if name in entry.optional}
    try:
        expected = getattr(reference, entry.name)(*positional, **optional)
    except (TypeError, ValueError) as error:
        return "" if answer == REFUSED else f"expected {REFUSED!r}, got {answer!r:.60} ({error})"
    shown = answer_text(entry, expected)
    if answer == REFUSED:
        return f"expected {shown:.200}, got {REFUSED!r}"
    try:
        got = read_answer(entry, answer, expected)
    except NotALine as error:
        return f"expected {shown:.200}, got {answer!r:.60} ({error})"
    found = judge(entry.name, expected, got, bound_of(entry.name, positional, optional))
    return f"expected {shown:.200}, got {answer:.200}" if found.fault else ""


def _digest(lines: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for line in lines:
        digest.update(f"{line}\n".encode())
    return digest.hexdigest()[:16]
