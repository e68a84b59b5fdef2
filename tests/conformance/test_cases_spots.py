"""The cases of the kit lie where mistakes hide."""

import math
from fractions import Fraction

import numpy as np
import pytest

from msq_ref import reference
from msq_ref.conformance.case import Raises
from msq_ref.conformance.cases.plan import INTEGERS
from msq_ref.conformance.layouts import FIRST, LAYOUTS
from tests.conformance.backends import OF_UNIT, SLICED
from tests.conformance.other_sums import OTHER_SUMS

FLOATS = (np.float32, np.float64)


def tried(cases, *rest):
    """Values of the first argument of cases whose other arguments are these, as a set."""
    found = set()
    for case in cases:
        if case.required[1:] == rest and not case.optional:
            found.update(case.required[0].ravel().tolist())
    return found


def edges(bits, dtype):
    """The bin edges of RoundClamp and DoReFa as floats, with a float to either side."""
    top = 2 * (2**bits - 1)
    exact = [Fraction(j, 2 ** (bits + 1)) for j in range(1, 2 ** (bits + 1), 2)]
    exact += [Fraction(j, top) for j in range(1, top, 2)]
    kind = np.dtype(dtype).type
    values = np.array([float(edge) for edge in exact]).astype(dtype)
    values = [values, np.nextafter(values, kind(0)), np.nextafter(values, kind(1))]
    return set(np.concatenate(values).tolist())


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", ["roundclamp", "dorefa"])
def test_quantizers_meet_every_edge_and_its_neighbours(legal, name, dtype):
    """[S2.1] [S2.2] All of them up to 8 bits; of more, the first and last, and those at 1/2."""
    of_dtype = [case for case in legal[name] if case.required[0].dtype == dtype]
    for n in range(1, 17):
        found = tried(of_dtype, n)
        if n <= 8:
            assert edges(n, dtype) <= found, n
        step = 2.0 ** -(n + 1)
        assert {step, 3 * step, 1 - step, 0.5 - step, 0.5 + step} <= found, n
        assert {0.0, 0.5, 1.0, float(np.nextafter(dtype(1), dtype(0)))} <= found, n


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", SLICED)
def test_slices_meet_the_edges_of_both_codes(legal, name, dtype):
    """[S3.1] Every n and k; all edges up to 8 bits."""
    of_dtype = [case for case in legal[name] if case.required[0].dtype == dtype]
    for n in range(2, 17):
        for k in range(1, n):
            found = tried(of_dtype, n, k)
            if n <= 8:
                assert edges(n, dtype) <= found, (n, k)
                assert edges(n - k, dtype) - found <= edges(n - k, dtype) - edges(n, dtype)
            for m in (n, n - k):
                step = 2.0 ** -(m + 1)
                assert {step, 1 - step, 1.0, 0.0} <= found, (n, k, m)


def test_both_zeros_and_subnormal_numbers_are_among_the_cases(legal):
    """[S0.3] Subnormal ones apart from the others, which a flushing backend must pass."""
    for name in OF_UNIT:
        arrays = [case.required[0] for case in legal[name]]
        assert any((np.signbit(array) & (array == 0)).any() for array in arrays), name
        tiny = [np.finfo(array.dtype).tiny for array in arrays]
        small = [
            ((array > 0) & (array < least)).any()
            for array, least in zip(arrays, tiny, strict=True)
        ]
        assert 0 < sum(small) < len(small) / 20, name


def test_sums_of_codes_leave_24_and_32_bits(legal):
    """[S4.1] A float32, an int32 or a uint32 cannot hold them."""
    for name in ("lsb_l1", "lsb_l1_codes"):
        sums = [reference.lsb_l1_codes(*case.required) for case in legal[name]]
        assert any(total > 2**24 and total % 2 for total in sums), name
        assert max(sums) > 2**32, name


@pytest.mark.parametrize("name", ["integer_linear", "integer_conv2d", "bitserial_linear"])
def test_accumulators_leave_31_and_53_bits(legal, name):
    """[S9.2] Exact results of which a float64 would lose the last bits."""
    values = [int(v) for case in legal[name] for v in case.expected.value.ravel()]
    assert any(2**31 < abs(value) < 2**32 for value in values)
    assert any(abs(value) > 2**53 and int(float(value)) != value for value in values)
    if name != "integer_conv2d":
        assert max(map(abs, values)) > 2**61


