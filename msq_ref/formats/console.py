"""How a command line ends: one clear line for a user's mistake, and a telling exit code."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import typer
from rich.console import Console
from typer.core import TyperGroup

__all__ = ["console", "new_app", "run_app"]

WIDTH = 120
"""Columns of a table that goes into a file or a pipe."""

# The base classes of typer's own errors, whichever click they come from.
_USAGE_ERROR: Any = typer.BadParameter.__mro__[1]
_COMMAND_ERROR: Any = typer.BadParameter.__mro__[2]
# A program called with nothing: its message is the whole help. Older clicks print it themselves.
_NO_ARGUMENTS: Any = getattr(sys.modules[_USAGE_ERROR.__module__], "NoArgsIsHelpError", ())

INTERRUPTED = 130


def console() -> Console:
    """Return standard output for tables: as wide as the terminal, or wide enough elsewhere."""
    return Console() if sys.stdout.isatty() else Console(width=WIDTH)


class _Group(TyperGroup):
    """A program whose list of commands has whole sentences, not as much as fits in a line."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401  (click's)
        rows = [
            (name, command.get_short_help_str(sys.maxsize))
            for name, command in self.commands.items()
        ]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def new_app(name: str, text: str) -> typer.Typer:
    """Return a command line that has no commands yet, with its help; errors are `run_app`'s."""
    return typer.Typer(
        name=name, help=text, cls=_Group, no_args_is_help=True, add_completion=False,
        pretty_exceptions_enable=False, rich_markup_mode=None,
    )  # fmt: skip


def run_app(app: typer.Typer, prog: str, arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit code.

    Parameters
    ----------
    app : typer.Typer
    prog : str
        Name of the program, for messages.
    arguments : sequence of str, optional
        In place of those of the process.

    Returns
    -------
    int
        0 done; 1 it ran and failed; 2 bad usage or input; 130 interrupted. Whatever is not 0,
        but for a command's own ``typer.Exit``, is explained in one line on standard error.
        Exceptions of other kinds are bugs of ours and go through.
    """
    command = typer.main.get_command(app)
    args = list(sys.argv[1:] if arguments is None else arguments)
    try:
        result = command.main(args=args, prog_name=prog, standalone_mode=False)
        # An interrupt comes back as its exit code, or as an exception, depending on the version.
        if result == INTERRUPTED:
            raise KeyboardInterrupt
        return result if isinstance(result, int) else 0
    except typer.Exit as stop:
        return int(stop.exit_code)
    except (typer.Abort, KeyboardInterrupt):
        return _fail(prog, "interrupted", INTERRUPTED)
    except (BrokenPipeError, SystemExit):  # typer leaves so where the reader of a pipe has gone:
        return 1  # nobody is there to be told
    except (ValueError, TypeError) as error:
        return _fail(prog, _message(error), 2)
    except (OSError, RuntimeError, MemoryError) as error:
        return _fail(prog, _message(error), 1)
    except _NO_ARGUMENTS as error:
        print(_message(error), file=sys.stderr)
        return 2
    except _COMMAND_ERROR as error:
        return _fail(prog, _message(error), 2)


def _message(error: BaseException) -> str:
    text = str(getattr(error, "format_message", error.__str__)())
    return text or type(error).__name__


def _fail(prog: str, message: str, code: int) -> int:
    line = " ".join(message.split())
    print(f"{prog}: error: {line}", file=sys.stderr)
    return code
