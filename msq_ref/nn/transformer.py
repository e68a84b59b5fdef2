"""The block of vision transformers: attention, then a small network for each token."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref.memory import empty
from msq_ref.nn.joined_branches import JoinedAttention, JoinedMlp
from msq_ref.nn.layer import Layer, added

__all__ = ["TransformerBlock"]


class TransformerBlock(Layer):
    """``x = x + attn(norm1(x))``, then ``x + mlp(norm2(x))``.

    In training a backend may run a branch as one, if it is made of the usual layers.

    Parameters
    ----------
    norm1, attn, norm2, mlp : Layer
        Each keeps the shape; they are the block's parts, by these names.
    """

    def __init__(self, norm1: Layer, attn: Layer, norm2: Layer, mlp: Layer) -> None:
        super().__init__()
        self.parts = {"norm1": norm1, "attn": attn, "norm2": norm2, "mlp": mlp}
        self._branches = (
            (norm1, attn, JoinedAttention.of(norm1, attn)), (norm2, mlp, JoinedMlp.of(norm2, mlp))
        )  # fmt: skip

    def forward(self, x: NDArray[Any], training: bool = False) -> NDArray[Any]:  # noqa: D102
        kept: list[Any] = []
        for norm, branch, joined in self._branches:
            if training and joined is not None and joined.suits(x):
                x, one = joined.forward(x)
                kept.append(one)
            else:
                x = _sum(x, branch.forward(norm.forward(x, training), training))
                kept.append(None)
        self.keep(training, *kept)
        return x

    def backward(self, grad: NDArray[Any]) -> NDArray[Any]:  # noqa: D102
        kept = [*self.recall()]
        for norm, branch, joined in reversed(self._branches):
            one = kept.pop()
            if joined is not None and one is not None:
                grad = joined.backward(grad, one)
            else:
                grad = _sum(grad, norm.backward(branch.backward(grad)))
        return grad

    def forward_tangent(self, x_dot: NDArray[Any] | None) -> NDArray[Any] | None:  # noqa: D102
        for norm, branch, _ in self._branches:
            x_dot = added(x_dot, branch.forward_tangent(norm.forward_tangent(x_dot)))
        return x_dot

    def backward_tangent(self, grad_dot: NDArray[Any]) -> NDArray[Any]:  # noqa: D102
        for norm, branch, _ in reversed(self._branches):
            grad_dot = grad_dot + norm.backward_tangent(branch.backward_tangent(grad_dot))
        return grad_dot


def _sum(a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    return np.add(a, b, out=empty(a.shape, a.dtype))
