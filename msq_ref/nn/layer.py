"""What every layer has: parameters, a forward and a backward pass, and the tangents of both."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from numpy.typing import NDArray

__all__ = ["Layer"]

Arrays = dict[str, NDArray[Any]]


class Layer:
    """A step of a network.

    `forward` keeps what `backward` and the tangents need, so that they always refer to the last
    forward pass. Tangents follow Pearlmutter's R-operator: `forward_tangent` carries a
    perturbation of the weights to the output, `backward_tangent` carries the perturbation of the
    gradients back; together they are an exact Hessian-vector product [S5.2].

    Attributes
    ----------
    parameters, buffers : dict of ndarray
        Trainable arrays; arrays that are kept but not trained.
    gradients : dict of ndarray
        dL/dparameter after `backward`, with respect to the weight that was used.
    effective : ndarray or None
        Used in place of ``parameters["weight"]`` when set: the quantized weight.
    weight_dot : ndarray or None
        Tangent of the weight, of its shape and dtype; None is 0.
    weight_grad_dot : ndarray
        Tangent of the weight's gradient after `backward_tangent`: the layer's rows of ``H v``.
    """

    quantizable = False

    def __init__(self, backend: ModuleType) -> None:
        self.backend = backend
        self.parameters: Arrays = {}
        self.buffers: Arrays = {}
        self.gradients: Arrays = {}
        self.effective: NDArray[Any] | None = None
        self.weight_dot: NDArray[Any] | None = None
        self.weight_grad_dot: NDArray[Any]

    @property
    def weight(self) -> NDArray[Any]:
        """The weight in use: the effective one where it is set."""
        return self.parameters["weight"] if self.effective is None else self.effective

    def forward(self, x: NDArray[Any], training: bool = False) -> NDArray[Any]:
        """Return the output for an input.

        Parameters
        ----------
        x : ndarray, the dtype of the parameters
            NHWC, or (batch, features) for a linear layer.
        training : bool
            Whether normalization uses the batch's own statistics, and moves the running ones.

        Raises
        ------
        TypeError, ValueError
            Of the backend's operation: `x` has another dtype, or a shape that does not fit.
        """
        raise NotImplementedError

    def backward(self, grad: NDArray[Any]) -> NDArray[Any]:
        """Take dL/doutput to dL/dinput and fill `gradients`; errors as in `forward`."""
        raise NotImplementedError

    def forward_tangent(self, x_dot: NDArray[Any] | None) -> NDArray[Any] | None:
        """Take the tangent of the input to that of the output, their shapes; None is 0 [S5.2]."""
        raise NotImplementedError

    def backward_tangent(self, grad: NDArray[Any], grad_dot: NDArray[Any]) -> tuple[Any, Any]:
        """Take dL/doutput and its tangent to dL/dinput and its tangent [S5.2].

        Fills `weight_grad_dot`; it follows a `forward_tangent` of the same weight tangents.
        """
        raise NotImplementedError
