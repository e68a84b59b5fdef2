"""What every layer has: parameters, a forward and a backward pass, and the tangents of both."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from numpy.typing import NDArray

__all__ = ["Layer", "added"]

Arrays = dict[str, NDArray[Any]]


class Layer:
    """A step of a network: an operation with its arrays, or a block of `parts`.

    `forward` keeps what `backward` and the tangents need, so that they always refer to the last
    forward pass. Tangents follow Pearlmutter's R-operator: `forward_tangent` carries a
    perturbation of the weights to the output, `backward_tangent` carries the perturbation of the
    gradients back; together they are an exact Hessian-vector product [S5.2].

    After a forward pass in training, `backward` gives up what was kept as it goes, so that the
    memory is free for the layers below; after one in inference mode it is kept, the gradient
    too, and serves any number of tangents [S5.1].

    Parameters
    ----------
    backend : module or None
        Where the operations come from; a block of parts may have none of its own.

    Attributes
    ----------
    parameters, buffers : dict of ndarray
        Trainable arrays; arrays that are kept but not trained.
    gradients : dict of ndarray
        dL/dparameter after `backward`, with respect to the weight that was used.
    parts : dict of str to Layer
        What a block consists of; empty for an operation.
    effective : ndarray or None
        Used in place of ``parameters["weight"]`` when set: the quantized weight.
    weight_dot : ndarray or None
        Tangent of the weight, of its shape and dtype; None is 0.
    weight_grad_dot : ndarray
        Tangent of the weight's gradient after `backward_tangent`: the layer's rows of ``H v``.
    """

    quantizable = False

    def __init__(self, backend: ModuleType | None = None) -> None:
        self.backend: Any = backend
        self.parameters: Arrays = {}
        self.buffers: Arrays = {}
        self.gradients: Arrays = {}
        self.parts: dict[str, Layer] = {}
        self.effective: NDArray[Any] | None = None
        self.weight_dot: NDArray[Any] | None = None
        self.weight_grad_dot: NDArray[Any]
        self._kept: tuple[Any, ...] | None = None
        self._training = False
        self._grad: Any = None

    @property
    def weight(self) -> NDArray[Any]:
        """The weight in use: the effective one where it is set."""
        return self.parameters["weight"] if self.effective is None else self.effective

    def operations(self, prefix: str = "") -> dict[str, Layer]:
        """Return the layers that are no blocks, in order, by dotted name.

        Parameters
        ----------
        prefix : str
            The name of this layer; a part named ``""`` adds nothing to it.
        """
        if not self.parts:
            return {prefix: self}
        found: dict[str, Layer] = {}
        for name, part in self.parts.items():
            found |= part.operations(".".join(word for word in (prefix, name) if word))
        return found

    def forward(self, x: NDArray[Any], training: bool = False) -> NDArray[Any]:
        """Return the output for an input.

        Parameters
        ----------
        x : ndarray, the dtype of the parameters
            NHWC images, (batch, tokens, features) or (batch, features).
        training : bool
            Whether normalization uses the batch's own statistics, and moves the running ones.

        Raises
        ------
        TypeError, ValueError
            Of the backend's operation: `x` has another dtype, or a shape that does not fit.
        """
        raise NotImplementedError

    def takes_in(self, activation: Layer) -> bool:
        """Tell whether `forward_joined` saves passes over memory with the layer that follows."""
        return False

    def forward_joined(self, x: NDArray[Any], activation: Layer) -> NDArray[Any]:
        """Return the output in training of this layer and the activation behind it.

        The same bits as one after the other; `takes_in` says when it serves.
        """
        return activation.forward(self.forward(x, training=True), training=True)

    def backward(self, grad: NDArray[Any]) -> NDArray[Any]:
        """Take dL/doutput to dL/dinput and fill `gradients`.

        Raises
        ------
        RuntimeError
            If there was no forward pass, or one in training whose values are used up.
        TypeError, ValueError
            As in `forward`.
        """
        raise NotImplementedError

    def backward_last(self, grad: NDArray[Any]) -> None:
        """Fill `gradients` as `backward`, for a layer whose input needs no gradient."""
        self.backward(grad)

    def forward_tangent(self, x_dot: NDArray[Any] | None) -> NDArray[Any] | None:
        """Take the tangent of the input to that of the output, their shapes; None is 0 [S5.2].

        Raises
        ------
        RuntimeError
            If the last forward pass was one in training.
        """
        raise NotImplementedError

    def backward_tangent(self, grad_dot: NDArray[Any]) -> NDArray[Any]:
        """Take the tangent of dL/doutput to that of dL/dinput [S5.2].

        Fills `weight_grad_dot`; it follows a `backward`, whose gradient it is the tangent of, and
        a `forward_tangent` of the same weight tangents.
        """
        raise NotImplementedError

    def keep(self, training: bool, *values: Any) -> None:  # noqa: ANN401
        """Keep what the other passes need of a forward pass."""
        self._kept, self._training = values, training

    def recall(self) -> tuple[Any, ...]:
        """Return what `keep` was given: once after a pass in training, else any number of times."""
        if self._kept is None:
            raise RuntimeError(f"{type(self).__name__}: a forward pass must come first")
        values = self._kept
        if self._training:
            self._kept = None
        return values

    def forget(self) -> None:
        """Let go of all that passes left behind, but for gradients: their memory is free."""
        self._kept = self._grad = None
        for name in _OF_TANGENTS:
            vars(self).pop(name, None)
        for part in self.parts.values():
            part.forget()

    def inference(self) -> tuple[Any, ...]:
        """Return what `keep` was given, for a tangent; errors as in `forward_tangent`."""
        if self._training:
            raise RuntimeError("tangents need a forward pass in inference mode [S5.1]")
        return self.recall()


_OF_TANGENTS = "_x_dot", "_dots", "_factors_dot", "weight_grad_dot"
"""What layers hold of tangents, beside what `Layer.keep` is given and the gradient."""


def added(a: NDArray[Any] | None, b: NDArray[Any] | None) -> NDArray[Any] | None:
    """Return the sum of two tangents; None is 0."""
    if a is None or b is None:
        return b if a is None else a
    return a + b
