"""Checks of the arguments of layer normalization and attention [S11.1]."""

from __future__ import annotations

from msq_ref.checks.arguments import layer_arrays, strided_arrays
from msq_ref.checks.arrays import FloatArray, same_dtype, same_shape
from msq_ref.checks.scalars import real

__all__ = ["attention_arrays", "attention_offsets", "feature_arrays"]


def feature_arrays(
    eps: object, x: object, *, like_x: dict[str, object], **features: object
) -> tuple[float, list[FloatArray]]:
    """Return eps, and the arrays of a layer normalization: `x`, those like it, then vectors.

    Parameters
    ----------
    eps : float
        Not negative.
    x : ndarray, (..., features)
    like_x : dict of str to ndarray
        Of the shape of `x`.
    features
        Of shape (features,).

    Raises
    ------
    TypeError, ValueError
        If dtypes differ or are not float, or shapes do not fit; `x` has no features.
    """
    values, *others = layer_arrays(x=x, **like_x, **features)
    if not values.ndim or not values.shape[-1]:
        raise ValueError(f"x has shape {values.shape}: expected (..., features), at least one")
    for index, name in enumerate([*like_x, *features]):
        shape = values.shape if name in like_x else values.shape[-1:]
        same_shape(name, others[index].shape, shape)
    return real("eps", eps, 0), [values, *others]


def attention_arrays(
    scale: object, *, probabilities: dict[str, object] | None = None, strided: bool = False,
    **arrays: object,
) -> tuple[float, list[FloatArray]]:  # fmt: skip
    """Return the scale, and the arrays of an attention, the probabilities last.

    Parameters
    ----------
    scale : float
        Any finite number.
    probabilities : dict of str to ndarray, optional
        One value per query and key, (batch, heads, tokens, tokens).
    strided : bool
        Whether arrays may stay as they lie in memory, if only their last axis lies in one piece.
    arrays
        All of one shape, (batch, heads, tokens, features), and one dtype.

    Raises
    ------
    TypeError, ValueError
        If dtypes differ or are not float, or shapes do not fit; there are no tokens.
    """
    pairs = probabilities or {}
    plain = strided_arrays if strided else layer_arrays
    first, *others = plain(**arrays, **pairs)
    name, *names = arrays
    if first.ndim != 4 or not first.shape[2]:
        raise ValueError(
            f"{name} has shape {first.shape}: expected (batch, heads, tokens, features), "
            "at least one token"
        )
    square = (*first.shape[:3], first.shape[2])
    for index, other in enumerate([*names, *pairs]):
        same_shape(other, others[index].shape, square if other in pairs else first.shape)
    return real("scale", scale), [first, *others]


def attention_offsets(
    q: FloatArray, bias: object | None, mask: object | None
) -> tuple[FloatArray | None, FloatArray | None]:
    """Return what is added to the scores: (heads, tokens, tokens), (windows, tokens, tokens).

    Raises
    ------
    TypeError, ValueError
        If a dtype is not that of `q`, a shape does not fit, or the batch is no multiple of the
        windows.
    """
    batch, heads, tokens, _ = q.shape
    found: list[FloatArray | None] = []
    for name, value, count in (("bias", bias, heads), ("mask", mask, None)):
        if value is None:
            found.append(None)
            continue
        (array,) = layer_arrays(**{name: value})
        same_dtype(name, array.dtype, q.dtype)
        first = count if count is not None else (array.shape or (0,))[0]
        same_shape(name, array.shape, (first, tokens, tokens))
        found.append(array)
    masks = found[1]
    if masks is not None and (not len(masks) or batch % len(masks)):
        raise ValueError(
            f"mask has shape {masks.shape}: expected a number of windows that divides the "
            f"batch of {batch}"
        )
    return found[0], masks
