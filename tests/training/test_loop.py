"""The training loop: what it logs, what it agrees with, and what happens when it diverges."""

import itertools

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from msq_ref import kernels, reference
from msq_ref.nn import Linear
from msq_ref.training.batches import Arrays
from msq_ref.training.loop import Diverged, Trainer, accuracy
from msq_ref.training.schedule import cosine_rate
from tests.nn.networks import (
    channels_first,
    from_torch,
    our_name,
    relative_error,
    torch_twin,
)
from tests.training.runs import EPOCHS, METHODS, digits, run, trainer

EVERY = pytest.mark.parametrize("method", METHODS)


def batches(seed, epoch, count=90, size=16):
    """Indices of each batch of an epoch: a permutation drawn from (seed, epoch), cut in order."""
    order = np.random.default_rng([seed, epoch]).permutation(count)
    return [order[start : start + size] for start in range(0, count, size)]


def test_training_is_pytorch_s():
    """[S12.1] Three epochs in float64 against torch.optim.SGD on the same batches, to 1e-9.

    Parameters, velocities and running statistics; the last batch is smaller than the others.
    """
    torch = pytest.importorskip("torch")
    images, labels = digits(np.float64)
    ours = trainer("float", dtype=np.float64, epochs=3)
    twin = torch_twin(torch, ours.network, training=True)
    peer = torch.optim.SGD(twin.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-3)
    losses = []
    for epoch in range(3):
        total = 0.0
        for index, chosen in enumerate(batches(0, epoch)):
            peer.param_groups[0]["lr"] = cosine_rate(0.1, epoch * 6 + index, 18)
            logits = twin(channels_first(torch, images[chosen]))
            loss = torch.nn.functional.cross_entropy(logits, torch.tensor(labels[chosen]))
            peer.zero_grad()
            loss.backward()
            peer.step()
            total += float(loss.detach()) * len(chosen)
        losses.append(total / len(labels))
    run(ours)
    np.testing.assert_allclose([row["loss"] for row in ours.rows], losses, rtol=1e-9)
    named = {**dict(twin.named_parameters()), **dict(twin.named_buffers())}
    for name, tensor in named.items():
        if tensor.ndim:
            value = ours.network.state()[our_name(ours.network, name)]
            assert relative_error(value, from_torch(tensor)) <= 1e-9, name
    for name, tensor in twin.named_parameters():
        velocity = ours.optimizer.velocity[our_name(ours.network, name)]
        assert relative_error(velocity, from_torch(peer.state[tensor]["momentum_buffer"])) <= 1e-8


@EVERY
def test_both_backends_train_to_close_results(method):
    """[S11.1] In float64, after five epochs: the same bits per layer, all arrays to 1e-8."""
    ours, theirs = (
        run(trainer(method, dtype=np.float64, backend=backend)) for backend in (kernels, reference)
    )
    for row, other in zip(ours.rows, theirs.rows, strict=True):
        for key, value in row.items():
            if isinstance(value, int):
                assert value == other[key], key
            else:
                assert value == pytest.approx(other[key], rel=1e-6, abs=1e-12), key
    for name, value in theirs.arrays().items():
        assert relative_error(ours.arrays()[name], value) <= 1e-8, name


def test_every_epoch_sees_every_image_once():
    """[S12.1] In batches of a seeded order that differs from epoch to epoch and seed to seed."""
    images, labels = digits()
    state = trainer("float", epochs=3, batch_size=16)
    seen, forward = [], state.network.forward

    def spy(x, training=False):
        if training:
            seen.append(x.copy())
        return forward(x, training)

    state.network.forward = spy
    state.run(Arrays(images, labels), lambda: 0.0, lambda state: None)
    expected = [images[chosen] for epoch in range(3) for chosen in batches(0, epoch)]
    for x, batch in zip(seen, expected, strict=True):
        np.testing.assert_array_equal(x, batch)
    orders = [np.concatenate(batches(*key)) for key in ((0, 0), (0, 1), (1, 0))]
    assert all(sorted(order) == list(range(90)) for order in orders)
    assert all((a != b).any() for a, b in itertools.combinations(orders, 2))


@EVERY
def test_a_row_of_the_log(method):
    """Loss is the mean over images, penalty over steps; columns per layer; rates of the cosine."""
    state = trainer(method, epochs=2, learning_rate=1e-30)
    rows = run(state).rows
    images, labels = digits()
    # At this rate no weight moves, so that the losses can be had again.
    again = trainer(method, epochs=2)
    strength = again.method.penalty_strength()
    losses = penalties = 0.0
    with threadpool_limits(limits=1):
        for chosen in batches(0, 0):
            penalties += again.method.quantize()
            logits = again.network.forward(images[chosen], training=True)
            losses += kernels.cross_entropy(logits, labels[chosen])[0] * len(chosen)
    assert rows[0]["loss"] == losses / 90
    assert rows[0]["penalty"] == penalties / 6
    assert (penalties > 0) == method.startswith("msq")
    assert rows[0]["lambda"] == strength
    assert [row["learning_rate"] for row in rows] == [
        cosine_rate(1e-30, step, 12) for step in (5, 11)
    ]
    layers = ["conv1", "conv2", "conv3", "fc"]
    parts = ["bits", "beta", "k", "omega"] if method.startswith("msq") else ["bits"]
    assert list(rows[0]) == [
        "epoch", "learning_rate", "loss", "penalty", "lambda", "accuracy", "compression",
        "average_bits", *(f"{part}.{layer}" for part in parts for layer in layers),
    ]  # fmt: skip
    for row in rows:
        assert row.keys() == rows[0].keys()
        assert {type(value) for value in row.values()} <= {int, float}
    last = rows[-1]
    assert [last[f"bits.{layer}"] for layer in layers] == list(state.method.bits().values())
    assert last["compression"] == float(state.method.compression())
    assert last["average_bits"] == float(state.method.average_bits())


