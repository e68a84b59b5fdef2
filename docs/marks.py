"""Pages in which a script writes what lies between two marks."""

from __future__ import annotations

__all__ = ["between"]


def between(text: str, first: str, last: str, new: str) -> str:
    """Return a text in which `new` stands between two marks.

    Parameters
    ----------
    text : str
    first : str
        Stands in the text once; the end of its line belongs to it.
    last : str
        The first one behind `first` counts.
    new : str
    """
    before, rest = text.split(first)
    _, after = rest.split(last, 1)
    return f"{before}{first}{new}{last}{after}"
