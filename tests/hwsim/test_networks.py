"""The bundled networks as workloads: shapes without computing, published sizes."""

import numpy as np
import pytest

from hwsim import Layer, load_accelerator, simulate
from hwsim.analytic import closed_form
from hwsim.engine import simulate_layer
from hwsim.hollow import HOLLOW, zeros
from hwsim.networks import network_names, network_sizes, network_workload
from hwsim.tiling import best_tiling
from msq_ref import models

TINY = {
    "digits-cnn": {},
    "resnet20": {},
    "resnet18": {"input_size": 33},
    "resnet50": {"input_size": 33},
    "mobilenetv3-small": {"input_size": 33, "width_mult": 0.25},
    "efficientnet-lite0": {"input_size": 40},
    "deit-ti": {"input_size": 32, "patch": 8, "width": 24, "depth": 2, "heads": 3},
    "swin-t": {
        "input_size": 36, "patch": 2, "width": 12, "depth": (2, 2), "heads": (2, 3), "window": 4
    },
}  # fmt: skip


def shapes(network, x):
    """Return the shapes that went into every operation."""
    network.forward(x)
    return {
        name: [np.shape(value) for value in layer.inference()]
        for name, layer in network.operations.items()
        if layer.quantizable or hasattr(layer, "heads")
    }


@pytest.mark.parametrize("name", TINY)
def test_hollow_operations_have_the_shapes_of_real_ones(name):
    """[S11.1] Two images, all layers."""
    sizes = TINY[name]
    shape = 2, *models.input_shape(name, **sizes)
    real = models.build(name, seed=1, **sizes)
    hollow = models.outline(name, backend=HOLLOW, **sizes)
    x = np.random.default_rng(0).random(shape, np.float32)
    assert shapes(hollow, zeros(shape)) == shapes(real, x)
    assert {k: v.shape for k, v in hollow.parameters().items()} == {
        k: v.shape for k, v in real.parameters().items()
    }


@pytest.mark.parametrize("name", TINY)
def test_macs_are_those_of_the_products(name, monkeypatch):
    """[S10.1] Counted from the arrays of a real pass, padding included."""
    from msq_ref import reference

    sizes, count = TINY[name], 0

    def counted(function, macs):
        def call(*arguments, **options):
            nonlocal count
            result = function(*arguments, **options)
            count += macs(result, *arguments)
            return result

        return call

    def conv(y, x, w, *_):
        return y.size * w[..., 0].size

    def attention(y, q, k, *_):
        return 2 * q.size * k.shape[2]

    network = models.build(name, seed=1, **sizes)
    monkeypatch.setattr(reference, "conv2d", counted(reference.conv2d, conv))
    monkeypatch.setattr(reference, "linear", counted(reference.linear, conv))
    monkeypatch.setattr(reference, "attention", counted(reference.attention, attention))
    network.forward(np.zeros((1, *models.input_shape(name, **sizes)), np.float32))
    assert network_workload(name, **sizes).macs == count


def test_published_sizes():
    """MACs at the published input sizes, to the published digits."""
    found = {size.name: size for size in network_sizes()}
    assert list(found) == network_names() == models.names()
    published = {
        "resnet18": "1.81", "resnet50": "4.09", "mobilenetv3-large": "0.217", "deit-s": "4.6",
        "swin-t": "4.5",
    }  # fmt: skip
    for name, figure in published.items():
        digits = len(figure.partition(".")[2])
        assert f"{found[name].macs / 1e9:.{digits}f}" == figure
    assert found["resnet20"].parameters == models.parameter_count("resnet20")


def test_deit():
    """[S10.2] A block: qkv, both products by head, projection, two layers of the token network."""
    work = network_workload("deit-s", bits=4, in_bits=6)
    block = [layer for layer in work.layers if layer.name.startswith("blocks.3.")]
    found = [(at.name[9:], at.kind, at.K, at.M, at.P, at.groups, at.bits) for at in block]
    assert found == [
        ("attn.qkv", "linear", 384, 1152, 197, 1, 4),
        ("attn.scores", "attention", 64, 197, 197, 6, 6),
        ("attn.values", "attention", 197, 64, 197, 6, 6),
        ("attn.proj", "linear", 384, 384, 197, 1, 4),
        ("mlp.fc1", "linear", 384, 1536, 197, 1, 4),
        ("mlp.fc2", "linear", 1536, 384, 197, 1, 4),
    ]
    assert [layer.out_bits for layer in work.layers] == [6] * (len(work.layers) - 1) + [32]
    eight = work.at_bits(8)
    assert {layer.bits for layer in eight.layers if layer.kind == "attention"} == {6}
    assert {layer.bits for layer in eight.layers if layer.kind != "attention"} == {8}


def test_swin_counts_windows():
    """[S10.2] 8 x 8 windows of 49 tokens and 3 heads in the first stage."""
    work = {layer.name: layer for layer in network_workload("swin-t").layers}
    scores = work["layers.0.blocks.1.attn.scores"]
    assert (scores.groups, scores.P, scores.M, scores.K) == (8 * 8 * 3, 49, 49, 32)
    assert work["layers.0.blocks.1.attn.qkv"].P == 56 * 56


def test_attention_on_the_engine(machine):
    """[S10.3] Products by head, to the bit, with the counts of the closed form."""
    rng = np.random.default_rng(4)
    heads, tokens, features = 3, 5, 7
    layer = Layer.attention("s", features, tokens, 4, positions=tokens, groups=heads, in_bits=4)
    q = rng.integers(-8, 8, (tokens, heads, features))
    k = rng.integers(-7, 8, (tokens, heads, features))
    codes = k.transpose(2, 1, 0).reshape(features, heads * tokens)
    accelerator = machine(2, 3, 4)
    result = simulate_layer(
        layer, accelerator, q.reshape(tokens, -1), np.abs(codes), np.sign(codes), in_signed=True
    )
    expected = np.einsum("thd,shd->ths", q, k).reshape(tokens, heads * tokens)
    assert np.array_equal(result.accumulators, expected)
    assert result.counts == closed_form(layer, accelerator, best_tiling(layer, accelerator))


def test_attention_layers_that_are_none():
    with pytest.raises(ValueError, match="height = 2: expected 1 in a product of attention"):
        Layer("s", "attention", 2, 4, 4, 4, 8, groups=2)


@pytest.mark.parametrize("name", ["resnet20", "mobilenetv3-small"])
def test_networks_run(name):
    """[S10.5] On the smaller preset."""
    work, accelerator = network_workload(name, bits=4), load_accelerator("edge-small")
    report = simulate(work, accelerator)
    array = accelerator.array
    assert report.totals.macs == work.macs
    assert report.totals.cycles >= work.macs * 4 / (array.rows * array.cols * array.lanes)


def test_networks_without_weights():
    """Zeros of one's own, that can be written; the sizes are checked all the same."""
    hollow = models.outline("resnet20")
    weights = [layer.parameters["weight"] for layer in hollow.quantized_layers().values()]
    assert all(not w.any() and w.flags.writeable and w.dtype == np.float32 for w in weights)
    assert not hollow.forward(np.ones((1, 32, 32, 3), np.float32)).any()
    with pytest.raises(ValueError, match="width = 0"):
        models.outline("resnet18", width=0)


def test_unknown_names():
    with pytest.raises(ValueError, match="did you mean 'resnet20'"):
        network_workload("resnet200")
    with pytest.raises(ValueError, match="size = 'widht'"):
        network_workload("resnet18", widht=8)
