"""Branches of a transformer block in training, each as one operation of its backend [S11.1].

Up to rounding the result is that of the layers one after the other; they keep nothing, and get
their gradients as ever.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref.nn.attention import SelfAttention
from msq_ref.nn.gelu import GELU
from msq_ref.nn.layer import Layer
from msq_ref.nn.layernorm import LayerNorm
from msq_ref.nn.products import Linear

__all__ = ["JoinedAttention", "JoinedMlp"]

Pair = tuple[NDArray[Any], NDArray[Any]]


class _Joined:
    """A normalization and three layers behind it: two linear ones, another between them."""

    between: type[Layer]

    def __init__(self, *layers: Any) -> None:  # noqa: ANN401
        self._layers = layers
        self._norm, self._first, self._middle, self._second = layers
        self._backend: Any = self._norm.backend

    @classmethod
    def of(cls, norm: Layer, branch: Layer) -> Any:  # noqa: ANN401
        """Return a normalization and a branch joined; None where the backend has no such thing."""
        layers = norm, *branch.parts.values()
        known = [type(layer) for layer in layers] == [LayerNorm, Linear, cls.between, Linear]
        if not known or not hasattr(norm.backend, "branch_suits"):
            return None
        biased = all("bias" in layer.parameters for layer in layers[1::2])
        return cls(*layers) if biased else None

    def suits(self, x: NDArray[Any]) -> bool:
        """Tell whether it serves: not if somebody put another `forward` in a layer's place."""
        if any("forward" in vars(layer) for layer in self._layers):
            return False
        weights = self._first.weight, self._second.weight
        return bool(self._backend.branch_suits(x, *weights, heads=self.heads))

    @property
    def heads(self) -> int:
        """Heads of the attention; 1 without one."""
        return 1

    def _parameters(self) -> tuple[Pair, Pair, Pair]:
        """Return gamma and beta, then weight and bias of the linear layers."""
        norm, first, second = self._norm, self._first, self._second
        return (
            (norm.parameters["gamma"], norm.parameters["beta"]),
            (first.weight, first.parameters["bias"]), (second.weight, second.parameters["bias"]),
        )  # fmt: skip

    def _begin(self) -> None:
        """Let the layers know of a pass in training, so that none goes back to an earlier one."""
        for layer in self._layers:
            layer.keep(True)

    def _take(self, gradients: list[NDArray[Any]]) -> None:
        """Give the layers their gradients, in the order of `_parameters`."""
        for layer in self._layers:
            layer.forget()
        norm, first, second = self._norm, self._first, self._second
        norm.gradients["gamma"], norm.gradients["beta"] = gradients[:2]
        first.gradients["weight"], first.gradients["bias"] = gradients[2:4]
        second.gradients["weight"], second.gradients["bias"] = gradients[4:]


class JoinedAttention(_Joined):
    """``x + proj(attention(qkv(norm(x))))``."""

    between = SelfAttention

    @property
    def heads(self) -> int:  # noqa: D102
        return int(self._middle.heads)

    def forward(self, x: NDArray[Any]) -> tuple[NDArray[Any], Any]:
        """Return the sum, and what `backward` needs."""
        self._begin()
        y, kept = self._backend.attention_branch(
            x, *self._parameters(), self.heads, self._middle.scale, self._norm.eps
        )
        return y, kept

    def backward(self, grad: NDArray[Any], kept: Any) -> NDArray[Any]:  # noqa: ANN401
        """Return the gradient of x, and give the layers theirs."""
        grad_x, gradients = self._backend.attention_branch_backward(
            np.ascontiguousarray(grad), kept, *self._parameters(), self._middle.scale
        )
        self._take(gradients)
        return np.asarray(grad_x)


class JoinedMlp(_Joined):
    """``x + fc2(gelu(fc1(norm(x))))``."""

    between = GELU

    def forward(self, x: NDArray[Any]) -> tuple[NDArray[Any], Any]:
        """Return the sum, and what `backward` needs."""
        self._begin()
        y, kept = self._backend.mlp_branch(x, *self._parameters(), self._norm.eps)
        return y, kept

    def backward(self, grad: NDArray[Any], kept: Any) -> NDArray[Any]:  # noqa: ANN401
        """Return the gradient of x, and give the layers theirs."""
        grad_x, gradients = self._backend.mlp_branch_backward(
            np.ascontiguousarray(grad), kept, *self._parameters()
        )
        self._take(gradients)
        return np.asarray(grad_x)
