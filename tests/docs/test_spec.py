"""The spec's tables and worked examples are what the definitions give."""

import importlib.util
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import msq_ref as msq
from hwsim import Layer, load_accelerator, simulate
from hwsim.workload import Workload

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "spec.md").read_text(encoding="utf-8")


def test_tables_are_made_from_the_contract():
    spec = importlib.util.spec_from_file_location("make_tables", DOCS / "make_tables.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.spec_with_tables(TEXT) == TEXT


def test_the_version_is_the_contract_s():
    assert f"Version {msq.SPEC_VERSION}." in TEXT


def section(number):
    """Text of a section, its first line left out."""
    start = TEXT.index(f"## S{number} ")
    end = TEXT.find("\n## ", start + 1)
    return TEXT[start:end]


@pytest.mark.parametrize("number", range(1, 13))
def test_every_section_has_an_example(number):
    text = section(number)
    assert "*Worked example.*" in text or "|---|" in text
    assert "*Worked example.*" in text or number in (2, 8, 9)


def around(x, kind=np.float32):
    """One ulp below, the value, one ulp above."""
    value = kind(x)
    return [np.nextafter(value, kind(-9)), value, np.nextafter(value, kind(9))]


def test_normalization():
    """[S1.1] [S1.4]"""
    w = np.array([-0.5, 0, 1])
    u = msq.normalize(w)
    assert u.round(4).tolist() == [0.1966, 0.5, 1]
    assert msq.roundclamp(u, 2).tolist() == [1, 2, 3]
    q = msq.dequantize(np.array([2]), 2, np.float64)
    assert msq.effective(q, 1.0)[0] == pytest.approx(1 / 3)
    assert msq.normalize_signed(w).tolist() == [0.5, 0, 1]
    assert msq.roundclamp(msq.normalize_signed(w), 1).tolist() == [1, 0, 1]
    assert msq.roundclamp(np.array([0.25, np.nextafter(0.25, 1)]), 1).tolist() == [0, 1]


def test_quantizers():
    """[S2.1] [S2.2] The rounding table."""
    u = np.array([*around(1 / 16), 3 / 16, *around(15 / 16)[:2], 1], np.float32)
    assert msq.roundclamp(u, 3).tolist() == [0, 0, 1, 2, 7, 7, 7]
    assert msq.dorefa(u, 3).tolist() == [0, 0, 0, 1, 7, 7, 7]


def test_slicing():
    """[S3.1] [S3.3]"""
    u = np.array([0.35, 0.45, 1.0])
    assert msq.roundclamp(u, 4).tolist() == [6, 7, 15]
    assert msq.lsb(u, 4, 2).tolist() == [2, -1, 3]
    assert (msq.roundclamp(u, 4) % 4).tolist() == [2, 3, 3]


def test_regularizer():
    """[S4.1] [S4.2]"""
    u = np.array([0.3, 0.5, 0.7])
    assert msq.lsb(u, 4, 1).tolist() == [1, 0, -1]
    assert msq.lsb_l1(u, 4, 1) == 2 / 16
    assert msq.lsb_l1_grad(u, 4, 1).tolist() == [1, 0, -1]


def test_sensitivity():
    """[S5.6]"""
    omegas = [0.1, 0.1, 0.1]
    assert np.mean(omegas) == 0.10000000000000002
    assert msq.assign_k(omegas) == [1, 1, 1]


def test_schedule():
    """[S6.2]"""
    assert msq.prune_step([8] * 3, [0.0] * 3, [2] * 3, [1] * 3, 0.3, 4.8, 1) == [6, 6, 8]
    assert msq.compression([1] * 3, [6, 8, 8]) == Fraction(96, 22)


def test_rivals():
    """[S7.1]"""
    u = np.array([0.5, 0.7])
    assert (msq.roundclamp(u, 2).tolist(), msq.dorefa(u, 2).tolist()) == ([2, 3], [2, 2])
    sixth = np.float32(1 / 6)
    assert Fraction(float(sixth)) * 3 > Fraction(1, 2)
    assert msq.dorefa(sixth, 2) == 0


def test_activations():
    """[S8.1] The rounding table."""
    x = np.array([*around(0.25), 0.75, 1.25, -0.25, -0.75, 127.25, 127.5, -64.5], np.float32)
    assert msq.activation_codes(x, 0.5, 8, True).tolist() == [
        0, 0, 1, 2, 2, 0, -2, 127, 127, -128,
    ]  # fmt: skip
    assert msq.activation_codes(x, 0.5, 8, False).tolist() == [0, 0, 1, 2, 2, 0, 0, 254, 255, 0]


def test_requantization():
    """[S9.4] The rounding table."""
    m, s = msq.reference.requantize_factor(0.5)
    assert msq.requantize(np.array([-3, -1, 1, 3]), m, s, 0, 8, True).tolist() == [-1, 0, 1, 2]


@pytest.mark.parametrize(("bits", "cycles"), [(3, 896), (8, 2336)])
def test_array(bits, cycles):
    """[S10.1]"""
    layer = Layer("conv", "conv", 8, 8, 16, 32, bits, 3, 3, padding=1)
    report = simulate(Workload("example", (layer,)), load_accelerator("edge-small"))
    assert report.totals.compute_cycles == cycles


def test_layers():
    """[S11.1]"""
    image = np.arange(1.0, 10).reshape(1, 3, 3, 1)
    filters = np.array([1.0, 2, 3, 4]).reshape(2, 2, 1, 1)
    assert msq.conv2d(image, filters)[0, ..., 0].tolist() == [[37, 47], [67, 77]]


def test_update():
    """[S12.1]"""
    one = np.array([0.5], np.float32)
    w, v = msq.sgd_step(one, one / 2, -one / 4, 0.1, 0.9, 0.01)
    assert float(v[0]) == float.fromhex("0x1.23d70ap-3")
    assert float(w[0]) == float.fromhex("0x1.f16872p-2")
