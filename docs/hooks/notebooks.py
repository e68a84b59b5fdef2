"""Pages of the notebooks, with what they print and draw, from ``notebooks/*.ipynb``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from latex2mathml.converter import convert
from mkdocs.structure.files import File, Files
from nbconvert import MarkdownExporter

PLACE = "notebooks/*"
"""In the list of pages: here they go."""

CODE = re.compile(r"(^```[\s\S]*?^```$|^(?: {4}.*\n?)+|`[^`\n]+`)", re.M)
MATH = re.compile(r"\$\$(.+?)\$\$|\$([^$\n]+)\$", re.S)


def on_config(config: Any) -> Any:  # noqa: ANN401
    """Put the notebooks into the list of pages."""
    config.nav = _listed(config.nav, [f"notebooks/{path.stem}.md" for path in _notebooks(config)])
    return config


def on_files(files: Files, *, config: Any) -> Files:  # noqa: ANN401
    """Add a page of each notebook, and its pictures."""
    for path in _notebooks(config):
        exporter = MarkdownExporter()
        text, resources = exporter.from_filename(str(path), {"unique_key": f"{path.stem}_files"})
        contents = {f"{path.stem}.md": page_of(text), **resources["outputs"]}
        for name, content in contents.items():
            files.append(File.generated(config, f"notebooks/{name}", content=content))
    return files


def page_of(text: str) -> str:
    """Return a notebook's Markdown for the site: links to its pages, formulas in MathML."""
    text = text.replace("](../docs/", "](../")
    parts = CODE.split(text)
    parts[::2] = [MATH.sub(_formula, part) for part in parts[::2]]
    return "".join(parts)


def _formula(found: re.Match[str]) -> str:
    if found[1]:
        return convert(found[1], display="block")
    # A line that begins with <math> would be a block to Markdown.
    return f"<span>{convert(found[2], display='inline')}</span>"


def _notebooks(config: Any) -> list[Path]:  # noqa: ANN401
    return sorted((Path(config.docs_dir).parent / "notebooks").glob("*.ipynb"))


def _listed(entry: Any, pages: list[str]) -> Any:  # noqa: ANN401
    if isinstance(entry, dict):
        return {title: _listed(inner, pages) for title, inner in entry.items()}
    if isinstance(entry, list):
        flat: list[Any] = []
        for one in entry:
            flat += pages if one == PLACE else [_listed(one, pages)]
        return flat
    return entry
