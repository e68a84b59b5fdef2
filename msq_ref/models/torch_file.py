"""Weights as ``torch.save`` writes them, read without PyTorch and without ordinary unpickling.

Two forms: a ZIP archive with a pickle and one member per storage, and the one before PyTorch 1.6,
a row of pickles with the storages behind them. Both describe a tensor as a storage, an offset, a
size and strides.
"""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from msq_ref.pickled import restricted_load

__all__ = ["TORCH_SUFFIXES", "read_torch"]

TORCH_SUFFIXES = (".pt", ".pth")
"""Ends of the names of PyTorch's own files."""

_STORAGES = {
    "torch.FloatStorage": "<f4", "torch.DoubleStorage": "<f8", "torch.HalfStorage": "<f2",
    "torch.LongStorage": "<i8", "torch.IntStorage": "<i4", "torch.ShortStorage": "<i2",
    "torch.CharStorage": "<i1", "torch.ByteStorage": "<u1", "torch.BoolStorage": "|b1",
}  # fmt: skip
_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001


def read_torch(file: Path | str) -> dict[str, NDArray[Any]]:
    """Return the tensors of a saved ``state_dict`` by name.

    Parameters
    ----------
    file : path
        Of ``torch.save``, in either form.

    Returns
    -------
    dict of str to ndarray
        In PyTorch's layouts, C-contiguous, in the dtype of the file.

    Raises
    ------
    ValueError
        In one line with the path, if the file cannot be read, is damaged, asks for anything but
        tensors, or holds anything but a mapping of names to tensors. Nothing in it is run.
    """
    try:
        with Path(file).open("rb") as stream:
            if zipfile.is_zipfile(stream):
                return _read_zip(stream)
            stream.seek(0)
            return _read_rows(stream)
    except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        # The last two: a form of compression or encryption that zipfile lacks.
        raise ValueError(f"{file}: not a readable PyTorch file ({error})") from None


class _Fixed:
    """What a pickle is given to hold, not to change."""

    def __setstate__(self, state: object) -> None:
        raise ValueError("it changes what it was given to hold")


class _Kind(_Fixed):
    """A storage's type."""

    def __init__(self, dtype: str) -> None:
        self.dtype = np.dtype(dtype)


class _Storage(_Fixed):
    """Numbers that tensors look into, not read yet."""

    def __init__(self, key: str, dtype: np.dtype[Any], size: int) -> None:
        self.key, self.dtype, self.size = key, dtype, size
        self.content = np.empty(0, dtype)

    def fill(self, content: bytes) -> None:
        if len(content) != self.size * self.dtype.itemsize:
            raise ValueError(f"storage {self.key} has {len(content)} bytes, not as announced")
        self.content = np.frombuffer(content, self.dtype)


class _Tensor(_Fixed):
    """A view of a storage, checked to lie within it."""

    def __init__(
        self, storage: object, offset: object, size: object, stride: object, *_: object
    ) -> None:
        if not isinstance(storage, _Storage):
            raise ValueError("it has a tensor without a storage")
        if not (isinstance(size, tuple) and isinstance(stride, tuple)):
            raise ValueError("it has a tensor without a size")
        numbers = [offset, *size, *stride]
        if len(size) != len(stride) or not all(type(n) is int and n >= 0 for n in numbers):
            raise ValueError(f"it has a tensor of size {size} with strides {stride}")
        last = offset + sum((n - 1) * s for n, s in zip(size, stride, strict=True))
        count = math.prod(size)
        # Zero strides could make a small storage look larger than any memory.
        if count and (last >= storage.size or count > storage.size):
            raise ValueError(f"it has a tensor of size {size} beyond its storage {storage.key}")
        self.storage, self.offset, self.size, self.stride = storage, offset, size, stride

    def array(self) -> NDArray[Any]:
        """Return the tensor, once its storage is filled."""
        content = self.storage.content
        if not math.prod(self.size):
            return np.empty(self.size, content.dtype)
        view = np.lib.stride_tricks.as_strided(
            content[self.offset :], self.size, [s * content.itemsize for s in self.stride]
        )
        return np.array(view, order="C")


