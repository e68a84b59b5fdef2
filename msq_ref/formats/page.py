"""A report as one self-contained HTML page: text, tables and pictures in sections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from msq_ref.files import write_text

__all__ = ["Section", "write_page"]

_TEMPLATE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }}</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem;
       color: #222; background: #fff; }
table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .8rem; border-bottom: 1px solid #ddd; text-align: right;
         white-space: nowrap; }
th { border-bottom: 2px solid #222; }
th:first-child, td:first-child { text-align: left; }
figure { margin: 1rem 0; }
svg { max-width: 100%; height: auto; }
figcaption { color: #555; font-size: .9rem; }
.wide { overflow-x: auto; }
</style>
</head>
<body>
<h1>{{ title }}</h1>
{% for section in sections %}
<h2>{{ section.title }}</h2>
{% for paragraph in section.text %}<p>{{ paragraph }}</p>
{% endfor %}
{% if section.rows %}<div class="wide"><table>
<tr>{% for cell in section.header %}<th>{{ cell }}</th>{% endfor %}</tr>
{% for row in section.rows %}<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>
{% endfor %}</table></div>
{% endif %}
{% if section.picture %}<figure role="img" aria-label="{{ section.title }}">
{{ section.picture | inline }}
{% if section.caption %}<figcaption>{{ section.caption }}</figcaption>{% endif %}</figure>
{% endif %}
{% endfor %}
</body>
</html>
"""


@dataclass(frozen=True)
class Section:
    """A part of a page; whatever is empty is left out.

    Attributes
    ----------
    text : sequence of str
        Paragraphs.
    header, rows : sequence of str, sequence of sequences of str
        A table.
    picture : Path or None
        An SVG file; its element is copied into the page.
    """

    title: str
    text: Sequence[str] = ()
    header: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    picture: Path | None = None
    caption: str = ""


def write_page(target: Path, title: str, sections: Sequence[Section]) -> None:
    """Write a page, atomically; everything in it but the pictures is escaped."""
    from jinja2 import Environment, StrictUndefined  # noqa: PLC0415  (pages are not everybody's)
    from markupsafe import Markup  # noqa: PLC0415

    def inline(picture: Path) -> Markup:
        text = picture.read_text(encoding="utf-8")
        return Markup(text[text.index("<svg") :])  # our own plot, not a user's text

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["inline"] = inline
    write_text(target, environment.from_string(_TEMPLATE).render(title=title, sections=sections))
