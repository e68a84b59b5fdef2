"""Pickles from others, read without running anything they ask for.

A pickle is a program: it may call whatever it can name. `restricted_load` lets it name only what
the caller lists, and puts even that behind objects that a pickle can call but not change.
"""

from __future__ import annotations

import io
import pickle
import pickletools
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

__all__ = ["NUMPY_ARRAYS", "restricted_load"]

Allowed = Mapping[str, Callable[..., Any]]

_ARRAY_DTYPES = ["b1", "u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f2", "f4", "f8"]


def restricted_load(
    file: BinaryIO,
    allowed: Allowed,
    *,
    persistent: Callable[[Any], Any] | None = None,
    encoding: str = "bytes",
) -> Any:  # noqa: ANN401
    """Read one pickle; the file is left just behind it.

    Parameters
    ----------
    file : binary file
        Seekable.
    allowed : mapping of str to callable
        What the pickle may name, as ``module.name``, and what is called in its place.
    persistent : callable, optional
        From a persistent identifier to its object; without it such identifiers are refused.
    encoding : str
        Of the texts of Python 2, as in `pickle.load`: by default they stay bytes.

    Returns
    -------
    object
        Numbers, texts, containers, and what the callables returned.

    Raises
    ------
    ValueError
        If the pickle names anything else (the error says what), or is no whole pickle; nothing
        that it named was called.

    Notes
    -----
    The callables get arguments of the pickle's choice and must check them.
    """
    try:
        whole = _one_pickle(file)
        return _Reader(io.BytesIO(whole), allowed, persistent, encoding).load()
    except ValueError as error:
        raise ValueError(f"pickle refused: {error}") from None
    except Exception as error:  # a damaged pickle may fail in any way
        raise ValueError(f"pickle refused: damaged ({type(error).__name__}: {error})") from None


class _Named:
    """Something a pickle may call: it has no state of its own that a pickle could set."""

    __slots__ = ("__call",)

    def __init__(self, call: Callable[..., Any]) -> None:
        self.__call = call

    def __call__(self, *arguments: Any) -> Any:  # noqa: ANN401
        return self.__call(*arguments)

    def __setstate__(self, state: object) -> None:
        raise ValueError("it changes what it was given to call")


class _Reader(pickle.Unpickler):
    """An unpickler that knows only the names it was given."""

    def __init__(
        self,
        file: BinaryIO,
        allowed: Allowed,
        persistent: Callable[[Any], Any] | None,
        encoding: str,
    ) -> None:
        super().__init__(file, encoding=encoding)
        self._allowed = allowed
        self._persistent = persistent

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401
        """Return the stand-in for a name."""
        asked = f"{module}.{name}"
        if asked not in self._allowed:
            expected = ", ".join(sorted(self._allowed)) or "no names at all"
            raise ValueError(f"it asks for {asked}; expected {expected}")
        return _Named(self._allowed[asked])

    def persistent_load(self, pid: Any) -> Any:  # noqa: ANN401
        """Return the object of an identifier."""
        if self._persistent is None:
            raise ValueError("it refers to objects outside it")
        return self._persistent(pid)


def _one_pickle(file: BinaryIO) -> bytes:
    """Return the bytes of the next pickle, its opcodes looked at one by one."""
    start = file.tell()
    for opcode, argument, position in pickletools.genops(file):
        if opcode.name.startswith("EXT"):
            raise ValueError("it asks for a registered extension")
        # The unpickler makes room for the largest number at once.
        large = opcode.name in ("PUT", "LONG_BINPUT")
        if large and int(argument or 0) > (position or 0) - start:
            raise ValueError(f"it has an object number {argument} before as many bytes")
    length = file.tell() - start
    file.seek(start)
    return file.read(length)


# NumPy's own `dtype` and `_reconstruct` trust the pickle: a dtype with a field beyond its end
# reads whatever lies in memory there. These take plain numbers only, and count the bytes.


class _Dtype:
    """A dtype by its letter and size, the byte order following as state."""

    __slots__ = ("dtype",)

    def __init__(self, code: object, *_: object) -> None:
        text = code.decode("latin1") if isinstance(code, bytes) else code
        if text not in _ARRAY_DTYPES:
            raise ValueError(f"it has an array of dtype {code!r}; expected booleans and numbers")
        self.dtype = np.dtype(text)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        order = state[1].decode("latin1") if isinstance(state[1], bytes) else state[1]
        if order not in ("<", ">", "|", "="):
            raise ValueError(f"it has an array of byte order {order!r}")
        self.dtype = np.dtype(order + self.dtype.str[1:])


class _Array(np.ndarray[Any, Any]):
    """An array that is filled from a pickle's state, once the state was looked at."""

    def __reduce__(self) -> Any:  # noqa: ANN401
        raise TypeError("not meant to be pickled again")

    def __setstate__(self, state: Any) -> None:  # noqa: ANN401
        _, shape, kind, fortran, content = state
        if not isinstance(kind, _Dtype) or not isinstance(content, bytes):
            raise ValueError("it has an array that is not made of a dtype and bytes")
        dtype = kind.dtype
        wanted = int(np.prod([int(length) for length in shape], dtype=object)) * dtype.itemsize
        if any(length < 0 for length in shape) or len(content) != wanted:
            raise ValueError(f"it has an array of shape {shape} with {len(content)} bytes")
        order = bool(fortran)
        super().__setstate__((1, tuple(shape), dtype, order, content))  # type: ignore[arg-type]


def _empty(*_: object) -> NDArray[Any]:
    return np.ndarray.__new__(_Array, (0,), np.uint8)


def _encoded(text: str, encoding: str) -> bytes:
    if encoding != "latin1":
        raise ValueError(f"it asks for the encoding {encoding!r}")
    return text.encode("latin1")


NUMPY_ARRAYS: Allowed = {
    "numpy.core.multiarray._reconstruct": _empty,
    "numpy._core.multiarray._reconstruct": _empty,
    "numpy.ndarray": _empty,
    "numpy.dtype": _Dtype,
    "_codecs.encode": _encoded,
}
"""For `restricted_load`: arrays of numbers as NumPy pickles them.

They are views of ndarray's kind: `numpy.asarray` gives the plain array.
"""
