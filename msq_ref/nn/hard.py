"""Activations of straight pieces and a parabola, for small devices."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref.nn.layer import Layer

__all__ = ["HardSigmoid", "HardSwish", "ReLU6"]


class ReLU6(Layer):
    """``min(max(x, 0), 6)``; the derivative is 0 at both kinks [S5.2]."""

    def forward(self, x: NDArray[Any], training: bool = False) -> NDArray[Any]:  # noqa: D102
        y = np.asarray(self.backend.relu6(x))
        # The output is strictly between 0 and 6 where the input is, and the next layer keeps it.
        self.keep(training, y)
        return y

    def backward(self, grad: NDArray[Any]) -> NDArray[Any]:  # noqa: D102
        return np.asarray(self.backend.relu6_backward(grad, *self.recall()))

    def forward_tangent(self, x_dot: NDArray[Any] | None) -> NDArray[Any] | None:  # noqa: D102
        (y,) = self.inference()
        return None if x_dot is None else self.backend.relu6_backward(x_dot, y)

    def backward_tangent(self, grad_dot: NDArray[Any]) -> NDArray[Any]:  # noqa: D102
        self.inference()
        return self.backward(grad_dot)


class HardSigmoid(Layer):
    """``relu6(x + 3) / 6``; the derivative is 0 at both kinks, as in PyTorch [S5.2]."""

    def forward(self, x: NDArray[Any], training: bool = False) -> NDArray[Any]:  # noqa: D102
        self.keep(training, x)
        return np.asarray(self.backend.hard_sigmoid(x))

    def backward(self, grad: NDArray[Any]) -> NDArray[Any]:  # noqa: D102
        return np.asarray(self.backend.hard_sigmoid_backward(grad, *self.recall()))

    def forward_tangent(self, x_dot: NDArray[Any] | None) -> NDArray[Any] | None:  # noqa: D102
        (x,) = self.inference()
        return None if x_dot is None else self.backend.hard_sigmoid_backward(x_dot, x)

    def backward_tangent(self, grad_dot: NDArray[Any]) -> NDArray[Any]:  # noqa: D102
        self.inference()
        return self.backward(grad_dot)


class HardSwish(Layer):
    """``x relu6(x + 3) / 6``, a parabola in (-3, 3).

    At the kinks the derivatives are those of the straight pieces, as in PyTorch: the first is 0
    at -3 and 1 at 3, the second 0 at both; between them it is 1/3 [S5.2].
    """

    def forward(self, x: NDArray[Any], training: bool = False) -> NDArray[Any]:  # noqa: D102
        self.keep(training, x)
        return np.asarray(self.backend.hard_swish(x))

    def backward(self, grad: NDArray[Any]) -> NDArray[Any]:  # noqa: D102
        (x,) = self.recall()  # None where the layer before it sees to the gradient
        self._grad = None if self._training else grad
        return grad if x is None else np.asarray(self.backend.hard_swish_backward(grad, x))

    def forward_tangent(self, x_dot: NDArray[Any] | None) -> NDArray[Any] | None:  # noqa: D102
        (x,) = self.inference()
        self._x_dot = x_dot
        return None if x_dot is None else self.backend.hard_swish_backward(x_dot, x)

    def backward_tangent(self, grad_dot: NDArray[Any]) -> NDArray[Any]:  # noqa: D102
        (x,) = self.inference()
        if self._x_dot is None:
            return np.asarray(self.backend.hard_swish_backward(grad_dot, x))
        return np.asarray(
            self.backend.hard_swish_backward_tangent(self._grad, grad_dot, x, self._x_dot)
        )
