"""Optimizers against PyTorch's, and what decays [S12.1] [S12.2]."""

import numpy as np
import pytest

from msq_ref import kernels, models
from msq_ref.training.config import TrainingConfig
from msq_ref.training.optimizer import SGD, AdamW, decays, make_optimizer
from msq_ref.training.schedule import cosine_rate
from tests.both import BACKENDS


@BACKENDS
@pytest.mark.parametrize(("dtype", "bound"), [(np.float32, 1e-6), (np.float64, 1e-15)])
@pytest.mark.parametrize(("momentum", "decay"), [(0.9, 1e-2), (0.0, 0.0), (0.5, 0.0), (0.0, 0.1)])
def test_steps_are_those_of_pytorch(backend, dtype, bound, momentum, decay):
    """[S12.1] Ten steps with changing rates: parameters and velocity, in place."""
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    ours = {name: rng.standard_normal(shape).astype(dtype) for name, shape in
            (("w", (3, 4)), ("b", (5,)))}  # fmt: skip
    theirs = {name: torch.tensor(value, requires_grad=True) for name, value in ours.items()}
    arrays = list(ours.values())
    optimizer = SGD(ours, backend, momentum, decay)
    assert not any(value.any() for value in optimizer.velocity.values())
    peer = torch.optim.SGD(theirs.values(), lr=1.0, momentum=momentum, weight_decay=decay)
    for step in range(10):
        rate = cosine_rate(0.3, step, 10)
        grads = {n: rng.standard_normal(v.shape).astype(dtype) for n, v in ours.items()}
        optimizer.step(grads, rate)
        for name, tensor in theirs.items():
            tensor.grad = torch.tensor(grads[name])
        peer.param_groups[0]["lr"] = rate
        peer.step()
    for name, tensor in theirs.items():
        scale = np.abs(ours[name]).max()
        np.testing.assert_allclose(ours[name], tensor.detach().numpy(), atol=10 * bound * scale)
        if momentum:
            velocity = peer.state[tensor]["momentum_buffer"].numpy()
            scale = np.abs(velocity).max()
            np.testing.assert_allclose(optimizer.velocity[name], velocity, atol=10 * bound * scale)
    assert all(value is array for value, array in zip(ours.values(), arrays, strict=True))


@BACKENDS
def test_a_step_by_hand(backend):
    """[S12.1] ``g = grad + wd w``, ``v = mu v + g``, ``w = w - lr v``, rounded one by one."""
    f = np.float32
    w, v = {"w": np.array([1.1], f)}, f(0)
    optimizer = SGD(w, backend, 0.9, 0.01)
    value = w["w"][0]
    for grad in (f(0.3), f(-0.7), f(0.2)):
        optimizer.step({"w": np.array([grad])}, 0.05)
        g = grad + f(0.01) * value
        v = f(0.9) * v + g
        value = value - f(0.05) * v
        assert (w["w"][0], optimizer.velocity["w"][0]) == (value, v)


@BACKENDS
@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("kind", ["sgd", "adamw"])
def test_what_is_no_longer_finite_is_named(backend, kind, bad):
    """Of several parameters those that a bad gradient, or an update too large, has spoilt."""
    rng = np.random.default_rng(0)
    w = {name: rng.standard_normal(20_000) for name in ("a", "b", "c", "d")}
    grads = {name: rng.standard_normal(20_000) for name in w}
    grads["b"][17_000] = bad
    grads["d"][3] = 1e200  # its square is infinite, and then no update comes of it any more
    optimizer = (
        SGD(w, backend, 0.9, 0.0) if kind == "sgd" else AdamW(w, backend, 0.9, 0.999, 1e-8, 0.0)
    )
    assert optimizer.step(grads, 0.1) == (["b"] if kind == "sgd" else ["b", "d"])
    assert optimizer.step(dict.fromkeys(w, np.zeros(20_000)), 0.0) == (
        ["b"] if kind == "sgd" else ["b", "d"]
    )


@BACKENDS
@pytest.mark.parametrize(("dtype", "bound"), [(np.float32, 1e-5), (np.float64, 1e-13)])
@pytest.mark.parametrize(
    ("beta1", "beta2", "eps", "decay"),
    [(0.9, 0.999, 1e-8, 0.05), (0.0, 0.5, 1e-3, 0.0), (0.8, 0.0, 1e-6, 0.3)],
)
def test_adamw_is_pytorch_s(backend, dtype, bound, beta1, beta2, eps, decay):
    """[S12.2] Twenty steps with changing rates: parameters and both moments, in place."""
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    ours = {name: rng.standard_normal(shape).astype(dtype) for name, shape in
            (("w", (3, 4)), ("b", (5,)))}  # fmt: skip
    theirs = {name: torch.tensor(value, requires_grad=True) for name, value in ours.items()}
    arrays = list(ours.values())
    optimizer = AdamW(ours, backend, beta1, beta2, eps, decay)
    peer = torch.optim.AdamW(
        theirs.values(), lr=1.0, betas=(beta1, beta2), eps=eps, weight_decay=decay
    )
    for step in range(20):
        rate = cosine_rate(0.1, step, 20)
        grads = {n: rng.standard_normal(v.shape).astype(dtype) for n, v in ours.items()}
        assert optimizer.step(grads, rate) == []
        for name, tensor in theirs.items():
            tensor.grad = torch.tensor(grads[name])
        peer.param_groups[0]["lr"] = rate
        peer.step()
    for name, tensor in theirs.items():
        state = peer.state[tensor]
        for value, other in ((ours[name], tensor.detach()),
                             (optimizer.mean[name], state["exp_avg"]),
                             (optimizer.square[name], state["exp_avg_sq"])):  # fmt: skip
            np.testing.assert_allclose(value, other.numpy(), atol=bound * np.abs(value).max())
    assert all(value is array for value, array in zip(ours.values(), arrays, strict=True))


