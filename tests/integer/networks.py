"""Networks drawn from a seed, with every layer that has an integer form, ready to be lowered."""

from dataclasses import dataclass, replace

import numpy as np

import msq_ref as msq
from msq_ref import kernels
from msq_ref.integer import (
    FakeQuantized,
    IntegerNetwork,
    IntegerProduct,
    WeightCodes,
    calibrate,
    lower,
)
from msq_ref.nn import (
    AvgPool2d,
    BatchNorm2d,
    Conv2d,
    Flatten,
    GlobalAvgPool,
    Linear,
    MaxPool2d,
    Network,
    Product,
    ReLU,
)

CLASSES = 4


@dataclass
class Case:
    """A network with its codes, images to calibrate and test on, and what `lower` made of it."""

    network: Network
    weights: dict[str, WeightCodes]
    images: np.ndarray
    ranges: dict
    activation_bits: int

    def lower(self, activation_bits=None):
        return lower(
            self.network, self.weights, self.ranges, self.images.shape[1:],
            activation_bits or self.activation_bits,
        )  # fmt: skip

    def fake(self, integer):
        return FakeQuantized(self.network, self.weights, integer)


def weight_codes(w, bits, domain, scale):
    """Quantize weights by the definitions."""
    if domain == "offset":
        return WeightCodes(msq.roundclamp(msq.normalize(w), bits), None, bits, scale)
    codes = msq.roundclamp(msq.normalize_signed(w), bits - 1)
    return WeightCodes(codes, np.sign(w).astype(np.int8), bits, scale)


def real_weights(weight, dtype):
    """Return the weights that codes stand for."""
    if weight.signs is None:
        return msq.effective(msq.dequantize(weight.codes, weight.bits, dtype), weight.scale)
    q = msq.dequantize(weight.codes, weight.bits - 1, dtype)
    return msq.effective_signed(q, weight.signs.astype(dtype), weight.scale)


def prepare(layers, images, *, bits, domain, rng, activation_bits=8, scale=None):
    """Quantize the layers' weights and calibrate; `bits` is a number or a function of the name."""
    network = Network(layers)
    weights = {}
    for name, layer in layers.items():
        if isinstance(layer, Product):
            w = layer.parameters["weight"]
            n = bits if isinstance(bits, int) else bits(name)
            weights[name] = weight_codes(w, n, domain, scale or float(rng.uniform(0.05, 2)))
            layer.effective = real_weights(weights[name], w.dtype)
    return Case(network, weights, images, calibrate(network, images), activation_bits)


def batch_norm(channels, rng, dtype):
    """Trained statistics, some of them odd: negative, tiny and zero slopes, large offsets."""
    layer = BatchNorm2d(channels, dtype=dtype, backend=kernels)
    gamma = rng.uniform(0.2, 1.5, channels) * rng.choice([-1, 1], channels)
    kinds = rng.random(channels)
    gamma[kinds < 0.06] = 0
    gamma[(kinds >= 0.06) & (kinds < 0.12)] *= 1e-9  # below the least factor: a constant
    beta = rng.standard_normal(channels)
    beta *= np.where(rng.random(channels) < 0.1, 30, 1)
    variance = rng.uniform(0.2, 3, channels)
    variance = np.where(rng.random(channels) < 0.1, 1e-8, variance)
    layer.parameters = {"gamma": gamma.astype(dtype), "beta": beta.astype(dtype)}
    layer.buffers = {
        "running_mean": rng.standard_normal(channels).astype(dtype),
        "running_variance": variance.astype(dtype),
    }
    return layer


def biased(layer, rng):
    if "bias" in layer.parameters:
        bias = layer.parameters["bias"]
        layer.parameters["bias"] = (rng.standard_normal(bias.shape) / 2).astype(bias.dtype)
    return layer


def generate(seed):
    """Draw a network, its widths, its domain and its images."""
    rng = np.random.default_rng(seed)
    dtype = rng.choice([np.float32, np.float64])
    make = {"rng": rng, "dtype": dtype, "backend": kernels}
    channels = int(rng.integers(1, 5))
    sides = rng.integers(6, 10, 2)
    images = rng.random((8, *sides, channels))
    if rng.random() < 0.5:
        images = 2 * images - 1
    layers = {}
    for block in range(1, int(rng.integers(1, 4)) + 1):
        kind = rng.choice(["full", "grouped", "depthwise"])
        groups = {"full": 1, "grouped": int(np.gcd(channels, 2)), "depthwise": channels}[kind]
        outputs = groups * int(rng.integers(1, 5))
        kernel = int(rng.integers(1, min(*sides, 3) + 1))
        stride, padding = int(rng.integers(1, 3)), int(rng.integers(0, 2))
        layers[f"conv{block}"] = biased(Conv2d(
            channels, outputs, kernel, stride=stride, padding=padding, groups=groups,
            bias=bool(rng.random() < 0.5), **make,
        ), rng)  # fmt: skip
        channels, sides = outputs, (sides + 2 * padding - kernel) // stride + 1
        if rng.random() < 0.7:
            layers[f"bn{block}"] = batch_norm(channels, rng, dtype)
        if rng.random() < 0.6:
            layers[f"relu{block}"] = ReLU(kernels)
        pool = rng.choice([None, MaxPool2d, AvgPool2d])
        if pool is not None and min(sides) >= 3:
            size, stride = int(rng.integers(2, 4)), int(rng.integers(1, 3))
            layers[f"pool{block}"] = pool(size, stride, backend=kernels)
            sides = (sides - size) // stride + 1
    if rng.random() < 0.5:
        layers["global"] = GlobalAvgPool(kernels)
        features = channels
    else:
        layers["flatten"] = Flatten(kernels)
        features = int(np.prod(sides)) * channels
    if rng.random() < 0.4:
        layers["hidden"] = biased(Linear(features, 6, bias=bool(rng.random() < 0.5), **make), rng)
        features = 6
        if rng.random() < 0.5:
            layers["hidden_bn"] = batch_norm(features, rng, dtype)
        if rng.random() < 0.6:
            layers["hidden_relu"] = ReLU(kernels)
    layers["fc"] = biased(Linear(features, CLASSES, bias=bool(rng.random() < 0.8), **make), rng)
    domain = str(rng.choice(["offset", "signed"]))
    least = 1 if domain == "offset" else 2
    return prepare(
        layers, images.astype(dtype), domain=domain, rng=rng,
        bits=lambda name: int(rng.integers(least, 9)), activation_bits=int(rng.integers(2, 17)),
    )  # fmt: skip


def with_step(integer: IntegerNetwork, index: int, **changes) -> IntegerNetwork:
    """Return the network with one step changed."""
    steps = list(integer.steps)
    steps[index] = replace(steps[index], **changes)
    return replace(integer, steps=tuple(steps))


def product_index(integer: IntegerNetwork, name: str) -> int:
    """Return where a product stands."""
    return next(
        index for index, step in enumerate(integer.steps)
        if isinstance(step, IntegerProduct) and step.name == name
    )
