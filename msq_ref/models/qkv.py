"""Query, key and value layers as one, as our networks have them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["fused_qkv"]

THREE = (("q_proj", "k_proj", "v_proj"), ("query", "key", "value"))
"""Names of the layers, as different versions of a package write them."""


def fused_qkv(tensors: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return a file's tensors with each query, key and value put side by side under ``qkv``.

    Parameters
    ----------
    tensors : mapping of str to ndarray
        Linear layers (outputs, inputs) and their biases, under PyTorch's names.

    Returns
    -------
    dict of str to ndarray
        In the order of the file. Where one of the three is missing or of another shape, the others
        keep their names, so that `Network.load_state` lists them.
    """
    fused: dict[str, NDArray[Any]] = {}
    taken: set[str] = set()
    for name, tensor in tensors.items():
        parts = _three(name)
        arrays = [np.asarray(tensors[part]) for part in parts if part in tensors]
        if len(arrays) == 3 and len({(a.shape, a.dtype) for a in arrays}) == 1 and arrays[0].ndim:
            if taken.isdisjoint(parts):
                fused[_fused_name(name)] = np.concatenate(arrays)
            taken.update(parts)
        else:
            fused[name] = tensor
    return fused


def _three(name: str) -> list[str]:
    """Return the names of the three layers' arrays that one of them belongs to, or nothing."""
    place, _, word = name.rpartition(".")
    before, _, layer = place.rpartition(".")
    for three in THREE:
        if layer in three:
            return [".".join(filter(None, (before, other, word))) for other in three]
    return []


def _fused_name(name: str) -> str:
    return re.sub(r"[^.]+(?=\.[^.]+$)", "qkv", name)
