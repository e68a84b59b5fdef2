"""A network that could not run is refused before it does."""

from dataclasses import replace

import numpy as np
import pytest

from msq_ref import kernels
from msq_ref.integer import IntegerProduct, check_network, from_packed_planes
from msq_ref.nn import AvgPool2d, BatchNorm2d, Conv2d, Flatten, Linear, MaxPool2d, ReLU
from tests.integer.networks import generate, prepare, with_step


@pytest.fixture(scope="module")
def network():
    """Steps: 0 conv, 1 average pooling, 2 maximum pooling, 3 flatten, 4 hidden, 5 fc."""
    rng = np.random.default_rng(0)
    make = {"rng": rng, "dtype": np.float64, "backend": kernels}
    layers = {
        "conv": Conv2d(2, 4, 3, padding=1, groups=2, **make),
        "bn": BatchNorm2d(4, dtype=np.float64, backend=kernels),
        "relu": ReLU(kernels),
        "avg": AvgPool2d(2, 2, backend=kernels),
        "max": MaxPool2d(2, 1, backend=kernels),
        "flatten": Flatten(kernels),
        "hidden": Linear(16, 5, **make),
        "fc": Linear(5, 3, **make),
    }
    images = rng.random((4, 6, 6, 2))
    return prepare(layers, images, bits=4, domain="signed", rng=rng).lower()


def test_lowered_networks_pass(network):
    """[S9.2] [S9.4] And run on the largest codes of either sign."""
    check_network(network)
    for seed in range(40):
        integer = generate(seed).lower()
        check_network(integer)
        top = 2 ** (integer.input_bits - integer.input_signed) - 1
        codes = np.full((1, *integer.input_shape), top, np.int32)
        integer.run(codes, from_packed_planes)
        integer.run(-codes - 1 if integer.input_signed else 0 * codes)


def step(index, **changes):
    return lambda network: with_step(network, index, **changes)


def requantizer(index, **changes):
    def change(network):
        kind = replace(network.steps[index].requantizer, **changes)
        return with_step(network, index, requantizer=kind)

    return change


def edited(index, field, value, at=(0,)):
    """Put a value into an array of a step, or of its requantizer."""

    def change(network):
        one = network.steps[index]
        holder = one if hasattr(one, field) else one.requantizer
        array = getattr(holder, field).copy()
        array[at] = value
        changes = {field: array}
        if holder is not one:
            changes = {"requantizer": replace(holder, **changes)}
        return with_step(network, index, **changes)

    return change


def whole(**changes):
    return lambda network: replace(network, **changes)


def without(*indices):
    return lambda network: replace(
        network, steps=tuple(s for i, s in enumerate(network.steps) if i not in indices)
    )


