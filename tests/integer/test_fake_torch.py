"""The fake-quantized network against the same one in PyTorch, at every step."""

import numpy as np
import torch
from torch.nn import functional

from msq_ref import kernels
from msq_ref.integer import IntegerAveragePool, IntegerProduct, compare
from msq_ref.integer.fake import output_scale, rounded
from msq_ref.nn import (
    AvgPool2d,
    BatchNorm2d,
    Conv2d,
    Flatten,
    GlobalAvgPool,
    Linear,
    MaxPool2d,
    ReLU,
)
from tests.integer.networks import batch_norm, biased, generate, prepare


def network(domain, bits):
    """Every layer there is, in float32, as training leaves it."""
    rng = np.random.default_rng(11)
    make = {"rng": rng, "dtype": np.float32, "backend": kernels}
    layers = {
        "conv1": biased(Conv2d(3, 4, 3, padding=1, bias=True, **make), rng),
        "bn1": batch_norm(4, rng, np.float32),
        "relu1": ReLU(kernels),
        "max": MaxPool2d(2, 2, backend=kernels),
        "conv2": Conv2d(4, 8, 3, stride=2, padding=1, groups=4, **make),
        "bn2": batch_norm(8, rng, np.float32),
        "avg": AvgPool2d(2, 1, backend=kernels),
        "conv3": biased(Conv2d(8, 6, 2, padding=1, groups=2, bias=True, **make), rng),
        "relu3": ReLU(kernels),
        "global": GlobalAvgPool(kernels),
        "flatten": Flatten(kernels),
        "hidden": biased(Linear(6, 5, **make), rng),
        "bn4": batch_norm(5, rng, np.float32),
        "fc": biased(Linear(5, 3, **make), rng),
    }
    images = (2 * rng.random((6, 12, 12, 3)) - 1).astype(np.float32)
    return prepare(layers, images, bits=bits, domain=domain, rng=rng, activation_bits=7)


def wide(array):
    return torch.from_numpy(np.asarray(array, np.float64))


def code_weights(weight):
    """``scale (2 q - 1)``, or ``scale sign q``, of the codes, in float64."""
    codes = wide(weight.codes)
    if weight.signs is None:
        return weight.scale * (2 * codes / (2**weight.bits - 1) - 1)
    return weight.scale * wide(weight.signs) * codes / (2 ** (weight.bits - 1) - 1)


def in_torch(layer, weight, x):
    """Apply one layer to NCHW images or to vectors."""
    p = {name: wide(value) for name, value in layer.parameters.items()}
    if isinstance(layer, Conv2d):
        return functional.conv2d(
            x, code_weights(weight).permute(3, 2, 0, 1), p.get("bias"), layer.stride,
            layer.padding, groups=layer.groups,
        )  # fmt: skip
    if isinstance(layer, Linear):
        return functional.linear(x, code_weights(weight).T, p.get("bias"))
    if isinstance(layer, BatchNorm2d):
        b = layer.buffers
        running = wide(b["running_mean"]), wide(b["running_variance"])
        return functional.batch_norm(x, *running, p["gamma"], p["beta"], eps=1e-5)
    if isinstance(layer, MaxPool2d):
        return functional.max_pool2d(x, layer.size, layer.stride)
    if isinstance(layer, AvgPool2d):
        return functional.avg_pool2d(x, layer.size, layer.stride)
    if isinstance(layer, GlobalAvgPool):
        return x.mean(dim=(2, 3))
    if isinstance(layer, ReLU):
        return functional.relu(x)
    assert isinstance(layer, Flatten)
    return x.permute(0, 2, 3, 1).flatten(1) if x.ndim == 4 else x.flatten(1)


def channels_last(x):
    return x.permute(0, 2, 3, 1).numpy() if x.ndim == 4 else x.numpy()


def check_against_torch(case):
    """Compare every value, every code and the logits; return how many codes there were."""
    integer = case.lower()
    fake = case.fake(integer)
    codes = integer.quantize_input(case.images)
    scale = integer.input_scale
    ours, count = codes, 0
    theirs = wide(codes)
    theirs = theirs.permute(0, 3, 1, 2) if theirs.ndim == 4 else theirs
    for index, step in enumerate(integer.steps):
        values = fake.values(index, ours, scale)
        real = theirs * scale
        for name in fake._groups[index]:
            real = in_torch(case.network.layers[name], case.weights.get(name), real)
        expected = channels_last(real)
        assert values.dtype == np.float64
        size = np.linalg.norm(expected)
        assert np.linalg.norm(values - expected) <= 1e-13 * size
        out = output_scale(step, scale)
        if not isinstance(step, IntegerProduct | IntegerAveragePool):
            theirs = torch.round(real / scale)  # order only: codes again
        elif step.requantizer is not None:
            kind = step.requantizer
            low, high = (
                (-(2 ** (kind.bits - 1)), 2 ** (kind.bits - 1) - 1) if kind.signed
                else (0, 2**kind.bits - 1)
            )
            theirs = torch.clamp(torch.round(real / out), low, high)  # round: ties to even
        else:
            assert np.allclose(fake.run(codes), expected, rtol=1e-12, atol=1e-12 * size)
            break
        ours = rounded(step, values, out)
        assert np.array_equal(ours, channels_last(theirs))
        count += ours.size
        scale = out
    assert {s.unexplained for s in compare(fake, codes)} == {0}
    return count


def test_every_layer_offset():
    """[S9.6] [S8.1] [S11.1] Values to 1e-13, codes to the bit, in the offset domain."""
    assert check_against_torch(network("offset", 5)) > 3000


def test_every_layer_signed():
    """[S9.6] [S8.1] [S11.1] The same in the signed domain."""
    assert check_against_torch(network("signed", 4)) > 3000


def test_generated_networks():
    """[S9.6] [S11.1] Forty more, of all widths."""
    assert sum(check_against_torch(generate(seed)) for seed in range(3000, 3040)) > 50_000
