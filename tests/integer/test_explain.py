"""The bound of a difference holds in rational numbers, and wrong integers are found out."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from msq_ref import kernels
from msq_ref.integer import IntegerAveragePool, IntegerProduct, by_definition, compare
from msq_ref.integer.explain import _bound
from msq_ref.nn import AvgPool2d, BatchNorm2d, Conv2d, Flatten, Linear, Network, ReLU
from msq_ref.reference.requantize import FACTOR_LOW
from tests.integer.networks import generate, prepare, product_index, with_step


@pytest.mark.parametrize("first", range(1000, 1060, 20))
def test_before_rounding_both_are_within_the_bound(first):
    """[S9.6] ``(acc + B) m / 2^s + z`` and the float value, in rational numbers."""
    tight = checked = 0
    for seed in range(first, first + 20):
        case = generate(seed)
        integer = case.lower()
        fake = case.fake(integer)
        scale = integer.input_scale
        codes = integer.quantize_input(case.images)
        rng = np.random.default_rng(seed)
        for index, traced in enumerate(integer.trace(codes)):
            step = traced.step
            if not isinstance(step, IntegerProduct | IntegerAveragePool):
                continue
            bound = np.broadcast_to(_bound(step, traced, scale, fake), traced.y.shape)
            values = fake.values(index, traced.x, scale) / step.out_scale
            if step.requantizer is not None and not step.requantizer.signed:
                values = np.maximum(values, 0)
            if isinstance(step, IntegerAveragePool):
                acc = step.sums(traced.x)
            else:
                acc = by_definition(step, traced.x) + step.bias
            scale = step.out_scale
            for flat in rng.permutation(traced.y.size)[:60]:
                at = np.unravel_index(flat, traced.y.shape)
                whole = Fraction(int(acc[at]))
                if step.requantizer is not None:
                    kind = step.requantizer
                    m, s, z = (
                        int(np.broadcast_to(part, traced.y.shape)[at])
                        for part in (kind.multiplier, kind.shift, kind.zero_point)
                    )
                    constant = (m, s) == (2**30, 62)  # its product rounds to 0
                    whole = Fraction(z) if constant else whole * m / 2**s + z
                    if not kind.signed:  # rectified on the float side, clamped on the other
                        whole = max(whole, Fraction(0))
                apart = abs(whole - Fraction(float(values[at])))
                if bound[at]:  # where it is 0, all accumulators saturate: nothing may differ at all
                    assert apart <= Fraction(float(bound[at]))
                    checked += 1
                    tight += apart > Fraction(float(bound[at])) / 2
    assert checked > 3000
    assert tight > checked / 20  # so that the bound is no empty promise


def test_large_terms_that_cancel_are_in_the_bound():
    """[S9.6] A mean of a million, taken back by beta: the float side loses digits there."""
    rng = np.random.default_rng(9)
    bn = BatchNorm2d(64, dtype=np.float64, backend=kernels)
    bn.buffers["running_mean"] = 1e6 * rng.uniform(1, 2, 64)
    bn.parameters["beta"] = bn.buffers["running_mean"] / np.sqrt(1 + 1e-5)
    layers = {
        "conv": Conv2d(1, 64, 2, rng=rng, dtype=np.float64, backend=kernels),
        "bn": bn,
        "flatten": Flatten(kernels),
        "fc": Linear(576, 2, rng=rng, dtype=np.float64, backend=kernels),
    }
    case = prepare(layers, rng.random((4, 4, 4, 1)), bits=4, domain="signed", rng=rng)
    integer = case.lower()
    fake, step = case.fake(integer), integer.steps[0]
    codes = integer.quantize_input(case.images)
    acc = by_definition(step, codes)
    # The float side against rational numbers: its slope, product and offset as they are.
    behind = fake.affine("conv")
    values = fake.values(0, codes, integer.input_scale)
    bn = fake._layers["bn"]
    gain = [Fraction(float(g)) for g in behind.slope]
    unit = Fraction(case.weights["conv"].unit) * Fraction(integer.input_scale)
    mean = bn.buffers["running_mean"], bn.parameters["beta"]
    exact = [
        (int(acc[at]) * unit - Fraction(mean[0][at[-1]])) * gain[at[-1]] + Fraction(mean[1][at[-1]])
        for at in np.ndindex(acc.shape)
    ]
    errors = [
        float(abs(Fraction(value) - real)) for value, real in zip(values.flat, exact, strict=True)
    ]
    length = step.codes[..., 0].size
    terms = np.broadcast_to(behind.terms, acc.shape).ravel()
    assert (np.array(errors) <= terms * (length + 32) * 2.0**-53).all()
    small = np.abs(np.broadcast_to(behind.offset, acc.shape).ravel()) + np.abs(values.ravel())
    assert (np.array(errors) > small * (length + 32) * 2.0**-53).any()  # so they are needed


@pytest.fixture(scope="module")
def healthy():
    """A network of 4-bit activations whose factors are large enough to see one unit of bias."""
    rng = np.random.default_rng(7)
    make = {"rng": rng, "dtype": np.float64, "backend": kernels}
    layers = {
        "conv1": Conv2d(2, 5, 3, padding=1, **make),
        "bn1": BatchNorm2d(5, dtype=np.float64, backend=kernels),
        "relu1": ReLU(kernels),
        "pool1": AvgPool2d(2, 2, backend=kernels),
        "conv2": Conv2d(5, 4, 2, bias=True, **make),  # no rectification: signed codes
        "flatten": Flatten(kernels),
        "fc": Linear(36, 3, **make),
    }
    layers["bn1"].parameters["gamma"] = np.array([1.0, -0.7, 1.2, -1.1, 0.8])
    layers["bn1"].parameters["beta"] = np.array([0.3, 0.5, -0.2, 0.1, 0.4])
    layers["conv2"].parameters["bias"] = np.array([0.1, -0.2, 0.05, 0.3])
    images = rng.random((40, 8, 8, 2))
    case = prepare(layers, images, bits=3, domain="signed", rng=rng, activation_bits=4, scale=0.5)
    integer = case.lower()
    return case, integer, integer.quantize_input(images)


def unexplained(case, integer, codes):
    return {step.name: step.unexplained for step in compare(case.fake(integer), codes)}


def factors(step):
    return step.requantizer.multiplier / 2.0**step.requantizer.shift


def test_the_healthy_network_is_explained(healthy):
    """[S9.6]"""
    case, integer, codes = healthy
    assert unexplained(case, integer, codes) == dict.fromkeys(("conv1", "pool1", "conv2", "fc"), 0)
    for name in ("conv1", "conv2"):
        assert (factors(integer.steps[product_index(integer, name)]) >= 0.02).all()


def one_more(array, channel, by):
    changed = array.copy()
    changed[channel] += by
    return changed


WRONG = {
    "bias + 1": lambda step, c: {"bias": one_more(step.bias, c, 1)},
    "bias - 1": lambda step, c: {"bias": one_more(step.bias, c, -1)},
    "shift + 1": lambda step, c: requantizer(step, shift=one_more(step.requantizer.shift, c, 1)),
    "shift - 1": lambda step, c: requantizer(step, shift=one_more(step.requantizer.shift, c, -1)),
    "zero point": lambda step, c: requantizer(step, zero_point=one_more(
        step.requantizer.zero_point, c, 1 if step.requantizer.zero_point[c] < 7 else -1)),
    "multiplier": lambda step, c: requantizer(step, multiplier=np.where(
        np.arange(len(step.bias)) == c, step.requantizer.multiplier ^ 2**29,
        step.requantizer.multiplier)),
    "sign": lambda step, c: {"signs": np.where(
        np.arange(len(step.bias)) == c, -step.signs, step.signs).astype(np.int8)},
    "code": lambda step, c: {"codes": np.where(
        (np.arange(step.codes.size) == c).reshape(step.codes.shape), 3 - step.codes,
        step.codes).astype(np.int32)},
}  # fmt: skip


def requantizer(step, **changes):
    return {"requantizer": replace(step.requantizer, **changes)}


@pytest.mark.parametrize("fault", WRONG)
@pytest.mark.parametrize("name", ["conv1", "conv2"])
def test_a_wrong_channel_is_found_in_its_step(healthy, name, fault):
    """[S9.6] One channel of one step; the steps behind it get the wrong codes and are right."""
    case, integer, codes = healthy
    index = product_index(integer, name)
    step = integer.steps[index]
    for channel in range(len(step.bias)):
        wrong = with_step(integer, index, **WRONG[fault](step, channel))
        found = unexplained(case, wrong, codes)
        assert found.pop(name) > 0, channel
        assert set(found.values()) == {0}


def test_a_wrong_pooling_or_logit_is_found(healthy):
    """[S9.6]"""
    case, integer, codes = healthy
    pool = next(i for i, s in enumerate(integer.steps) if isinstance(s, IntegerAveragePool))
    kind = integer.steps[pool].requantizer
    for change in ({"shift": kind.shift + 1}, {"zero_point": kind.zero_point + 1}):
        wrong = with_step(integer, pool, requantizer=replace(kind, **change))
        assert unexplained(case, wrong, codes)["pool1"] > 0
    last = len(integer.steps) - 1
    for by in (1, -1):
        wrong = with_step(integer, last, bias=one_more(integer.steps[last].bias, 1, by))
        assert unexplained(case, wrong, codes)["fc"] == len(codes)


@pytest.mark.parametrize("first", range(2000, 2040, 20))
def test_wrong_biases_of_generated_networks_are_found(first):
    """[S9.6] Wherever the factor is at least 0.02 and a wrong code shows, it is not explained."""
    found = 0
    for seed in range(first, first + 20):
        case = generate(seed)
        integer = case.lower()
        codes = integer.quantize_input(case.images)
        for index, step in enumerate(integer.steps[:-1]):
            if not isinstance(step, IntegerProduct):
                continue
            slopes = case.fake(integer).affine(step.name).slope
            real = slopes * case.weights[step.name].unit * step.in_scale / step.out_scale
            for channel in np.flatnonzero((real >= 0.02) & (real < 1)):
                wrong = with_step(integer, index, bias=one_more(step.bias, channel, 1))
                right, ours = (network.trace(codes)[index].y for network in (integer, wrong))
                if np.array_equal(right, ours):
                    continue  # every output saturates, or none crosses an edge
                assert unexplained(case, wrong, codes)[step.name] > 0, (seed, channel)
                found += 1
    assert found > 20


def test_a_constant_channel_has_its_own_bound():
    """[S9.4] [S9.6] A factor below 2^-32 has no multiplier: the offset alone is left."""
    rng = np.random.default_rng(4)
    layers = {
        "conv": Conv2d(1, 3, 2, rng=rng, dtype=np.float64, backend=kernels),
        "bn": BatchNorm2d(3, dtype=np.float64, backend=kernels),
        "flatten": Flatten(kernels),
        "fc": Linear(27, 2, rng=rng, dtype=np.float64, backend=kernels),
    }
    layers["bn"].parameters["gamma"] = np.array([0.0, 1e-12, 1.0])
    layers["bn"].parameters["beta"] = np.array([-0.4, 0.4, 0.0])
    case = prepare(layers, rng.random((6, 4, 4, 1)), bits=4, domain="offset", rng=rng)
    integer = case.lower()
    step = integer.steps[0]
    affine = case.fake(integer).affine("conv")
    assert (affine.slope[:2] * case.weights["conv"].unit < FACTOR_LOW).all()
    codes = integer.quantize_input(case.images)
    y = integer.trace(codes)[0].y
    assert [np.unique(y[..., c]).tolist() for c in (0, 1)] == [
        [round(beta / step.out_scale)] for beta in (-0.4, 0.4)
    ]
    assert set(unexplained(case, integer, codes).values()) == {0}
    zero = one_more(step.requantizer.zero_point, 1, 1)
    wrong = with_step(integer, 0, **requantizer(step, zero_point=zero))
    assert unexplained(case, wrong, codes)["conv"] == y[..., 1].size


def test_networks_here_are_what_they_seem(healthy):
    """Every factor of the healthy network is below 1, where a unit of bias is less than a code."""
    case, integer, _ = healthy
    assert isinstance(case.network, Network)
    assert all((factors(step) < 1).all() for step in integer.products()[:-1])
