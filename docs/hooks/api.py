"""Pages of the Python API: no dash where there is nothing to be said of an argument."""

from __future__ import annotations

import re
from typing import Any

NOTHING = re.compile(r'\s*\u2013\s*<div class="doc-md-description">\s*</div>')


def on_page_content(html: str, **_: Any) -> str:  # noqa: ANN401
    """Leave out empty descriptions."""
    return NOTHING.sub("", html)
