"""A bit-serial accelerator: array, buffers, DRAM, energy table; presets are TOML files."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from hwsim.array import AnyArray, Array
from hwsim.energy_table import HOROWITZ, EnergyTable
from hwsim.units import refuse_other_units
from hwsim.widths import Widths
from msq_ref.formats import Settings, known_name, parse_settings, read_toml

__all__ = [
    "Accelerator",
    "Array",
    "Buffers",
    "Dram",
    "Vector",
    "accelerator_names",
    "checked",
    "load_accelerator",
]

_PRESETS = Path(__file__).parent / "presets"


class Buffers(Settings):
    """On-chip memories, one for each kind of tensor."""

    weight_bytes: int = Field(ge=1)
    input_bytes: int = Field(ge=1)
    output_bytes: int = Field(ge=1)
    double_buffered: bool = True
    """Half of each buffer computes while the other half is filled or emptied."""
    ports: Literal[1, 2] = 2
    """2: array and DRAM use a buffer at once. 1: in turn; the array waits while words move."""

    @property
    def parts(self) -> int:
        """Number of tiles that share a buffer."""
        return 2 if self.double_buffered else 1

    @property
    def rooms(self) -> tuple[int, int, int]:
        """Bytes that a tile may have of the weight, the input and the output buffer."""
        return (
            self.weight_bytes // self.parts, self.input_bytes // self.parts,
            self.output_bytes // self.parts,
        )  # fmt: skip


class Dram(Settings):
    """The channel to memory."""

    bits_per_cycle: int = Field(ge=1)
    """Moved in a cycle of the array's clock, in one direction."""
    burst_bytes: int = Field(default=1, ge=1, le=65536)
    """Each stream is rounded up to a multiple of it."""
    latency_cycles: int = Field(default=0, ge=0, le=10**6)
    """From the request for a stream to its first word."""
    row_bytes: int = Field(default=0, ge=0)
    """Of an open row; a stream is packed into as few rows as can be. 0: rows are not counted."""
    row_miss_cycles: int = Field(default=0, ge=0, le=10**6)
    """Lost on each row that a stream touches."""

    @field_validator("bits_per_cycle", mode="before")
    @classmethod
    def _no_bandwidth(cls, value: object) -> object:
        """Tell a bandwidth from whole bits."""
        if isinstance(value, float):
            raise PydanticCustomError(
                "int_type",
                "Input should be a valid integer, the bits of a cycle; --set dram.gb_per_s={value} "
                "says how many a bandwidth in GB/s is",
                {"value": value},
            )
        return value


class Vector(Settings):
    """A unit for what has no weights: pooling, additions, softmax; see `hwsim.vector`."""

    lanes: int = Field(ge=1, le=65536)
    """Operations a cycle."""
    activation_bytes: int = Field(default=0, ge=0)
    """Memory in which operands stay on the chip until the unit needs them."""


class Accelerator(Settings):
    """Everything that decides cycles, traffic and energy."""

    name: str = Field(min_length=1)
    description: str
    """In a line: what it is."""
    frequency_mhz: float = Field(gt=0)
    """Of the array's clock, in MHz."""
    array: AnyArray
    """By its ``kind``: serial or bit-parallel, systolic, fusion."""
    buffers: Buffers
    """On the chip."""
    dram: Dram
    """The channel to it."""
    widths: Widths = Widths()
    """What it takes in parallel."""
    vector: Vector | None = None
    """Without one, what has no weights is not counted."""
    energy: EnergyTable = HOROWITZ
    """In pJ an event."""

    @property
    def memory_bytes(self) -> int:
        """Bytes of all on-chip memories, that of the vector unit included."""
        of_array = self.buffers.weight_bytes + self.buffers.input_bytes + self.buffers.output_bytes
        return of_array + (0 if self.vector is None else self.vector.activation_bytes)


def accelerator_names() -> list[str]:
    """Return the names of the presets."""
    return sorted(entry.stem for entry in _PRESETS.glob("*.toml"))


def load_accelerator(name_or_path: str | Path) -> Accelerator:
    """Read a preset by its name, or a TOML file of the same form by its path.

    Parameters
    ----------
    name_or_path : str or Path
        A path ends in ``.toml`` or contains a separator; anything else is a name.

    Raises
    ------
    ValueError
        In one line: an unknown name with the nearest one and all of them; a file that cannot be
        read; a wrong key or value, or one of another unit, with what it would be in ours; a buffer
        larger than the energy table knows.
    """
    text = str(name_or_path)
    if isinstance(name_or_path, Path) or text.endswith(".toml") or Path(text).name != text:
        path = Path(name_or_path)
    else:
        path = _PRESETS / f"{known_name('accelerator', text, accelerator_names())}.toml"
    values = read_toml(path)
    groups: dict[str, type[Settings]] = {
        "": Accelerator, "buffers": Buffers, "dram": Dram, "energy": EnergyTable,
    }  # fmt: skip
    refuse_other_units(values, groups, str(path))
    return checked(parse_settings(Accelerator, values, str(path)), str(path))


def checked(accelerator: Accelerator, source: str) -> Accelerator:
    """Return an accelerator whose energy table knows its memories.

    Raises
    ------
    ValueError
        In one line, naming the source, if one of them is larger than the table's largest.
    """
    memories = {
        f"buffers.{kind}_bytes": getattr(accelerator.buffers, f"{kind}_bytes")
        for kind in ("weight", "input", "output")
    }
    if accelerator.vector is not None:
        memories["vector.activation_bytes"] = accelerator.vector.activation_bytes
    for key, capacity in memories.items():
        try:
            accelerator.energy.memory_pj_per_bit(key, capacity)
        except ValueError as error:
            raise ValueError(f"{source}: {error}") from None
    return accelerator
