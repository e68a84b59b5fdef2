"""Training does not load what only integer inference needs."""

import subprocess
import sys

CODE = """
import sys
import numpy as np
from msq_ref import kernels
kernels.roundclamp(np.ones(3, np.float32), 4)
print("msq_ref.kernels.integer" in sys.modules)
print(kernels.integer_weights(np.array([1]), 2).tolist(), "integer_linear" in dir(kernels))
"""


def test_integer_kernels_are_loaded_when_they_are_asked_for():
    """[S9.1]"""
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["False", "[-1] True"]
