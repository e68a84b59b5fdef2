"""Settings of the methods; they validate themselves and are frozen."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from msq_ref.settings import Settings

__all__ = ["DoReFaConfig", "MSQConfig"]


class MSQConfig(Settings):
    """Settings of MSQ; defaults are those of the demo, measured on digits."""

    domain: Literal["offset", "signed"] = "signed"
    """Weight domain [S1]."""
    lambda_: float = Field(default=3e-4, ge=0, alias="lambda")
    """Strength of the regularizer [S4.3]."""
    start_bits: int = Field(default=8, ge=2, le=16)
    """Width of every layer at the start [S6.1]."""
    n_min: int = Field(default=3, ge=1, le=16)
    """Least width. [S6.4] allows 1, signed 2; there two seeds in five lost a layer on digits."""
    target: float = Field(default=10.0, gt=0, allow_inf_nan=True)
    """Compression at which pruning ends; may be infinite [S6.2]."""
    interval: int = Field(default=2, ge=1)
    """Epochs between rounds of pruning [S6.1]."""
    prune_until: int = Field(default=40, ge=0)
    """Epoch from which bits are frozen even if the target is not reached; 0: from the start."""
    alpha: float = Field(default=0.3, ge=0, le=1)
    """Threshold of beta where n > 4 [S6.4]."""
    alpha_low: float = Field(default=0.2, ge=0, le=1)
    """Threshold of beta where n <= 4 [S6.4]."""
    hessian_images: int = Field(default=256, ge=1)
    """Images of the batch on which traces are estimated [S5.1]."""
    hessian_samples: int = Field(default=8, ge=2)
    """Rademacher vectors for a trace [S5.4]."""

    @model_validator(mode="after")
    def _signed_has_a_magnitude(self) -> Self:
        if self.domain == "signed" and self.n_min == 1:
            raise ValueError("the signed domain needs n_min >= 2: a sign and a magnitude bit")
        if self.n_min > self.start_bits:
            raise ValueError(f"n_min = {self.n_min} is above start_bits = {self.start_bits}")
        return self


class DoReFaConfig(Settings):
    """Settings of DoReFa."""

    bits: int = Field(default=4, ge=1, le=16)
    """Width of every layer [S7.1]."""
