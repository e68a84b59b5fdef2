"""The kinds of arrays: bit-serial, bit-parallel, systolic, and Bit Fusion's.

Every kind counts the cycles of a tile with the same few integers, `hwsim.passes.Passes`, so that
one formula serves NumPy arrays of tiles and, compiled, the search for the best tiling.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from hwsim.layer import Layer
from hwsim.passes import (
    BY_OUTPUTS_AND_POSITIONS,
    BY_TERMS_AND_OUTPUTS,
    BY_TERMS_AND_POSITIONS,
    Passes,
    tile_formula,
)
from msq_ref.formats import Settings

__all__ = [
    "LARGEST_SIDE",
    "AnArray",
    "AnyArray",
    "Array",
    "FusionArray",
    "SystolicArray",
    "array_parameters",
    "range_units",
    "tile_cycles",
]

_SERIAL_OPERANDS = {
    "weight": ("weight",), "activation": ("activation",), "both": ("weight", "activation"),
    "none": (),
}  # fmt: skip
_SKIPPED_OPERANDS = {
    "none": (), "weight-planes": ("weight",), "activation-bits": ("activation",),
    "both": ("weight", "activation"),
}  # fmt: skip


LARGEST_SIDE = 4096
"""Of rows, columns and lanes."""


class Array(Settings):
    """A bit-serial array, or a bit-parallel one of the same shape [S10.1].

    Raises
    ------
    ValueError
        If a size is out of range, naming it; if planes are to be skipped of an operand that does
        not come bit by bit.
    """

    kind: Literal["serial"] = "serial"
    rows: int = Field(ge=1, le=LARGEST_SIDE)
    """Output channels at a time."""
    cols: int = Field(ge=1, le=LARGEST_SIDE)
    """Output positions at a time."""
    lanes: int = Field(ge=1, le=LARGEST_SIDE)
    """Terms of the reduction that a processing element adds in a cycle."""
    drain: int = Field(default=1, ge=0, le=4096)
    """Cycles in which a finished pass leaves the array."""
    fill: int = Field(default=0, ge=0, le=4096)
    """Cycles until a pass's first operands have reached the array."""
    tile_switch: int = Field(default=0, ge=0, le=65536)
    """Cycles between two tiles."""
    serial: Literal["weight", "activation", "both", "none"] = "weight"
    """The operand that comes bit by bit; with `none` a step takes one cycle at any width."""
    taps: Literal["flat", "by-tap"] = "flat"
    """Whether a step's terms may be of several pixels of a window, or are channels of one."""
    skip: Literal["none", "weight-planes", "activation-bits", "both"] = "none"
    """Bit planes of a step that take no cycle where they are zero; each operand keeps one."""
    skip_by: Literal["array", "line"] = "array"
    """Zero in all rows (columns, of activations) of a step; or in a row (column), which then waits
    for the others."""

    @model_validator(mode="after")
    def _skips_what_is_serial(self) -> Array:
        for operand in _SKIPPED_OPERANDS[self.skip]:
            if operand not in _SERIAL_OPERANDS[self.serial]:
                raise ValueError(
                    f"skip = {self.skip!r}: expected serial = '{operand}' or 'both', not "
                    f"{self.serial!r}: only planes that come one by one can be skipped"
                )
        return self

    def is_serial(self, operand: Literal["weight", "activation"]) -> bool:
        """Whether an operand comes bit by bit."""
        return operand in _SERIAL_OPERANDS[self.serial]

    def skips(self, operand: Literal["weight", "activation"]) -> bool:
        """Whether zero planes of an operand are skipped."""
        return operand in _SKIPPED_OPERANDS[self.skip]

    def serial_bits(self, bits: int, in_bits: int) -> int:
        """Return the cycles of a step for weights and activations of these widths [S10.1]."""
        return {"weight": bits, "activation": in_bits, "both": bits * in_bits, "none": 1}[
            self.serial
        ]

    def passes(self, layer: Layer) -> Passes:
        """Return how a layer passes through, no plane skipped."""
        return Passes(
            BY_OUTPUTS_AND_POSITIONS, self.rows, self.cols, self.lanes, layer.taps,
            int(self.taps == "by-tap"), self.serial_bits(layer.bits, layer.in_bits),
            self.drain + self.fill, self.tile_switch, self.rows * self.cols * self.lanes,
        )  # fmt: skip


