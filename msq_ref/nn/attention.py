"""Multi-head self-attention between its two linear layers [S11.1]."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from msq_ref import checks
from msq_ref.memory import empty
from msq_ref.nn.layer import Layer

__all__ = ["SelfAttention", "WindowAttention"]


class SelfAttention(Layer):
    """Attention of every token to every token of its sequence, in several heads.

    Takes queries, keys and values side by side, (batch, tokens, 3 features), each with its heads
    one after another, to (batch, tokens, features): ``softmax(q k' / sqrt(d)) v`` a head, with
    ``d = features / heads``.

    Parameters
    ----------
    features, heads : int
        The heads divide the features.
    backend : module

    Raises
    ------
    ValueError
        If a size is not positive, or the heads do not divide the features.
    """

    def __init__(self, features: int, heads: int, *, backend: ModuleType) -> None:
        super().__init__(backend)
        self.features = checks.integer("features", features, 1)
        self.heads = checks.integer("heads", heads, 1)
        if self.features % self.heads:
            raise ValueError(f"heads = {heads}: expected a divisor of features = {features}")
        self.scale = float((self.features // self.heads) ** -0.5)

    def offsets(self) -> tuple[NDArray[Any] | None, NDArray[Any] | None]:
        """Return what is added to the scores: a bias per head and a mask per window, or None."""
        return None, None

    def forward(self, x: NDArray[Any], training: bool = False) -> NDArray[Any]:  # noqa: D102
        if x.ndim != 3 or x.shape[2] != 3 * self.features:
            raise ValueError(
                f"x has shape {x.shape}: expected (batch, tokens, {3 * self.features})"
            )
        q, k, v = self._split(x)
        y, p = self.backend.attention(q, k, v, self.scale, *self.offsets())
        # The probabilities, and q, k, v as views of the input, which nobody else keeps.
        self.keep(training, q, k, v, p)
        return _joined(y)

    def backward(self, grad: NDArray[Any]) -> NDArray[Any]:  # noqa: D102
        q, k, v, p = self.recall()
        grad_y = self._by_head(grad)
        *grads, grad_s = self.backend.attention_backward(grad_y, q, k, v, p, self.scale)
        self._grad = None if self._training else (grad_y, grad_s)
        self.take_bias_gradient(grad_s)
        return self._side_by_side(grads)

    def take_bias_gradient(self, grad_s: NDArray[Any]) -> None:
        """Take the gradient of the scores, (batch, heads, tokens, tokens), to the bias."""

    def forward_tangent(self, x_dot: NDArray[Any] | None) -> NDArray[Any] | None:  # noqa: D102
        q, k, v, p = self.inference()
        self._dots: Any = None
        if x_dot is None:
            return None
        dots = self._split(x_dot)
        y_dot, p_rel = self.backend.attention_tangent(*dots, q, k, v, p, self.scale)
        self._dots = *dots, p_rel
        return _joined(y_dot)

    def backward_tangent(self, grad_dot: NDArray[Any]) -> NDArray[Any]:  # noqa: D102
        q, k, v, p = self.inference()
        grad_y_dot = self._by_head(grad_dot)
        if self._dots is None:
            grads = self.backend.attention_backward(grad_y_dot, q, k, v, p, self.scale)[:3]
        else:
            grad_y, grad_s = self._grad
            grads = self.backend.attention_backward_tangent(
                grad_y, grad_y_dot, grad_s, q, k, v, p, *self._dots, self.scale
            )
        return self._side_by_side(grads)

    def _split(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return queries, keys and values, (3, batch, heads, tokens, features of a head)."""
        by_head = x.reshape(*x.shape[:2], 3, self.heads, self.features // self.heads)
        return by_head.transpose(2, 0, 3, 1, 4)

    def _by_head(self, y: NDArray[Any]) -> NDArray[Any]:
        by_head = y.reshape(*y.shape[:2], self.heads, self.features // self.heads)
        return by_head.swapaxes(1, 2)

    def _side_by_side(self, parts: Any) -> NDArray[Any]:  # noqa: ANN401
        batch, heads, tokens, size = parts[0].shape
        x = empty((batch, tokens, 3, heads, size), parts[0].dtype)
        for index, part in enumerate(parts):
            x[:, :, index] = part.swapaxes(1, 2)
        return x.reshape(batch, tokens, 3 * self.features)


class WindowAttention(SelfAttention):
    """Self-attention inside square windows, with a trained bias per relative position and head.

    Parameters
    ----------
    features, heads : int
        As in `SelfAttention`.
    window : int
        Side of a window; a sequence is a window's tokens, row by row. The parameter
        `relative_position_bias_table` is ((2 window - 1)^2, heads), rows in the order of the
        offset from key to query, vertical offset first, most negative first.
    mask : ndarray, (windows, window^2, window^2), optional
        Added to the scores of an image's windows, query by key.
    dtype : float32 or float64
    backend : module

    Raises
    ------
    TypeError, ValueError
        As `SelfAttention`; if `dtype` is another, or `window` is not positive.
    """

    def __init__(
        self,
        features: int,
        heads: int,
        window: int,
        *,
        mask: NDArray[Any] | None = None,
        dtype: DTypeLike,
        backend: ModuleType,
    ) -> None:
        super().__init__(features, heads, backend=backend)
        self.window = checks.integer("window", window, 1)
        kind = checks.float_dtype("dtype", dtype)
        self._mask = None if mask is None else mask.astype(kind)
        self._index = _relative_positions(window)
        table = np.zeros(((2 * window - 1) ** 2, self.heads), kind)
        self.parameters = {"relative_position_bias_table": table}

    def offsets(self) -> tuple[NDArray[Any] | None, NDArray[Any] | None]:
        """Return the bias that the table holds, and the mask."""
        table = self.parameters["relative_position_bias_table"]
        return table.T[:, self._index], self._mask

    def take_bias_gradient(self, grad_s: NDArray[Any]) -> None:
        """Add up the gradient of the scores by relative position."""
        table = self.parameters["relative_position_bias_table"]
        grad_table = np.zeros_like(table)
        np.add.at(grad_table, self._index, grad_s.sum(axis=0).transpose(1, 2, 0))
        self.gradients["relative_position_bias_table"] = grad_table


def _joined(y: NDArray[Any]) -> NDArray[Any]:
    """Put the heads of each token side by side again."""
    batch, heads, tokens, size = y.shape
    joined = empty((batch, tokens, heads, size), y.dtype)
    joined[...] = y.swapaxes(1, 2)
    return joined.reshape(batch, tokens, heads * size)


def _relative_positions(window: int) -> NDArray[np.int64]:
    """Return the row of the table for each query and key of a window."""
    row, column = np.divmod(np.arange(window * window), window)
    down, right = (at[:, None] - at[None, :] + window - 1 for at in (row, column))
    return np.asarray(down * (2 * window - 1) + right)
