"""Checks of the arguments of operations on images that are no convolution [S11.1]."""

from __future__ import annotations

from msq_ref.checks.arguments import layer_arrays
from msq_ref.checks.arrays import FloatArray, same_shape
from msq_ref.checks.scalars import integer

__all__ = [
    "alike_images",
    "excitation_gradients",
    "gate_arguments",
    "pad_arguments",
    "padding_sides",
]

Sides = tuple[tuple[int, int], tuple[int, int]]


def gate_arguments(x: object, factors: object) -> tuple[FloatArray, FloatArray]:
    """Return images, NHWC, and one factor per image and channel."""
    images, values = layer_arrays(x=x, factors=factors)
    _four_axes(images)
    same_shape("factors", values.shape, (images.shape[0], images.shape[3]))
    return images, values


def alike_images(x: object, grad_y: object) -> tuple[FloatArray, FloatArray]:
    """Return images, NHWC, and a gradient of their shape and dtype."""
    images, grad = layer_arrays(x=x, grad_y=grad_y)
    _four_axes(images)
    same_shape("grad_y", grad.shape, images.shape)
    return images, grad


def excitation_gradients(
    grad_y: object, factors: object, grad_means: object
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return a gradient of images, NHWC, and two arrays of one value per image and channel."""
    grad, values, means = layer_arrays(grad_y=grad_y, factors=factors, grad_means=grad_means)
    if values.ndim != 2:
        raise ValueError(f"factors has shape {values.shape}: expected (batch, channels)")
    same_shape("grad_means", means.shape, values.shape)
    batch, channels = values.shape
    if grad.ndim != 4 or grad.shape[::3] != values.shape or 0 in grad.shape[1:3]:
        raise ValueError(
            f"grad_y has shape {grad.shape}: expected ({batch}, height, width, {channels}), "
            "at least one position"
        )
    return grad, values, means


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
