"""Exact Hessian-vector products by Pearlmutter's R-operator."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.nn import Layer, Network
from msq_ref.reference.loss import cross_entropy, cross_entropy_tangent

__all__ = ["HessianProducts", "Vectors", "fitting"]

Vectors = Mapping[str, NDArray[Any]]
"""One array per layer, of the shape of its weight."""


class HessianProducts:
    """Products ``H v`` of the cross-entropy's Hessian with respect to effective weights [S5.1].

    One primal pass in inference mode, forward and backward, serves any number of products. The
    network must not run forward in between, which is noticed, nor may its parameters change,
    which is not.

    Parameters
    ----------
    network : Network
        With its effective weights set.
    images : ndarray, the dtype of the parameters, NHWC
    labels : ndarray of integers, (batch,)

    Attributes
    ----------
    loss : float
        Cross-entropy of the batch.
    dtype : dtype
        Of the logits, and so of all vectors and products.
    gradients : dict of layer name to ndarray
        dL/dw of the primal pass, with respect to the effective weights.

    Raises
    ------
    TypeError, ValueError
        If the images or labels do not fit the network.
    """

    def __init__(
        self, network: Network, images: NDArray[Any], labels: NDArray[np.int64]
    ) -> None:
        self._network = network
        self._layers = network.quantized_layers()
        self._logits = network.forward(images)
        self._pass = network.passes
        self.dtype = self._logits.dtype
        self.loss, grad = cross_entropy(self._logits, labels)
        network.backward(grad)
        self.gradients = {name: layer.gradients["weight"] for name, layer in self._layers.items()}

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of each layer's weight."""
        return {name: layer.weight.shape for name, layer in self._layers.items()}

    def __call__(self, vectors: Vectors) -> dict[str, NDArray[Any]]:
        """Return ``H v`` for all layers at once.

        Parameters
        ----------
        vectors : mapping of layer name to ndarray
            Each of the shape and dtype of the layer's weight. Layers not named have v = 0; with a
            single layer named, that layer's part of the result is its own diagonal block times v.

        Returns
        -------
        dict of layer name to ndarray
            New arrays, of the shape of each quantized layer's weight.

        Raises
        ------
        TypeError
            If a vector has another dtype.
        ValueError
            If a name is no quantized layer, a shape differs, or a value is not finite.
        RuntimeError
            If the network has run forward since.

        Notes
        -----
        [S5.2]: forward-over-reverse; exact up to rounding, no step size.
        """
        with self._along(vectors):
            tangent = self._network.forward_tangent()
            if tangent is None:
                return {name: np.zeros_like(layer.weight) for name, layer in self._layers.items()}
            self._network.backward_tangent(cross_entropy_tangent(self._logits, tangent))
            return {name: layer.weight_grad_dot for name, layer in self._layers.items()}

    def block(self, name: str, vector: NDArray[Any]) -> NDArray[Any]:
        """Return ``H_ll v``, one layer's diagonal block times v: nothing is computed before it.

        Parameters
        ----------
        name : str
            Of the layer.
        vector : ndarray, the shape and dtype of its weight

        Returns
        -------
        ndarray
            New, the same bits as that layer's part of the product with v of this layer alone.

        Raises
        ------
        TypeError, ValueError, RuntimeError
            As a product with all layers.

        Notes
        -----
        Layers before it have no tangent on the way forward, and on the way back it ends with the
        layer, or with the block of the network that holds it.
        """
        with self._along({name: vector}):
            layer = self._layers[name]
            tangent = self._network.forward_tangent()
            if tangent is None:
                return np.zeros_like(layer.weight)
            grad_dot = cross_entropy_tangent(self._logits, tangent)
            for part in reversed(self._network.layers.values()):
                grad_dot = part.backward_tangent(grad_dot)
                if layer in part.operations().values():
                    break
            return layer.weight_grad_dot

    @contextmanager
    def _along(self, vectors: Vectors) -> Iterator[None]:
        """Set the layers' tangents, and take them away again."""
        if self._network.passes != self._pass:
            raise RuntimeError("the network has run forward since these products were made")
        tangents = fitting(vectors, self._layers)
        for name, layer in self._layers.items():
            layer.weight_dot = tangents.get(name)
        try:
            yield
        finally:
            for layer in self._layers.values():
                layer.weight_dot = None


def fitting(vectors: Vectors, layers: Mapping[str, Layer]) -> dict[str, NDArray[Any]]:
    """Return the vectors, each of the shape and dtype of the weight it is named after."""
    for name in vectors:
        if name not in layers:
            raise ValueError(f"vectors names {name!r}: expected {', '.join(layers)}")
    return {
        name: checks.like(f"vectors[{name!r}]", vector, layers[name].weight)
        for name, vector in vectors.items()
    }
