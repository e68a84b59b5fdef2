"""What is PyTorch's own: its settings are neither changed nor relied on."""

import numpy as np
import pytest

import msq_ref as reference

W = np.random.default_rng(0).standard_normal((50, 70)).astype(np.float32)
G = W[::-1].copy()
CALLS = {
    "normalize": (W,), "normalize_signed": (W,), "normalize_backward": (G, W),
    "normalize_signed_backward": (G, W), "lsb_l1_grad": (np.abs(W) / 9, 6, 2),
    "roundclamp": (np.abs(W) / 9, 6), "dequantize": (np.arange(64), 6),
    "sgd_step": (W, G, W, 0.1, 0.9, 0.1), "sensitivity": (1.5, W, G),
    "integer_linear": (np.arange(6).reshape(2, 3), np.ones((3, 4), int), 3),
    "bitserial_linear": (np.arange(6).reshape(2, 3), np.ones((2, 3, 4), int)),
    "bit_planes": (np.arange(9), 5), "requantize": (np.arange(9), 2**30, 33, 0, 8, False),
    "integer_conv2d": (np.arange(9).reshape(1, 3, 3, 1), np.ones((2, 2, 1, 1), int), 3, 1, 1),
}  # fmt: skip


def settings(torch):
    return (
        torch.get_num_threads(), torch.get_default_dtype(), torch.is_grad_enabled(),
        torch.is_inference_mode_enabled(), torch.are_deterministic_algorithms_enabled(),
        torch.get_rng_state().tolist(), torch.get_float32_matmul_precision(),
    )  # fmt: skip


def results(backend):
    return [np.asarray(getattr(backend, name)(*rest)).tobytes() for name, rest in CALLS.items()]


@pytest.fixture
def modes(torch_backend):
    import torch

    def deterministic():
        torch.use_deterministic_algorithms(True)

    return torch, {
        "no_grad": torch.no_grad,
        "inference": torch.inference_mode,
        "deterministic": deterministic,
        "float64": lambda: torch.set_default_dtype(torch.float64),
        "one thread": lambda: torch.set_num_threads(1),
        "meta device": lambda: torch.device("meta"),
    }


@pytest.mark.parametrize(
    "name", ["no_grad", "inference", "deterministic", "float64", "one thread", "meta device"]
)
def test_settings_do_not_matter_and_stay(torch_backend, modes, name):
    """Results are the same to the bit in any mode, and the mode is as it was."""
    torch, all_modes = modes
    expected, before = results(torch_backend), settings(torch)
    mode = all_modes[name]()
    try:
        if mode is None:
            during = settings(torch)
            assert results(torch_backend) == expected
            assert settings(torch) == during
        else:
            with mode:
                during = settings(torch)
                assert results(torch_backend) == expected
                assert settings(torch) == during
    finally:
        torch.use_deterministic_algorithms(False)
        torch.set_default_dtype(before[1])
        torch.set_num_threads(before[0])
    assert settings(torch) == before


def test_threads_never_change_the_bits(torch_backend, modes):
    """[S0.5]"""
    torch, _ = modes
    w = np.random.default_rng(1).standard_normal(300_001)
    count = torch.get_num_threads()
    outcomes = []
    try:
        for threads in (1, 2, 4):
            torch.set_num_threads(threads)
            outcomes.append((
                torch_backend.sensitivity(1.0, w, w[::-1]),
                torch_backend.normalize_signed_backward(w[::-1], w).tobytes(),
            ))  # fmt: skip
    finally:
        torch.set_num_threads(count)
    assert outcomes[0] == outcomes[1] == outcomes[2]
    assert outcomes[0][0] == reference.sensitivity(1.0, w, w[::-1])


def test_gradients_agree_with_plain_autograd(torch_backend, modes):
    """[S1.3] [S1.4] On ties too: amax shares its gradient equally, as the spec does."""
    torch, _ = modes
    rng = np.random.default_rng(2)
    values = rng.integers(-6, 7, (9, 11)) / 4
    grad = rng.standard_normal(values.shape)
    functions = {"normalize_backward": torch.tanh, "normalize_signed_backward": torch.abs}
    for name, function in functions.items():
        w = torch.from_numpy(values.copy()).requires_grad_()
        t = function(w)
        (t / t.abs().amax()).backward(torch.from_numpy(grad))
        half = 0.5 if function is torch.tanh else 1
        got = getattr(torch_backend, name)(grad, values)
        np.testing.assert_allclose(got, half * w.grad.numpy(), rtol=0, atol=1e-14)