@pytest.mark.parametrize("name", ["integer_linear", "integer_conv2d", "bitserial_linear"])
def test_the_overflow_proof_is_met_exactly(quick, name):
    """[S9.2] The largest legal |x| and the first that is refused are a step apart, both signs."""
    legal, refused = set(), set()
    for case in quick[name]:
        if "int64-limit" in case.id:
            x = case.required[0]
            largest = max(abs(int(x.min())), abs(int(x.max())))
            (refused if isinstance(case.expected, Raises) else legal).add(largest)
    assert {largest + 1 for largest in legal} <= refused
    bound = {2 * x for x in refused}
    assert 2**63 in bound  # K = 1, n = 1: the bound itself


def test_every_integer_dtype_is_tried(legal):
    """[S0.2] For every array of integers."""
    for name, argument in (
        ("dequantize", 0), ("bit_planes", 0), ("from_bit_planes", 0), ("integer_weights", 0),
        ("integer_linear", 0), ("integer_linear", 1), ("integer_conv2d", 0),
        ("integer_conv2d", 1), ("bitserial_linear", 0), ("bitserial_linear", 1), ("requantize", 0),
    ):  # fmt: skip
        found = {case.required[argument].dtype for case in legal[name]}
        assert set(INTEGERS) <= found, (name, argument)


def test_every_layout_is_tried_on_every_operation_on_arrays(legal):
    """[S0.4]"""
    layouts = {*LAYOUTS, f"Fortran order{FIRST}", f"strided{FIRST}", f"big-endian{FIRST}"}
    for name, cases in legal.items():
        if any(isinstance(value, np.ndarray) for case in cases for value in case.required):
            assert {case.layout for case in cases} == layouts, name


def test_shapes(legal):
    """[S0.3] [S0.5] 0-d, empty, many axes, around lanes and chunks, several threads' worth."""
    for name in (*OF_UNIT, "effective", "activation_codes", "sgd_step", "requantize"):
        shapes = {case.required[0].shape for case in legal[name]}
        assert {(), (1,), (7,), (2, 3, 5), (8192,), (150_001,)} <= shapes, name
        assert any(0 in shape for shape in shapes) == (name != "lsb_nonzero_rate"), name
        assert max(map(len, shapes)) == 6
    sizes = {case.required[1].size for case in legal["sensitivity"]}
    assert {0, 1, 31, 32, 33, 8191, 8192, 8193, 16384, 24581, 150_001} <= sizes


def test_every_other_order_of_a_sum_shows(legal):
    """[S0.5] [S5.5] In both dtypes, at every size at which it can."""
    for dtype in FLOATS:
        pairs = {}
        for case in legal["sensitivity"]:
            trace, q, w = case.required
            if "/order/" in case.id and trace == 1 and q.dtype == dtype and q.size < 100_000:
                pairs.setdefault(q.size, []).append((q, w, case.expected.value))
        assert len(pairs) >= 10
        for label, (least, other) in OTHER_SUMS.items():
            shows = [
                size for size, rows in pairs.items()
                if any(other(q, w) != value for q, w, value in rows)
            ]  # fmt: skip
            missed = [size for size in pairs if size >= max(least, 33) and size not in shows]
            assert shows, (label, dtype)
            # A square that is not rounded shows less often.
            assert len(missed) <= (5 if label == "fused" else 2), (label, dtype, missed)


def test_ties_of_the_maximum(legal):
    """[S1.3] [S1.4] Two, several, with opposite signs, all; and a gap that is small but clear."""
    for name in ("normalize_backward", "normalize_signed_backward"):
        for dtype in FLOATS:
            kinds = set()
            for case in legal[name]:
                w = case.required[1].ravel()
                if w.dtype == dtype and w.size == 7 and w.any():
                    tied = w[np.abs(w) == np.abs(w).max()]
                    kinds.add((tied.size, len(set(np.sign(tied).tolist()))))
                    order = np.sort(np.abs(w))
                    if 1e-6 < 1 - order[-2] / order[-1] < 1e-5:
                        kinds.add("near")
            assert {(1, 1), (2, 1), (2, 2), (3, 2), (7, 1), (7, 2), "near"} <= kinds, (name, dtype)


def test_omegas_at_the_mean(legal):
    """[S5.6] Exact ties, and means that a float rounds onto a tie, or away from one."""
    at, rounded_on, rounded_off = 0, 0, 0
    for case in legal["assign_k"]:
        omegas = case.required[0]
        omegas = [float(omega) for omega in omegas]
        exact = sum(map(Fraction, omegas)) / len(omegas)
        with np.errstate(over="ignore"):
            means = {float(np.mean(omegas)), sum(omegas) / len(omegas)}
        for omega in omegas:
            tie = Fraction(omega) == exact
            at += tie
            rounded_on += not tie and any(omega == mean for mean in means)
            rounded_off += tie and any(omega != mean for mean in means)
    assert at > 100
    assert rounded_on > 20
    assert rounded_off > 20


