"""Places of the fields of `Counts` in the counters of compiled code."""

from __future__ import annotations

(
    COMPUTE, STALL, WAIT_W, WAIT_I, WAIT_S, WAIT_O, WAIT_LATENCY, WAIT_ROW,
    DRAM_W, DRAM_I, DRAM_O, DRAM_S,
    W_READ, W_WRITTEN, I_READ, I_WRITTEN, O_READ, O_WRITTEN, S_READ, S_WRITTEN,
    LANE, ACCUMULATE, IDLE,
) = range(23)  # fmt: skip
"""W are weights, I inputs, O outputs, S partial sums."""

PLACES = 23
"""How many there are."""
