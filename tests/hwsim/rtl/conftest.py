"""What the tests of the RTL share: the reason why it cannot run here, and layers to run."""

import numpy as np
import pytest

from hwsim.rtl import missing_tool
from hwsim.rtl.cases import fill


@pytest.fixture(scope="session")
def tools():
    """Skip where there is no Verilator or no C++ compiler."""
    reason = missing_tool()
    if reason is not None:
        pytest.skip(reason)


@pytest.fixture
def case():
    """Give a function that fills a layer with random tensors."""

    def build(layer, seed=0, *, in_signed=False, drain=1):
        return fill(layer, np.random.default_rng(seed), in_signed=in_signed, drain=drain)

    return build
