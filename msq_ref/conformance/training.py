"""A training step and a short training, composed of a backend's operations.

What is no operation of the contract is done here, in NumPy: the network, its loss and gradient,
the chain rule between operations. The composition is that of `msq_ref.methods.weight`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["OPERATIONS_OF_A_STEP", "OPERATIONS_OF_TRAINING", "Call", "Layer", "Training", "step"]

Array = NDArray[Any]

Call = Callable[..., Any]
"""``call(label, operation, *arguments, **options)`` returns what the operation returns."""

OPERATIONS_OF_A_STEP = {
    "offset": (
        "normalize", "roundclamp", "dequantize", "lsb", "lsb_l1", "lsb_l1_grad", "effective",
        "normalize_backward", "sgd_step",
    ),
    "signed": (
        "normalize_signed", "roundclamp", "dequantize", "lsb", "lsb_l1", "lsb_l1_grad",
        "effective_signed", "normalize_signed_backward", "sgd_step",
    ),
}  # fmt: skip
"""What a training step needs, by domain."""

OPERATIONS_OF_TRAINING = (
    "lsb_nonzero_rate", "sensitivity", "assign_k", "prune_step", "compression",
)  # fmt: skip
"""What a training with pruning needs besides."""


@dataclass
class Layer:
    """The weights of a layer on their way.

    Attributes
    ----------
    bits : int
        Width n, the sign included.
    k : int
        Low bits to slice off; 0 where none are.
    """

    domain: str
    w: Array
    velocity: Array
    bits: int
    k: int
    scale: float

    @property
    def code_bits(self) -> int:
        """Width of the unsigned code [S1.4]."""
        return self.bits - (self.domain == "signed")

    def unit(self, call: Call) -> Array:
        """Return u [S1.1], [S1.4]."""
        name = "normalize" if self.domain == "offset" else "normalize_signed"
        return np.asarray(call("u", name, self.w))

    def weights(self, call: Call, label: str, q: Array) -> Array:
        """Return the weights that stand for q, or for u [S1.2], [S1.4]."""
        if self.domain == "offset":
            return np.asarray(call(label, "effective", q, self.scale))
        return np.asarray(call(label, "effective_signed", q, np.sign(self.w), self.scale))

    def quantize(self, call: Call) -> tuple[Array, Array]:
        """Return the effective weights and the gradient of the regularizer [S2]-[S4]."""
        n = self.code_bits
        u = self.unit(call)
        codes = call("codes", "roundclamp", u, n)
        q = call("q", "dequantize", codes, n, dtype=u.dtype.name)
        force = np.zeros_like(u)
        if self.k:
            call("B", "lsb", u, n, self.k)
            call("R", "lsb_l1", u, n, self.k)
            force = np.asarray(call("lsb_l1_grad", "lsb_l1_grad", u, n, self.k))
        return self.weights(call, "effective weights", q), force

    def update(
        self, call: Call, grad: Array, force: Array, strength: float, rates: Sequence[float]
    ) -> None:
        """Take the gradient of the effective weights back, and a step [S2.4], [S4.3], [S12.1]."""
        kind = self.w.dtype.type
        if self.domain == "offset":
            grad_q, back = grad * kind(2 * self.scale), "normalize_backward"
        else:
            grad_q, back = grad * np.sign(self.w) * kind(self.scale), "normalize_signed_backward"
        grad_u = grad_q + kind(strength) * force
        grad_w = call("dL/dw", back, grad_u, self.w)
        self.w, self.velocity = call(
            "next weights and velocity", "sgd_step", self.w, grad_w, self.velocity, *rates
        )


def step(
    call: Call, layer: Layer, grad: Array, strength: float, rates: Sequence[float]
) -> None:
    """Take a training step from a given gradient of the effective weights."""
    _, force = layer.quantize(call)
    layer.update(call, grad, force, strength, rates)


@dataclass
class Training:
    """Ten steps of two layers, with a round of pruning behind the fifth.

    The network is ``softmax(tanh(x W1) W2)`` with the cross-entropy as loss, in float64.
    """

    layers: list[Layer]
    x: Array
    labels: NDArray[np.int64]
    traces: tuple[float, float]
    alpha: float
    target: float
    n_min: int
    strength: float
    rates: tuple[float, float, float]
    steps: int = 10
    prune_after: int = 5

    def run(self, call: Callable[[str], Call]) -> None:
        """Train; `call` gives, for the label of a place, what makes calls there."""
        self._assign(call, "start")
        for number in range(1, self.steps + 1):
            self._step(call, f"step {number}")
            if number == self.prune_after:
                self._prune(call, f"pruning after step {number}")

    def _step(self, call: Callable[[str], Call], place: str) -> None:
        made = [
            layer.quantize(call(f"{place}, layer {i}")) for i, layer in enumerate(self.layers)
        ]
        grads = self._gradients([weights for weights, _ in made])
        for i, (layer, grad, (_, force)) in enumerate(zip(self.layers, grads, made, strict=True)):
            layer.update(call(f"{place}, layer {i}"), grad, force, self.strength, self.rates)

    def _gradients(self, weights: Sequence[Array]) -> list[Array]:
        """Return the gradients of the loss with respect to the effective weights."""
        first, second = (array.astype(np.float64) for array in weights)
        hidden = np.tanh(self.x @ first)
        logits = hidden @ second
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        error = powers / powers.sum(axis=1, keepdims=True)
        error[np.arange(len(error)), self.labels] -= 1
        error /= len(error)
        back = (error @ second.T) * (1 - hidden**2)
        grads = self.x.T @ back, hidden.T @ error
        return [grad.astype(w.dtype) for grad, w in zip(grads, weights, strict=True)]

    def _prune(self, call: Callable[[str], Call], place: str) -> None:
        betas, sizes = [], [layer.w.size for layer in self.layers]
        for i, layer in enumerate(self.layers):
            here = call(f"{place}, layer {i}")
            u = layer.unit(here)
            betas.append(here("beta", "lsb_nonzero_rate", u, layer.code_bits, layer.k))
        bits, ks = [layer.bits for layer in self.layers], [layer.k for layer in self.layers]
        arguments = bits, betas, ks, sizes, self.alpha, self.target, self.n_min
        new = call(place)("bits", "prune_step", *arguments)
        for layer, n in zip(self.layers, new, strict=True):
            layer.bits = int(n)
        call(place)("compression", "compression", sizes, [int(n) for n in new])
        self._assign(call, place)

    def _assign(self, call: Callable[[str], Call], place: str) -> None:
        """Compute sensitivities and k anew [S5.5], [S5.6], [S6.1]."""
        omegas = []
        for i, (layer, trace) in enumerate(zip(self.layers, self.traces, strict=True)):
            here = call(f"{place}, layer {i}")
            u = layer.unit(here)
            q = here("q", "dequantize", here("codes", "roundclamp", u, layer.code_bits),
                     layer.code_bits, dtype=u.dtype.name)
            quantized = layer.weights(here, "weights of q", q)
            weights = layer.weights(here, "weights of u", u)
            omegas.append(here("Omega", "sensitivity", trace, quantized, weights))
        ks = call(place)("k", "assign_k", omegas)
        for layer, k in zip(self.layers, ks, strict=True):
            layer.k = max(0, min(int(k), layer.bits - self.n_min))
