"""The definitions and their compiled twins: what one must do, the other must."""

import pytest

from msq_ref import kernels, reference

BACKENDS = pytest.mark.parametrize("backend", [reference, kernels], ids=["reference", "kernels"])
