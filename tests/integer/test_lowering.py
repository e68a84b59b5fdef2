"""Lowering: folding, ranges, sizes, and what has no integer form."""

from dataclasses import replace

import numpy as np
import pytest

from msq_ref import kernels
from msq_ref.integer import IntegerMaxPool, WeightCodes, calibrate, lower
from msq_ref.integer.calibration import Activation
from msq_ref.integer.lowering import layer_groups
from msq_ref.nn import (
    AvgPool2d,
    BatchNorm2d,
    Conv2d,
    Flatten,
    GlobalAvgPool,
    Linear,
    MaxPool2d,
    Network,
    ReLU,
)
from tests.integer.networks import prepare, weight_codes

RNG = np.random.default_rng
MAKE = {"dtype": np.float64, "backend": kernels}


def conv(inputs=1, outputs=2, kernel=2, **options):
    return Conv2d(inputs, outputs, kernel, rng=RNG(1), **MAKE, **options)


def linear(inputs, outputs=2, **options):
    return Linear(inputs, outputs, rng=RNG(2), **MAKE, **options)


def case(bits=4, domain="signed", activation_bits=8, **layers):
    images = RNG(3).random((5, 4, 4, 1))
    return prepare(
        layers, images, bits=bits, domain=domain, rng=RNG(4), activation_bits=activation_bits
    )


def test_groups_of_layers():
    """[S9.4] What is folded into one multiplier and one clamp, and what is not."""
    relu, bn = ReLU(kernels), BatchNorm2d(2, **MAKE)
    layers = {
        "a": conv(), "b": bn, "c": relu, "d": relu, "e": bn, "f": MaxPool2d(2, 1, backend=kernels),
        "g": relu, "h": conv(2), "i": bn, "j": bn, "k": Flatten(kernels), "l": linear(2), "m": bn,
    }  # fmt: skip
    assert layer_groups(Network(layers)) == [
        ["a", "b", "c", "d"], ["e"], ["f"], ["g"], ["h", "i", "j"], ["k"], ["l", "m"]
    ]
    assert layer_groups(Network({"a": relu, "b": bn})) == [["a"], ["b"]]
    assert layer_groups(Network({})) == []


@pytest.mark.parametrize("domain", ["offset", "signed"])
def test_a_negative_slope_goes_into_the_weights(domain):
    """[S9.4] Factors are positive: codes or signs of such a channel are turned around."""
    bn = BatchNorm2d(2, **MAKE)
    bn.parameters["gamma"] = np.array([0.5, -0.5])
    one = case(domain=domain, conv=conv(), bn=bn, pool=GlobalAvgPool(kernels), fc=linear(2))
    weight, step = one.weights["conv"], one.lower().steps[0]
    assert (step.requantizer.multiplier > 0).all()
    v, w = (kernels.integer_weights(part.codes, part.bits, part.signs) for part in (step, weight))
    assert np.array_equal(v[..., 0], w[..., 0])
    assert np.array_equal(v[..., 1], -w[..., 1])


def test_two_normalizations_fold_into_one():
    """[S9.4] Their slopes multiply."""
    norms = [BatchNorm2d(2, **MAKE) for _ in range(2)]
    for index, bn in enumerate(norms):
        bn.parameters["gamma"] = np.array([0.5, -2.0]) + index
        bn.parameters["beta"] = np.array([0.1, -0.3])
        bn.buffers["running_mean"] = np.array([0.2, 0.1])
    one = case(conv=conv(), a=norms[0], b=norms[1], pool=GlobalAvgPool(kernels), fc=linear(2))
    step = one.lower().steps[0]
    got = step.requantizer.multiplier / 2.0**step.requantizer.shift
    slope = np.abs([0.5 * 1.5, -2.0 * -1.0]) / (1 + 1e-5)
    real = slope * one.weights["conv"].unit * step.in_scale / step.out_scale
    assert got == pytest.approx(real, rel=1e-9)


def test_a_normalization_is_folded_with_its_own_eps():
    """[S9.4] [S11.1] Into the factor and the bias, and in the float network beside it."""
    bn = BatchNorm2d(2, **MAKE, eps=3.0)
    bn.buffers["running_mean"] = np.array([0.2, 0.1])
    one = case(conv=conv(), bn=bn, pool=GlobalAvgPool(kernels), fc=linear(2))
    integer = one.lower()
    step = integer.steps[0]
    got = step.requantizer.multiplier / 2.0**step.requantizer.shift
    real = one.weights["conv"].unit * step.in_scale / step.out_scale / np.sqrt(1 + 3.0)
    assert got == pytest.approx(np.full(2, real), rel=1e-9)
    affine = one.fake(integer).affine("conv")
    assert affine.slope == pytest.approx(np.full(2, 0.5), rel=1e-15)
    assert affine.offset == pytest.approx(-0.5 * bn.buffers["running_mean"], rel=1e-15)


