"""Settings and grids that many tests share."""

import os
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "steady",
    deadline=None,
    derandomize=True,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("steady")
os.environ.setdefault("MPLBACKEND", "Agg")


def _edges(bits: int) -> list[Fraction]:
    """Every bin edge and code of RoundClamp and DoReFa at a width, in [0, 1]."""
    roundclamp = [Fraction(j, 2 ** (bits + 1)) for j in range(2 ** (bits + 1) + 1)]
    top = 2 * (2**bits - 1)
    return roundclamp + [Fraction(j, top) for j in range(top + 1)]


@pytest.fixture(scope="session")
def edge_grid():
    """Give a function of (bits, dtype): every edge, its nearest floats and their neighbours."""

    def grid(bits, dtype):
        kind = np.dtype(dtype).type
        points = np.array([float(edge) for edge in _edges(bits)], dtype=kind)
        values = np.concatenate(
            [np.nextafter(points, kind(-1)), points, np.nextafter(points, kind(2))]
        )
        tiny = np.finfo(dtype).smallest_subnormal
        values = np.concatenate([values, [kind(0), tiny, kind(1)]]).astype(dtype)
        return np.unique(values[(values >= 0) & (values <= 1)])

    return grid
