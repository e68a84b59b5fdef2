"""How a command line ends: one clear line for a user's mistake, and a telling exit code."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer

__all__ = ["run_app"]

# The base classes of typer's own errors, whichever click they come from.
_USAGE_ERROR, _COMMAND_ERROR = typer.BadParameter.__mro__[1], typer.BadParameter.__mro__[2]


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
        0 done; 1 it ran and failed; 2 bad usage or input; 130 interrupted.
    """
    command = typer.main.get_command(app)
    args = list(sys.argv[1:] if arguments is None else arguments)
    try:
        result = command.main(args=args, prog_name=prog, standalone_mode=False)
        return result if isinstance(result, int) else 0
    except typer.Exit as stop:
        return int(stop.exit_code)
    except (typer.Abort, KeyboardInterrupt):
        return _fail(prog, "interrupted", 130)
    except BrokenPipeError:
        sys.stderr.close()  # the reader has gone: nobody is there to be told
        return 1
    except (ValueError, TypeError) as error:
        return _fail(prog, str(error), 2)
    except (OSError, RuntimeError, MemoryError) as error:
        return _fail(prog, str(error) or type(error).__name__, 1)
    except Exception as error:
        if isinstance(error, _COMMAND_ERROR):
            return _fail(prog, _message(error), 2)
        raise


def _message(error: Exception) -> str:
    return str(getattr(error, "format_message", error.__str__)())


def _fail(prog: str, message: str, code: int) -> int:
    line = " ".join(message.split())
    print(f"{prog}: error: {line}", file=sys.stderr)
    return code
