"""How long until something happens: the import, and a process up to its first training step."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable

from benchmarks.measure import Row, interleave, row

__all__ = ["run"]

OUR_STEP = """
import numpy as np
from msq_ref import kernels, models
from msq_ref.methods import MSQ, DoReFa
from msq_ref.methods.config import MSQConfig
from msq_ref.methods.domains import SIGNED
from msq_ref.training.batches import Arrays
from msq_ref.training.config import TrainingConfig
from msq_ref.training.loop import Trainer
network = models.build("digits-cnn", backend=kernels)
method = MSQ(network, SIGNED, kernels, MSQConfig(), lambda epoch: dict.fromkeys(
    network.quantized_layers(), 1.0))
method.start()
images = np.random.default_rng(0).random((64, 8, 8, 1), dtype=np.float32)
trainer = Trainer(network, method, TrainingConfig(epochs=1), kernels, seed=0)
trainer.run(Arrays(images, np.arange(64) % 10), lambda: 0.0, lambda state: None)
"""

TORCH_STEP = """
import torch
from torch import nn
torch.set_num_threads(2)
layers, inputs = [], 1
for outputs, stride in ((16, 1), (32, 2), (64, 2)):
    layers += [nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs),
               nn.ReLU()]
    inputs = outputs
network = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))
optimizer = torch.optim.SGD(network.parameters(), 0.05, momentum=0.9, weight_decay=1e-4)
loss = nn.functional.cross_entropy(network(torch.rand(64, 1, 8, 8)), torch.arange(64) % 10)
loss.backward()
optimizer.step()
"""


def run(rounds: int, on_round: Callable[[], None]) -> list[Row]:
    """Time imports within a fresh process, and whole processes up to a first step."""
    seconds = interleave(
        {
            "import msq_ref": lambda: _import_time("msq_ref"),
            "import torch": lambda: _import_time("torch"),
            "import numpy": lambda: _import_time("numpy"),
            "first MSQ step": lambda: _process_time(OUR_STEP),
            "first float step in PyTorch": lambda: _process_time(TORCH_STEP),
            "import numpy, whole process": lambda: _process_time("import numpy"),
        },
        rounds,
        on_round,
    )
    return [
        row("startup", seconds, "import msq_ref", "import torch", "import numpy"),
        row(
            "startup/first step", seconds, "first MSQ step", "first float step in PyTorch",
            "import numpy, whole process",
        ),
    ]  # fmt: skip


def _import_time(module: str) -> float:
    code = f"import time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"
    return float(_python(code).strip())


def _process_time(code: str) -> float:
    start = time.perf_counter()
    _python(code)
    return time.perf_counter() - start


def _python(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout
