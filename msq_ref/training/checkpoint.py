"""A checkpoint holds everything that decides the bits of what follows; it is written atomically."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from msq_ref.files import atomic_path

__all__ = ["load_checkpoint", "save_checkpoint"]

KEY = "msq_ref"
"""The one metadata key: safetensors does not keep the order of several."""


def save_checkpoint(
    path: Path, arrays: Mapping[str, NDArray[Any]], state: Mapping[str, Any]
) -> None:
    """Write arrays and plain JSON values as one safetensors file, atomically.

    Parameters
    ----------
    path : Path
    arrays : mapping of str to ndarray
        Any shapes; any dtype that safetensors and NumPy share.
    state : mapping
        Plain JSON values; floats come back to the same bits.

    Raises
    ------
    OSError
        If the file cannot be written; one that was there stays whole.
    """
    tensors = {
        name: np.asarray(value, dtype=value.dtype.newbyteorder("="), order="C")
        for name, value in arrays.items()
    }
    text = json.dumps(state)
    metadata = {KEY: f"{_checksum(text, tensors):08x} {text}"}
    # Not by safetensors itself: it writes beside the target too, and a killed process would leave
    # files of names that are not ours to remove.
    content = save(tensors, metadata=metadata)
    with atomic_path(path) as temporary:
        try:
            temporary.write_bytes(content)
        except OSError as error:
            raise OSError(f"{path}: cannot write it ({error})") from None


def load_checkpoint(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Read what `save_checkpoint` wrote.

    Parameters
    ----------
    path : Path

    Returns
    -------
    (dict of str to ndarray, dict)
        The arrays and the state.

    Raises
    ------
    ValueError
        If the file is missing, truncated, not safetensors, not this project's or damaged.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError, ValueError, TypeError, AttributeError) as error:
        # The last two: a dtype that NumPy does not have, such as bfloat16.
        raise ValueError(f"{path}: not a readable safetensors file ({error})") from None
    if KEY not in metadata:
        raise ValueError(f"{path}: a safetensors file, but not one that msq-ref wrote")
    checksum, _, text = metadata[KEY].partition(" ")
    if checksum != f"{_checksum(text, arrays):08x}":
        raise ValueError(f"{path}: damaged, its checksum does not hold")
    for name, value in arrays.items():
        if value.dtype.kind == "f" and not np.isfinite(value).all():
            raise ValueError(f"{path}: {name} contains NaN or infinities")
    try:
        state = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: not a checkpoint's metadata ({error})") from None
    if not isinstance(state, dict):
        raise ValueError(f"{path}: not a checkpoint's metadata (no object)")
    return arrays, state


def _checksum(text: str, arrays: Mapping[str, NDArray[Any]]) -> int:
    """Return the CRC-32 of the state, and of each array with its name, dtype and shape."""
    total = zlib.crc32(text.encode())
    for name in sorted(arrays):
        value = arrays[name]
        total = zlib.crc32(f"{name} {value.dtype} {value.shape}".encode(), total)
        total = zlib.crc32(np.ascontiguousarray(value).reshape(-1).view(np.uint8).data, total)
    return total
