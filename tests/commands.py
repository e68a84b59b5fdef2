"""Every command of both programs, and the examples in their help."""

import typer

from hwsim.cli import app as hwsim
from msq_ref.cli import app as msq

EXAMPLE = "Example: "


def walk(name, command):
    """Give every command below one, by the words that call it; groups come before theirs."""
    yield name, command
    for word, below in getattr(command, "commands", {}).items():
        yield from walk(f"{name} {word}", below)


ALL = {
    name: command
    for program, app in (("msq", msq), ("hwsim", hwsim))
    for name, command in walk(program, typer.main.get_command(app))
}
COMMANDS = {name: one for name, one in ALL.items() if not hasattr(one, "commands")}
EXAMPLES = [
    (name, line.strip().removeprefix(EXAMPLE))
    for name, command in COMMANDS.items()
    for line in (command.help or "").splitlines()
    if line.strip().startswith(EXAMPLE)
]


def examples_of(name):
    """Return the examples in the help of a command."""
    return [example for which, example in EXAMPLES if which == name]
