"""A run folder: what is in it, when it may be written, and when it may be continued."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msq_ref.files import check_writable, remove_leftovers, write_text
from msq_ref.settings import read_toml
from msq_ref.training.config import RunConfig, parse_config
from msq_ref.training.loop import Row

__all__ = ["RunFolder", "open_folder", "prepare_folder"]


@dataclass(frozen=True)
class RunFolder:
    """The files of a run, by name."""

    path: Path

    @property
    def config(self) -> Path:
        """Everything needed to repeat the run."""
        return self.path / "config.toml"

    @property
    def log(self) -> Path:
        """A line per epoch."""
        return self.path / "log.csv"

    @property
    def checkpoint(self) -> Path:
        """State after the last whole epoch; gone when the run is done."""
        return self.path / "checkpoint.safetensors"

    @property
    def model(self) -> Path:
        """The trained network."""
        return self.path / "model.safetensors"

    @property
    def integer(self) -> Path:
        """The network lowered to integers."""
        return self.path / "integer.safetensors"

    @property
    def report(self) -> Path:
        """Figures of the finished run."""
        return self.path / "report.json"

    def read_config(self) -> RunConfig:
        """Read the settings; ``ValueError`` in one line if this is no readable run folder."""
        if not self.config.is_file():
            raise ValueError(f"{self.path}: not a run folder (no config.toml)")
        return parse_config(read_toml(self.config), str(self.config))

    def read_report(self) -> dict[str, Any]:
        """Read the figures of a finished run."""
        try:
            return dict(json.loads(self.report.read_text(encoding="utf-8")))
        except FileNotFoundError:
            raise ValueError(f"{self.path}: the run is not finished (no report.json)") from None
        except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
            raise ValueError(f"{self.report}: cannot read it ({error})") from None

    def write_report(self, figures: dict[str, Any]) -> None:
        """Write the figures of the finished run."""
        write_text(self.report, json.dumps(figures, indent=2) + "\n")

    def write_log(self, rows: list[Row]) -> None:
        """Write all lines of the log; floats so that they read back to the same bits."""
        text = io.StringIO()
        writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        write_text(self.log, text.getvalue())


def prepare_folder(path: Path, config: RunConfig, *, resume: bool) -> RunFolder:
    """Check that a run may be written there; nothing is created yet.

    With `resume`, what a run left that was killed at its very first file is removed.

    Raises
    ------
    ValueError
        If the folder holds another run, files of something else, or cannot be written.
    """
    folder = RunFolder(path)
    check_writable("--out", path)
    if resume and path.is_dir():
        remove_leftovers(folder.config)
    if folder.config.exists():
        if not resume:
            raise ValueError(f"--out = {path}: a run is there already; --resume continues it")
        if folder.read_config() != config:
            raise ValueError(
                f"--out = {path}: holds a run with other settings; see {folder.config}"
            )
    elif path.exists() and any(path.iterdir()):
        raise ValueError(f"--out = {path}: the folder is not empty and holds no run")
    return folder


def open_folder(path: Path) -> RunFolder:
    """Return an existing run folder; ``ValueError`` if it is none."""
    if not path.is_dir():
        raise ValueError(f"{path}: no such folder")
    folder = RunFolder(path)
    folder.read_config()
    return folder
