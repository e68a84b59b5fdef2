"""Sweeps of the design space: one network on many designs, in processes or on a cluster.

``run_sweep`` runs what is still to run and adds it to a file, ``read_results`` gives the columns of
that file, and ``pareto_front`` says which designs no other one beats.
"""

from hwsim.sweep.config import Range, SweepConfig, parse_sweep, read_sweep
from hwsim.sweep.front import pareto_front
from hwsim.sweep.results import read_results
from hwsim.sweep.run import run_sweep

__all__ = [
    "Range",
    "SweepConfig",
    "pareto_front",
    "parse_sweep",
    "read_results",
    "read_sweep",
    "run_sweep",
]
