"""A program for test_killed.py: one small run, killed again and again, resumed to its end.

    python killed.py FOLDER KILLS SEED

Everything is imported and compiled once, in the process that kills; what it kills are forks of it.
At the time of a fork there is no other thread. Prints one JSON object.
"""

import hashlib
import json
import os
import signal
import sys
import time
from pathlib import Path

import numpy as np

from msq_ref import kernels
from msq_ref.files import remove_leftovers
from msq_ref.methods import MSQ
from msq_ref.methods.config import MSQConfig
from msq_ref.methods.domains import SIGNED
from msq_ref.models.digits_cnn import digits_cnn
from msq_ref.training.batches import Arrays
from msq_ref.training.checkpoint import load_checkpoint, save_checkpoint
from msq_ref.training.config import TrainingConfig
from msq_ref.training.loop import Trainer, accuracy_on

DATA = np.random.default_rng(0)
SOURCE = Arrays(DATA.random((20, 8, 8, 1), np.float32), DATA.integers(0, 4, 20))
CONFIG = TrainingConfig.model_validate(
    {
        "epochs": 3, "batch_size": 6, "micro_batch_size": 4, "optimizer": "adamw",
        "learning_rate": 0.01, "label_smoothing": 0.1, "checkpoint_every": 1,
        "schedule": "step", "milestones": [1], "warmup_steps": 3,
        "augmentation": {"pad": 1, "flip": True},
    }
)  # fmt: skip
MSQ_CONFIG = MSQConfig.model_validate(
    {"interval": 1, "prune_until": 2, "n_min": 2, "alpha": 1, "alpha_low": 1, "lambda": 1e-3}
)


def train(path):
    """Go on with the run from its checkpoint, or begin it; return the SHA-256 of the outcome."""
    network = digits_cnn(seed=0, dtype=np.float32, backend=kernels, width=2, classes=4)
    layers = network.quantized_layers()
    # Not from the Hessian, which takes long: another order of the layers each round.
    method = MSQ(
        network, SIGNED, kernels, MSQ_CONFIG,
        lambda epoch: {name: float((i + epoch) % 3) for i, name in enumerate(layers)},
    )  # fmt: skip
    trainer = Trainer(network, method, CONFIG, kernels, seed=1)
    remove_leftovers(path)
    if path.exists():
        trainer.load(*load_checkpoint(path))
    else:
        method.start()

    def save(state):
        save_checkpoint(path, state.arrays(), state.state())

    trainer.run(SOURCE, lambda: accuracy_on(network, SOURCE), save, save)
    digest = hashlib.sha256(json.dumps(trainer.state(), sort_keys=True).encode())
    for name, value in sorted(trainer.arrays().items()):
        digest.update(name.encode() + value.tobytes())
    return digest.hexdigest()


def forked(path, result, seconds):
    """Train in a fork, killed after so many seconds (None: never); return whether it was."""
    child = os.fork()
    if not child:
        try:
            result.write_text(train(path))
            os._exit(0)
        finally:
            os._exit(1)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)  # nothing, if it has ended: it has not been waited for
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return True
    assert os.WEXITSTATUS(status) == 0, "the run failed"
    return False


def main(folder, kills, seed):
    """Kill runs until so many kills have struck, each resumed from what the last one left."""
    rng = np.random.default_rng(seed)
    train(folder / "warm-up.safetensors")
    started = time.perf_counter()
    whole = train(folder / "whole.safetensors")
    duration = time.perf_counter() - started
    ends, struck, torn, begun, number = [], 0, 0, 0, 0
    while struck < kills:
        path, result = folder / f"{number}.safetensors", folder / f"{number}.txt"
        while struck < kills and forked(path, result, rng.uniform(0, duration)):
            struck += 1
            torn += bool(list(folder.glob(f".{number}-*")))
            begun += path.exists()
        if not result.exists():
            forked(path, result, None)
        ends.append(result.read_text())
        number += 1
    print(
        json.dumps(
            {"whole": whole, "ends": ends, "struck": struck, "torn": torn, "begun": begun}
        )
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
