"""Streams of cases, and right answers to them."""

import functools
from pathlib import Path

from msq_ref import reference
from msq_ref.conformance.line_reading import arguments_of
from msq_ref.conformance.lines import answer_text
from msq_ref.conformance.pipes import gen as generated
from msq_ref.contract import operation

ROOT = Path(__file__).parents[2]
PIPES = ROOT / "examples" / "pipes"
gen = functools.cache(generated)


def answered(name, line, backend=reference):
    """Answer a line as a program would."""
    if line.startswith("#"):
        return line
    entry = operation(name)
    arguments = arguments_of(entry, line)
    required = [arguments[key] for key in entry.required]
    optional = {key: value for key, value in arguments.items() if key in entry.optional}
    try:
        value = getattr(backend, name)(*required, **optional)
    except (TypeError, ValueError):
        return f"{line} = error"
    return f"{line} = {answer_text(entry, value)}"
