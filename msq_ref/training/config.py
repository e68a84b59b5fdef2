"""Everything needed to repeat a run, as one validated, frozen object."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Any, Literal, Self

import tomli_w
from pydantic import BeforeValidator, Field, model_validator

from msq_ref.methods.config import DoReFaConfig, MSQConfig
from msq_ref.settings import Settings, parse_settings

__all__ = [
    "FORMAT",
    "AugmentationConfig",
    "IntegerConfig",
    "RunConfig",
    "TrainingConfig",
    "parse_config",
]

FORMAT = 1
"""Version of the run folder; a folder with a higher one is from a newer program."""


class AugmentationConfig(Settings):
    """What is done to training images, drawn anew each epoch; nothing by default."""

    pad: int = Field(default=0, ge=0, le=1024)
    """Zeros put on all sides before a crop of the image's size is taken at random."""
    flip: bool = False
    """Whether each image is mirrored left to right with probability 1/2."""


class TrainingConfig(Settings):
    """Settings of the training loop."""

    epochs: int = Field(default=60, ge=1, le=100_000)
    batch_size: int = Field(default=64, ge=2)
    """Images of a step of the optimizer."""
    micro_batch_size: int = Field(default=0, ge=0)
    """Images that go through the network at once, to save memory; their gradients are added to
    that of the batch. 0: the whole batch."""
    optimizer: Literal["sgd", "adamw"] = "sgd"
    """Momentum descent [S12.1] or AdamW [S12.2]."""
    learning_rate: float = Field(default=0.05, gt=0)
    """At the start, after any warm-up."""
    schedule: Literal["cosine", "step", "constant"] = "cosine"
    """How the rate falls: to 0 along a cosine, by `factor` at each milestone, not at all."""
    warmup_steps: int = Field(default=0, ge=0)
    """Steps of the optimizer over which the rate rises to `learning_rate` in equal parts."""
    milestones: Annotated[
        tuple[int, ...], BeforeValidator(lambda v: tuple(v) if isinstance(v, list) else v)
    ] = ()
    """Epochs at whose beginning the rate of ``schedule = "step"`` is multiplied by `factor`."""
    factor: float = Field(default=0.1, gt=0, le=1)
    momentum: float = Field(default=0.9, ge=0, lt=1)
    """Of momentum descent."""
    beta1: float = Field(default=0.9, ge=0, lt=1)
    """Of AdamW, as `beta2` and `eps` are."""
    beta2: float = Field(default=0.999, ge=0, lt=1)
    eps: float = Field(default=1e-8, gt=0)
    weight_decay: float = Field(default=1e-4, ge=0)
    decay_norms: bool = True
    """Whether the gains and shifts of normalization layers decay too."""
    decay_biases: bool = True
    """Whether biases decay too."""
    decay_embeddings: bool = False
    """Whether class tokens, positions and tables of position biases decay too; not in the
    published recipes of DeiT and Swin."""
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    """Share of the target that is spread evenly over all classes [S11.1]."""
    checkpoint_every: int = Field(default=0, ge=0)
    """Steps between checkpoints within an epoch; 0: only after each whole epoch."""
    augmentation: AugmentationConfig = AugmentationConfig()

    @model_validator(mode="after")
    def _milestones_rise(self) -> Self:
        if any(later <= earlier for earlier, later in pairwise((0, *self.milestones))):
            raise ValueError(f"milestones = {list(self.milestones)}: expected rising epochs from 1")
        if self.schedule == "step" and not self.milestones:
            raise ValueError('schedule = "step" needs milestones')
        return self


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
    sizes: dict[str, int | float | list[int]] = Field(default_factory=dict)
    """Sizes of the model, such as ``width``; images and classes follow from the data."""
    init: str = ""
    """A safetensors file with the first weights; empty: they are drawn from the seed."""
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
