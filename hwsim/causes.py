"""Words for what cycles and energy go into: the same in all tables and plots."""

from __future__ import annotations

from hwsim.layer_report import STALLS, VECTOR_STALL

__all__ = ["CAUSES", "ENERGY_PARTS"]

CAUSES = {
    **{name: name.removeprefix("stall_").removesuffix("_cycles").replace("_", " ")
       for name in STALLS},
    VECTOR_STALL: "vector unit",
}  # fmt: skip
"""What is waited for, by the name of the count."""

ENERGY_PARTS = {
    "lanes": "lanes",
    "accumulators": "accumulators",
    "weight_buffer": "weight buffer",
    "input_buffer": "input buffer",
    "output_buffer": "output buffer",
    "dram": "DRAM",
    "leakage": "leakage",
    "vector": "vector unit",
}
"""Where energy goes, by the field of `Energy`."""
