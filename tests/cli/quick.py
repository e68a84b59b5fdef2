"""The command line called in this process, and runs of it that take a moment."""

from msq_ref.cli import app
from msq_ref.formats.console import run_app


def msq(*arguments):
    return run_app(app, "msq", [str(argument) for argument in arguments])


def finished_run(folder, settings):
    """A finished run of its settings, TOML, in a folder of that name."""
    (folder / "quick.toml").write_text(settings)
    assert msq("train", "--config", folder / "quick.toml", "--out", folder / "run") == 0
    return folder / "run"
