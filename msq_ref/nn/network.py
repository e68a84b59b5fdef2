"""A network: named layers in order, its arrays by dotted name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref.nn.blocks import Chain
from msq_ref.nn.layer import Layer

__all__ = ["Network", "copy_arrays"]


class Network:
    """Layers applied one after another.

    Parameters
    ----------
    layers : mapping of str to Layer
        In order, blocks among them; parameters are named ``layer.parameter``, in blocks
        ``block.layer.parameter``.

    Attributes
    ----------
    layers : dict of str to Layer
    operations : dict of str to Layer
        All layers that are no blocks, by dotted name.
    passes : int
        Number of forward passes so far: what the layers keep is of the last one only.
    image : tuple of int or None
        Height, width and channels of the images it takes; None: whatever its layers take.
    """

    def __init__(self, layers: Mapping[str, Layer]) -> None:
        self._chain = Chain(layers)
        self.layers = self._chain.parts
        self.operations = self._chain.operations()
        self.passes = 0
        self.image: tuple[int, int, int] | None = None

    def forward(self, x: NDArray[Any], training: bool = False) -> NDArray[Any]:
        """Return the logits of a batch, (batch, classes).

        Parameters
        ----------
        x : ndarray, the dtype of the parameters, (batch, height, width, channels)
        training : bool
            As in `Layer.forward`.

        Raises
        ------
        TypeError, ValueError
            If the images are of another shape or dtype.
        """
        self._begin(x)
        return self._chain.forward(x, training)

    def logits(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return what `forward` does in inference mode, and keep nothing for other passes.

        It needs the memory of one part of the network at a time. Parameters and errors are those
        of `forward`.
        """
        self._begin(x)
        for part in self.layers.values():
            x = part.forward(x)
            part.forget()
        return x

    def forget(self) -> None:
        """Let go of all that passes left behind, but for gradients; other passes need a new one."""
        self.passes += 1
        self._chain.forget()

    def backward(self, grad: NDArray[Any]) -> NDArray[Any]:
        """Take dL/dlogits back to the images; fills every layer's gradients."""
        return self._chain.backward(grad)

    def backward_to_weights(self, grad: NDArray[Any]) -> None:
        """Fill every layer's gradients as `backward`, without dL/dimages where that saves work."""
        self._chain.backward_last(grad)

    def forward_tangent(self) -> NDArray[Any] | None:
        """Return the tangent of the logits along the layers' `weight_dot`; None is 0 [S5.2]."""
        return self._chain.forward_tangent(None)

    def backward_tangent(self, grad_dot: NDArray[Any]) -> None:
        """Take the tangent of dL/dlogits back; fills every `weight_grad_dot` [S5.2]."""
        self._chain.backward_tangent(grad_dot)

    def quantized_layers(self) -> dict[str, Layer]:
        """Return the layers whose weight is quantized, in order."""
        return {name: layer for name, layer in self.operations.items() if layer.quantizable}

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

    def _begin(self, x: NDArray[Any]) -> None:
        if self.image is not None and np.shape(x)[1:] != self.image:
            raise ValueError(
                f"x has shape {np.shape(x)}: expected (batch, "
                f"{', '.join(map(str, self.image))})"
            )
        self.passes += 1

    def _named(self, kind: str) -> dict[str, NDArray[Any]]:
        return {
            f"{layer}.{name}": array
            for layer, part in self.operations.items()
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
        Naming everything that is missing, unexpected, of another shape or dtype, or not finite;
        of more than 20 of a kind the first ten and how many more.
    """
    faults: list[str] = []
    for name in sorted(own.keys() & state.keys()):
        mine, theirs = own[name], np.asarray(state[name])
        if (mine.shape, mine.dtype) != (theirs.shape, theirs.dtype.newbyteorder("=")):
            faults.append(f"{name} is {theirs.dtype} {theirs.shape}, not {mine.dtype} {mine.shape}")
        elif not np.isfinite(theirs).all():
            faults.append(f"{name} contains NaN or infinities")
    missing = [f"missing {name}" for name in sorted(own.keys() - state.keys())]
    unexpected = [f"unexpected {name}" for name in sorted(state.keys() - own.keys())]
    if faults or missing or unexpected:
        listed = [*_first(faults), *_first(missing), *_first(unexpected)]
        raise ValueError(f"state does not fit the network: {'; '.join(listed)}")
    for name, array in own.items():
        array[...] = state[name]


def _first(faults: list[str]) -> list[str]:
    return faults if len(faults) <= 20 else [*faults[:10], f"and {len(faults) - 10} more of these"]
