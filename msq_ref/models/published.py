"""Weights as others publish them: safetensors in PyTorch's names and layouts, taken over by table.

Our names are PyTorch's where a network has them. What differs is in a table per family, a list of
regular expressions applied to each name of the file in turn; the last word of a name and the
layout follow from the layer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref.nn import Network

__all__ = ["NameTable", "from_torch"]

NameTable = Sequence[tuple[str, str]]
"""Patterns with what replaces them, as of `re.sub`; they see the name without its last word."""

NORM_WORDS = {
    "weight": "gamma",
    "bias": "beta",
    "running_mean": "running_mean",
    "running_var": "running_variance",
}
IGNORED = "num_batches_tracked"
"""PyTorch's count of training steps; nothing depends on it."""


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
    """
    own = network.state()
    found: dict[str, NDArray[Any]] = {}
    for name, tensor in tensors.items():
        place, _, word = name.rpartition(".")
        if word == IGNORED:
            continue
        for pattern, replacement in table:
            place = re.sub(pattern, replacement, place)
        if f"{place}.gamma" in own:
            word = NORM_WORDS.get(word, word)
        ours = f"{place}.{word}" if place else word
        array = _our_layout(np.asarray(tensor)) if word == "weight" else np.asarray(tensor)
        if ours in own and array.dtype.kind == "f":
            array = array.astype(own[ours].dtype)
        found[ours] = array
    return found


def _our_layout(tensor: NDArray[Any]) -> NDArray[Any]:
    order = {4: (2, 3, 1, 0), 2: (1, 0)}.get(tensor.ndim)
    return tensor if order is None else np.ascontiguousarray(tensor.transpose(order))
