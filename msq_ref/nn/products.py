"""Layers with a weight that may be quantized: convolution and linear."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from msq_ref import checks
from msq_ref.memory import empty
from msq_ref.nn.layer import Layer

__all__ = ["Conv2d", "Linear", "Product"]


class Product(Layer):
    """A layer that is bilinear in its input and its weight, plus an optional bias.

    Bilinear: the tangent of ``x * w`` is ``x_dot * w + x * w_dot``, and so on for its gradients.
    """

    quantizable = True

    def __init__(self, weight: NDArray[Any], bias: bool, backend: ModuleType) -> None:
        super().__init__(backend)
        self.parameters["weight"] = weight
        if bias:
            self.parameters["bias"] = np.zeros(weight.shape[-1], weight.dtype)

    def product(self, x: NDArray[Any], w: NDArray[Any]) -> NDArray[Any]:
        """Return the bilinear product."""
        raise NotImplementedError

    def product_backward(
        self, grad: NDArray[Any], x: NDArray[Any], w: NDArray[Any]
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return its gradients with respect to `x` and `w`."""
        raise NotImplementedError

    def input_gradient(
        self, grad: NDArray[Any], x: NDArray[Any], w: NDArray[Any]
    ) -> NDArray[Any]:
        """Return the first of `product_backward` alone."""
        return self.product_backward(grad, x, w)[0]

    def weight_gradient(
        self, grad: NDArray[Any], x: NDArray[Any], w: NDArray[Any]
    ) -> NDArray[Any]:
        """Return the second of `product_backward` alone."""
        return self.product_backward(grad, x, w)[1]

    def forward(self, x: NDArray[Any], training: bool = False) -> NDArray[Any]:  # noqa: D102
        self.keep(training, x)
        y = self.product(x, self.weight)
        if "bias" in self.parameters:
            y = np.add(y, self.parameters["bias"], out=empty(y.shape, y.dtype))
        return y

    def backward(self, grad: NDArray[Any]) -> NDArray[Any]:  # noqa: D102
        (x,) = self.recall()
        grad_x, self.gradients["weight"] = self.product_backward(grad, x, self.weight)
        self._end_backward(grad)
        return grad_x

    def backward_last(self, grad: NDArray[Any]) -> None:  # noqa: D102
        (x,) = self.recall()
        self.gradients["weight"] = self.weight_gradient(grad, x, self.weight)
        self._end_backward(grad)

    def _end_backward(self, grad: NDArray[Any]) -> None:
        self._grad = None if self._training else grad
        if "bias" in self.parameters:
            self.gradients["bias"] = grad.sum(axis=tuple(range(grad.ndim - 1)))

    def forward_tangent(self, x_dot: NDArray[Any] | None) -> NDArray[Any] | None:  # noqa: D102
        (x,) = self.inference()
        self._x_dot = x_dot
        if self.weight_dot is None:
            return None if x_dot is None else self.product(x_dot, self.weight)
        y_dot = self.product(x, self.weight_dot)
        if x_dot is not None:
            y_dot += self.product(x_dot, self.weight)
        return y_dot

    def backward_tangent(self, grad_dot: NDArray[Any]) -> NDArray[Any]:  # noqa: D102
        (x,) = self.inference()
        grad_x_dot, self.weight_grad_dot = self.product_backward(grad_dot, x, self.weight)
        # The gradient of x meets w_dot, that of w meets x_dot.
        if self.weight_dot is not None and self._x_dot is not None:
            through_w, through_x = self.product_backward(
                self._grad, self._x_dot, self.weight_dot
            )
            grad_x_dot += through_w
            self.weight_grad_dot += through_x
        elif self.weight_dot is not None:
            grad_x_dot += self.input_gradient(self._grad, x, self.weight_dot)
        elif self._x_dot is not None:
            self.weight_grad_dot += self.weight_gradient(self._grad, self._x_dot, self.weight)
        return grad_x_dot


