"""Arrays of equal area: the same design with as many columns and rows as an area holds."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import ValidationError

from hwsim.accelerator import Accelerator
from hwsim.area import area_of
from hwsim.array import LARGEST_SIDE, Array

__all__ = ["parallel_rival", "scaled_to"]


def scaled_to(accelerator: Accelerator, gate_equivalents: float) -> Accelerator:
    """Return a design whose array is as large as an area allows; lanes and buffers stay.

    First as many columns as fit with the rows there are, or one if none does; then as many rows as
    fit with those columns.

    Parameters
    ----------
    accelerator : Accelerator
    gate_equivalents : float
        For the array, without the buffers.

    Raises
    ------
    ValueError
        If not even one row of one column fits, or the array needs more than what does.
    """

    def sized(rows: int, cols: int) -> Accelerator:
        array = accelerator.array.model_copy(update={"rows": rows, "cols": cols})
        return accelerator.model_copy(update={"array": array})

    def fits(rows: int, cols: int) -> bool:
        return area_of(sized(rows, cols)).array <= gate_equivalents

    if not fits(1, 1):
        raise ValueError(
            f"{accelerator.name}: one row of one column has {area_of(sized(1, 1)).array:,.0f} gate "
            f"equivalents: larger than the {gate_equivalents:,.0f} of the first design's array"
        )
    rows = accelerator.array.rows
    cols = _most(lambda cols: fits(rows, cols)) or 1
    rows = _most(lambda rows: fits(rows, cols))
    if (rows, cols) == (accelerator.array.rows, accelerator.array.cols):
        return accelerator
    scaled = sized(rows, cols)
    try:  # a copy is not validated, and some arrays need more than one element
        type(scaled.array).model_validate(scaled.array.model_dump())
    except ValidationError as error:
        raise ValueError(
            f"{accelerator.name}: {rows} x {cols}: {error.errors()[0]['msg']}"
        ) from None
    text = f"{accelerator.description}; scaled to {rows} rows x {cols} columns by area"
    return scaled.model_copy(update={"description": text})


def parallel_rival(accelerator: Accelerator) -> Accelerator:
    """Return a bit-parallel design of the same area, with the same lanes, buffers and memory.

    Its elements multiply whole operands, of the widths that the array is built for, a step a cycle.

    Raises
    ------
    ValueError
        If the array is bit-parallel already, or smaller than a single multiplier.
    """
    array = accelerator.array
    if not isinstance(array, Array) or array.serial == "none":
        raise ValueError(f"{accelerator.name}@parallel: {accelerator.name} is bit-parallel already")
    widths = accelerator.widths
    rival = accelerator.model_copy(
        update={
            "name": f"{accelerator.name}@parallel",
            "description": f"bit-parallel, {widths.weight_bits} x {widths.input_bits} bits, as "
            f"large as {accelerator.name}",
            "array": array.model_copy(update={"serial": "none", "skip": "none"}),
        }
    )
    return scaled_to(rival, area_of(accelerator).array)


def _most(fits: Callable[[int], bool]) -> int:
    """Return the largest number up to `LARGEST_SIDE` that fits, 0 if none does."""
    low, high = 0, LARGEST_SIDE + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low
