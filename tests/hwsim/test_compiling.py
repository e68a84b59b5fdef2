"""Kernels as plain Python and compiled: the same bits, and no compiler for a small question."""

import subprocess
import sys

import pytest

from hwsim import load_accelerator
from hwsim.analytic import closed_form
from hwsim.compiling import Kernel, Patience
from hwsim.drawn_machines import draw
from hwsim.networks import network_workload
from hwsim.report import simulate
from hwsim.tiling import OBJECTIVES, best_tiling, forget_tilings


@Kernel
def half(a):
    return a // 2


@Kernel
def quarter(a):
    return half(half(a))


def test_a_kernel_calls_others_plain_and_compiled():
    """A compiled kernel takes the kernels that it calls compiled, too."""
    assert quarter(9) == quarter.compiled(9) == 2
    assert quarter.compiled.signatures
    assert quarter.__name__ == "quarter"


def test_patience_ends_once_and_for_all():
    """Steps add up; what is too much is compiled already."""
    patience = Patience(10)
    assert patience.choose(half, 4) is half
    assert patience.choose(half, 6) is half
    assert patience.choose(half, 1) is half.compiled
    assert patience.choose(half, 0) is half.compiled
    assert Patience(10).choose(half, 11) is half.compiled


@pytest.fixture
def with_patience(monkeypatch):
    """Give a function that sets the steps in plain Python, and forgets what was found."""

    def change(steps):
        for module in ("tiling", "analytic"):
            monkeypatch.setattr(f"hwsim.{module}.PATIENCE", Patience(steps))
        forget_tilings()

    yield change
    forget_tilings()


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_the_same_report_either_way(with_patience, objective):
    """[S10.4] Every figure of a network is the same to the last bit."""
    workload, machine = network_workload("resnet20"), load_accelerator("edge-small")
    reports = []
    for steps in (10**9, -1):
        with_patience(steps)
        reports.append(simulate(workload, machine, objective=objective).to_json())
    assert reports[0] == reports[1]


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_the_same_tilings_and_counts_either_way(with_patience, objective):
    """[S10.4] So are tilings and counts of all kinds of arrays, with bursts, rows and latency."""
    cases = [draw(index, 5) for index in range(80)]
    found = []
    for steps in (10**9, -1):
        with_patience(steps)
        tilings = [best_tiling(one.layer, one.accelerator, objective) for one in cases]
        found.append([
            (tiling, closed_form(one.layer, one.accelerator, tiling))
            for one, tiling in zip(cases, tilings, strict=True)
        ])  # fmt: skip
    assert found[0] == found[1]


def test_a_small_network_needs_no_compiler():
    """`hwsim run resnet20` answers at once: neither Numba, nor scipy or matplotlib is loaded."""
    code = (
        "import sys; from hwsim.cli import app; from msq_ref.formats.console import run_app\n"
        "code = run_app(app, 'hwsim', ['run', 'resnet20', '--bits', '4'])\n"
        "print(code, [m for m in ('numba', 'scipy', 'matplotlib', 'onnx') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "0 []"
