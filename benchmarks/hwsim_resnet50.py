"""ResNet-50 in closed form on a simulated edge core, and a small network beside SCALE-Sim."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.measure import Row, interleave, row
from hwsim import load_accelerator, network_workload, simulate, topology_workload
from hwsim.analytic import closed_form
from hwsim.tiling import best_tiling, forget_tilings

__all__ = ["run"]

NETWORK = "resnet50"
ACCELERATOR = "edge-small"
LAYERS = ("a, 16, 16, 3, 3, 8, 32, 1", "b, 14, 14, 3, 3, 32, 32, 1", "c, 8, 8, 1, 1, 32, 64, 1")
"""A small network in SCALE-Sim's format."""

HEADER = (
    "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, "
    "Strides,"
)

CONFIG = """[general]
run_name = small
[architecture_presets]
ArrayHeight = {rows}
ArrayWidth = {cols}
IfmapSramSzkB = 64
FilterSramSzkB = 64
OfmapSramSzkB = 64
IfmapOffset = 0
FilterOffset = 10000000
OfmapOffset = 20000000
Dataflow = os
Bandwidth = 10
ReadRequestBuffer = 64
WriteRequestBuffer = 64
[layout]
IfmapCustomLayout = False
IfmapSRAMBankBandwidth = 10
IfmapSRAMBankNum = 10
IfmapSRAMBankPort = 2
FilterCustomLayout = False
FilterSRAMBankBandwidth = 10
FilterSRAMBankNum = 10
FilterSRAMBankPort = 2
[sparsity]
SparsitySupport = false
[run_presets]
InterfaceBandwidth = CALC
UseRamulatorTrace = False
"""

SCALESIM = """
import sys
import numpy as np
from scalesim.scale_sim import scalesim

def largest(*values):
    found = max(*values)
    return found.item() if isinstance(found, np.ndarray) and found.size == 1 else found

for name, module in list(sys.modules.items()):
    if name.startswith("scalesim.memory."):
        module.max = largest
scalesim(save_disk_space=True, verbose=False, config=sys.argv[1], topology=sys.argv[2],
         layout=sys.argv[3]).run_scale(top_path=sys.argv[4])
"""
"""Version 3 takes `int` of a largest array of one number, which NumPy refuses since 2.4."""


def run(rounds: int, on_round: Callable[[], None]) -> list[Row]:
    """Time all counts of a network, with the tilings known and searched for; limit: counts alone.

    SCALE-Sim, where the package `scalesim` is installed, is a process, its imports among the time.
    """
    workload, accelerator = network_workload(NETWORK), load_accelerator(ACCELERATOR)
    tilings = [(layer, best_tiling(layer, accelerator)) for layer in workload.layers]

    def cold() -> None:
        forget_tilings()
        simulate(workload, accelerator)

    seconds = interleave(
        {
            "tilings known": lambda: simulate(workload, accelerator),
            "tilings searched": cold,
            "counts alone": lambda: [closed_form(one, accelerator, cut) for one, cut in tilings],
        },
        rounds,
        on_round,
    )
    warm = row(
        "hwsim_resnet50", seconds, "tilings known", "tilings searched", "counts alone", threads=1,
        details={"a small network beside SCALE-Sim": [_beside_scalesim()]},
    )  # fmt: skip
    return [
        warm,
        row(
            "hwsim_resnet50/cold", seconds, "tilings searched", "tilings known", "counts alone",
            threads=1,
        ),
    ]  # fmt: skip


def _beside_scalesim() -> dict[str, Any]:
    """Return the seconds of both for a small network; why not, where SCALE-Sim is not installed."""
    if importlib.util.find_spec("scalesim") is None:
        return {"SCALE-Sim": "not installed: no ratio (pip install scalesim)"}
    accelerator = load_accelerator("systolic-os")
    with tempfile.TemporaryDirectory(prefix="hwsim-scalesim-") as folder:
        topology = Path(folder) / "small.csv"
        topology.write_text("\n".join([HEADER, *(f"{line}," for line in LAYERS)]) + "\n", "utf-8")
        config, layout = Path(folder) / "scale.cfg", Path(folder) / "layout.csv"
        array = accelerator.array
        config.write_text(CONFIG.format(rows=array.rows, cols=array.cols), "utf-8")
        layout.write_text("".join(f"{line.split(',')[0]}," + "1," * 20 + "\n" for line in
                                  ("Layer name", *LAYERS)), "utf-8")  # fmt: skip
        start = time.perf_counter()
        arguments = map(str, (config, topology, layout, folder))
        done = subprocess.run(
            [sys.executable, "-c", SCALESIM, *arguments], check=False, capture_output=True,
            text=True,
        )  # fmt: skip
        theirs = time.perf_counter() - start
        if done.returncode:
            reason = done.stderr.strip().rpartition("\n")[2]
            return {"SCALE-Sim": f"installed, but failed: no ratio ({reason})"}
        simulate(topology_workload(topology), accelerator)  # compiles
        forget_tilings()
        start = time.perf_counter()
        simulate(topology_workload(topology), accelerator)
        ours = time.perf_counter() - start
    return {"ours s": ours, "SCALE-Sim s": theirs, "times as fast": theirs / ours}
