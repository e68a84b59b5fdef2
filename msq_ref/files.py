"""Files that are never half written: a temporary name beside the target, then a rename."""

from __future__ import annotations

import glob
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["atomic_path", "check_writable", "remove_leftovers", "write_text"]


@contextmanager
def atomic_path(target: Path | str) -> Iterator[Path]:
    """Give a temporary path beside `target`; on success it replaces `target`, else it is removed.

    The suffix of `target` is kept, for writers that choose a format by it. A symbolic link stays
    one: the file it points to is replaced. A device or a pipe is written to as it is.

    Raises
    ------
    OSError
        If the folder does not exist or cannot be written; whatever the body raises goes through.
    """
    target = Path(target)
    if target.exists() and not target.is_file() and not target.is_dir():
        yield target  # replacing /dev/null would be a surprise
        return
    target = target.resolve()
    handle, name = tempfile.mkstemp(
        dir=target.parent, prefix=f".{target.stem}-", suffix=target.suffix
    )
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(target: Path | str, text: str) -> None:
    """Write a UTF-8 text file atomically, with Unix line ends; ``OSError`` as `atomic_path`."""
    with atomic_path(target) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def remove_leftovers(target: Path | str) -> None:
    """Remove what killed processes left beside `target`: the temporary files of `atomic_path`.

    Nobody else may be writing the file at the time.
    """
    target = Path(target).resolve()
    for path in target.parent.glob(f".{glob.escape(target.stem)}-????????{target.suffix}"):
        path.unlink(missing_ok=True)


def check_writable(name: str, folder: Path | str) -> None:
    """Check that files could be made in `folder`, which need not exist yet.

    Nothing is left behind: a refused command creates nothing.

    Raises
    ------
    ValueError
        If something that is no folder is in the way, or the nearest existing folder cannot be
        written; `name` is the argument to blame.
    """
    folder = Path(folder).absolute()
    existing = folder
    try:
        while not existing.exists() and not existing.is_symlink():
            existing = existing.parent
        if not existing.is_dir():
            raise ValueError(f"{name} = {folder}: {existing} is not a folder")
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        raise ValueError(f"{name} = {folder}: cannot write there ({error.strerror})") from None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
