"""A report as one self-contained HTML page: text, tables and pictures in sections."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from msq_ref.files import write_text
from msq_ref.formats.style import PAGE_WIDTH

__all__ = ["Figure", "Section", "write_page"]

_TEMPLATES = Path(__file__).parent


@dataclass(frozen=True)
class Figure:
    """A picture.

    Attributes
    ----------
    picture : Path
        An SVG file, of which the page takes a copy. One that is wider than `PAGE_WIDTH` scrolls on
        a telephone.
    alt : str
        What it shows, for who cannot see it.
    caption : str
        Below it; empty: none.

    Raises
    ------
    ValueError
        If `alt` is empty.
    """

    picture: Path
    alt: str
    caption: str = ""

    def __post_init__(self) -> None:
        if not self.alt.strip():
            raise ValueError(f"alt = {self.alt!r}: expected what {self.picture.name} shows")


@dataclass(frozen=True)
class Section:
    """A part of a page: text, then pictures, then a table; whatever is empty is left out.

    Attributes
    ----------
    title : str
        No other section's.
    text : sequence of str
        Paragraphs.
    header, rows : sequence of str, sequence of sequences of str
        A table; the first cell of a row names it.
    figures : sequence of Figure
    table : str
        What the table is; empty: the title.
    """

    title: str
    text: Sequence[str] = ()
    header: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    figures: Sequence[Figure] = ()
    table: str = ""

    @property
    def sides(self) -> list[str]:
        """To which side each column of the table goes: text begins at the left."""
        columns = zip(*self.rows, strict=True)
        return ["" if all(map(_is_figure, column)) else "text" for column in columns]


def write_page(target: Path, title: str, sections: Sequence[Section]) -> None:
    """Write a page, atomically; everything in it is escaped.

    It loads nothing, and its policy forbids it to. Pictures have a white ground, in the dark too.
    The same arguments give the same bytes.

    Parameters
    ----------
    target : Path
    title : str
    sections : sequence of Section

    Raises
    ------
    ValueError
        If two sections have the same title.
    OSError
        If a picture cannot be read or the page not be written; a page that was there stays whole.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415  (pages)

    titles = [section.title for section in sections]
    if len(set(titles)) < len(titles):
        raise ValueError(f"sections = {titles}: expected titles that differ")
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES, encoding="utf-8"), autoescape=True,
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["data_uri"] = _data_uri
    environment.filters["broad"] = _broad
    template = environment.get_template("page.html.jinja")
    write_text(target, template.render(title=title, sections=sections) + "\n")


def _data_uri(figure: Figure) -> str:
    """Return a picture as an address that holds all of it; so its names are its own."""
    text = figure.picture.read_text(encoding="utf-8")
    return "data:image/svg+xml," + quote(text[text.index("<svg") :], safe=" /:=;,()!*@$")


def _broad(figure: Figure) -> int:
    """Return the pixels below which a picture would be too small to read; 0 if it fits a telephone.

    A point of its text is then a pixel; on a narrow screen the picture scrolls by itself.
    """
    text = figure.picture.read_text(encoding="utf-8")
    width = re.search(r'<svg [^>]*?width="([\d.]+)pt"', text)
    points = float(width.group(1)) if width else 0.0
    return round(points) if points > 72 * PAGE_WIDTH + 1 else 0


def _is_figure(cell: str) -> bool:
    """Whether a cell is a number, perhaps with a unit, or a dash for none."""
    return re.fullmatch(r"-?|[-+]?[\d,.]+(e[-+]?\d+)?( ?(%|x|[a-zA-Zµ]{1,3}))?", cell) is not None
