"""Hessian-vector products of ResNet-20 in gradients, and against PyTorch's double backward."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from benchmarks.measure import Row, interleave, row
from benchmarks.steps import torch_threads
from msq_ref import kernels, models
from msq_ref.hessian import HessianProducts
from msq_ref.kernels.threads import use_threads
from msq_ref.models.published import from_torch

__all__ = ["run"]

WIDTH, SIDE, BATCH = 16, 32, 32
"""Channels of the first stage, pixels, images: those of the published ResNet-20."""


def run(rounds: int, on_round: Callable[[], None]) -> list[Row]:
    """Compare in float32, one thread each; the limit is the network's own gradient.

    A gradient is one forward pass, the loss, and a backward pass to all parameters. The first
    product includes the primal pass, forward and backward; later ones are on the same batch.
    """
    import torch

    rng = np.random.default_rng(0)
    images = rng.standard_normal((BATCH, SIDE, SIDE, 3), dtype=np.float32)
    labels = rng.integers(0, 10, BATCH)
    peer = _Peer(torch, images, labels)
    network = models.build("resnet20", width=WIDTH, input_size=SIDE, backend=kernels)
    tensors = {name: value.numpy() for name, value in peer.network.state_dict().items()}
    network.load_state(from_torch(network, tensors))
    vectors = {
        name: rng.choice(np.array([-1, 1], np.float32), layer.weight.shape)
        for name, layer in network.quantized_layers().items()
    }
    made: list[HessianProducts] = []

    def gradient() -> None:
        _, grad = kernels.cross_entropy(network.forward(images), labels)
        network.backward(grad)

    def first() -> None:
        made[:] = [HessianProducts(network, images, labels)]
        made[0](vectors)

    with use_threads(1), threadpool_limits(limits=1), torch_threads(1):
        seconds = interleave(
            {
                "gradient": gradient,
                "first": first,
                "later": lambda: made[0](vectors),
                "one layer": lambda: made[0].block("layer2.1.conv1", vectors["layer2.1.conv1"]),
                "PyTorch's gradient": peer.gradient,
                "PyTorch, first": peer.first,
                "PyTorch, later": peer.product,
            },
            rounds,
            on_round,
        )
    return [
        row("hessian", seconds, "later", "PyTorch, later", "gradient"),
        row("hessian/first product", seconds, "first", "PyTorch, first", "gradient"),
        row("hessian/one layer's block", seconds, "one layer", "later", "gradient"),
        row("hessian/gradient", seconds, "gradient", "PyTorch's gradient", "gradient"),
        row("hessian/PyTorch, later", seconds, "PyTorch, later", "PyTorch's gradient",
            "PyTorch's gradient"),
        row("hessian/PyTorch, first", seconds, "PyTorch, first", "PyTorch's gradient",
            "PyTorch's gradient"),
    ]  # fmt: skip


class _Peer:
    """The same network in PyTorch, its products by double backward."""

    def __init__(self, torch: Any, images: NDArray[Any], labels: NDArray[Any]) -> None:  # noqa: ANN401
        self._torch = torch
        torch.manual_seed(0)
        self.network = importlib.import_module("tests.models.torch_resnet").ResNetCifar(20, WIDTH)
        self.network.eval()
        self._images = torch.tensor(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))
        self._labels = torch.tensor(labels)
        # The weights that are quantized: convolutions and the linear layer.
        self._weights = [value for value in self.network.parameters() if value.ndim > 1]
        self._vectors = [torch.randint(0, 2, value.shape) * 2.0 - 1 for value in self._weights]
        self._grads: Any = None

    def gradient(self) -> None:
        self._torch.autograd.grad(self._loss(), list(self.network.parameters()))

    def first(self) -> None:
        self._grads = self._torch.autograd.grad(self._loss(), self._weights, create_graph=True)
        self.product()

    def product(self) -> None:
        self._torch.autograd.grad(
            self._grads, self._weights, grad_outputs=self._vectors, retain_graph=True
        )

    def _loss(self) -> Any:  # noqa: ANN401
        logits = self.network(self._images)
        return self._torch.nn.functional.cross_entropy(logits, self._labels)
