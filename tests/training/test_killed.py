"""A run that is killed at any instant goes on to the same bits [S12.1]."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

KILLS = 100
PROGRAM = Path(__file__).with_name("killed.py")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="SIGKILL and fork are POSIX's")
def test_killed_at_a_hundred_instants(tmp_path):
    """[S12.2] By SIGKILL: at work, between steps, in the writing of a checkpoint.

    Everything counts: AdamW with warm-up, steps of the rate, micro batches, label smoothing,
    augmentation, rounds of pruning. A run is killed and resumed until it reaches its end.
    """
    # One thread: only a process that has no other may fork.
    threads = {"MSQ_THREADS": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "error", str(PROGRAM), str(tmp_path), str(KILLS), "0"],
        env={**os.environ, **threads, "PYTHONPATH": str(PROGRAM.parents[2])},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert set(found["ends"]) == {found["whole"]}
    assert found["struck"] == KILLS
    assert found["torn"] > 0, "no kill met the writing of a checkpoint"
    assert found["begun"] > KILLS // 4, "most kills came before the first checkpoint"
    # A run that ended leaves its checkpoint and its result, and no temporary file.
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]
