"""The loss of a batch and its gradients, the batch at once or in micro batches."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref.nn import Network
from msq_ref.training.divergence import Diverged, first_bad_output

__all__ = ["forget_gradients", "loss_and_gradients"]


def loss_and_gradients(
    network: Network,
    backend: ModuleType,
    images: NDArray[Any],
    labels: NDArray[np.int64],
    *,
    micro_batch_size: int = 0,
    smoothing: float = 0.0,
    training: bool = True,
    where: str = "",
) -> float:
    """Fill every layer's gradients with those of the mean loss of a batch, and return that loss.

    A batch of n images is cut into micro batches of ``micro_batch_size``, the last one of what is
    left; one of m images counts ``m / n``. Where images do not meet in normalization, as in
    inference mode, the result is that of the whole batch up to rounding. Else each micro batch is
    normalized by its own statistics, and moves the running ones.

    Parameters
    ----------
    network : Network
        With its effective weights set.
    backend : module
        Where the loss comes from.
    images : ndarray, NHWC, the dtype of the network
    labels : ndarray of int64, one per image
    micro_batch_size : int
        0: the whole batch.
    smoothing : float
        Of the labels, as in `cross_entropy`.
    training : bool
        As in `Network.forward`.
    where : str
        The place in the run, for the error.

    Returns
    -------
    float
        The loss of [S11.1], in float64.

    Raises
    ------
    Diverged
        If the loss of a micro batch is not finite; gradients are not looked at.
    """
    count = len(labels)
    size = min(micro_batch_size or count, count)
    total = 0.0
    sums: dict[str, NDArray[Any]] = {}
    for start in range(0, count, size):
        part = slice(start, start + size)
        loss = _backward(
            network, backend, images[part], labels[part], count, smoothing, training, where
        )
        total += loss * (len(labels[part]) / count)
        if size < count:
            _add_gradients(network, sums)
    if sums:
        for name, layer in network.operations.items():
            layer.gradients = {key: sums[f"{name}.{key}"] for key in layer.gradients}
    return total


def forget_gradients(network: Network) -> None:
    """Let go of all gradients, so that their memory is free for the next forward pass."""
    for layer in network.operations.values():
        layer.gradients.clear()


def _backward(
    network: Network, backend: ModuleType, images: NDArray[Any], labels: NDArray[np.int64],
    count: int, smoothing: float, training: bool, where: str,
) -> float:  # fmt: skip
    loss, grad = backend.cross_entropy(network.forward(images, training), labels, smoothing)
    if not np.isfinite(loss):
        raise Diverged("the loss", loss, where, first_bad_output(network, images))
    if len(labels) < count:
        grad *= grad.dtype.type(len(labels) / count)
    network.backward_to_weights(grad)
    return float(loss)


def _add_gradients(network: Network, sums: dict[str, NDArray[Any]]) -> None:
    """Add the layers' gradients to the sums; the first are copied, for two may be one array."""
    for name, gradient in network.gradients().items():
        if name in sums:
            sums[name] += gradient
        else:
            sums[name] = gradient.copy()
