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
    check_network,
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
    """Write an integer network, atomically; the same network gives the same bytes.

    Parameters
    ----------
    path : Path or str
    network : IntegerNetwork

    Raises
    ------
    OSError
        If the file cannot be written; one that was there stays whole.
    """
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

    Parameters
    ----------
    path : Path or str

    Returns
    -------
    IntegerNetwork
        It passes `check_network`.

    Raises
    ------
    ValueError
        In one line with the path, if the file is missing, truncated, foreign, damaged or from a
        newer program, or if what it holds is no network that could run.
    """
    arrays, whole = load_checkpoint(Path(path))
    version = whole.get("integer_format")
    if type(version) is not int or version < 1:  # true is not 1
        raise ValueError(f"{path}: not an integer network")
    if version > INTEGER_FORMAT:
        raise ValueError(f"{path}: format {version} is newer than this program's {INTEGER_FORMAT}")
    try:
        network = IntegerNetwork(
            steps=tuple(
                _unpack(step, f"{index}.", arrays) for index, step in enumerate(whole["steps"])
            ),
            input_shape=tuple(whole["input_shape"]),
            input_scale=whole["input_scale"],
            input_bits=whole["input_bits"],
            input_signed=whole["input_signed"],
        )
        if arrays:
            raise ValueError(f"unexpected {', '.join(sorted(arrays))}")
        check_network(network)
    except KeyError as error:
        raise ValueError(f"{path}: damaged integer network (no {error})") from None
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: damaged integer network ({error})") from None
    return network


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


def _unpack(plain: Any, prefix: str, arrays: dict[str, NDArray[Any]]) -> Any:  # noqa: ANN401
    """Put a step, or a requantizer in it, together again; takes its arrays out."""
    if not isinstance(plain, dict):
        raise TypeError(f"{prefix[:-1]} is {type(plain).__name__}: expected an object")
    cls = _STEPS[plain["kind"]] if prefix.count(".") == 1 else Requantizer
    values = {}
    for field in fields(cls):
        name = field.name
        if prefix + name in arrays:
            values[name] = arrays.pop(prefix + name)
        elif name == "requantizer" and plain[name] is not None:
            values[name] = _unpack(plain[name], f"{prefix}{name}.", arrays)
        else:
            values[name] = plain[name]
    return cls(**values)
