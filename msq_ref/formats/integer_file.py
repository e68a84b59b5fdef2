"""An integer network as one safetensors file: arrays, and the structure as JSON beside them."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref.integer import (
    IntegerAveragePool,
    IntegerFlatten,
    IntegerMaxPool,
    IntegerNetwork,
    IntegerProduct,
    Requantizer,
)
from msq_ref.training.checkpoint import load_checkpoint, save_checkpoint

__all__ = ["INTEGER_FORMAT", "load_integer_network", "save_integer_network"]

INTEGER_FORMAT = 1
"""Version of the file; a higher one is from a newer program."""

_STEPS = {
    "product": IntegerProduct,
    "average_pool": IntegerAveragePool,
    "max_pool": IntegerMaxPool,
    "flatten": IntegerFlatten,
}


def save_integer_network(path: Path | str, network: IntegerNetwork) -> None:
    """Write an integer network, atomically; the same network gives the same bytes."""
    arrays: dict[str, NDArray[Any]] = {}
    steps = [_pack(step, f"{index}.", arrays) for index, step in enumerate(network.steps)]
    whole = {
        "integer_format": INTEGER_FORMAT,
        "steps": steps,
        "input_shape": list(network.input_shape),
        "input_scale": network.input_scale,
        "input_bits": network.input_bits,
        "input_signed": network.input_signed,
    }
    save_checkpoint(Path(path), arrays, whole)


def load_integer_network(path: Path | str) -> IntegerNetwork:
    """Read what `save_integer_network` wrote.

    Raises
    ------
    ValueError
        If the file is missing, truncated, foreign, damaged or from a newer program.
    """
    arrays, whole = load_checkpoint(Path(path))
    version = whole.get("integer_format")
    if not isinstance(version, int):
        raise ValueError(f"{path}: not an integer network")
    if version > INTEGER_FORMAT:
        raise ValueError(f"{path}: format {version} is newer than this program's {INTEGER_FORMAT}")
    try:
        return IntegerNetwork(
            steps=tuple(
                _unpack(step, f"{index}.", arrays) for index, step in enumerate(whole["steps"])
            ),
            input_shape=tuple(whole["input_shape"]),
            input_scale=whole["input_scale"],
            input_bits=whole["input_bits"],
            input_signed=whole["input_signed"],
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path}: damaged integer network ({error!r})") from None


def _pack(value: Any, prefix: str, arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:  # noqa: ANN401
    """Put arrays aside under a prefix and return the rest as JSON values."""
    plain: dict[str, Any] = {}
    if not isinstance(value, Requantizer):
        plain["kind"] = next(kind for kind, cls in _STEPS.items() if type(value) is cls)
    for field in fields(value):
        item = getattr(value, field.name)
        if isinstance(item, np.ndarray):
            arrays[prefix + field.name] = item
        elif isinstance(item, Requantizer):
            plain[field.name] = _pack(item, f"{prefix}{field.name}.", arrays)
        else:
            plain[field.name] = item
    return plain


def _unpack(plain: dict[str, Any], prefix: str, arrays: dict[str, NDArray[Any]]) -> Any:  # noqa: ANN401
    cls = _STEPS[plain["kind"]] if "kind" in plain else Requantizer
    values = {}
    for field in fields(cls):
        name = field.name
        if prefix + name in arrays:
            values[name] = arrays[prefix + name]
        elif isinstance(plain[name], dict):
            values[name] = _unpack(plain[name], f"{prefix}{name}.", arrays)
        else:
            values[name] = plain[name]
    return cls(**values)
