"""Exact Hessian-vector products by Pearlmutter's R-operator, and finite differences beside them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.nn import Layer, Network
from msq_ref.reference.loss import cross_entropy, cross_entropy_tangent

__all__ = ["HessianProducts", "finite_difference_product"]

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
        if self._network.passes != self._pass:
            raise RuntimeError("the network has run forward since these products were made")
        tangents = _fitting(vectors, self._layers)
        for name, layer in self._layers.items():
            layer.weight_dot = tangents.get(name)
        try:
            return self._product()
        finally:
            for layer in self._layers.values():
                layer.weight_dot = None

    def _product(self) -> dict[str, NDArray[Any]]:
        tangent = self._network.forward_tangent()
        if tangent is None:
            return {name: np.zeros_like(layer.weight) for name, layer in self._layers.items()}
        self._network.backward_tangent(cross_entropy_tangent(self._logits, tangent))
        return {name: layer.weight_grad_dot for name, layer in self._layers.items()}


def finite_difference_product(
    network: Network,
    images: NDArray[Any],
    labels: NDArray[np.int64],
    vectors: Vectors,
    step: float,
) -> dict[str, NDArray[Any]]:
    """Approximate ``H v`` by central differences, ``(g(w + e v) - g(w - e v)) / 2e`` [S5.3].

    A check on smooth networks only, where it agrees to 4e-9 at e = 1e-5 in float64. On ReLU
    networks the two gradients lie on different sides of kinks: for `digits-cnn` of width 4 on 64
    digits the largest relative error of a layer was 2.7 at e = 1e-2, 13 at 1e-3 and 24 at 1e-4,
    growing until the step was too short to reach any kink.

    It runs the network forward, which ends the use of products made before; effective weights
    are put back.

    Parameters
    ----------
    network, images, labels, vectors
        As in `HessianProducts`.
    step : float
        e, positive in the dtype of the weights.

    Returns
    -------
    dict of layer name to ndarray

    Raises
    ------
    TypeError, ValueError
        As `HessianProducts`; also if `step` is not a positive number.
    """
    layers = network.quantized_layers()
    tangents = _fitting(vectors, layers)
    step = checks.real("step", step, 0, open_low=True)
    for vector in tangents.values():
        checks.positive_scale("step", step, vector.dtype)
    before = {name: layer.effective for name, layer in layers.items()}
    centre = {name: layer.weight for name, layer in layers.items()}

    def gradients(e: float) -> dict[str, NDArray[Any]]:
        for name, layer in layers.items():
            w = centre[name]
            layer.effective = w + w.dtype.type(e) * tangents[name] if name in tangents else w
        _, grad = cross_entropy(network.forward(images), labels)
        network.backward(grad)
        return {name: layer.gradients["weight"] for name, layer in layers.items()}

    try:
        ahead, behind = gradients(step), gradients(-step)
    finally:
        for name, layer in layers.items():
            layer.effective = before[name]
    return {name: (ahead[name] - behind[name]) / (2 * step) for name in layers}


def _fitting(vectors: Vectors, layers: Mapping[str, Layer]) -> dict[str, NDArray[Any]]:
    """Return the vectors, each of the shape and dtype of the weight it is named after."""
    for name in vectors:
        if name not in layers:
            raise ValueError(f"vectors names {name!r}: expected {', '.join(layers)}")
    return {
        name: checks.like(f"vectors[{name!r}]", vector, layers[name].weight)
        for name, vector in vectors.items()
    }
