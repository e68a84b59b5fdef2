"""An empty environment: a wheel, and of what is installed here only what that wheel asks for.

Nothing is fetched. What a wheel requires is linked out of the packages that run the tests, by the
lists of files that they were installed with, so that neither the repository nor a package that
the wheel forgot to require can be found.
"""

import os
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

from packaging.metadata import Metadata
from packaging.requirements import Requirement

PIP = ("-m", "pip", "--disable-pip-version-check", "--python")


class Environment:
    """A virtual environment of its own, and a folder to work in."""

    def __init__(self, folder: Path, wheel: Path, metadata: Metadata) -> None:
        home = folder / "environment"
        run(sys.executable, "-m", "venv", "--without-pip", home)
        self.scripts = home / ("Scripts" if os.name == "nt" else "bin")
        self.python = self.scripts / "python"
        self.work = folder / "work"
        self.work.mkdir()
        run(
            sys.executable, *PIP, self.python, "install", "--quiet", "--no-index", "--no-deps",
            "--no-compile", wheel,
        )  # fmt: skip
        found = self.isolated("import sysconfig; print(sysconfig.get_path('purelib'))")
        self.site = Path(found.strip())
        self._linked: set[str] = set()
        for requirement in metadata.requires_dist or []:
            self.link(requirement)

    def link(self, requirement: Requirement) -> None:
        """Make a package and what it needs visible, where it is needed on this machine."""
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            return
        package = distribution(requirement.name)
        if package.name in self._linked:
            return
        assert requirement.specifier.contains(package.version), requirement
        self._linked.add(package.name)
        for name in {file.parts[0] for file in package.files or []} - {"..", "__pycache__"}:
            (self.site / name).symlink_to(Path(str(package.locate_file(name))).resolve())
        for text in package.requires or []:
            self.link(Requirement(text))

    def isolated(self, program: str) -> str:
        """Run a program that sees neither its folder nor any variable for Python."""
        return run(self.python, "-I", "-c", program, cwd=self.work)

    def script(self, name: str, *arguments: str) -> str:
        """Run one of the command lines that the wheel installed."""
        return run(self.scripts / name, *arguments, cwd=self.work)


def run(*command: object, cwd: Path | None = None) -> str:
    """Return what a program prints; whatever this one was told by variables stays here."""
    variables = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "PYTEST", "PIP_", "VIRTUAL_ENV", "NUMBA", "MSQ"))
    }
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, env=variables, check=False,
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, f"{command}: exit code {done.returncode}\n{done.stderr}"
    return done.stdout