def test_steps_keep_the_order_and_the_sizes():
    """[S9.1] Strides, padding, groups; pooling behind; the last layer's unit is its own."""
    one = case(
        conv=conv(outputs=2, kernel=3, padding=1), relu=ReLU(kernels),
        deep=conv(2, 4, 2, stride=2, groups=2, bias=True), max=MaxPool2d(2, 1, backend=kernels),
        avg=AvgPool2d(1, 1, backend=kernels), flat=Flatten(kernels), fc=linear(4, 3),
    )  # fmt: skip
    integer = one.lower()
    assert [step.name for step in integer.steps] == ["conv", "deep", "max", "avg", "flat", "fc"]
    first, deep, pool, last = (integer.steps[i] for i in (0, 1, 2, 5))
    assert (first.stride, first.padding, first.groups, first.in_signed) == (1, 1, 1, False)
    assert (deep.stride, deep.padding, deep.groups, deep.in_signed) == (2, 0, 2, False)
    assert isinstance(pool, IntegerMaxPool)
    assert first.requantizer.signed is False
    assert deep.requantizer.signed is True
    assert last.requantizer is None
    assert last.out_scale == one.weights["fc"].unit * last.in_scale
    codes = integer.quantize_input(one.images)
    assert [traced.y.shape for traced in integer.trace(codes)] == [
        (5, 4, 4, 2), (5, 2, 2, 4), (5, 1, 1, 4), (5, 1, 1, 4), (5, 4), (5, 3)
    ]


def test_rectified_codes_are_unsigned_whatever_the_ranges_say():
    """[S8.1] The clamp is the rectification."""
    one = case(conv=conv(), relu=ReLU(kernels), pool=GlobalAvgPool(kernels), fc=linear(2))
    ranges = {**one.ranges, "relu": (one.ranges["relu"][0], True)}
    integer = replace(one, ranges=ranges).lower()
    assert integer.steps[0].requantizer.signed is False


def test_calibration():
    """[S8.1] Maxima or percentiles of magnitudes, signs as seen, 1 where nothing was seen."""
    layers = {"conv": conv(), "relu": ReLU(kernels), "pool": GlobalAvgPool(kernels)}
    network = Network(layers)
    images = RNG(0).standard_normal((4, 5, 5, 1))
    ranges = calibrate(network, images)
    assert list(ranges) == ["input", "conv", "relu", "pool"]
    x = layers["conv"].forward(images)
    assert ranges["input"] == (np.abs(images).max(), True)
    assert ranges["conv"] == (np.abs(x).max(), True)
    assert ranges["relu"] == (x.max(), False)
    half = calibrate(network, images, 50.0)
    assert half["conv"] == (pytest.approx(np.median(np.abs(x))), True)
    assert half["conv"][0] < ranges["conv"][0]
    assert calibrate(network, np.zeros((1, 5, 5, 1)))["relu"] == (1.0, False)


@pytest.mark.parametrize(("bits", "signed", "scale"), [(8, False, 2 / 255), (8, True, 2 / 127)])
def test_the_largest_code_is_the_range(bits, signed, scale):
    """[S8.1]"""
    found = Activation.of(2.0, bits, signed)
    assert (found.scale, found.bits, found.signed) == (scale, bits, signed)
    assert found.largest == (128 if signed else 255)


def broken_norm(gamma=1.0, mean=0.0):
    bn = BatchNorm2d(2, **MAKE)
    bn.parameters["gamma"] = np.full(2, gamma)
    bn.buffers["running_mean"] = np.full(2, mean)
    return bn


