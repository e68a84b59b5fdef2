"""Links that leave docs/: they work in the repository, and here as far as they can.

A notebook is a page of the site. Any other file is a link where the repository's address is known
(`repo_url` in mkdocs.yml), and the file's name where it is not. A file that does not exist stays a
link, which mkdocs then refuses.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path, PurePosixPath
from typing import Any

LINK = re.compile(
    r"(?<!!)\[(?P<text>[^\]]*)\]\((?P<target>(?:\.\./)+[^)\s#]+)(?P<anchor>#[^)\s]*)?\)"
)


def on_page_markdown(markdown: str, *, page: Any, config: Any, **_: Any) -> str:  # noqa: ANN401
    """Turn every link of a page that leaves docs/."""
    root, home = Path(config.docs_dir).parent, config.repo_url
    return LINK.sub(lambda link: _turned(link, page.file.src_uri, root, home), markdown)


def _turned(link: re.Match[str], page: str, root: Path, home: str | None) -> str:
    folder = posixpath.dirname(page)
    target = posixpath.normpath(posixpath.join("docs", folder, link["target"]))
    path = PurePosixPath(target)
    if target.startswith(("docs/", "../")) or not (root / path).exists():
        return link[0]
    if path.parent.name == "notebooks" and path.suffix in (".ipynb", ".py"):
        place = posixpath.relpath(f"notebooks/{path.stem}.md", folder or ".")
        return f"[{link['text']}]({place})"
    if home:
        return f"[{link['text']}]({home.rstrip('/')}/blob/HEAD/{target}{link['anchor'] or ''})"
    named = link["text"].strip("`") in (target, path.name, link["target"])
    return f"`{target}`" if named else f"{link['text']} (`{target}`)"
