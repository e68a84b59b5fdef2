"""Checks of the arguments of operations on images that are no convolution [S11.1]."""

from __future__ import annotations

from msq_ref.checks.arguments import layer_arrays
from msq_ref.checks.arrays import FloatArray, same_shape
from msq_ref.checks.scalars import integer

__all__ = ["gate_arguments", "pad_arguments", "padding_sides"]

Sides = tuple[tuple[int, int], tuple[int, int]]


def gate_arguments(x: object, factors: object) -> tuple[FloatArray, FloatArray]:
    """Return images, NHWC, and one factor per image and channel."""
    images, values = layer_arrays(x=x, factors=factors)
    _four_axes(images)
    same_shape("factors", values.shape, (images.shape[0], images.shape[3]))
    return images, values


def pad_arguments(x: object, sides: object) -> tuple[FloatArray, Sides]:
    """Return images, NHWC, and the padding on their sides."""
    (images,) = layer_arrays(x=x)
    _four_axes(images)
    return images, padding_sides(sides)


def padding_sides(sides: object) -> Sides:
    """Return ((above, below), (left, right)), each an integer and not negative.

    Raises
    ------
    ValueError
        If it is anything else.
    """
    match sides:
        case ((above, below), (left, right)):
            return (
                (integer("sides", above, 0), integer("sides", below, 0)),
                (integer("sides", left, 0), integer("sides", right, 0)),
            )
    raise ValueError(f"sides = {sides!r}: expected ((above, below), (left, right))")


def _four_axes(x: FloatArray) -> None:
    if x.ndim != 4:
        raise ValueError(f"x has shape {x.shape}: expected (batch, height, width, channels)")
