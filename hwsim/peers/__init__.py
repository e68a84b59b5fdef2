"""Cycle formulas that others published, one small function each.

They say nothing of our machine: `hwsim.validate` holds them against the figures of their own
programs and papers, so that a comparison with them can be believed.
"""

from hwsim.peers.bismo import bismo_cycles, bismo_peak
from hwsim.peers.bitfusion import bitfusion_cycles, bitfusion_total
from hwsim.peers.bitsim import bitsim_cycles
from hwsim.peers.loom import dpnn_cycles, loom_cycles
from hwsim.peers.shape import LayerShape, shape_of
from hwsim.peers.stripes import dadiannao_cycles, stripes_cycles
from hwsim.peers.systolic import DATAFLOWS, systolic_cycles

__all__ = [
    "DATAFLOWS",
    "LayerShape",
    "bismo_cycles",
    "bismo_peak",
    "bitfusion_cycles",
    "bitfusion_total",
    "bitsim_cycles",
    "dadiannao_cycles",
    "dpnn_cycles",
    "loom_cycles",
    "shape_of",
    "stripes_cycles",
    "systolic_cycles",
]
