"""Networks by name."""

from __future__ import annotations

import inspect
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from msq_ref import checks, reference
from msq_ref.models.digits_cnn import INPUT_SHAPE as DIGITS_SHAPE
from msq_ref.models.digits_cnn import digits_cnn
from msq_ref.names import known_name
from msq_ref.nn import Network

__all__ = ["build", "input_shape", "load", "names", "parameter_count"]

_MODELS = {"digits-cnn": (digits_cnn, DIGITS_SHAPE)}
_NOT_SIZES = {"seed", "dtype", "backend"}


def names() -> list[str]:
    """Return the names `build` knows."""
    return list(_MODELS)


def build(
    name: str,
    *,
    seed: int = 0,
    dtype: DTypeLike = np.float32,
    backend: ModuleType = reference,
    **sizes: Any,  # noqa: ANN401
) -> Network:
    """Build a network with fresh weights.

    Parameters
    ----------
    name : str
    seed : int
        Of the weights, not negative.
    dtype : float32 or float64
    backend : module
        Where the layers' operations come from.
    sizes
        Sizes of the model, such as ``width``.

    Returns
    -------
    Network

    Raises
    ------
    TypeError
        If `dtype` is another.
    ValueError
        If the name or a size is unknown, and the error lists the known ones; if a size or the
        seed is out of range.
    """
    known_name("model", name, names())
    make = _MODELS[name][0]
    known_sizes = [size for size in inspect.signature(make).parameters if size not in _NOT_SIZES]
    for size in sizes:
        known_name("size", size, known_sizes)
    return make(
        seed=checks.integer("seed", seed, 0),
        dtype=checks.float_dtype("dtype", dtype),
        backend=backend,
        **sizes,
    )


def input_shape(name: str) -> tuple[int, int, int]:
    """Return the shape of one image, (height, width, channels)."""
    known_name("model", name, names())
    return _MODELS[name][1]


def parameter_count(name: str) -> int:
    """Return the number of trainable parameters at the default sizes."""
    return sum(value.size for value in build(name).parameters().values())


def load(name: str, file: Path | str, **options: Any) -> Network:  # noqa: ANN401
    """Build a network with the parameters and buffers of a safetensors file.

    Parameters
    ----------
    name : str
    file : path
        Arrays named ``layer.parameter``, of the network's dtype.
    options
        As in `build`.

    Returns
    -------
    Network
        Without effective weights: those of a run come from its method.

    Raises
    ------
    ValueError
        If the file cannot be read, or does not fit: the error lists every mismatch.
    """
    from safetensors import SafetensorError  # noqa: PLC0415  (only where a file is read)
    from safetensors.numpy import load_file  # noqa: PLC0415

    network = build(name, **options)
    try:
        state = load_file(file)
    except (OSError, SafetensorError, TypeError, AttributeError) as error:
        # The last two: a dtype that NumPy does not have, such as bfloat16.
        raise ValueError(f"{file}: not a readable safetensors file ({error})") from None
    try:
        network.load_state(state)
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from None
    return network
