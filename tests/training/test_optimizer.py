"""Momentum descent and the cosine rate, against PyTorch's [S12.1]."""

import itertools

import numpy as np
import pytest

from msq_ref import kernels, reference
from msq_ref.training.optimizer import SGD, cosine_rate

BACKENDS = pytest.mark.parametrize("backend", [reference, kernels], ids=["reference", "kernels"])


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


@pytest.mark.parametrize("steps", [1, 2, 7, 100])
def test_the_cosine_falls_from_the_start_towards_zero(steps):
    """``start / 2 (1 + cos(pi step / steps))``: the start at first, half of it half way."""
    rates = [cosine_rate(0.4, step, steps) for step in range(steps)]
    assert rates[0] == 0.4
    assert all(earlier > later > 0 for earlier, later in itertools.pairwise(rates))
    for step in range(1, steps):
        assert rates[step] + rates[steps - step] == pytest.approx(0.4, rel=1e-12)


def test_the_cosine_is_that_of_pytorch():
    """Against PyTorch's scheduler, which multiplies from step to step."""
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.4)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 30)
    for step in range(30):
        assert cosine_rate(0.4, step, 30) == pytest.approx(scheduler.get_last_lr()[0], rel=1e-10)
        optimizer.step()
        scheduler.step()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_gradient_that_is_no_number(bad):
    """[S0.3] Refused, and neither the parameter nor the velocity has changed."""
    w = {"w": np.ones(3)}
    optimizer = SGD(w, kernels, 0.9, 0.0)
    with pytest.raises(ValueError, match="grad contains"):
        optimizer.step({"w": np.array([0, bad, 0])}, 0.1)
    np.testing.assert_array_equal(w["w"], 1)
    np.testing.assert_array_equal(optimizer.velocity["w"], 0)
