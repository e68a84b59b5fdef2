"""Numba's cache on disk, made safe: `msq_ref.kernels` puts this in force when it is imported.

Numba keeps, for every function, an index from what was compiled (types, processor) to files of
machine code. Two things are mended here:

- Code files are numbered 1, 2, ... by what a process saw in the index. Two processes that start at
  once may give one number to different code, and the index of one then names the code of the
  other: wrong types, or instructions that the processor lacks. With names that nobody else
  chooses, the worst that a lost update of the index costs is to compile again.
- Where no folder can be written (a package and a home that are read-only) Numba refuses to
  compile at all. Then a temporary folder of this process serves, and goes with it.

Numba itself keeps code for different processors apart, and replaces files as a whole.
"""

from __future__ import annotations

import uuid
from typing import Any

from numba.core.caching import (
    CompileResultCacheImpl,
    IndexDataCacheFile,
    _CacheLocator,
    _SourceFileBackedLocatorMixin,
)

from msq_ref.builds import own_folder

__all__ = ["TemporaryFolder", "make_safe"]


class TemporaryFolder(_SourceFileBackedLocatorMixin, _CacheLocator):
    """Where code is kept if nowhere else: a folder of this process."""

    def __init__(self, function: Any, source: str) -> None:
        self._py_file, self._lineno = source, function.__code__.co_firstlineno

    def get_cache_path(self) -> str:
        """Return the folder that belongs to a source file."""
        return str(own_folder() / self.get_suitable_cache_subpath(self._py_file))


def make_safe() -> None:
    """Put both in force, for all functions of this process that are compiled from now on."""
    places = CompileResultCacheImpl._locator_classes
    if TemporaryFolder not in places:
        places.append(TemporaryFolder)
    IndexDataCacheFile._data_name = _unlike_any_other


def _unlike_any_other(file: Any, number: int) -> str:
    """Return a name for a file of code, in the place of a numbered one."""
    return str(file._data_name_pattern.format(number=uuid.uuid4().int))


make_safe()
