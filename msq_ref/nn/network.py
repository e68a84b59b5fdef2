"""A network: named layers in order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref.nn.layer import Layer

__all__ = ["Network", "copy_arrays"]


class Network:
    """Layers applied one after another.

    Parameters
    ----------
    layers : mapping of str to Layer
        In order; parameters are named ``layer.parameter``.

    Attributes
    ----------
    layers : dict of str to Layer
    passes : int
        Number of forward passes so far: what the layers keep is of the last one only.
    """

    def __init__(self, layers: Mapping[str, Layer]) -> None:
        self.layers = dict(layers)
        self.passes = 0

    def forward(self, x: NDArray[Any], training: bool = False) -> NDArray[Any]:
        """Return the logits of a batch, (batch, classes).

        Parameters
        ----------
        x : ndarray, the dtype of the parameters, (batch, height, width, channels)
        training : bool
            As in `Layer.forward`.
        """
        self.passes += 1
        for layer in self.layers.values():
            x = layer.forward(x, training)
        return x

    def backward(self, grad: NDArray[Any]) -> NDArray[Any]:
        """Take dL/dlogits back to the images; fills every layer's gradients."""
        for layer in reversed(self.layers.values()):
            grad = layer.backward(grad)
        return grad

    def quantized_layers(self) -> dict[str, Layer]:
        """Return the layers whose weight is quantized, in order."""
        return {name: layer for name, layer in self.layers.items() if layer.quantizable}

    def parameters(self) -> dict[str, NDArray[Any]]:
        """Return the trainable arrays themselves, by ``layer.parameter``."""
        return self._named("parameters")

    def gradients(self) -> dict[str, NDArray[Any]]:
        """Return the gradients of the last backward pass."""
        return self._named("gradients")

    def buffers(self) -> dict[str, NDArray[Any]]:
        """Return the arrays that are kept but not trained."""
        return self._named("buffers")

    def state(self) -> dict[str, NDArray[Any]]:
        """Return all parameters and buffers."""
        return {**self.parameters(), **self.buffers()}

    def load_state(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Copy parameters and buffers in, all or nothing; errors as in `copy_arrays`."""
        copy_arrays(self.state(), state)

    def _named(self, kind: str) -> dict[str, NDArray[Any]]:
        return {
            f"{layer}.{name}": array
            for layer, part in self.layers.items()
            for name, array in getattr(part, kind).items()
        }


def copy_arrays(own: Mapping[str, NDArray[Any]], state: Mapping[str, NDArray[Any]]) -> None:
    """Copy arrays into those of the same names, all or nothing.

    Parameters
    ----------
    own : mapping of str to ndarray
        Overwritten.
    state : mapping of str to ndarray
        The same names, shapes and dtypes, in any byte order.

    Raises
    ------
    ValueError
        Naming everything that is missing, unexpected, of another shape or dtype, or not finite.
    """
    faults = [f"missing {name}" for name in own.keys() - state.keys()]
    faults += [f"unexpected {name}" for name in state.keys() - own.keys()]
    for name in own.keys() & state.keys():
        mine, theirs = own[name], np.asarray(state[name])
        if (mine.shape, mine.dtype) != (theirs.shape, theirs.dtype.newbyteorder("=")):
            faults.append(f"{name} is {theirs.dtype} {theirs.shape}, not {mine.dtype} {mine.shape}")
        elif not np.isfinite(theirs).all():
            faults.append(f"{name} contains NaN or infinities")
    if faults:
        raise ValueError(f"state does not fit the network: {'; '.join(sorted(faults))}")
    for name, array in own.items():
        array[...] = state[name]