def test_thresholds_and_targets_are_met_exactly(legal):
    """[S6.1] [S6.2] beta = alpha; compression = target, and one ulp to either side; infinite."""
    ties, entries, middles, floats = 0, 0, 0, set()
    for case in legal["prune_step"]:
        bits, betas, _ks, sizes, alpha, target, _n_min = case.required
        alphas = alpha if isinstance(alpha, list | tuple) else [alpha] * len(bits)
        ties += any(beta == threshold for beta, threshold in zip(betas, alphas, strict=True))
        before, after = (
            reference.compression(sizes, n) for n in (bits, case.expected.value)
        )
        if math.isinf(target):
            continue
        target = float(target)
        goal = Fraction(target)
        entries += before == goal
        middles += before < goal == after
        for compression in (before, after):
            near = float(compression)
            for step in (-math.inf, math.inf):
                if target == math.nextafter(near, step):
                    floats.add(("ulp", step))
            if goal != compression and target == near:
                floats.add(("rounded", goal > compression))
    assert ties > 10
    assert entries > 1
    assert middles > 1
    assert floats == {("ulp", -math.inf), ("ulp", math.inf), ("rounded", True), ("rounded", False)}


def test_ties_of_requantization(legal):
    """[S9.4] Every shift, and exact halves of both signs, for products up to 2^62."""
    shifts, ties, beside = set(), set(), set()
    for case in legal["requantize"]:
        acc, multiplier, shift, *_ = case.required
        if isinstance(multiplier, int) and isinstance(shift, int):
            shifts.add(shift)
            products = [int(a) * multiplier for a in acc.ravel()[:700]]
            for product in products:
                rest = product % 2**shift - 2 ** (shift - 1)
                if rest == 0:
                    ties.add(product > 0)
                if abs(rest) == 1 and abs(product) > 2**53:
                    beside.add((product > 0, rest))
    assert shifts == set(range(1, 63))
    assert ties == {True, False}
    assert beside == {(True, -1), (True, 1), (False, -1), (False, 1)}


def test_quotients_at_which_products_with_the_reciprocal_differ(legal):
    """[S2.3] [S3.4] [S8.1] Of every width that has some, in both dtypes."""
    for case in legal["dequantize"]:
        codes, n = case.required
        if case.id.endswith(("codes/n7/float32-0", "codes/n11/float32-0", "codes/n16/float64-1")):
            q = case.expected.value
            other = codes.astype(q.dtype) * (q.dtype.type(1) / q.dtype.type(2**n - 1))
            assert (other != q).sum() > 10
    for dtype in FLOATS:
        shown = 0
        for case in legal["activation_codes"]:
            x, scale, n, signed = case.required
            if "/ties/" in case.id and x.dtype == dtype and n > 4:
                low, high = (-(2 ** (n - 1)), 2 ** (n - 1) - 1) if signed else (0, 2**n - 1)
                other = np.clip(np.rint(x * (dtype(1) / dtype(scale))), low, high)
                shown += (other != case.expected.value).any()
        assert shown > 20
    rates = [case.required[0] for case in legal["lsb_nonzero_rate"] if "quotient" in case.id]
    counts = [(int(np.count_nonzero(u)), u.size) for u in rates]
    assert sum(count * (1 / size) != count / size for count, size in counts) > 5


def test_updates_at_which_a_fused_operation_differs(legal):
    """[S12.1] Each of the three, in both dtypes."""
    for dtype in FLOATS:
        shown = np.zeros(3, int)
        for case in legal["sgd_step"]:
            w, grad, velocity, *rates = case.required
            if w.dtype != dtype or "/rates/usual" not in case.id:
                continue
            lr, mu, decay = (dtype(rate) for rate in rates)
            wide = np.longdouble if dtype is np.float64 else np.float64

            def fuse(a, b, c, wide=wide, dtype=dtype):
                return (wide(a) * b.astype(wide) + c.astype(wide)).astype(dtype)

            new, after = case.expected.value
            g = grad + decay * w
            shown += [
                (fuse(decay, w, grad) != g).any(),
                (fuse(mu, velocity, g) != after).any(),
                (fuse(-lr, after, w) != new).any(),
            ]
        assert (shown > 0).all(), dtype


def test_scales_that_are_no_float32(legal):
    """[S1.2] Rounded to the dtype first; evaluated in float64 they give other weights."""
    shown = 0
    for case in legal["effective"]:
        q, scale = case.required
        if q.dtype == np.float32 and q.size > 1000 and isinstance(scale, float):
            shown += (np.float32(scale * (2 * q.astype(float) - 1)) != case.expected.value).any()
    assert shown > 5
