"""Images as sequences of tokens: patches in rows, a class token, positions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from msq_ref import checks
from msq_ref.memory import empty
from msq_ref.nn.layer import Layer

__all__ = ["ClassToken", "FirstToken", "LinearMap", "Tokens"]


class LinearMap(Layer):
    """A linear map without weights: the tangents are the map itself and its transpose."""

    def apply(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return the map of an input."""
        raise NotImplementedError

    def transpose(self, grad: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
        """Return the transposed map of a gradient, for an input of a shape."""
        raise NotImplementedError

    def forward(self, x: NDArray[Any], training: bool = False) -> NDArray[Any]:  # noqa: D102
        self.keep(training, x.shape)
        return self.apply(x)

    def backward(self, grad: NDArray[Any]) -> NDArray[Any]:  # noqa: D102
        (shape,) = self.recall()
        return self.transpose(grad, shape)

    def forward_tangent(self, x_dot: NDArray[Any] | None) -> NDArray[Any] | None:  # noqa: D102
        self.inference()
        return None if x_dot is None else self.apply(x_dot)

    def backward_tangent(self, grad_dot: NDArray[Any]) -> NDArray[Any]:  # noqa: D102
        (shape,) = self.inference()
        return self.transpose(grad_dot, shape)


class Tokens(LinearMap):
    """Positions of an image as a sequence, row by row: NHWC to (batch, tokens, channels)."""

    def apply(self, x: NDArray[Any]) -> NDArray[Any]:  # noqa: D102
        return x.reshape(len(x), -1, x.shape[-1])

    def transpose(self, grad: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:  # noqa: D102
        return grad.reshape(shape)


class FirstToken(LinearMap):
    """The first token of a sequence: (batch, tokens, features) to (batch, features)."""

    def apply(self, x: NDArray[Any]) -> NDArray[Any]:  # noqa: D102
        return np.ascontiguousarray(x[:, 0])

    def transpose(self, grad: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:  # noqa: D102
        grad_x = empty(shape, grad.dtype)
        grad_x[:, 0] = grad
        grad_x[:, 1:] = 0
        return grad_x


class ClassToken(Layer):
    """Put a trained token before the others and add a trained vector at every position.

    Takes (batch, tokens, features) to (batch, tokens + 1, features). The parameters are
    `cls_token`, (1, 1, features), and `pos_embed`, (1, tokens + 1, features).

    Parameters
    ----------
    tokens, features : int
    dtype : float32 or float64

    Raises
    ------
    TypeError, ValueError
        If `dtype` is another, or a size is not positive.
    """

    def __init__(self, tokens: int, features: int, *, dtype: DTypeLike) -> None:
        super().__init__()
        length, size = checks.integer("tokens", tokens, 1), checks.integer("features", features, 1)
        kind = checks.float_dtype("dtype", dtype)
        self.parameters = {
            "cls_token": np.zeros((1, 1, size), kind),
            "pos_embed": np.zeros((1, length + 1, size), kind),
        }

    def forward(self, x: NDArray[Any], training: bool = False) -> NDArray[Any]:  # noqa: D102
        positions = self.parameters["pos_embed"]
        tokens, features = positions.shape[1] - 1, positions.shape[2]
        (x, positions) = checks.layer_arrays(x=x, pos_embed=positions)
        checks.same_shape("x", x.shape, (len(x) if x.ndim else 0, tokens, features))
        self.keep(training)
        y = empty((len(x), tokens + 1, features), x.dtype)
        y[:, :1] = self.parameters["cls_token"] + positions[:, :1]
        np.add(x, positions[:, 1:], out=y[:, 1:])
        return y

    def backward(self, grad: NDArray[Any]) -> NDArray[Any]:  # noqa: D102
        self.recall()
        self.gradients["pos_embed"] = grad.sum(axis=0, keepdims=True)
        self.gradients["cls_token"] = self.gradients["pos_embed"][:, :1].copy()
        return np.ascontiguousarray(grad[:, 1:])

    def forward_tangent(self, x_dot: NDArray[Any] | None) -> NDArray[Any] | None:  # noqa: D102
        self.inference()
        if x_dot is None:
            return None
        return np.pad(x_dot, ((0, 0), (1, 0), (0, 0)))

    def backward_tangent(self, grad_dot: NDArray[Any]) -> NDArray[Any]:  # noqa: D102
        self.inference()
        return np.ascontiguousarray(grad_dot[:, 1:])