FIRST = (0, 0, 0, 0)
WRONG = {
    "no shape": (whole(input_shape=(6, 6)), "input_shape"),
    "list shape": (whole(input_shape=[6, 6, 2]), "input_shape"),
    "shape of floats": (whole(input_shape=(6.0, 6, 2)), "input_shape = 6.0"),
    "empty images": (whole(input_shape=(6, 0, 2)), "input_shape = 0"),
    "other channels": (whole(input_shape=(6, 6, 3)), "layer conv: w has shape"),
    "small images": (whole(input_shape=(1, 1, 2)), "layer avg: size = 2"),
    "input scale 0": (whole(input_scale=0.0), "input_scale = 0.0"),
    "input scale nan": (whole(input_scale=float("nan")), "input_scale = nan"),
    "input scale text": (whole(input_scale="1"), "input_scale = '1'"),
    "input scale other": (whole(input_scale=2.0), "layer conv: in_scale"),
    "input bits 17": (whole(input_bits=17), "input_bits = 17"),
    "input bits other": (whole(input_bits=7), "layer conv: in_bits = 8"),
    "input signed other": (whole(input_signed=True), "layer conv: in_signed = False"),
    "input signed number": (whole(input_signed=0), "input_signed = 0"),
    "no steps": (whole(steps=()), "steps is empty"),
    "foreign step": (whole(steps=("conv",)), "steps.0. has the name None"),
    "ends in pooling": (without(3, 4, 5), "layer max: the last step is IntegerMaxPool"),
    "ends in codes": (without(5), "layer hidden: the last step has a requantizer"),
    "no name": (step(1, name=None), "steps.1. has the name None"),
    "codes int64": (step(0, codes=np.zeros((3, 3, 1, 4), np.int64)), "conv: codes has dtype int64"),
    "codes a list": (step(0, codes=[[0]]), "conv: codes is list"),
    "codes 3-d": (step(0, codes=np.zeros((3, 3, 4), np.int32)), "conv: codes has shape"),
    "code 8 of 3 bits": (edited(0, "codes", 8, FIRST), "conv: codes contains 8"),
    "code -1": (edited(0, "codes", -1, FIRST), "conv: codes contains -1"),
    "sign 2": (edited(0, "signs", 2, FIRST), "conv: signs contains 2"),
    "signs float": (step(0, signs=np.zeros((3, 3, 1, 4))), "conv: signs has dtype float64"),
    "signs short": (step(0, signs=np.zeros((3, 3, 1, 3), np.int8)), "conv: signs has shape"),
    "bits 1": (step(0, bits=1), "conv: bits = 1"),
    "bits true": (step(0, bits=True), "conv: bits = True"),
    "bits 17": (step(0, bits=17), "conv: bits = 17"),
    "groups 3": (step(0, groups=3), "conv: w has shape"),
    "stride -1": (step(0, stride=-1), "conv: stride = -1"),
    "stride 1.0": (step(0, stride=1.0), "conv: stride = 1.0"),
    "padding -1": (step(0, padding=-1), "conv: padding = -1"),
    "linear stride": (step(4, stride=2), "hidden: stride = 2"),
    "linear stride true": (step(4, stride=True), "hidden: stride = True"),
    "linear groups": (step(5, groups=5), "fc: groups = 5"),
    "in scale": (step(4, in_scale=3.0), "hidden: in_scale = 3.0"),
    "in scale none": (step(4, in_scale=None), "hidden: in_scale = None"),
    "in bits": (step(4, in_bits=5), "hidden: in_bits = 5"),
    "in signed": (step(4, in_signed=True), "hidden: in_signed = True"),
    "out scale": (step(0, out_scale=-1.0), "conv: out_scale = -1.0"),
    "out scale of logits": (step(5, out_scale=float("inf")), "fc: out_scale = inf"),
    "bias float": (step(0, bias=np.zeros(4)), "conv: bias has dtype float64"),
    "bias short": (step(0, bias=np.zeros(3, np.int64)), "conv: bias has shape"),
    "bias none": (step(0, bias=None), "conv: bias is NoneType"),
    "bias large": (edited(0, "bias", 2**31), "conv: accumulators may reach"),
    "bias of logits large": (edited(5, "bias", -(2**63)), "fc: accumulators may reach"),
    "no requantizer": (step(0, requantizer=None), "conv: requantizer is NoneType"),
    "multiplier small": (edited(0, "multiplier", 2**30 - 1), "conv: multiplier contains"),
    "multiplier large": (edited(0, "multiplier", 2**31), "conv: multiplier contains"),
    "multiplier short": (requantizer(0, multiplier=np.full(3, 2**30)),
                         "conv: multiplier has shape"),
    "multiplier int32": (requantizer(0, multiplier=np.full(4, 2**30, np.int32)),
                         "conv: multiplier has dtype int32"),
    "multiplier a number": (requantizer(0, multiplier=2**30), "conv: multiplier is int"),
    "shift 0": (edited(0, "shift", 0), "conv: shift contains 0"),
    "shift 63": (edited(0, "shift", 63), "conv: shift contains 63"),
    "zero point": (edited(0, "zero_point", 256), "conv: zero_point contains 256"),
    "requantizer bits": (requantizer(0, bits=0), "conv: bits = 0"),
    "requantizer signed": (requantizer(0, signed=1), "conv: signed = 1"),
    "pool multiplier": (requantizer(1, multiplier=np.array(1)), "avg: multiplier contains 1"),
    "pool shapes": (requantizer(1, shift=np.array([30, 30])), "avg: shift has shape"),
    "pool none": (step(1, requantizer=None), "avg: requantizer is NoneType"),
    "pool size": (step(1, size=-1), "avg: size = -1"),
    "pool too large": (step(1, size=7), "avg: size = 7"),
    "pool stride": (step(1, stride=0), "avg: stride = 0"),
    "global stride": (step(1, size=0, stride=-1), "avg: stride = -1"),
    "pool scale": (step(1, in_scale=9.0), "avg: in_scale = 9.0"),
    "pool of vectors": (
        lambda network: replace(network, steps=(*network.steps[:2], network.steps[3],
                                                *network.steps[2:])),
        "max: its input has shape"),
    "max size": (step(2, size=0), "max: size = 0"),
    "max stride": (step(2, stride=None), "max: stride = None"),
    "features": (step(4, codes=np.zeros((7, 5), np.int32), signs=None), "hidden: x has shape"),
}  # fmt: skip


@pytest.mark.parametrize("fault", WRONG)
def test_networks_that_could_not_run(network, fault):
    """[S9.1] [S9.2] [S9.4] The step and the field are named."""
    change, message = WRONG[fault]
    with pytest.raises((TypeError, ValueError), match=message):
        check_network(change(network))


def test_sums_of_a_large_window(network):
    """[S9.4] 2^31 is not reached by any window of the images' size."""
    kind = replace(network.steps[1].requantizer, multiplier=np.array(2**30))
    wide = replace(
        network, input_shape=(4096, 4096, 2),
        steps=(replace(network.steps[0], groups=2), replace(
            network.steps[1], size=4096, requantizer=kind), *network.steps[3:]),
    )  # fmt: skip
    with pytest.raises(ValueError, match="layer avg: sums may reach 4278190080"):
        check_network(wide)


def test_the_bound_of_biases_is_exact(network):
    """[S9.4] ``K (2^n - 1) X + |bias| < 2^31``."""
    conv = network.steps[0]
    assert isinstance(conv, IntegerProduct)
    reach = 9 * 15 * 255
    check_network(edited(0, "bias", 2**31 - 1 - reach)(network))
    with pytest.raises(ValueError, match=f"may reach {2**31}"):
        check_network(edited(0, "bias", 2**31 - reach)(network))
    last = network.steps[-1]
    reach = 2 * 5 * 15 * (2 ** (last.in_bits - 1) if last.in_signed else 2**last.in_bits - 1)
    check_network(edited(5, "bias", 2**63 - 1 - reach)(network))
    with pytest.raises(ValueError, match=f"may reach {2**63}"):
        check_network(edited(5, "bias", 2**63 - reach)(network))
