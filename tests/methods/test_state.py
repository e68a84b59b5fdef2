"""What a method keeps in a checkpoint, and how it takes it up again [S6]."""

import json

import numpy as np
import pytest

from msq_ref import kernels, models, reference
from msq_ref.methods import DoReFa, Float
from tests.methods.schedules import history, noisy, schedule, still

EPOCHS = 9
SETTINGS = {"interval": 2, "prune_until": 8, "target": 6.5, "lambda": 0.01}


def drift(method, epoch):
    """Move the latent weights of layer c, as training would."""
    c = method.network.layers["c"].parameters["weight"]
    c[...] = noisy(100 + epoch) if epoch < 4 else still(1)


def made(domain):
    weights = {"a": still(1), "b": still(3), "c": noisy(3)}
    method, _ = schedule(weights, domain, {"a": 1.0, "b": 2.0, "c": 3.0}, **SETTINGS)
    return method


def advance(method, first, last):
    rows = []
    for epoch in range(first, last):
        drift(method, epoch)
        method.end_epoch(epoch)
        rows.append((method.round(), method.frozen, method.penalty_strength(), method.quantize()))
    return rows


@pytest.mark.parametrize("domain", ["offset", "signed"])
@pytest.mark.parametrize("stop", range(EPOCHS + 1))
def test_msq_continues_from_its_state(domain, stop):
    """[S6] Stopped after any epoch, through JSON into a new method: the same rounds to the end."""
    whole = made(domain)
    whole.start()
    expected = advance(whole, 0, EPOCHS)
    assert expected[0][0].bits != expected[-1][0].bits
    assert [row[1] for row in expected].count(True) not in (0, EPOCHS)
    first = made(domain)
    first.start()
    rows = advance(first, 0, stop)
    text = json.dumps(first.state())
    second = made(domain)
    for name, weight in second.weights.items():
        weight.latent[...] = first.weights[name].latent
        weight.scale = 99.0
    second.load_state(json.loads(text))
    assert json.dumps(second.state()) == text
    rows += advance(second, stop, EPOCHS)
    assert rows == expected


def test_state_before_the_start():
    """[S6.1] No sensitivities yet: they are none in the new method either."""
    method, other = made("signed"), made("signed")
    other.start()
    other.load_state(json.loads(json.dumps(method.state())))
    assert other.omega == {}
    assert [weight.k for weight in other.weights.values()] == [0, 0, 0]


FAULTS = {
    "no bits": (lambda s: s.pop("bits"), "state has no bits of a, b, c"),
    "bits of some": (lambda s: s["bits"].pop("b"), "state has no bits of b"),
    "bits as a list": (lambda s: s.update(bits=[8, 8, 8]), "state has no bits of a, b, c"),
    "no width": (lambda s: s["bits"].update(a=0), r"(k|bits)\['a'\] = "),
    "one signed bit": (lambda s: s["bits"].update(a=1), r"(k|bits)\['a'\] = "),
    "wide": (lambda s: s["bits"].update(a=17), r"bits\['a'\] = 17: expected"),
    "half a bit": (lambda s: s["bits"].update(a=7.5), r"bits\['a'\] = 7\.5"),
    "bits in words": (lambda s: s["bits"].update(a="eight"), r"bits\['a'\] = 'eight'"),
    "no scale": (lambda s: s.pop("scale"), "state has no scale of a, b, c"),
    "scale 0": (lambda s: s["scale"].update(b=0), r"scale\['b'\] = 0"),
    "scale nan": (lambda s: s["scale"].update(b=float("nan")), r"scale\['b'\] = nan"),
    "scale in words": (lambda s: s["scale"].update(b="1"), r"scale\['b'\] = '1'"),
    "no k": (lambda s: s.pop("k"), "state has no k of a, b, c"),
    "large k": (lambda s: s["k"].update(c=7), r"k\['c'\] = 7: expected an integer in \[0, 6\]"),
    "negative k": (lambda s: s["k"].update(c=-1), r"k\['c'\] = -1"),
    "omega of some": (lambda s: s["omega"].pop("a"), "state has no omega of a"),
    "omega as a list": (lambda s: s.update(omega=[1, 2]), "state has no omega of a, b, c"),
    "omega null": (lambda s: s["omega"].update(a=None), r"omega\['a'\] = None"),
    "no frozen": (lambda s: s.pop("frozen"), "frozen = None: expected true or false"),
    "frozen 1": (lambda s: s.update(frozen=1), "frozen = 1: expected true or false"),
}


