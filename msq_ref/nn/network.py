"""A network: named layers in order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref.nn.layer import Layer

__all__ = ["Network"]


class Network:
    """Layers applied one after another.

    Parameters
    ----------
    layers : mapping of str to Layer
        In order; parameters are named ``layer.parameter``.
    """

    def __init__(self, layers: Mapping[str, Layer]) -> None:
        self.layers = dict(layers)

    def forward(self, x: NDArray[Any], training: bool = False) -> NDArray[Any]:
        """Return the logits of a batch of NHWC images."""
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
        """Copy parameters and buffers in, all or nothing.

        Raises
        ------
        ValueError
            Naming what is missing, unexpected, of another shape or dtype, or not finite.
        """
        own = self.state()
        faults = [f"missing {name}" for name in own.keys() - state.keys()]
        faults += [f"unexpected {name}" for name in state.keys() - own.keys()]
        for name in own.keys() & state.keys():
            mine, theirs = own[name], state[name]
            if (mine.shape, mine.dtype) != (theirs.shape, theirs.dtype):
                faults.append(
                    f"{name} is {theirs.dtype} {theirs.shape}, not {mine.dtype} {mine.shape}"
                )
            elif not np.isfinite(theirs).all():
                faults.append(f"{name} contains NaN or infinities")
        if faults:
            raise ValueError(f"state does not fit the network: {'; '.join(sorted(faults))}")
        for name, array in own.items():
            array[...] = state[name]

    def _named(self, kind: str) -> dict[str, NDArray[Any]]:
        return {
            f"{layer}.{name}": array
            for layer, part in self.layers.items()
            for name, array in getattr(part, kind).items()
        }
