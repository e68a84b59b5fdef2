"""Weights as others publish them: safetensors in PyTorch's names and layouts, taken over by table.

Our names are PyTorch's where a network has them. What differs is in a table per family, a list of
regular expressions applied to each name of the file in turn; the last word of a name and the
layout follow from the layer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref.models.qkv import fused_qkv
from msq_ref.nn import Network

__all__ = ["NameTable", "fitting_state", "from_torch", "read_safetensors"]

NameTable = Sequence[tuple[str, str]]
"""Patterns with what replaces them, as of `re.sub`; they see the name without its last word."""

NORM_WORDS = {
    "weight": "gamma",
    "bias": "beta",
    "running_mean": "running_mean",
    "running_var": "running_variance",
}
OTHER_WORDS = {"position_embeddings": "pos_embed"}
IGNORED = {"num_batches_tracked", "relative_position_index", "attn_mask"}
"""PyTorch's count of training steps, on which nothing depends; what follows from the sizes."""


def read_safetensors(file: Path | str) -> dict[str, NDArray[Any]]:
    """Return the arrays of a safetensors file by name.

    Raises
    ------
    ValueError
        If it cannot be read, or has a dtype that NumPy lacks.
    """
    from safetensors import SafetensorError  # noqa: PLC0415  (only where a file is read)
    from safetensors.numpy import load_file  # noqa: PLC0415

    try:
        return dict(load_file(file))
    except (OSError, SafetensorError, TypeError, AttributeError) as error:
        # The last two: a dtype that NumPy does not have, such as bfloat16.
        raise ValueError(f"{file}: not a readable safetensors file ({error})") from None


def fitting_state(
    network: Network, tensors: Mapping[str, NDArray[Any]], table: NameTable = ()
) -> dict[str, NDArray[Any]]:
    """Return a file's tensors for `Network.load_state`, whichever names it uses.

    They are taken as PyTorch's if more of them fit the network that way than as they are.

    Parameters
    ----------
    network : Network
        Whose names and dtype are wanted.
    tensors : mapping of str to ndarray
        Under our names and in our layouts, or as in `from_torch`.
    table : NameTable
        Of the family.

    Returns
    -------
    dict of str to ndarray
        Floats in the network's dtype; whatever does not fit is left for `Network.load_state` to
        list.
    """
    own = network.state()
    converted = from_torch(network, tensors, table)
    if len(own.keys() & converted.keys()) > len(own.keys() & tensors.keys()):
        return converted
    return {name: _as_own(own, name, np.asarray(tensor)) for name, tensor in tensors.items()}


def from_torch(
    network: Network, tensors: Mapping[str, NDArray[Any]], table: NameTable = ()
) -> dict[str, NDArray[Any]]:
    """Return a file's tensors under our names and in our layouts, for `Network.load_state`.

    Parameters
    ----------
    network : Network
        Whose names and dtype are wanted.
    tensors : mapping of str to ndarray
        Convolutions OIHW, linear layers (outputs, inputs), under PyTorch's names.
    table : NameTable
        Of the family.

    Returns
    -------
    dict of str to ndarray
        Convolutions HWIO, linear layers (inputs, outputs), in the network's dtype. A name that the
        network lacks stays as the table made it, so that `Network.load_state` lists it.

    Raises
    ------
    ValueError
        If two names of the file become one.
    """
    own = network.state()
    found: dict[str, NDArray[Any]] = {}
    origin: dict[str, str] = {}
    for name, tensor in fused_qkv(tensors).items():
        place, _, word = name.rpartition(".")
        if word in IGNORED:
            continue
        for pattern, replacement in table:
            place = re.sub(pattern, replacement, place)
        if f"{place}.gamma" in own:
            word = NORM_WORDS.get(word, word)
        word = OTHER_WORDS.get(word, word)
        ours = f"{place}.{word}" if place else word
        if ours in found:
            raise ValueError(f"{origin[ours]} and {name} are both {ours}")
        array = _our_layout(np.asarray(tensor)) if word == "weight" else np.asarray(tensor)
        found[ours], origin[ours] = _as_own(own, ours, array), name
    return found


def _our_layout(tensor: NDArray[Any]) -> NDArray[Any]:
    order = {4: (2, 3, 1, 0), 2: (1, 0)}.get(tensor.ndim)
    return tensor if order is None else np.ascontiguousarray(tensor.transpose(order))


def _as_own(own: Mapping[str, NDArray[Any]], name: str, array: NDArray[Any]) -> NDArray[Any]:
    """Return floats in the dtype that the network has under this name."""
    if name not in own or array.dtype.kind != "f":
        return array
    with np.errstate(over="ignore"):  # too large for it: infinite, and refused as such
        return array.astype(own[name].dtype, copy=False)
