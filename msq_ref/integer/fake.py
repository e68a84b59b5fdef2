"""The fake-quantized float network: an integer network's codes, computed in float64 [S9.6]."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref import reference
from msq_ref.integer.lowering import WeightCodes, layer_groups
from msq_ref.integer.network import IntegerAveragePool, IntegerNetwork, IntegerProduct, IntegerStep
from msq_ref.nn import BatchNorm2d, Network

__all__ = ["Affine", "FakeQuantized", "output_scale", "rounded"]


@dataclass(frozen=True)
class Affine:
    """What a layer does to its product: ``slope * product + offset``, per channel.

    Attributes
    ----------
    slope, offset : ndarray of float64, (outputs,)
        The slope without its sign.
    terms : ndarray of float64, (outputs,)
        Sum of the magnitudes that add up to the offset, for bounds of rounding errors.
    """

    slope: NDArray[np.float64]
    offset: NDArray[np.float64]
    terms: NDArray[np.float64]


class FakeQuantized:
    """The trained layers in float64, on weights and activations that are codes times scales.

    It shares the codes and scales of an integer network, and nothing else: normalization is not
    folded, nothing is requantized by a multiplier.

    Parameters
    ----------
    network : Network
        The trained network; it is copied.
    weights : mapping of layer name to WeightCodes
    integer : IntegerNetwork
        Lowered from both.
    """

    def __init__(
        self, network: Network, weights: Mapping[str, WeightCodes], integer: IntegerNetwork
    ) -> None:
        self.integer = integer
        self.weights = weights
        self._groups = layer_groups(network)
        self._layers = {name: copy.copy(layer) for name, layer in network.layers.items()}
        for name, layer in self._layers.items():
            layer.backend = reference
            layer.parameters = _wide(layer.parameters)
            layer.buffers = _wide(layer.buffers)
            layer.effective = None
            if name in weights:
                w = weights[name]
                layer.effective = w.unit * reference.integer_weights(w.codes, w.bits, w.signs)

    def affine(self, name: str) -> Affine:
        """Return what follows a product before rectification, per channel."""
        group = next(group for group in self._groups if group[0] == name)
        outputs = self.weights[name].codes.shape[-1]
        slope = np.ones(outputs)
        offset = self._layers[name].parameters.get("bias", np.zeros(outputs))
        terms = np.abs(offset)
        for layer in (self._layers[member] for member in group):
            if isinstance(layer, BatchNorm2d):
                p, b = layer.parameters, layer.buffers
                gain = p["gamma"] / np.sqrt(b["running_variance"] + layer.eps)
                slope = slope * gain
                offset = (offset - b["running_mean"]) * gain + p["beta"]
                terms = (terms + np.abs(b["running_mean"])) * np.abs(gain) + np.abs(p["beta"])
        return Affine(np.abs(slope), offset, terms)

    def values(self, index: int, codes: NDArray[Any], scale: float) -> NDArray[np.float64]:
        """Return the real outputs of a step for input codes of a scale, before rounding.

        Parameters
        ----------
        index : int
            Of the step in the integer network.
        codes : ndarray of integers
            Its input.
        scale : float
            Real value of one unit of them.
        """
        x = codes.astype(np.float64) * scale
        for name in self._groups[index]:
            x = self._layers[name].forward(x)
        return x

    def run(self, codes: NDArray[np.int32]) -> NDArray[np.float64]:
        """Return the real logits of input codes; every step rounds its own output to codes."""
        x, scale = codes, self.integer.input_scale
        for index, step in enumerate(self.integer.steps):
            values = self.values(index, x, scale)
            if isinstance(step, IntegerProduct) and step.requantizer is None:
                return values
            scale = output_scale(step, scale)
            x = rounded(step, values, scale)
        return x.astype(np.float64) * scale


def output_scale(step: IntegerStep, scale: float) -> float:
    """Return the real value of one unit of a step's output codes."""
    return step.out_scale if isinstance(step, IntegerProduct | IntegerAveragePool) else scale


def rounded(step: IntegerStep, values: NDArray[np.float64], scale: float) -> NDArray[Any]:
    """Return the codes of a step's real outputs [S8.1]."""
    if isinstance(step, IntegerProduct | IntegerAveragePool) and step.requantizer is not None:
        kind = step.requantizer
        return reference.activation_codes(values, scale, kind.bits, kind.signed)
    # Order only, so that the input's own codes come back; or logits, in units of the accumulator.
    return np.rint(values / scale).astype(np.int64)


def _wide(arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {name: value.astype(np.float64) for name, value in arrays.items()}