DECAYING = {
    "layer1.0.conv1.weight": "weight", "fc.bias": "bias", "bn1.gamma": "norm", "norm.beta": "norm",
    "bias": "bias", "gamma.weight": "weight",
    "tokens.cls_token": "embedding", "tokens.pos_embed": "embedding",
    "blocks.0.attention.relative_position_bias_table": "embedding", "pos_embed.weight": "weight",
}  # fmt: skip


@pytest.mark.parametrize("norms", [True, False])
@pytest.mark.parametrize("biases", [True, False])
@pytest.mark.parametrize("embeddings", [True, False])
@pytest.mark.parametrize("kind", ["sgd", "adamw"])
def test_what_decays(kind, norms, biases, embeddings):
    """By the last word of the name; with a gradient of 0 only decay moves a parameter."""
    config = TrainingConfig(
        optimizer=kind, decay_norms=norms, decay_biases=biases, decay_embeddings=embeddings,
        weight_decay=0.5,
    )  # fmt: skip
    w = {name: np.ones(3) for name in DECAYING}
    make_optimizer(w, kernels, config).step(dict.fromkeys(w, np.zeros(3)), 0.1)
    moved = {name for name, value in w.items() if (value != 1).all()}
    allowed = {"weight": True, "norm": norms, "bias": biases, "embedding": embeddings}
    assert moved == {name for name, what in DECAYING.items() if allowed[what]}
    assert all((w[name] == 1).all() for name in w.keys() - moved)


def test_by_default_all_but_embeddings_decay():
    """DeiT and Swin exempt them."""
    w = {name: np.ones(3) for name in DECAYING}
    make_optimizer(w, kernels, TrainingConfig()).step(dict.fromkeys(w, np.zeros(3)), 0.1)
    assert {name for name, value in w.items() if (value == 1).all()} == {
        name for name, what in DECAYING.items() if what == "embedding"
    }


@pytest.mark.parametrize(
    ("name", "sizes", "exempt"),
    [
        ("deit-ti", {"input_size": 32, "patch": 16, "width": 24, "depth": 1, "heads": 2},
         {"cls_token", "pos_embed"}),
        ("swin-t", {"input_size": 32, "width": 24}, {"relative_position_bias_table"}),
        ("resnet20", {"width": 4}, set()),
    ],
)  # fmt: skip
def test_what_decays_in_a_network(name, sizes, exempt):
    """By the names that the networks give, none of them missed; nothing of it is quantizable."""
    network = models.build(name, **sizes)
    config = TrainingConfig(decay_norms=False, decay_biases=False)
    left_out = {one for one in network.parameters() if not decays(one, config)}
    words = {one.rpartition(".")[2] for one in left_out}
    assert words - {"gamma", "beta", "bias"} == exempt
    assert all(decays(f"{layer}.weight", config) for layer, one in network.layers.items()
               if one.quantizable)  # fmt: skip
    assert all(value.ndim > 1 for one, value in network.parameters().items()
               if one not in left_out)  # fmt: skip


@BACKENDS
@pytest.mark.parametrize("kind", ["sgd", "adamw"])
def test_small_parameters_together_get_the_bits_they_get_alone(backend, kind):
    """[S12.1] [S12.2] In one call or in one each; some decay, one is large; a bad one is named."""
    rng = np.random.default_rng(0)
    shapes = {"a": (3, 4), "b": (5,), "c": (2**15 + 1,), "d": (2, 2, 2)}
    decay = {"a": 0.1, "b": 0.0, "c": 0.1, "d": 0.1}

    def make(names):
        some = {name: w[name].copy() for name in names}
        decays = {name: decay[name] for name in names}
        if kind == "sgd":
            return SGD(some, backend, 0.9, decays)
        return AdamW(some, backend, 0.9, 0.999, 1e-8, decays)

    w = {name: rng.standard_normal(shape, np.float32) for name, shape in shapes.items()}
    whole, alone = make(w), {name: make([name]) for name in w}
    for bad in ([], [], ["d"]):
        grads = {name: rng.standard_normal(shape, np.float32) for name, shape in shapes.items()}
        for name in bad:
            grads[name].flat[0] = np.nan
        assert whole.step(grads, 0.1) == bad
        for name, one in alone.items():
            assert one.step(grads, 0.1) == [name for name in bad if name == name_of(one)]
            for key, value in one.arrays().items():
                np.testing.assert_array_equal(whole.arrays()[key], value)
            np.testing.assert_array_equal(whole.parameters[name], one.parameters[name])
    with pytest.raises(ValueError, match="grad has shape"):
        whole.step({**grads, "a": np.zeros((4, 3), np.float32)}, 0.1)
    with pytest.raises(TypeError, match="grad has dtype"):
        whole.step({**grads, "a": np.zeros((3, 4))}, 0.1)


def name_of(optimizer):
    (name,) = optimizer.parameters
    return name
