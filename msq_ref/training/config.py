"""Everything needed to repeat a run, as one validated, frozen object."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import tomli_w
from pydantic import Field

from msq_ref.methods.config import DoReFaConfig, MSQConfig
from msq_ref.settings import Settings, parse_settings

__all__ = ["FORMAT", "IntegerConfig", "RunConfig", "TrainingConfig", "parse_config"]

FORMAT = 1
"""Version of the run folder; a folder with a higher one is from a newer program."""


class TrainingConfig(Settings):
    """Settings of the training loop."""

    epochs: int = Field(default=60, ge=1, le=100_000)
    batch_size: int = Field(default=64, ge=2)
    learning_rate: float = Field(default=0.05, gt=0)
    """At the start; it falls to 0 along a cosine."""
    momentum: float = Field(default=0.9, ge=0, lt=1)
    weight_decay: float = Field(default=1e-4, ge=0)


class IntegerConfig(Settings):
    """Settings of integer inference."""

    activation_bits: int = Field(default=8, ge=2, le=16)
    """Width of activations [S8.1]."""
    percentile: float = Field(default=100.0, gt=0, le=100)
    """Of the activations seen in calibration that a code can hold; 100: the maximum."""


class RunConfig(Settings):
    """A run: what is trained, on what, how, from which seed."""

    format: int = Field(default=FORMAT, ge=1)
    model: str = "digits-cnn"
    data: str = "digits"
    method: Literal["float", "dorefa", "msq"] = "msq"
    seed: int = Field(default=0, ge=0, lt=2**63)
    training: TrainingConfig = TrainingConfig()
    msq: MSQConfig = MSQConfig()
    dorefa: DoReFaConfig = DoReFaConfig()
    integer: IntegerConfig = IntegerConfig()

    def to_toml(self) -> str:
        """Return the TOML text that gives this object back."""
        return tomli_w.dumps(self.model_dump(mode="json", by_alias=True, exclude_none=True))


def parse_config(values: Mapping[str, Any], source: str) -> RunConfig:
    """Make a run's settings of plain values.

    Raises
    ------
    ValueError
        As `parse_settings`; also if the run folder is from a newer program.
    """
    version = values.get("format", FORMAT)
    if isinstance(version, int) and version > FORMAT:
        raise ValueError(
            f"{source}: format = {version} is newer than this program's {FORMAT}; upgrade msq-ref"
        )
    return parse_settings(RunConfig, values, source)
