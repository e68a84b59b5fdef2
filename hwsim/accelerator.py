"""A bit-serial accelerator: array, buffers, DRAM, energy table; presets are TOML files."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from hwsim.energy import HOROWITZ, EnergyTable
from msq_ref.formats import Settings, known_name, parse_settings, read_toml

__all__ = ["Accelerator", "Array", "Buffers", "Dram", "accelerator_names", "load_accelerator"]

_PRESETS = Path(__file__).parent / "presets"


class Array(Settings):
    """Processing elements, and what each does in a cycle [S10.1]."""

    rows: int = Field(ge=1, le=4096)
    """Output channels at a time."""
    cols: int = Field(ge=1, le=4096)
    """Output positions at a time."""
    lanes: int = Field(ge=1, le=4096)
    """Terms of the reduction that a processing element adds in a cycle."""
    drain: int = Field(default=1, ge=0, le=4096)
    """Cycles in which a finished pass leaves the array."""
    serial: Literal["weight"] = "weight"
    """The operand that comes bit by bit."""


class Buffers(Settings):
    """On-chip memories, one for each kind of tensor."""

    weight_bytes: int = Field(ge=1)
    input_bytes: int = Field(ge=1)
    output_bytes: int = Field(ge=1)
    double_buffered: bool = True
    """Half of each buffer computes while the other half is filled or emptied."""

    @property
    def parts(self) -> int:
        """Number of tiles that share a buffer."""
        return 2 if self.double_buffered else 1


class Dram(Settings):
    """The channel to memory."""

    bits_per_cycle: int = Field(ge=1)
    """Moved in a cycle of the array's clock, in one direction."""


class Accelerator(Settings):
    """Everything that decides cycles, traffic and energy."""

    name: str = Field(min_length=1)
    description: str
    frequency_mhz: float = Field(gt=0)
    array: Array
    buffers: Buffers
    dram: Dram
    energy: EnergyTable = HOROWITZ


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
        read; a wrong key or value; a buffer larger than the energy table knows.
    """
    text = str(name_or_path)
    if isinstance(name_or_path, Path) or text.endswith(".toml") or Path(text).name != text:
        path = Path(name_or_path)
    else:
        path = _PRESETS / f"{known_name('accelerator', text, accelerator_names())}.toml"
    accelerator = parse_settings(Accelerator, read_toml(path), str(path))
    for kind in ("weight", "input", "output"):
        capacity = getattr(accelerator.buffers, f"{kind}_bytes")
        try:
            accelerator.energy.buffer_pj_per_bit(kind, capacity)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None
    return accelerator