FAULTS = {
    "relu first": (lambda: {"relu": ReLU(kernels), "conv": conv(), "flat": Flatten(kernels),
                            "fc": linear(18)}, "layer relu: ReLU has no integer form there"),
    "norm behind relu": (lambda: {"conv": conv(), "relu": ReLU(kernels), "bn": broken_norm(),
                                  "pool": GlobalAvgPool(kernels), "fc": linear(2)},
                         "layer bn: BatchNorm2d has no integer form there"),
    "relu last": (lambda: {"flat": Flatten(kernels), "fc": linear(16), "relu": ReLU(kernels)},
                  "layer fc: Linear and ReLU has no integer form as the last step"),
    "norm last": (lambda: {"flat": Flatten(kernels), "fc": linear(16), "bn": broken_norm(2.0)},
                  "layer fc: a normalization behind the last product"),
    "pool last": (lambda: {"conv": conv(), "pool": GlobalAvgPool(kernels)},
                  "layer pool: GlobalAvgPool has no integer form as the last step"),
    "max last": (lambda: {"conv": conv(), "pool": MaxPool2d(2, 1, backend=kernels)},
                 "layer pool: MaxPool2d has no integer form as the last step"),
    "padded max": (lambda: {"conv": conv(), "pool": MaxPool2d(2, 1, padding=1, backend=kernels),
                            "flat": Flatten(kernels), "fc": linear(32)},
                   "layer pool: MaxPool2d has no integer form there"),
    "flatten last": (lambda: {"conv": conv(), "flat": Flatten(kernels)},
                     "layer flat: Flatten has no integer form as the last step"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_layers_without_an_integer_form(fault):
    """[S9.4] Each names its layer; nothing is lowered to something else in silence."""
    layers, message = FAULTS[fault]
    with pytest.raises(ValueError, match=message):
        case(**layers()).lower()


def plain():
    return {"conv": conv(), "bn": broken_norm(), "pool": GlobalAvgPool(kernels), "fc": linear(2)}


def test_nothing_to_lower():
    """[S9.4]"""
    with pytest.raises(ValueError, match="steps is empty"):
        lower(Network({}), {}, {"input": (1.0, False)}, (4, 4, 1))


@pytest.mark.parametrize("name", ["input", "bn", "pool", "fc"])
def test_missing_ranges(name):
    """[S8.1]"""
    one = case(**plain())
    del one.ranges[name]
    with pytest.raises(ValueError, match=f"ranges has no {name}"):
        one.lower()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: w.pop("conv"), "weights has no conv"),
        (lambda w: w.update(conv=replace(w["conv"], codes=w["fc"].codes)),
         "layer conv: codes has shape"),
        (lambda w: w.update(conv=replace(w["conv"], signs=w["fc"].signs)),
         "layer conv: signs has shape"),
        (lambda w: w.update(conv=replace(w["conv"], bits=2)), "layer conv: codes contains"),
        (lambda w: w.update(conv=replace(w["conv"], bits=1)), "layer conv: bits = 1"),
        (lambda w: w.update(conv=replace(w["conv"], scale=-1.0)), "layer conv: scale = -1"),
        (lambda w: w.update(fc=replace(w["fc"], scale=1e-320)), "layer fc: a bias does not fit"),
    ],
)  # fmt: skip
def test_wrong_weights(change, message):
    """[S9.1]"""
    one = case(**plain())
    one.network.layers["fc"].parameters["bias"] += 1
    change(one.weights)
    with pytest.raises(ValueError, match=message):
        one.lower()


@pytest.mark.parametrize(
    ("norm", "message"),
    [
        (broken_norm(mean=np.inf), "layer conv: its bias or normalization is not finite"),
        (broken_norm(gamma=np.nan), "layer conv: its bias or normalization is not finite"),
        (broken_norm(gamma=1e15), r"layer conv: factor = .* expected a real number in"),
    ],
)
def test_wrong_normalizations(norm, message):
    """[S9.4]"""
    one = case(**plain())
    one.network.layers["bn"] = norm
    with pytest.raises(ValueError, match=message):
        one.lower()


@pytest.mark.parametrize("bits", [0, 1, 17, 8.0, True])
def test_wrong_widths(bits):
    """[S8.1]"""
    one = case(**plain())
    with pytest.raises(ValueError, match="activation_bits"):
        lower(one.network, one.weights, one.ranges, (4, 4, 1), bits)


def test_wrong_images():
    """[S9.1] The shapes of all steps follow from that of the image."""
    one = case(**plain())
    for shape, message in (
        ((4, 4, 3), "layer conv: w has shape"), ((1, 4, 1), "layer conv: images of"),
        ((4, 4, 0), "input_shape = 0"), ((0, 0, 1), "layer conv: images of"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=message):
            lower(one.network, one.weights, one.ranges, shape)
    with pytest.raises(ValueError, match="input_shape"):
        lower(one.network, one.weights, one.ranges, (4, 4, 1, 1))


def test_accumulators_that_could_reach_2_to_the_31():
    """[S9.2] [S9.4] From the shapes alone, before anything runs."""
    one = case(
        bits=8, activation_bits=16, flat=Flatten(kernels), a=linear(16, 129), b=linear(129, 2),
        fc=linear(2),
    )  # fmt: skip
    # The first layer has 16 * 255 * 65535 < 2^31, the second 129 * 255 * 32768 < 2^31 (signed).
    assert one.lower().steps
    unsigned = {**one.ranges, "a": (one.ranges["a"][0], False)}
    with pytest.raises(ValueError, match="layer b: accumulators may reach 2155773825"):
        replace(one, ranges=unsigned).lower()


def test_a_pooling_whose_factor_is_out_of_range_names_itself():
    """[S9.4]"""
    one = case(**plain())
    ranges = {**one.ranges, "pool": (1e12, False)}
    with pytest.raises(ValueError, match="layer pool: factor"):
        replace(one, ranges=ranges).lower()


def test_units_of_weights():
    """[S9.1] [S1.4]"""
    codes = np.zeros((1, 1), np.int32)
    assert WeightCodes(codes, None, 3, 0.7).unit == 0.7 / 7
    assert WeightCodes(codes, codes.astype(np.int8), 3, 0.7).unit == 0.7 / 3
    assert weight_codes(np.ones((2, 2)), 3, "signed", 0.7).codes.max() == 3
