"""Members of a .tar.gz, read as a stream into memory; nothing is ever unpacked onto the disk."""

from __future__ import annotations

import gzip
import tarfile
import zlib
from collections.abc import Collection
from pathlib import Path, PurePosixPath

__all__ = ["read_archive"]

MOST_MEMBERS = 1000


def read_archive(path: Path, names: Collection[str], largest: int) -> dict[str, bytes]:
    """Return the content of some members.

    Parameters
    ----------
    path : Path
    names : collection of str
        Paths of the members; others are passed over.
    largest : int
        Bytes that a member may have, at most.

    Raises
    ------
    ValueError
        In one line naming the file: it cannot be read, is truncated or damaged (every checksum is
        checked, to the last byte), a member is missing, there twice or too large, or one is a
        link, a device, or has a path that leads outside.
    """
    try:
        with gzip.open(path) as stream, tarfile.open(fileobj=stream, mode="r|") as archive:
            contents = _read(archive, path, names, largest)
            # The checksum of gzip comes last; what is left is padding, of a block or so.
            if len(stream.read(2**20)) == 2**20:
                raise ValueError(f"{path}: damaged (more behind the archive's end)")
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"{path}: truncated or damaged ({error})") from None
    except OSError as error:
        raise ValueError(f"{path}: cannot read it ({error.strerror})") from None
    missing = [name for name in names if name not in contents]
    if missing:
        raise ValueError(f"{path}: {', '.join(missing)} missing")
    return contents


def _read(
    archive: tarfile.TarFile, path: Path, names: Collection[str], largest: int
) -> dict[str, bytes]:
    contents: dict[str, bytes] = {}
    for count, member in enumerate(archive):
        parts = PurePosixPath(member.name)
        if parts.is_absolute() or ".." in parts.parts:
            raise ValueError(f"{path}: {member.name!r} leads outside the archive")
        if not (member.isfile() or member.isdir()):
            raise ValueError(f"{path}: {member.name!r} is a link or a device")
        if member.size > largest or count >= MOST_MEMBERS:
            raise ValueError(f"{path}: {member.name!r} is more than belongs there")
        name = str(parts)  # without a leading ./
        if name in contents:
            raise ValueError(f"{path}: {member.name!r} is there twice")
        file = archive.extractfile(member)
        if name in names and file is not None:
            contents[name] = file.read()
    return contents
