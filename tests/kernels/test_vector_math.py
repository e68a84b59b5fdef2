"""The exponential and the error function of kernels: every float32, special values, vectors."""

import math
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numba import njit

from msq_ref.kernels import vector_math
from msq_ref.kernels.vector_math import erf, exp
from tests.kernels.every_float import LOOPS, erf_loop, exp_loop, largest_error, over_blocks

SPECIAL = np.float32([
    np.nan, -np.nan, np.inf, -np.inf, 0, -0.0, 1e-45, -1e-45, 1.1754944e-38, 88.72283, 88.72284,
    -87.33655, -103.97, -103.98, 3.4028235e38, -3.4028235e38,
])  # fmt: skip


@pytest.mark.parametrize("name", ["exp", "erf"])
def test_every_float32(name):
    """[S11.1] All 2^32 values: fewer than 2 units in the last place, and less than is written."""
    worst, _ = largest_error(name)
    assert worst <= {"exp": 1.2, "erf": 1.6}[name]
    assert worst > 0.5, "no function is exact"


def test_without_fused_multiply_add():
    """The same for a processor that rounds twice: every 61st block of 4096 neighbours."""
    code = (
        "from tests.kernels.every_float import largest_error as e;"
        "from numba.core import config;"
        "assert config.CPU_NAME == 'generic';"
        "print(e('exp', 3, 61)[0], e('erf', 3, 61)[0])"
    )
    plain = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        cwd=Path(__file__).parents[2], env={**os.environ, **plain},
    )  # fmt: skip
    assert all(0.5 < float(word) < 2 for word in result.stdout.split())


def test_errors_are_seen():
    """Another function, NaN where there is none, none where there should be one."""

    @njit
    def nan_at_one(x, y):
        for i in range(x.size):
            y[i] = np.nan if x[i] == 1 else exp(x[i])

    @njit
    def never_nan(x, y):
        for i in range(x.size):
            y[i] = exp(x[i]) if x[i] == x[i] else 1

    (exps, exact_exp), (erfs, _) = LOOPS["exp"], LOOPS["erf"]
    assert over_blocks(exps, exact_exp, 1, 1 << 10)[0] < 2
    assert over_blocks(erfs, exact_exp, 1, 1 << 10)[0] > 1e6
    one = int(np.float32(1).view(np.uint32)) // 4096
    assert over_blocks(nan_at_one, exact_exp, one, 1 << 20) == (np.inf, one)
    assert over_blocks(never_nan, exact_exp, 0, 1 << 8)[0] == np.inf


def test_special_values():
    """[S0.4] NaN, infinities, signed zeros, subnormal numbers, the ends of the range."""
    y = np.empty_like(SPECIAL)
    exp_loop(SPECIAL, y)
    with np.errstate(over="ignore", under="ignore"):
        np.testing.assert_allclose(y, np.exp(SPECIAL.astype(np.float64)).astype(np.float32), 3e-7)
    assert y[SPECIAL == 0].tolist() == [1, 1]
    assert y[12:14].tolist() == [2.0**-149, 0]
    erf_loop(SPECIAL, y)
    expected = np.array([math.erf(x) for x in SPECIAL.astype(np.float64)], np.float32)
    np.testing.assert_allclose(y, expected, 2e-7)
    np.testing.assert_array_equal(np.signbit(y[2:]), np.signbit(SPECIAL[2:]))


@pytest.mark.parametrize("loop", [exp_loop, erf_loop])
def test_float64_is_the_c_library(loop):
    """Bit for bit."""
    x = np.random.default_rng(0).standard_normal(1000) * 3
    y = np.empty_like(x)
    loop(x, y)
    plain = math.exp if loop is exp_loop else math.erf
    assert y.tolist() == [plain(value) for value in x]


@pytest.mark.parametrize("loop", [exp_loop, erf_loop])
def test_a_loop_becomes_vectors(loop):
    """Of at least four values, with no call of the C library."""
    x = np.zeros(8, np.float32)
    loop(x, x.copy())
    (code,) = (code for types, code in loop.inspect_llvm().items() if "float32" in str(types[0]))
    body = code[code.index("define") :]
    widths = [int(n) for n in re.findall(r"call <(\d+) x float> @llvm\.fmuladd", body)]
    assert max(widths) >= 4
    assert not re.search(r"@(exp|erf|expf|erff|llvm\.exp\S*)\(", body)


@pytest.mark.parametrize("name", vector_math.__all__)
def test_only_for_compiled_code(name):
    """A call from Python says so."""
    with pytest.raises(NotImplementedError, match="for compiled code"):
        getattr(vector_math, name)(1.0)
    assert {exp.__name__, erf.__name__} == {*vector_math.__all__}
