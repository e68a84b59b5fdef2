"""Write notebooks/*.ipynb from the text beside them: ``python docs/make_notebooks.py [NAME...]``.

The text (`notebooks/*.py`, in jupytext's percent format) is what is edited and reviewed. Each
notebook is run from the top in a fresh kernel; its outputs are kept, times and versions are not.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from nbclient import NotebookClient

from msq_ref.formats import write_text

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"


def notebook_texts() -> list[Path]:
    """Return the texts of all notebooks, in order."""
    return sorted(NOTEBOOKS.glob("[0-9][0-9]_*.py"))


def read(text: Path) -> Any:  # noqa: ANN401
    """Return a notebook from its text, without outputs, with cell ids that do not change."""
    notebook = jupytext.read(text)
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
        "jupytext": {"formats": "ipynb,py:percent"},
    }
    for index, cell in enumerate(notebook.cells):
        cell.id = f"cell-{index}"
        cell.metadata = {}
    return notebook


def executed(text: Path, timeout: int = 120) -> Any:  # noqa: ANN401
    """Return a notebook after a run from the top; a cell that fails raises."""
    notebook = read(text)
    os.environ.setdefault("MPLBACKEND", "agg")
    client = NotebookClient(
        notebook, timeout=timeout, resources={"metadata": {"path": str(NOTEBOOKS)}},
        record_timing=False,
    )  # fmt: skip
    client.execute()
    for cell in notebook.cells:
        cell.metadata = {}
    notebook.metadata["language_info"] = {"name": "python"}
    return notebook


def main() -> None:
    """Run and write them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="such as 01_one_weight; all where none is given")
    names = parser.parse_args().names
    for text in notebook_texts():
        if names and text.stem not in names:
            continue
        write_text(text.with_suffix(".ipynb"), nbformat.writes(executed(text)) + "\n")
        print(text.stem)


if __name__ == "__main__":
    main()
