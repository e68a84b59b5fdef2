"""Squeeze-and-excitation: channels weighed by what the whole image says."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref.nn.blocks import Chain
from msq_ref.nn.layer import Layer, added

__all__ = ["SqueezeExcitation"]


class SqueezeExcitation(Layer):
    """``x * gate(mean of x)``: a factor for each image and channel, the same at every position.

    Bilinear in the input and the gate, which depends on the input: its tangents have cross terms.

    Parameters
    ----------
    parts : mapping of str to Layer
        The gate: from means over all positions, (batch, 1, 1, channels), to factors of that shape.
    backend : module
    """

    def __init__(self, parts: Mapping[str, Layer], backend: ModuleType) -> None:
        super().__init__(backend)
        self._chain = Chain(parts)
        self.parts = self._chain.parts

    def forward(self, x: NDArray[Any], training: bool = False) -> NDArray[Any]:  # noqa: D102
        factors = _flat(self._chain.forward(self._means(x), training))
        self.keep(training, x, factors)
        return np.asarray(self.backend.gate(x, factors))

    def backward(self, grad: NDArray[Any]) -> NDArray[Any]:  # noqa: D102
        x, factors = self.recall()
        self._grad = None if self._training else grad
        grad_factors = self.backend.gate_factors_gradient(grad, x)
        grad_means = _flat(self._chain.backward(_image(grad_factors)))
        return np.asarray(self.backend.gate_input_gradient(grad, factors, grad_means))

    def forward_tangent(self, x_dot: NDArray[Any] | None) -> NDArray[Any] | None:  # noqa: D102
        x, factors = self.inference()
        means_dot = None if x_dot is None else self._means(x_dot)
        factors_dot = self._chain.forward_tangent(means_dot)
        self._x_dot = x_dot
        self._factors_dot = None if factors_dot is None else _flat(factors_dot)
        through_x = None if x_dot is None else self.backend.gate(x_dot, factors)
        if self._factors_dot is None:
            return through_x
        return added(through_x, self.backend.gate(x, self._factors_dot))

    def backward_tangent(self, grad_dot: NDArray[Any]) -> NDArray[Any]:  # noqa: D102
        x, factors = self.inference()
        grad_x_dot, grad_factors_dot = self.backend.gate_backward(grad_dot, x, factors)
        if self._x_dot is not None or self._factors_dot is not None:
            x_dot = np.zeros_like(x) if self._x_dot is None else self._x_dot
            factors_dot = self._factors_dot
            factors_dot = np.zeros_like(factors) if factors_dot is None else factors_dot
            # The gradient of x meets the tangent of the factors, and the other way round.
            through_factors, through_x = self.backend.gate_backward(self._grad, x_dot, factors_dot)
            grad_x_dot = grad_x_dot + through_factors
            grad_factors_dot = grad_factors_dot + through_x
        means_dot = self._chain.backward_tangent(_image(grad_factors_dot))
        return np.asarray(grad_x_dot + self._spread(means_dot, x))

    def _means(self, x: NDArray[Any]) -> NDArray[Any]:
        return _image(self.backend.global_avgpool(x))

    def _spread(self, grad_means: NDArray[Any], x: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(self.backend.global_avgpool_backward(_flat(grad_means), x))


def _flat(values: NDArray[Any]) -> NDArray[Any]:
    return values.reshape(len(values), values.shape[-1])


def _image(values: NDArray[Any]) -> NDArray[Any]:
    return values[:, None, None, :]
