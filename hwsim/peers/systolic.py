"""SCALE-Sim: systolic arrays, output-, weight- and input-stationary."""

from __future__ import annotations

from hwsim.peers.shape import LayerShape
from hwsim.rounding import ceil_div
from msq_ref.formats import known_name

__all__ = ["DATAFLOWS", "systolic_cycles"]

DATAFLOWS = ("os", "ws", "is")
"""Output-, weight- and input-stationary."""


def systolic_cycles(shape: LayerShape, rows: int, cols: int, dataflow: str) -> int:
    """Return the compute cycles of a layer on a systolic array of `rows` x `cols`.

    Two of the layer's three sizes lie along the sides of the array and are cut into folds, the
    third goes by; a fold adds the cycles of filling and draining. Output-stationary:
    ``ceil(P/R) ceil(M/C) (K + R + C - 2) - 1``; weight-stationary: ``ceil(K/R) ceil(M/C)
    (P + 2R + C - 2) - 1``; input-stationary: ``ceil(K/R) ceil(P/C) (M + 2R + C - 2) - 1``.

    Parameters
    ----------
    shape : LayerShape
        Its groups run one after another, as layers of their own.
    rows, cols : int
    dataflow : {"os", "ws", "is"}

    Returns
    -------
    int
        SCALE-Sim's total cycles less its stall cycles.

    Raises
    ------
    ValueError
        If the dataflow is unknown.

    Notes
    -----
    A. Samajdar et al., "A systematic methodology for characterizing scalability of DNN
    accelerators using SCALE-Sim", ISPASS 2020; exact sizes of a fold as in
    version 3 of the program.
    """
    known_name("dataflow", dataflow, DATAFLOWS)
    K, M, P = shape.K, shape.M, shape.P
    down, across, by = {"os": (P, M, K), "ws": (K, M, P), "is": (K, P, M)}[dataflow]
    load = 0 if dataflow == "os" else rows  # the stationary operand goes in first
    fold = load + by + rows + cols - 2
    return shape.groups * (ceil_div(down, rows) * ceil_div(across, cols) * fold - 1)