class SystolicArray(Settings):
    """A systolic array of multipliers, as SCALE-Sim counts it: see `hwsim.peers.systolic`.

    A fold takes its terms and ``rows + cols - 2`` cycles, and ``rows`` more where an operand has to
    be loaded first. The first cycle of a tile, in which the first operands enter, is number 0.

    Raises
    ------
    ValueError
        If a size is out of range, naming it.
    """

    kind: Literal["systolic"]
    rows: int = Field(ge=1, le=LARGEST_SIDE)
    cols: int = Field(ge=1, le=LARGEST_SIDE)
    dataflow: Literal["os", "ws", "is"]
    """What stays in place: outputs, weights or inputs."""
    tile_switch: int = Field(default=0, ge=0, le=65536)
    """Cycles between two tiles."""

    @model_validator(mode="after")
    def _has_two_elements(self) -> SystolicArray:
        if self.rows * self.cols < 2:
            raise ValueError("rows x cols = 1 x 1: expected at least 2 elements")
        return self

    def passes(self, layer: Layer) -> Passes:
        """Return how a layer passes through."""
        rows, cols = self.rows, self.cols
        mode, m_side, p_side, lanes = {
            "os": (BY_OUTPUTS_AND_POSITIONS, cols, rows, 1),
            "ws": (BY_TERMS_AND_OUTPUTS, cols, 1, rows),
            "is": (BY_TERMS_AND_POSITIONS, 1, cols, rows),
        }[self.dataflow]
        load = 0 if self.dataflow == "os" else rows
        return Passes(
            mode, m_side, p_side, lanes, layer.taps, 0, 1, load + rows + cols - 2,
            self.tile_switch - 1, rows * cols,
        )  # fmt: skip


class FusionArray(Settings):
    """Bit Fusion's array: multipliers that split into several narrower ones.

    Raises
    ------
    ValueError
        If a size is out of range, naming it; if `least_bits` is larger than `most_bits`.
    """

    kind: Literal["fusion"]
    rows: int = Field(ge=1, le=LARGEST_SIDE)
    """Inputs at a time, before splitting."""
    cols: int = Field(ge=1, le=LARGEST_SIDE)
    """Outputs at a time."""
    most_bits: int = Field(default=8, ge=1, le=16)
    least_bits: int = Field(default=2, ge=1, le=16)
    """Widths between which an operand runs."""
    drain: int = Field(default=0, ge=0, le=4096)
    fill: int = Field(default=0, ge=0, le=4096)
    tile_switch: int = Field(default=0, ge=0, le=65536)
    taps: Literal["flat", "by-tap"] = "by-tap"
    """As in `Array`, each."""

    @model_validator(mode="after")
    def _splits(self) -> FusionArray:
        if self.least_bits > self.most_bits:
            raise ValueError(
                f"least_bits = {self.least_bits}: expected at most most_bits = {self.most_bits}"
            )
        return self

    def lanes(self, layer: Layer) -> int:
        """Return how many terms of a layer the rows take at a time.

        Raises
        ------
        ValueError
            If an operand is wider than the array's multipliers.
        """
        lanes = self.rows
        for name in ("in_bits", "bits"):
            width = getattr(layer, name)
            if width > self.most_bits:
                raise ValueError(
                    f"layer {layer.name}: {name} = {width}: expected at most array.most_bits = "
                    f"{self.most_bits}"
                )
            lanes *= self.most_bits // max(width, self.least_bits)
        return lanes

    def passes(self, layer: Layer) -> Passes:
        """Return how a layer passes through: see `hwsim.peers.bitfusion`; errors as `lanes`."""
        lanes = self.lanes(layer)
        return Passes(
            BY_OUTPUTS_AND_POSITIONS, self.cols, 1, lanes, layer.taps,
            int(self.taps == "by-tap"), 1, self.drain + self.fill, self.tile_switch,
            self.cols * lanes,
        )  # fmt: skip


def _kind(value: Any) -> str:  # noqa: ANN401
    known = value if isinstance(value, dict) else vars(value) if isinstance(value, Settings) else {}
    kind = known.get("kind", "serial")
    return str(kind)


AnArray = Array | SystolicArray | FusionArray
"""One of the kinds of arrays."""

AnyArray = Annotated[
    Annotated[Array, Tag("serial")]
    | Annotated[SystolicArray, Tag("systolic")]
    | Annotated[FusionArray, Tag("fusion")],
    Discriminator(_kind),
]
"""Told apart by `kind`, which is "serial" where none is given."""


def array_parameters(array: AnArray, layer: Layer) -> tuple[int, ...]:
    """Return what `tile_formula` takes for a layer on an array: the integers of its `Passes`."""
    return tuple(array.passes(layer))


def tile_cycles(array: AnArray, layer: Layer, m: Any, p: Any, c: Any) -> Any:  # noqa: ANN401
    """Return the compute cycles of tiles of a layer, no plane skipped; see `tile_formula`."""
    return tile_formula(array_parameters(array, layer), m, p, c)


def range_units(array: AnArray, layer: Layer) -> tuple[int, int, int]:
    """Return what a tile's outputs, positions and channels are multiples of, if not all.

    So no cut adds a pass or a step: channels come in as few as fill whole steps.
    """
    passes = array.passes(layer)
    whole = 1 if passes.by_tap else math.gcd(passes.lanes, passes.taps)
    return passes.m_side, passes.p_side, min(passes.lanes // whole, layer.group_channels)
