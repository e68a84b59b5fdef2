"""How much memory training steps of ResNet-20 take, ours and PyTorch's, each in its own process."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

from threadpoolctl import threadpool_limits

from benchmarks import resnet20_step
from benchmarks.measure import Row, better, row
from benchmarks.steps import batch_of, noted, step_of
from msq_ref.kernels.threads import use_threads
from msq_ref.memory import Pool, use_pool
from msq_ref.training.memory import peak_resident_bytes, reset_peak, resident_bytes

__all__ = ["grown", "run"]

STEPS = 5
MOST_ROUNDS = 3
"""Memory does not depend on who else computes."""

PEERS = "PyTorch, NHWC", "PyTorch, NCHW"


def run(rounds: int, on_round: Callable[[], None]) -> list[Row]:
    """Compare peaks, in bytes: while steps 2 to 5 run, less what there was before the network.

    The limit is what a step cannot do without: the input of every layer with a weight or a
    normalization, which its gradient needs. Beside it: whole processes, libraries and all.
    """
    nbytes: dict[str, list[float]] = {}
    whole: dict[str, list[float]] = {}
    for _ in range(min(rounds, MOST_ROUNDS)):
        for name in ("ours", *PEERS):
            step, process = _process(name).split()
            nbytes.setdefault(name, []).append(float(step))
            whole.setdefault(f"{name}, process", []).append(float(process))
        on_round()
    peer = better(nbytes, *PEERS)
    limit = _least()
    return [
        row("memory", nbytes, "ours", peer, limit, unit="B"),
        row(
            "memory/process", whole, "ours, process", f"{peer}, process", limit, unit="B"
        ),
    ]


def grown(name: str, width: int, side: int, batch: int) -> tuple[int, int]:
    """Return the peak during steps 2 to 5: of what the network and its steps take, and of all.

    Sizes are those of `resnet20_step`.

    Raises
    ------
    RuntimeError
        If the operating system does not tell (only Linux does).
    """
    images, labels = batch_of(batch, (side, side, 3))
    if name != "ours":
        import torch

        from benchmarks.torch_steps import resnet20, torch_step

        torch.set_num_threads(2)
        layout = torch.channels_last if name == "PyTorch, NHWC" else torch.contiguous_format
        before = _loaded()
        return _peak(torch_step(resnet20(width, msq=True), images, labels, layout), before)
    before = _loaded()
    with threadpool_limits(1, user_api="blas"), use_threads(2), use_pool(Pool()):
        return _peak(step_of(resnet20_step.resnet20_trainer(width, side), images, labels), before)


def _loaded() -> int:
    before = resident_bytes()
    if before is None or not reset_peak():
        raise RuntimeError("the memory of steps is not known on this operating system")
    return before


def _peak(step: Callable[[], object], before: int) -> tuple[int, int]:
    step()
    reset_peak()
    for _ in range(STEPS - 1):
        step()
    peak = peak_resident_bytes() or 0
    return peak - before, peak


def _least() -> float:
    trainer = resnet20_step.resnet20_trainer()
    with noted(trainer.network, "forward") as seen:
        side = resnet20_step.SIDE
        images, _ = batch_of(resnet20_step.BATCH, (side, side, 3))
        trainer.network.forward(images, training=True)
    kept = [seen[name][0][0] for name, layer in trainer.network.operations.items()
            if layer.parameters]  # fmt: skip
    return float(sum(x.nbytes for x in kept))


def _process(name: str) -> str:
    sizes = resnet20_step.WIDTH, resnet20_step.SIDE, resnet20_step.BATCH
    code = f"from benchmarks.memory import grown; print(*grown({name!r}, *{sizes}))"
    return subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout
