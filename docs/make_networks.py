"""Write the tables of the networks: ``python docs/make_networks.py``.

Counts come from the networks themselves, errors from parity.json, which is written by
``python -m tests.models.full_sizes --json docs/parity.json``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from marks import between

from msq_ref import models
from msq_ref.files import write_text

HERE = Path(__file__).parent
PAGE, PARITY = HERE / "networks.md", HERE / "parity.json"
MARKS = {
    "networks": ("<!-- networks -->\n", "<!-- end networks -->"),
    "parity": ("<!-- parity -->\n", "<!-- end parity -->"),
}


def networks_table() -> str:
    """Return name, images, parameters and quantized layers of every network."""
    lines = [
        "| name | images | parameters | of them quantized | quantized layers | sizes |",
        "|---|---|---|---|---|---|",
    ]
    for name in models.names():
        network = models.outline(name)
        layers = network.quantized_layers().values()
        quantized = sum(layer.parameters["weight"].size for layer in layers)
        count = sum(value.size for value in network.parameters().values())
        shape = "x".join(map(str, models.input_shape(name)))
        sizes = ", ".join(f"`{size}`" for size in models.size_names(name))
        lines.append(
            f"| `{name}` | {shape} | {count:,} | {quantized:,} | {len(layers)} | {sizes} |"
        )
    return "\n".join(lines) + "\n"


def parity_table(parity: dict[str, Any]) -> str:
    """Return the worst error of a tensor of each network, by mode and precision."""
    titles = ["float64", "float32, sides", "float32", "PyTorch float32"]
    lines = [
        "| network | mode | float64 | float32 | float32, jumps and all | PyTorch's float32 |",
        "|---|---|---|---|---|---|",
    ]
    for name, rows in parity.items():
        for mode in ("inference", "training"):
            cells = [f"{rows[mode][title]['worst']:.1e}" for title in titles]
            lines.append(f"| `{name}` | {mode} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def page_with_tables(text: str) -> str:
    """Return the text of the page with its tables as they are now."""
    parity = json.loads(PARITY.read_text(encoding="utf-8"))
    for key, table in (("networks", networks_table()), ("parity", parity_table(parity))):
        text = between(text, *MARKS[key], table)
    return text


if __name__ == "__main__":
    write_text(PAGE, page_with_tables(PAGE.read_text(encoding="utf-8")))
