"""The learning rate of each step, against PyTorch's schedulers."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from msq_ref.training.config import TrainingConfig
from msq_ref.training.schedule import cosine_rate, learning_rate, step_rate


def rates(epochs, per_epoch, **settings):
    """The rate of every step of a run."""
    config = TrainingConfig.model_validate({"epochs": epochs, "learning_rate": 0.4, **settings})
    steps = epochs * per_epoch
    return [learning_rate(config, step, steps) for step in range(steps)]


def torch_rates(make, steps):
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.4)
    scheduler = make(torch.optim.lr_scheduler, optimizer)
    found = []
    for _ in range(steps):
        found.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    return found


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


def test_the_default_is_the_cosine():
    """To the bits; a run of before has no other schedule."""
    assert rates(5, 7) == [cosine_rate(0.4, step, 35) for step in range(35)]


def test_steps_are_those_of_pytorch():
    """Against MultiStepLR: the rate falls at the beginning of each milestone."""
    peer = torch_rates(lambda s, o: s.MultiStepLR(o, [6, 12], 0.3), 24)
    ours = rates(8, 3, schedule="step", milestones=[2, 4], factor=0.3)
    np.testing.assert_allclose(ours, peer, rtol=1e-12)
    assert step_rate(0.4, 1, (2, 4), 0.3) == 0.4
    assert step_rate(0.4, 4, (2, 4), 0.5) == 0.1


def test_warm_up_is_that_of_pytorch():
    """Against LinearLR, which begins at a fraction and ends at the whole."""
    peer = torch_rates(lambda s, o: s.LinearLR(o, 1 / 5, 1.0, total_iters=4), 12)
    np.testing.assert_allclose(rates(4, 3, schedule="constant", warmup_steps=5), peer, rtol=1e-12)


@given(
    epochs=st.integers(1, 6), per_epoch=st.integers(1, 5), warmup=st.integers(0, 40),
    schedule=st.sampled_from(["cosine", "step", "constant"]),
)
def test_rates_rise_then_fall(epochs, per_epoch, warmup, schedule):
    """Positive, never above the full rate; up to it in the warm-up, then never up again."""
    milestones = [1, 3] if schedule == "step" else []
    found = rates(
        epochs, per_epoch, warmup_steps=warmup, schedule=schedule, milestones=milestones
    )
    assert all(0 < rate <= 0.4 for rate in found)
    rising, falling = found[:warmup], found[warmup:]
    assert all(a < b for a, b in itertools.pairwise(rising))
    assert all(a >= b for a, b in itertools.pairwise(falling))
    if len(found) >= warmup > 0:
        assert rising[-1] == 0.4
    if falling and schedule == "cosine":
        assert falling == [cosine_rate(0.4, step, len(falling)) for step in range(len(falling))]
