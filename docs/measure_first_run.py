"""Do what docs/tutorials/first-run.md does: ``python docs/measure_first_run.py FOLDER``.

Runs its commands in a new folder (two minutes), writes what they print to docs/first-run.json, and
the page's blocks. Runs that are finished in FOLDER are taken as they are.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from make_prose import HERE, page_with_blocks

from msq_ref.files import write_text

__all__ = ["COMMANDS", "PAGE", "modules"]

PAGE = "tutorials/first-run.md"

COMMANDS = {
    "demo": "msq demo --out runs/demo",
    "cost": "hwsim run runs/demo/msq --accelerator edge-small",
    "wrong": "msq conform mine --ops roundclamp",
    "right": "msq conform mine --ops roundclamp",
}
"""By the mark of the block that shows what they print."""


def modules(text: str) -> list[str]:
    """Return the two versions of mine.py in the page's text."""
    return re.findall(r"```python title=\"mine.py\"\n(.*?)```", text, re.DOTALL)


def main(folder: Path) -> None:
    """Run everything, and write it down."""
    folder.mkdir(parents=True, exist_ok=True)
    text = (HERE / PAGE).read_text(encoding="utf-8")
    mine = dict(zip(("wrong", "right"), modules(text), strict=True))
    printed = {}
    for name, command in COMMANDS.items():
        if name in mine:
            write_text(folder / "mine.py", mine[name])
        program, *arguments = shlex.split(command)
        done = subprocess.run(
            [Path(sys.executable).parent / program, *arguments],
            cwd=folder, capture_output=True, text=True, check=False,
            env={**os.environ, "COLUMNS": "110", "TERM": "dumb"},
        )  # fmt: skip
        if done.returncode != (1 if name == "wrong" else 0):
            raise RuntimeError(f"{command}: exit code {done.returncode}\n{done.stderr}")
        printed[name] = done.stdout
    write_text(HERE / "first-run.json", json.dumps(printed, indent=1) + "\n")
    write_text(HERE / PAGE, page_with_blocks(PAGE, text))


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())