@pytest.mark.parametrize(("spoil", "match"), FAULTS.values(), ids=FAULTS.keys())
def test_a_spoilt_state_is_refused_as_a_whole(spoil, match):
    """A ValueError names the entry; the method has changed in nothing."""
    method = made("signed")
    method.start()
    state = json.loads(json.dumps(method.state()))
    before = json.dumps(method.state())
    state["bits"]["b"], state["k"]["b"], state["scale"]["a"] = 4, 1, 0.125
    spoil(state)
    with pytest.raises(ValueError, match=match):
        method.load_state(state)
    assert json.dumps(method.state()) == before


@pytest.mark.parametrize("state", [None, [], "state", 3])
def test_a_state_that_is_none(state):
    """From a foreign file anything may come."""
    network = models.build("digits-cnn", width=1)
    for method in (made("offset"), DoReFa(network, reference, 3)):
        with pytest.raises(ValueError, match="state has no bits"):
            method.load_state(state)


def test_float_keeps_weights_as_they_are():
    """No layer is quantized: 32 bits, compression 1, nothing to regularize, nothing to keep."""
    network = models.build("digits-cnn", width=2)
    method = Float(network)
    assert method.quantize() == 0
    assert all(layer.effective is None for layer in network.layers.values())
    network.layers["fc"].gradients["weight"] = grad = np.ones((8, 10), np.float32)
    method.backward()
    assert network.layers["fc"].gradients["weight"] is grad
    assert set(method.bits().values()) == {32}
    assert list(method.bits()) == ["conv1", "conv2", "conv3", "fc"]
    assert (method.compression(), method.average_bits(), method.sign_bits()) == (1, 32, 0)
    assert method.penalty_strength() == 0
    method.end_epoch(0)
    assert method.round().bits == method.bits()
    method.load_state(json.loads(json.dumps(method.state())))


@pytest.mark.parametrize("bits", [1, 4, 16])
def test_dorefa_is_uniform(bits):
    """[S7.1] One width for every layer and ever, the offset domain, no regularizer."""
    network = models.build("digits-cnn", width=2, backend=kernels)
    method = DoReFa(network, kernels, bits)
    assert method.quantize() == 0
    for name, layer in network.quantized_layers().items():
        codes = reference.dorefa(kernels.normalize(layer.parameters["weight"]), bits)
        q = reference.dequantize(codes, bits)
        np.testing.assert_array_equal(layer.effective, reference.effective(q, 1.0))
        assert method.weights[name].k == 0
    assert history(method, 3) == 3 * [4 * [bits]]
    assert (method.compression(), method.average_bits()) == (32 / bits, bits)
    assert method.sign_bits() == 0
    assert method.penalty_strength() == 0
    again = DoReFa(network, kernels, 8)
    again.load_state(json.loads(json.dumps(method.state())))
    assert again.bits() == method.bits()


@pytest.mark.parametrize("bits", [0, 17, 4.0, True, None])
def test_dorefa_of_an_impossible_width(bits):
    """[S0.2] Refused when it is made."""
    with pytest.raises(ValueError, match=f"bits = {bits}"):
        DoReFa(models.build("digits-cnn", width=1), kernels, bits)


def test_compression_counts_sizes_and_the_sign():
    """[S6.3], [S6.5] ``32 sum N / sum n N`` over the weights, exactly; the sign is a bit of n."""
    method, _ = schedule({"a": still(1, (2, 3)), "b": still(1, (5, 7))}, traces={"a": 1, "b": 1})
    method.weights["a"].bits, method.weights["b"].bits = 3, 5
    assert method.average_bits() * 41 == 3 * 6 + 5 * 35
    assert method.compression() * (3 * 6 + 5 * 35) == 32 * 41
    assert method.sign_bits() == 1