class Conv2d(Product):
    """Convolution of NHWC images, padded with zeros; weight HWIO [S11.1].

    Parameters
    ----------
    inputs, outputs : int
        Channels; both are multiples of `groups`. Depthwise: ``groups = inputs``.
    kernel, stride, padding, groups : int
    bias : bool
        Whether a value per output channel is added.
    rng : numpy.random.Generator
        Draws the weights, Kaiming normal: standard deviation ``sqrt(2 / fan-in)``.
    dtype : float32 or float64
    backend : module

    Raises
    ------
    TypeError, ValueError
        If `dtype` is another, or a size is out of range or no multiple of `groups`.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        *,
        stride: int = 1,
        padding: int = 0,
        groups: int = 1,
        bias: bool = False,
        rng: np.random.Generator,
        dtype: DTypeLike,
        backend: ModuleType,
    ) -> None:
        size = checks.integer("kernel", kernel, 1)
        self.stride = checks.integer("stride", stride, 1)
        self.padding = checks.integer("padding", padding, 0)
        self.groups = checks.integer("groups", groups, 1)
        channels = [
            checks.integer("inputs", inputs, 1), checks.integer("outputs", outputs, 1)
        ]
        if any(count % self.groups for count in channels):
            raise ValueError(
                f"groups = {groups}: expected a divisor of inputs = {inputs} and "
                f"outputs = {outputs}"
            )
        shape = (size, size, channels[0] // self.groups, channels[1])
        super().__init__(_kaiming(shape, rng, dtype), bias, backend)

    def product(self, x: NDArray[Any], w: NDArray[Any]) -> NDArray[Any]:
        """Return the convolution."""
        return np.asarray(self.backend.conv2d(x, w, self.stride, self.padding, self.groups))

    def product_backward(
        self, grad: NDArray[Any], x: NDArray[Any], w: NDArray[Any]
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return the gradients of the convolution."""
        grads = self.backend.conv2d_backward(grad, x, w, self.stride, self.padding, self.groups)
        return grads[0], grads[1]

    def input_gradient(  # noqa: D102
        self, grad: NDArray[Any], x: NDArray[Any], w: NDArray[Any]
    ) -> NDArray[Any]:
        # A compiled backend has the two apart, the same bits; the definition does not.
        alone = getattr(self.backend, "conv2d_input_gradient", None)
        if alone is None:
            return super().input_gradient(grad, x, w)
        return np.asarray(alone(grad, x, w, self.stride, self.padding, self.groups))

    def weight_gradient(  # noqa: D102
        self, grad: NDArray[Any], x: NDArray[Any], w: NDArray[Any]
    ) -> NDArray[Any]:
        alone = getattr(self.backend, "conv2d_weight_gradient", None)
        if alone is None:
            return super().weight_gradient(grad, x, w)
        return np.asarray(alone(grad, x, w, self.stride, self.padding, self.groups))


class Linear(Product):
    """Matrix product of (batch, inputs) with a weight (inputs, outputs).

    Parameters
    ----------
    inputs, outputs : int
        Features.
    bias, rng, dtype, backend
        As in `Conv2d`.

    Raises
    ------
    TypeError, ValueError
        If `dtype` is not float32 or float64, or a size is not positive.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        bias: bool = True,
        rng: np.random.Generator,
        dtype: DTypeLike,
        backend: ModuleType,
    ) -> None:
        shape = checks.integer("inputs", inputs, 1), checks.integer("outputs", outputs, 1)
        super().__init__(_kaiming(shape, rng, dtype), bias, backend)

    def product(self, x: NDArray[Any], w: NDArray[Any]) -> NDArray[Any]:
        """Return the matrix product."""
        return np.asarray(self.backend.linear(x, w))

    def product_backward(
        self, grad: NDArray[Any], x: NDArray[Any], w: NDArray[Any]
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return the gradients of the matrix product."""
        grads = self.backend.linear_backward(grad, x, w)
        return grads[0], grads[1]


def _kaiming(shape: tuple[int, ...], rng: np.random.Generator, dtype: DTypeLike) -> NDArray[Any]:
    fan_in = int(np.prod(shape[:-1]))
    kind = checks.float_dtype("dtype", dtype)
    return (rng.standard_normal(shape) * np.sqrt(2 / fan_in)).astype(kind)