class _Mapping(dict[Any, Any]):
    """An OrderedDict; what PyTorch hangs on it as attributes is left out."""

    __slots__ = ()

    def __setstate__(self, state: object) -> None:
        pass


_ALLOWED: dict[str, Callable[..., Any]] = {
    "collections.OrderedDict": _Mapping,
    "torch._utils._rebuild_tensor_v2": _Tensor,
    **{name: partial(_Kind, dtype) for name, dtype in _STORAGES.items()},
}


def _read_tensors(file: BinaryIO) -> tuple[dict[str, _Tensor], dict[str, _Storage]]:
    """Return the tensors of a pickle, and the storages they want filled."""
    storages: dict[str, _Storage] = {}

    def persistent(pid: object) -> _Storage:
        match pid:
            # Not an older form's view of another storage: the last word, where there is one.
            case ("storage", kind, str(key), _, int(size), *rest) if not any(rest) and size >= 0:
                dtype = kind() if callable(kind) else None
                if not isinstance(dtype, _Kind):
                    raise ValueError(f"it has a storage {key} of no known type")
                storage = storages.setdefault(key, _Storage(key, dtype.dtype, size))
                if (storage.dtype, storage.size) != (dtype.dtype, size):
                    raise ValueError(f"it has two storages {key}")
                return storage
        raise ValueError("it has a storage in a form that is not known")

    found = restricted_load(file, _ALLOWED, persistent=persistent, encoding="utf-8")
    if not isinstance(found, dict) or not found:
        raise ValueError(f"holds a {type(found).__name__}, not a mapping of names to tensors")
    for name, value in found.items():
        if not isinstance(name, str) or not isinstance(value, _Tensor):
            raise ValueError(f"{name!r} is no tensor: expected a mapping of names to tensors")
    return found, storages


def _read_zip(file: BinaryIO) -> dict[str, NDArray[Any]]:
    """Read the present form: ``FOLDER/data.pkl``, ``FOLDER/data/KEY``, ``FOLDER/byteorder``."""
    with zipfile.ZipFile(file) as archive:
        members = {info.filename: info for info in archive.infolist()}
        pickles = [name for name in members if name.endswith("/data.pkl")]
        if len(pickles) != 1:
            raise ValueError(f"has {len(pickles)} members data.pkl, not 1")
        folder = pickles[0].removesuffix("data.pkl")

        def content(name: str) -> bytes:
            info = members.get(folder + name)
            if info is None:
                raise ValueError(f"has no member {folder + name}")
            # PyTorch never compresses: a small file cannot become a large one.
            if info.compress_type != zipfile.ZIP_STORED:
                raise ValueError(f"member {info.filename} is compressed")
            return archive.read(info)

        if f"{folder}byteorder" in members and content("byteorder") != b"little":
            raise ValueError("is not little-endian")
        tensors, storages = _read_tensors(io.BytesIO(content("data.pkl")))
        for key, storage in storages.items():
            storage.fill(content(f"data/{key}"))
        return {name: tensor.array() for name, tensor in tensors.items()}


def _read_rows(file: BinaryIO) -> dict[str, NDArray[Any]]:
    """Read the older form: magic number, version, system, tensors, keys; then the storages."""
    if restricted_load(file, {}) != _MAGIC or restricted_load(file, {}) != _PROTOCOL:
        raise ValueError("begins with another number")
    system = restricted_load(file, {}, encoding="utf-8")
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise ValueError("is not little-endian")
    tensors, storages = _read_tensors(file)
    keys = restricted_load(file, {}, encoding="utf-8")
    if not isinstance(keys, list) or sorted(map(str, keys)) != sorted(storages):
        raise ValueError("lists other storages than its tensors have")
    for key in keys:
        storage = storages[key]
        count = int.from_bytes(file.read(8), "little")
        if count != storage.size:
            raise ValueError(f"storage {key} has {count} numbers, not {storage.size}")
        storage.fill(file.read(count * storage.dtype.itemsize))
    return {name: tensor.array() for name, tensor in tensors.items()}
