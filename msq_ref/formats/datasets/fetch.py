"""Where data sets are looked for, and how one that is nowhere is downloaded."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["RemoteFile", "cache_folder", "download", "find_in_data"]

TIMEOUT = 30
"""Seconds without a byte after which a download is given up."""


@dataclass(frozen=True)
class RemoteFile:
    """A published file: its name, where it is, and the SHA-256 of its bytes."""

    name: str
    url: str
    sha256: str


def data_folder() -> Path | None:
    """Return the folder ``$MSQ_DATA``, None if that is not set.

    Raises
    ------
    ValueError
        If it is no folder.
    """
    named = os.environ.get("MSQ_DATA", "")
    if not named:
        return None
    folder = Path(named).expanduser()
    if not folder.is_dir():
        raise ValueError(f"MSQ_DATA = {named!r}: not a folder")
    return folder


def find_in_data(*names: str) -> Path | None:
    """Return the first of these files or folders that is in ``$MSQ_DATA``, None if none is."""
    folder = data_folder()
    if folder is None:
        return None
    return next((folder / name for name in names if (folder / name).exists()), None)


def cache_folder() -> Path:
    """Return the folder of downloads: ``$XDG_CACHE_HOME/msq-ref``, or as the system has it."""
    import pooch  # noqa: PLC0415  (brings a client of HTTP along, wanted only here)

    return Path(pooch.os_cache("msq-ref"))


def download(data: str, file: RemoteFile, folder: Path, accepted: Sequence[str]) -> Path:
    """Return a published file from the cache, downloaded if it is not there or not whole.

    Parameters
    ----------
    data : str
        Name of the data set, for messages.
    file : RemoteFile
        Its SHA-256 is checked at every call; only a file that has it gets its name.
    folder : Path
        Of the cache.
    accepted : sequence of str
        What may be put into ``$MSQ_DATA`` instead, for the message.

    Raises
    ------
    ValueError
        In one line: why it could not be had, and what to put where.
    """
    import pooch  # noqa: PLC0415  (see above)
    import requests  # noqa: PLC0415

    pooch.get_logger().setLevel("WARNING")
    if not (folder / file.name).exists() and sys.stderr.isatty():
        print(f"downloading {file.url}", file=sys.stderr)
    try:
        downloader = pooch.HTTPDownloader(chunk_size=2**18, timeout=TIMEOUT)
        path = pooch.retrieve(file.url, file.sha256, file.name, folder, downloader=downloader)
    except requests.RequestException as error:
        reason = f"{file.url} could not be read, {_short(error)}"
    except OSError as error:
        reason = f"{folder} could not be written, {error.strerror}"
    except ValueError:  # of pooch, with two hashes in many words
        reason = f"{file.url} gave another file, not of SHA-256 {file.sha256}"
    else:
        return Path(path)
    raise ValueError(f"data = {data!r}: not found, and {reason}; {_instructions(file, accepted)}")


def _instructions(file: RemoteFile, accepted: Sequence[str]) -> str:
    set_to = os.environ.get("MSQ_DATA", "")
    where = f"the folder $MSQ_DATA ({set_to})" if set_to else "a folder and name it in $MSQ_DATA"
    return (
        f"without a network, put one of {', '.join(accepted)} into {where}; {file.name} is at "
        f"{file.url}, SHA-256 {file.sha256}"
    )


def _short(error: Exception) -> str:
    """Return the kind of a network error, and its innermost reason without addresses of objects."""
    response = getattr(error, "response", None)
    return f"HTTP {response.status_code}" if response is not None else type(error).__name__
