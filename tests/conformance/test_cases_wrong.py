"""The cases of the kit find one subtle mistake each."""

import math
from fractions import Fraction

import numpy as np
import pytest

from msq_ref import reference
from msq_ref.conformance.case import case_of
from msq_ref.conformance.cases import generate
from msq_ref.conformance.guard import Guard
from msq_ref.conformance.runner import run_cases
from tests.conformance.backends import but


def _ties_away(u, bits):
    codes = np.floor(2.0**bits * np.asarray(u, float) + 0.5)
    return np.where(reference.roundclamp(u, bits) < 0, 0, np.minimum(codes, 2**bits - 1)).astype(
        np.int32
    )


def _over(function, change):
    return lambda *required, **optional: change(function(*required, **optional), *required)


def _half_away(codes, acc, multiplier, shift, zero, bits, signed):
    """Ties of negative accumulators go down."""
    if not isinstance(shift, int) or not isinstance(multiplier, int):
        return codes
    rest = (np.asarray(acc).astype(np.int64) * multiplier) & ((1 << shift) - 1)
    low = -(2 ** (bits - 1)) if signed else 0
    tied = (rest == 1 << (shift - 1)) & (np.asarray(acc) < 0) & (codes > low)
    return (codes - tied).astype(np.int32)


def _wide_in_float64(x, codes, bits, **optional):
    y = reference.integer_linear(x, codes, bits, **optional)
    return y if abs(y).max(initial=0) < 2**53 else y.astype(np.float64).astype(np.int64)


def _beta_below_or_equal(bits, betas, ks, sizes, alpha, target, n_min):
    reference.prune_step(bits, betas, ks, sizes, alpha, target, n_min)
    each = alpha if isinstance(alpha, list | tuple) else [alpha] * len(bits)
    each = [math.nextafter(value, math.inf) for value in each]
    return reference.prune_step(bits, betas, ks, sizes, each, target, n_min)


WRONG = {
    "roundclamp": _ties_away,
    "dorefa": _over(reference.dorefa, lambda codes, u, n: np.rint(
        (2**n - 1) * np.asarray(u, np.float64)).astype(np.int32)),
    "dequantize": _over(reference.dequantize, lambda q, codes, n: np.asarray(
        codes.astype(q.dtype) * q.dtype.type(1 / (2**n - 1)))),
    "effective": _over(reference.effective, lambda w, q, scale: np.asarray(
        w.dtype.type(2 * scale) * np.ascontiguousarray(q).astype(w.dtype) - w.dtype.type(scale))),
    "effective_signed": _over(reference.effective_signed, lambda w, *_: w + w.dtype.type(0)),
    "lsb": _over(reference.lsb, lambda low, u, n, k: np.minimum(low, np.int32(2 ** (k - 1)))),
    "lsb_l1": _over(reference.lsb_l1, lambda r, *_: float(np.float32(r))),
    "lsb_l1_codes": _over(
        reference.lsb_l1_codes, lambda total, *_: (total + 2**31) % 2**32 - 2**31),
    "lsb_l1_grad": _over(reference.lsb_l1_grad, lambda g, *_: np.where(g == 0, g + 1, g)),
    "lsb_nonzero_rate": _over(
        reference.lsb_nonzero_rate, lambda r, u, n, k: round(r * u.size) * (1 / u.size)),
    "normalize": _over(reference.normalize, lambda u, w: u * u.dtype.type(1 - 1e-6)),
    "normalize_signed": _over(
        reference.normalize_signed, lambda u, w: np.abs(w).astype(u.dtype) * (
            1 / np.abs(w).max()).astype(u.dtype) if w.any() else u),
    "normalize_backward": lambda g, w, max_gradient=True: reference.normalize_backward(g, w, False),
    "sensitivity": _over(reference.sensitivity, lambda _, trace, q, w: float(
        trace * np.linalg.norm(q.astype(float) - w.astype(float)))),
    "assign_k": _over(reference.assign_k, lambda _, omegas: [
        2 if omega < np.mean(omegas) else 1 for omega in omegas]),
    "prune_step": _beta_below_or_equal,
    "compression": _over(reference.compression, lambda c, *_: Fraction(float(c))),
    "bit_planes": _over(reference.bit_planes, lambda planes, *_: planes[::-1].copy()),
    "integer_linear": _wide_in_float64,
    "integer_conv2d": lambda x, codes, bits, stride=1, padding=0, groups=1, signs=None:
        reference.integer_conv2d(x, codes[::-1, ::-1], bits, stride, padding, groups,
                                 None if signs is None else signs[::-1, ::-1]),
    "requantize": _over(reference.requantize, _half_away),
    "sgd_step": _over(reference.sgd_step, lambda out, w, g, v, lr, mu, wd: (
        (w.astype(float) - float(w.dtype.type(lr)) * out[1].astype(float)).astype(out[0].dtype),
        out[1])),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_wrong_functions_fail(quick, name):
    """One subtle mistake each; legal calls show it, and the smallest repeats it."""
    results = [
        result for result in run_cases(but(**{name: WRONG[name]}), quick[name], 30.0)
        if result.status == "failed" and "/invalid/" not in result.case.id
    ]  # fmt: skip
    assert results
    sizes = [
        max((np.size(value) for value in result.smallest.required), default=0)
        for result in results if result.smallest is not None
    ]  # fmt: skip
    # A sum that overflows takes many codes.
    assert min(sizes) < 50 or name in ("lsb_l1", "lsb_l1_codes")


def test_a_backend_that_keeps_results_in_one_buffer_fails():
    """[S0.4] Results are new arrays."""
    buffers = {}

    def reused(u, bits):
        codes = reference.roundclamp(u, bits)
        buffer = buffers.setdefault(codes.shape, np.empty_like(codes))
        buffer[...] = codes
        return buffer

    results = list(run_cases(but(roundclamp=reused), generate(["roundclamp"], "quick", 0), 30.0))
    assert any("earlier result" in result.fault for result in results)


def test_a_backend_that_changes_a_list_fails():
    """[S0.4] Sequences are inputs too."""

    def in_place(bits, *rest):
        new = reference.prune_step(bits, *rest)
        if isinstance(bits, list):
            bits[:] = new
        return new

    results = list(run_cases(but(prune_step=in_place), generate(["prune_step"], "quick", 0), 30.0))
    assert any("changed its input" in result.fault for result in results)


def test_a_backend_that_seeds_the_global_generators_fails():
    """Also one that has seeded them before: the state it leaves is not the one it found."""

    def seeding(omegas):
        np.random.seed(0)  # noqa: NPY002
        return reference.assign_k(omegas)

    np.random.seed(0)  # noqa: NPY002
    case = case_of("assign_k/one", "assign_k", [1.0, 2.0])
    with Guard(10.0) as guard:
        outcomes = [guard.call(seeding, case) for _ in range(2)]
    assert all("random state" in "; ".join(outcome.besides) for outcome in outcomes)
