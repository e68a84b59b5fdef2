"""Cycles, memory and energy of a bit-serial edge accelerator, and its outputs to the bit [S10].

``simulate`` counts in closed form; ``hwsim.engine`` steps the same machine cycle by cycle and
computes the real outputs; ``hwsim.check`` compares the two. ``docs/hwsim.md`` says what is exact.
"""

from hwsim.accelerator import Accelerator, accelerator_names, load_accelerator
from hwsim.compression import allocate, compression_of
from hwsim.layer import Layer
from hwsim.load import load_workload
from hwsim.networks import network_names, network_workload
from hwsim.report import LayerReport, Report, Totals, simulate
from hwsim.run_folder import workload_from_run, workload_of
from hwsim.topology import topology_workload
from hwsim.vector_layer import VectorLayer
from hwsim.workload import LeftOut, Workload

__all__ = [
    "Accelerator",
    "Layer",
    "LayerReport",
    "LeftOut",
    "Report",
    "Totals",
    "VectorLayer",
    "Workload",
    "accelerator_names",
    "allocate",
    "compression_of",
    "load_accelerator",
    "load_workload",
    "network_names",
    "network_workload",
    "simulate",
    "topology_workload",
    "workload_from_run",
    "workload_of",
]
