"""Load the compiled library and call its functions; ``msq.h`` says what they take."""

from __future__ import annotations

import ctypes
import functools
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from msq_ref.backends.c.build import SOURCES, library_path

__all__ = ["call", "prepare", "suffix"]

_SCALARS: dict[str, Any] = {
    "void": None,
    "int": ctypes.c_int,
    "int32_t": ctypes.c_int32,
    "int64_t": ctypes.c_int64,
    "size_t": ctypes.c_size_t,
    "float": ctypes.c_float,
    "double": ctypes.c_double,
}
_ELEMENTS = {
    "uint8_t": np.uint8,
    "int32_t": np.int32,
    "int64_t": np.int64,
    "float": np.float32,
    "double": np.float64,
}
_PROTOTYPE = re.compile(r"^(\w+) (msq_\w+)\(([^)]*)\);", re.MULTILINE)
_ARGUMENT = re.compile(r"^(const )?(\w+) (\*?)\w+$")


def prepare() -> None:
    """Compile and load the library now, rather than at the first call.

    Raises
    ------
    FileNotFoundError, RuntimeError
        If there is no compiler, or it fails.
    """
    _functions()


def call(name: str, *arguments: Any) -> Any:  # noqa: ANN401
    """Call a function of the library; its prototype decides how arguments are passed.

    Arrays must have the element type of the prototype; inputs may be unaligned.
    """
    ready = [
        np.require(value, requirements=("C", "ALIGNED")) if isinstance(value, np.ndarray) else value
        for value in arguments
    ]
    return _functions()[name](*ready)


def suffix(dtype: np.dtype[Any]) -> str:
    """Return the end of the names of functions on float32 or float64."""
    return f"f{8 * dtype.itemsize}"


@functools.cache
def _functions() -> dict[str, Callable[..., Any]]:
    """Return the functions of the header by name, ``msq_`` left out."""
    path = library_path()
    try:
        library = ctypes.CDLL(str(path))
    except OSError:  # the cached file is damaged
        library = ctypes.CDLL(str(library_path(anew=True)))
    functions = {}
    for returns, name, arguments in _PROTOTYPE.findall((SOURCES / "msq.h").read_text()):
        function = getattr(library, name)
        function.restype = _SCALARS[returns]
        function.argtypes = [_argument(" ".join(one.split())) for one in arguments.split(",")]
        functions[name.removeprefix("msq_")] = function
    return functions


def _argument(declaration: str) -> Any:  # noqa: ANN401
    """Return the ctypes type of an argument: ``size_t count``, ``const float *u``."""
    match = _ARGUMENT.match(declaration)
    assert match is not None, declaration
    constant, kind, pointer = match.groups()
    if not pointer:
        return _SCALARS[kind]
    if constant:
        return np.ctypeslib.ndpointer(_ELEMENTS[kind], flags=("C_CONTIGUOUS", "ALIGNED"))
    return np.ctypeslib.ndpointer(_ELEMENTS[kind], flags=("C_CONTIGUOUS", "ALIGNED", "WRITEABLE"))
