"""Names that users type: a wrong one gets the nearest known one in its error."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["known_name"]


def known_name(argument: str, value: object, known: Iterable[str]) -> str:
    """Return `value` if it is one of the known names.

    Raises
    ------
    ValueError
        Naming the argument, the value, the nearest known name and all of them.
    """
    names = list(known)
    if isinstance(value, str) and value in names:
        return value
    near = difflib.get_close_matches(str(value), names, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise ValueError(f"{argument} = {value!r}: {hint}known: {', '.join(names)}")
