"""Blocks of layers: one after another, or side by side and added."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref.nn.layer import Layer, added
from msq_ref.nn.simple import ReLU

__all__ = ["Chain", "Identity", "Sum"]


class Chain(Layer):
    """Layers applied one after another.

    Parameters
    ----------
    parts : mapping of str to Layer
        In order.
    """

    def __init__(self, parts: Mapping[str, Layer]) -> None:
        super().__init__()
        self.parts = dict(parts)

    def forward(self, x: NDArray[Any], training: bool = False) -> NDArray[Any]:  # noqa: D102
        parts = list(self.parts.values())
        while parts:
            part = parts.pop(0)
            if training and parts and _joined(part, parts[0]):
                x = part.forward_joined(x, parts.pop(0))
            else:
                x = part.forward(x, training)
        return x

    def backward(self, grad: NDArray[Any]) -> NDArray[Any]:  # noqa: D102
        for part in reversed(self.parts.values()):
            grad = part.backward(grad)
        return grad

    def backward_last(self, grad: NDArray[Any]) -> None:  # noqa: D102
        first, *others = self.parts.values()
        for part in reversed(others):
            grad = part.backward(grad)
        first.backward_last(grad)

    def forward_tangent(self, x_dot: NDArray[Any] | None) -> NDArray[Any] | None:  # noqa: D102
        for part in self.parts.values():
            x_dot = part.forward_tangent(x_dot)
        return x_dot

    def backward_tangent(self, grad_dot: NDArray[Any]) -> NDArray[Any]:  # noqa: D102
        for part in reversed(self.parts.values()):
            grad_dot = part.backward_tangent(grad_dot)
        return grad_dot


def _joined(part: Layer, following: Layer) -> bool:
    """Tell whether two parts run as one: not if somebody put another `forward` in their place."""
    if "forward" in vars(part) or "forward" in vars(following):
        return False
    return part.takes_in(following)


class Sum(Layer):
    """Layers that share an input, their outputs added in order: a residual connection.

    Parameters
    ----------
    parts : mapping of str to Layer
        At least one; with `Identity` among them, the input itself is added.
    """

    def __init__(self, parts: Mapping[str, Layer]) -> None:
        super().__init__()
        self.parts = dict(parts)
        backends = (layer.backend for layer in self.operations().values())
        self._adder: Any = next((backend for backend in backends if backend is not None), None)

    def forward(self, x: NDArray[Any], training: bool = False) -> NDArray[Any]:  # noqa: D102
        first, *others = self.parts.values()
        y = first.forward(x, training)
        for part in others:
            y = self._add(y, part.forward(x, training))
        return y

    def takes_in(self, activation: Layer) -> bool:  # noqa: D102
        return (
            type(activation) is ReLU
            and len(self.parts) == 2
            and hasattr(self._adder, "add_relu")
        )

    def forward_joined(self, x: NDArray[Any], activation: Layer) -> NDArray[Any]:  # noqa: D102
        first, second = self.parts.values()
        y = self._adder.add_relu(first.forward(x, True), second.forward(x, True))
        activation.keep(True, y)
        return np.asarray(y)

    def backward(self, grad: NDArray[Any]) -> NDArray[Any]:  # noqa: D102
        first, *others = self.parts.values()
        grad_x = first.backward(grad)
        for part in others:
            grad_x = self._add(grad_x, part.backward(grad))
        return grad_x

    def _add(self, a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
        return self._adder.add(a, b) if hasattr(self._adder, "add") else a + b

    def forward_tangent(self, x_dot: NDArray[Any] | None) -> NDArray[Any] | None:  # noqa: D102
        y_dot = None
        for part in self.parts.values():
            y_dot = added(y_dot, part.forward_tangent(x_dot))
        return y_dot

    def backward_tangent(self, grad_dot: NDArray[Any]) -> NDArray[Any]:  # noqa: D102
        first, *others = self.parts.values()
        grad_x_dot = first.backward_tangent(grad_dot)
        for part in others:
            grad_x_dot = grad_x_dot + part.backward_tangent(grad_dot)
        return grad_x_dot


class Identity(Layer):
    """The input itself: the shortcut of a residual connection."""

    def forward(self, x: NDArray[Any], training: bool = False) -> NDArray[Any]:  # noqa: D102
        return x

    def backward(self, grad: NDArray[Any]) -> NDArray[Any]:  # noqa: D102
        return grad

    def forward_tangent(self, x_dot: NDArray[Any] | None) -> NDArray[Any] | None:  # noqa: D102
        return x_dot

    def backward_tangent(self, grad_dot: NDArray[Any]) -> NDArray[Any]:  # noqa: D102
        return grad_dot
