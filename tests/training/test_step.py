"""One step: a batch at once or in micro batches, and what is looked at on the way."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from msq_ref import kernels, reference
from msq_ref.nn import BatchNorm2d, Chain, Conv2d, GlobalAvgPool, Linear, Network, ReLU, Sum
from msq_ref.training.batches import Arrays
from msq_ref.training.divergence import Diverged, demand_finite, first_bad_output
from msq_ref.training.step import forget_gradients, loss_and_gradients
from tests.nn.networks import relative_error
from tests.training.runs import digits, run, trainer

CLASSES = 3


def network(normalized=True, backend=kernels, dtype=np.float64):
    """A convolution, a residual block and a linear layer, biases included."""
    rng = np.random.default_rng(0)
    how = {"dtype": dtype, "backend": backend}

    def conv(inputs):
        return Conv2d(inputs, 4, 3, padding=1, bias=True, rng=rng, **how)

    def norm():
        if not normalized:
            return ReLU(backend)
        layer = BatchNorm2d(4, **how)
        layer.buffers["running_mean"] = rng.standard_normal(4).astype(dtype)
        layer.buffers["running_variance"] = rng.random(4).astype(dtype) + 1
        return layer

    block = Sum({"left": Chain({"conv": conv(4), "norm": norm()}), "right": conv(4)})
    return Network(
        {"stem": conv(2), "norm": norm(), "relu": ReLU(backend), "block": block,
         "pool": GlobalAvgPool(backend), "fc": Linear(4, CLASSES, rng=rng, **how)}
    )  # fmt: skip


def batch(count, dtype=np.float64):
    rng = np.random.default_rng(count)
    images = rng.standard_normal((count, 5, 5, 2)).astype(dtype)
    return images, rng.integers(0, CLASSES, count)


@pytest.mark.parametrize("backend", [reference, kernels], ids=["reference", "kernels"])
@pytest.mark.parametrize("normalized", [True, False], ids=["inference", "no normalization"])
@given(count=st.integers(1, 9), size=st.integers(1, 10), smoothing=st.sampled_from([0.0, 0.2]))
def test_micro_batches_add_up_to_the_batch(backend, normalized, count, size, smoothing):
    """[S11.1] Loss and every gradient to 1e-12, the last micro batch smaller or not."""
    images, labels = batch(count)
    found = []
    for micro in (0, size):
        net = network(normalized, backend)
        loss = loss_and_gradients(
            net, backend, images, labels, micro_batch_size=micro, smoothing=smoothing,
            training=not normalized,
        )  # fmt: skip
        found.append((loss, {name: g.copy() for name, g in net.gradients().items()}))
    (whole, gradients), (parts, sums) = found
    assert parts == pytest.approx(whole, rel=1e-12)
    assert gradients.keys() == sums.keys() == net.parameters().keys()
    for name, value in gradients.items():
        assert np.linalg.norm(value - sums[name]) <= 1e-12 * max(1, np.linalg.norm(value)), name


def test_micro_batches_have_their_own_statistics():
    """In training: each is normalized by itself, and moves the running statistics in its turn."""
    images, labels = batch(7)
    ours, by_hand = network(), network()
    loss = loss_and_gradients(ours, kernels, images, labels, micro_batch_size=3)
    total, sums = 0.0, dict.fromkeys(ours.parameters(), 0.0)
    for part in (slice(0, 3), slice(3, 6), slice(6, 7)):
        share = len(labels[part]) / 7
        one, grad = kernels.cross_entropy(by_hand.forward(images[part], True), labels[part])
        by_hand.backward(grad)
        total += one * share
        sums = {name: sums[name] + share * g for name, g in by_hand.gradients().items()}
    assert loss == pytest.approx(total, rel=1e-14)
    for name, value in ours.gradients().items():
        assert relative_error(value, sums[name]) <= 1e-12 or np.abs(sums[name]).max() < 1e-14, name
    for name, value in ours.buffers().items():
        np.testing.assert_array_equal(value, by_hand.buffers()[name])


@given(size=st.integers(2, 16))
def test_a_run_in_micro_batches(size):
    """[S12.1] Float weights, no normalization: two epochs to rounding, in float64."""

    def trained(micro):
        state = trainer("float", dtype=np.float64, epochs=2, batch_size=16, micro_batch_size=micro)
        # Normalization is done away with, so that images do not meet.
        for layer in state.network.operations.values():
            if isinstance(layer, BatchNorm2d):
                layer.forward = lambda x, training=False: x
                layer.backward = lambda grad, layer=layer: (
                    layer.gradients.update(gamma=np.zeros_like(layer.parameters["gamma"]),
                                           beta=np.zeros_like(layer.parameters["beta"])) or grad
                )  # fmt: skip
        images, labels = digits(np.float64, 30)
        state.run(Arrays(images, labels), lambda: 0.0, lambda state: None)
        return state

    one, other = trained(0), trained(size)
    assert one.rows[-1]["loss"] == pytest.approx(other.rows[-1]["loss"], rel=1e-10)
    for name, value in one.arrays().items():
        np.testing.assert_allclose(other.arrays()[name], value, rtol=1e-9, atol=1e-12)


def test_gradients_are_let_go():
    """After a step, and after a run, no layer holds one: their memory is the next step's."""
    net = network()
    loss_and_gradients(net, kernels, *batch(4), micro_batch_size=2)
    assert net.gradients()
    forget_gradients(net)
    assert net.gradients() == {}
    assert run(trainer("msq signed", epochs=1)).network.gradients() == {}


