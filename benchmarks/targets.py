"""What is aimed at, by case."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from benchmarks.measure import Row

__all__ = ["TARGETS", "Target", "judge"]


@dataclass(frozen=True)
class Target:
    """The most that a number of a `Row` should be."""

    most: float
    of: str = "ratio"


TARGETS = {
    "resnet20_step": Target(0.85),
    "small_cnn_step": Target(0.35),
    "mobilenetv3_step": Target(0.55),
    "vit_step": Target(0.55),
    "fused_quantizer": Target(1.05),
    "hessian": Target(2.0, "ratio_to_limit"),
    "hessian/first product": Target(3.0, "ratio_to_limit"),
    "hwsim_engine": Target(5.0, "ours_s"),
    "hwsim_resnet50": Target(0.005, "ours_s"),
    "hwsim_resnet50/cold": Target(0.3, "ours_s"),
    "startup": Target(0.15, "ours_s"),
    "startup/first step": Target(0.7, "ours_s"),
    "memory": Target(1.0),
    "int8_gemm": Target(0.95),
    "int8_gemm/with packing": Target(1.10),
    "bitserial_gemm": Target(1 / 0.95, "ratio_to_limit"),
}
"""Against the better peer, or against the limit: a gradient, or the peak of AND and popcount."""


def judge(row: Row) -> dict[str, Any]:
    """Return the target of a row and whether it was met; None where there is none."""
    target = TARGETS.get(row.case)
    if target is None:
        return {"target": None, "target_of": None, "met": None}
    met = bool(getattr(row, target.of) <= target.most)
    return {"target": target.most, "target_of": target.of, "met": met}
