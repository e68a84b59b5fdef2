"""Clauses of the spec: each has an address on its page, and [S2.1] anywhere leads there."""

from __future__ import annotations

import posixpath
import re
from typing import Any

SPEC = "spec.md"
CLAUSE = re.compile(r"\[(S\d+(?:\.\d+)?)\]")
TAG = re.compile(r"(<[^>]+>)")
AS_THEY_ARE = {"a", "code", "pre", "h1", "h2", "h3", "h4", "title"}
"""Elements whose text is left alone."""


def on_page_content(html: str, *, page: Any, files: Any, **_: Any) -> str:  # noqa: ANN401
    """Mark the clauses on the page of the spec, or link to them from another page."""
    if page.file.src_uri == SPEC:
        return marked(html)
    spec = files.get_file_from_path(SPEC).url
    return linked(html, posixpath.relpath(spec, posixpath.dirname(page.url) or "."))


def marked(html: str) -> str:
    """Give clauses and sections an id: ``S2.1``, ``S2``."""
    html = re.sub(r"<strong>(S\d+\.\d+)</strong>", r'<strong id="\1">\1</strong>', html)
    return re.sub(r'<h2 id="s(\d+)-', r'<span id="S\1"></span><h2 id="s\1-', html)


def linked(html: str, spec: str) -> str:
    """Turn every clause in brackets into a link, but for those in code, headings and links."""
    inside, parts = 0, TAG.split(html)
    for index, part in enumerate(parts):
        if index % 2:
            name = re.match(r"</?\s*(\w+)", part)
            if name and name[1] in AS_THEY_ARE and not part.endswith("/>"):
                inside += -1 if part.startswith("</") else 1
        elif not inside:
            parts[index] = CLAUSE.sub(rf'[<a href="{spec}#\1">\1</a>]', part)
    return "".join(parts)
