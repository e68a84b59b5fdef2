"""Compiled tiles on disk: taken up by the next process, but not for another processor."""

import json
import os
import subprocess
import sys

SCRIPT = """
import json
import numpy as np
from msq_ref import reference
from msq_ref.kernels import tiles
from msq_ref.kernels.tiles import direct, support
x, w = np.ones((2, 5, 5, 3), np.float32), np.ones((3, 3, 3, 4), np.float32)
y = np.empty((2, 3, 3, 4), np.float32)
assert tiles.forward(x, w, y, 2, 1)
np.testing.assert_array_equal(y, reference.conv2d(x, w, 2, 1))
stats = direct.correlate.stats
print(json.dumps([len(stats.cache_hits), len(stats.cache_misses), len(support.tile())]))
"""


def run(folder, **variables):
    """Run the script with a cache in a folder; return its hits, misses and rows of a tile."""
    environment = {key: value for key, value in os.environ.items() if "NUMBA" not in key}
    environment |= {"NUMBA_CACHE_DIR": str(folder), **variables}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    return tuple(json.loads(done.stdout))


def test_the_next_process_compiles_nothing_unless_the_processor_changes(tmp_path):
    """A generic processor has no vector instructions that we know of: plain loops, its own code."""
    hits, misses, rows = run(tmp_path)
    assert (hits, misses) == (0, 1)
    assert run(tmp_path) == (1, 0, rows)
    assert run(tmp_path, NUMBA_CPU_NAME="generic", NUMBA_CPU_FEATURES="") == (0, 1, 0)
    assert run(tmp_path) == (1, 0, rows)