# --- where it began ---------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("micro", [0, 2])
def test_the_layer_is_named(bad, micro):
    """A weight in a nested block is spoilt: its output is the first that is not finite."""
    net = network()
    net.parameters()["block.left.conv.weight"][0, 0, 0, 0] = bad
    blamed = r"the output of block\.left\.conv is the first that is not finite$"
    match = rf"^the loss became nan in epoch 7, step 9: {blamed}"
    with pytest.raises(Diverged, match=match) as caught, np.errstate(all="ignore"):
        loss_and_gradients(
            net, kernels, *batch(5), micro_batch_size=micro, where="in epoch 7, step 9"
        )
    assert (caught.value.what, caught.value.where) == ("the loss", "in epoch 7, step 9")
    assert np.isnan(caught.value.value)
    assert "forward" not in vars(net.operations["block.left.conv"])


def test_nothing_to_blame():
    """Finite images and outputs; images that are not; a layer that refuses what it is given."""
    net = network()
    images, _ = batch(3)
    assert first_bad_output(net, images) == ""
    images[1, 2, 3, 0] = -np.inf
    assert first_bad_output(net, images) == ": images of the batch are not finite"
    assert first_bad_output(net, images[:0, :, :, :1]) == ""


def test_the_first_element_that_is_not_finite_is_shown():
    """With the name of its array."""
    arrays = {"a.weight": np.ones(4), "layer1.0.bn.beta": np.array([1, -np.inf, np.nan])}
    match = r"^the gradient of layer1\.0\.bn\.beta became -inf in epoch 1, step 2$"
    with pytest.raises(Diverged, match=match):
        demand_finite(arrays, "the gradient", "in epoch 1, step 2")
    demand_finite({"a": np.array([1e308, 1e308])}, "the gradient", "")


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"learning_rate": 1e300, "schedule": "constant"}, r"^the update of conv1\.weight became "),
        ({"optimizer": "adamw", "schedule": "constant"}, r"^the moment of square/conv1\.weight "),
    ],
)
def test_an_update_that_overflows(settings, match, monkeypatch):
    """The parameter is named, or the moment that has gone: its update would be 0 for ever."""
    end = Conv2d._end_backward

    def large(layer, grad):
        end(layer, grad)
        layer.gradients["weight"][...] = 1e25

    monkeypatch.setattr(Conv2d, "_end_backward", large)
    with pytest.raises(Diverged, match=match + r"became inf|-inf in epoch 0, step 0$"):
        run(trainer("float", **settings))


def test_statistics_that_overflow(monkeypatch):
    """Running statistics are looked at too."""
    move = BatchNorm2d._move

    def overflow(layer, name, batch):
        move(layer, name, batch)
        layer.buffers[name][1] = np.inf

    monkeypatch.setattr(BatchNorm2d, "_move", overflow)
    match = r"^the statistics of bn1\.running_mean became inf in epoch 0, step 0$"
    with pytest.raises(Diverged, match=match):
        run(trainer("float"))
