"""A checkpoint holds everything that decides the bits of what follows; it is written atomically."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from msq_ref.files import atomic_path

__all__ = ["load_checkpoint", "save_checkpoint"]

KEY = "msq_ref"
"""The one metadata key: safetensors does not keep the order of several."""


def save_checkpoint(
    path: Path, arrays: Mapping[str, NDArray[Any]], state: Mapping[str, Any]
) -> None:
    """Write arrays and plain JSON values as one safetensors file, atomically.

    Raises
    ------
    OSError
        If the file cannot be written; one that was there stays whole.
    """
    tensors = {name: np.asarray(value, order="C") for name, value in arrays.items()}
    with atomic_path(path) as temporary:
        try:
            save_file(tensors, temporary, metadata={KEY: json.dumps(state)})
        except SafetensorError as error:  # hides the operating system's error, a full disk say
            raise OSError(f"{path}: cannot write it ({error})") from None


def load_checkpoint(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Read what `save_checkpoint` wrote.

    Raises
    ------
    ValueError
        If the file is missing, truncated, not safetensors or not this project's.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError, ValueError) as error:
        raise ValueError(f"{path}: not a readable safetensors file ({error})") from None
    if KEY not in metadata:
        raise ValueError(f"{path}: a safetensors file, but not one that msq-ref wrote")
    for name, value in arrays.items():
        if value.dtype.kind == "f" and not np.isfinite(value).all():
            raise ValueError(f"{path}: {name} contains NaN or infinities")
    try:
        state = json.loads(metadata[KEY])
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}: damaged metadata ({error})") from None
    return arrays, state