@pytest.mark.parametrize("method", METHODS[1:])
def test_validation_sees_the_weights_as_they_are(method):
    """[S6.1] After the last step and a round of pruning, in fine-tuning too; then it is logged."""
    images, labels = digits()
    state = trainer(method)
    levels = []

    def validate():
        for weight in state.method.weights.values():
            q = reference.dequantize(weight.codes(), weight.code_bits)
            domain = weight.domain
            wanted = domain.weights(q, weight.latent, weight.scale, kernels)
            np.testing.assert_array_equal(weight.layer.effective, wanted)
        levels.append(list(state.method.bits().values()))
        return 0.25

    state.run(Arrays(images, labels), validate, lambda state: None)
    assert [[row[f"bits.{name}"] for name in state.method.weights] for row in state.rows] == levels
    assert (levels[0] != levels[-1]) == method.startswith("msq")
    assert [row["accuracy"] for row in state.rows] == [0.25] * EPOCHS


def test_callbacks_come_after_each_whole_epoch():
    """A checkpoint written there holds the epoch, and its row."""
    seen = []
    run(trainer("float"), lambda state: seen.append((state.epoch, len(state.rows))))
    assert seen == [(epoch, epoch) for epoch in range(1, EPOCHS + 1)]


def test_accuracy_counts_in_batches():
    """A fraction of all images, the last batch not full; ties go to the first class."""
    images, labels = digits(count=300)
    network = trainer("float").network
    with threadpool_limits(limits=1):
        right = [network.forward(image[None])[0].argmax() == label
                 for image, label in zip(images, labels, strict=True)]  # fmt: skip
        assert accuracy(network, images, labels) == sum(right) / 300
        assert 0 < sum(right) < 300
    network.layers["fc"].parameters["weight"][...] = 0
    assert accuracy(network, images, labels) == np.mean(labels == 0)


def test_no_images():
    """Refused before the first step."""
    x, y = digits()
    state = trainer("float")
    with pytest.raises(ValueError, match="source has 0 images: expected at least one"):
        state.run(Arrays(x[:0], y[:0]), lambda: 0.0, lambda state: None)
    assert state.network.passes == 0


@pytest.mark.parametrize("seed", [-1, 0.5, None, True])
def test_seeds_that_are_none(seed):
    """[S0.2] The seed orders the batches, so it must be one."""
    good = trainer("float")
    with pytest.raises(ValueError, match=f"seed = {seed}"):
        Trainer(good.network, good.method, good.config, kernels, seed)


# --- divergence -------------------------------------------------------------------------------


def stopped(state, images, labels, match):
    """The run ends in one clear line, without a warning; epochs and rows are the whole ones."""
    seen = []
    with pytest.raises(Diverged, match=match) as caught:
        state.run(Arrays(images, labels), lambda: 0.0, lambda s: seen.append(s.epoch))
    assert "\n" not in str(caught.value)
    assert state.epoch == len(state.rows) == len(seen)
    assert seen == list(range(1, state.epoch + 1))


@EVERY
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_loss_that_is_no_number(method, bad):
    """One image is not finite: the epoch is the first, and the step the one that has it."""
    images, labels = digits()
    images = images.copy()
    images[17, 3, 3, 0] = bad
    step = next(i for i, chosen in enumerate(batches(0, 0)) if 17 in chosen)
    assert step > 0
    match = rf"^the loss became nan in epoch 0, step {step}: images of the batch are not finite$"
    stopped(trainer(method), images, labels, match)


def test_a_loss_that_is_no_number_later():
    """Two good epochs, then a weight is spoilt: epoch 2, counted from 0, step 0."""
    images, labels = digits()
    state = trainer("float")

    def spoil(state):
        if state.epoch == 2:
            state.network.parameters()["fc.weight"][0, 0] = np.nan

    blamed = "the output of fc is the first that is not finite"
    with pytest.raises(Diverged, match=rf"^the loss became nan in epoch 2, step 0: {blamed}$"):
        state.run(Arrays(images, labels), lambda: 0.0, spoil)
    assert state.epoch == len(state.rows) == 2


@EVERY
@pytest.mark.parametrize("rate", [1e10, 1e30, 1e300])
def test_a_learning_rate_far_too_large(method, rate):
    """Weights overflow, at the update or on the way: named, with epoch and step, as Diverged.

    1e300 is infinite in float32 already.
    """
    images, labels = digits()
    state = trainer(method, learning_rate=rate, epochs=50)
    stopped(state, images, labels, r"^the .+ became (nan|-?inf) in epoch \d+, step \d+(: .+)?$")


def test_a_gradient_that_is_no_number(monkeypatch):
    """A finite loss, an infinite gradient: it is named, and no weight has been touched."""
    images, labels = digits()
    state = trainer("msq signed")
    backward, calls = Linear.backward, []

    def overflow(layer, grad):
        result = backward(layer, grad)
        calls.append(1)
        if len(calls) == 4:
            layer.gradients["weight"][2, 3] = np.inf
            before.update({name: v.copy() for name, v in state.network.parameters().items()})
        return result

    before = {}
    monkeypatch.setattr(Linear, "backward", overflow)
    stopped(state, images, labels, r"^the gradient of fc\.weight became inf in epoch 0, step 3$")
    for name, value in state.network.parameters().items():
        np.testing.assert_array_equal(value, before[name])
