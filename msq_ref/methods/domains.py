"""The two weight domains: how a latent weight reaches the unit interval and comes back [S1]."""

from __future__ import annotations

from types import ModuleType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from msq_ref.names import known_name
from msq_ref.reference.weights import SlicedWeights

__all__ = ["DOMAINS", "OFFSET", "SIGNED", "Domain", "domain"]


class Domain(Protocol):
    """A domain: `sign_bits` of a weight's bits are no code bits [S1.4]."""

    name: str
    sign_bits: int

    def initial_scale(self, w: NDArray[Any]) -> float:
        """Return the layer's constant when training starts from these weights [S1.2]."""
        ...

    def unit(self, w: NDArray[Any], backend: ModuleType) -> NDArray[Any]:
        """Return u in [0, 1] [S1.1], [S1.4]."""
        ...

    def weights(
        self, q: NDArray[Any], w: NDArray[Any], scale: float, backend: ModuleType
    ) -> NDArray[Any]:
        """Return the effective weights of q, or of u [S1.2], [S1.4]."""
        ...

    def grad_q(self, grad: NDArray[Any], w: NDArray[Any], scale: float) -> NDArray[Any]:
        """Return dL/dq from the gradient of the effective weights."""
        ...

    def backward(
        self, grad_u: NDArray[Any], w: NDArray[Any], backend: ModuleType
    ) -> NDArray[Any]:
        """Return dL/dw from dL/du [S1.3], [S1.4]."""
        ...

    def sliced(
        self, w: NDArray[Any], bits: int, k: int, scale: float, backend: ModuleType
    ) -> SlicedWeights:
        """Return the effective weights and what the regularizer needs, as `sliced_signed`."""
        part = backend.sliced(self.unit(w, backend), bits, k)
        return SlicedWeights(self.weights(part.q, w, scale, backend), *part[1:])

    def sliced_backward(
        self, grad: NDArray[Any], w: NDArray[Any], lsb_grad: NDArray[Any], scale: float,
        strength: float, backend: ModuleType,
    ) -> NDArray[Any]:  # fmt: skip
        """Return dL/dw from the gradient of the effective weights, and the regularizer's [S4.3]."""
        grad_u = self.grad_q(grad, w, scale)
        grad_u = grad_u + grad_u.dtype.type(strength) * lsb_grad
        return self.backward(grad_u, w, backend)

    def signs(self, w: NDArray[Any]) -> NDArray[np.int8] | None:
        """Return the signs kept apart from the codes, or None where the code holds them."""
        ...


class _Offset(Domain):
    """``tanh(w) / (2 max|tanh(w)|) + 1/2``; zero is not a code."""

    name = "offset"
    sign_bits = 0

    def initial_scale(self, w: NDArray[Any]) -> float:
        return 1.0

    def unit(self, w: NDArray[Any], backend: ModuleType) -> NDArray[Any]:
        return np.asarray(backend.normalize(w))

    def weights(
        self, q: NDArray[Any], w: NDArray[Any], scale: float, backend: ModuleType
    ) -> NDArray[Any]:
        return np.asarray(backend.effective(q, scale))

    def grad_q(self, grad: NDArray[Any], w: NDArray[Any], scale: float) -> NDArray[Any]:
        return np.asarray(grad * grad.dtype.type(2 * scale))

    def backward(
        self, grad_u: NDArray[Any], w: NDArray[Any], backend: ModuleType
    ) -> NDArray[Any]:
        return np.asarray(backend.normalize_backward(grad_u, w))

    def signs(self, w: NDArray[Any]) -> None:
        return None


class _Signed(Domain):
    """``|w| / max|w|`` with the sign kept apart; zero is a code."""

    name = "signed"
    sign_bits = 1

    def initial_scale(self, w: NDArray[Any]) -> float:
        return float(np.abs(w).max()) or 1.0

    def unit(self, w: NDArray[Any], backend: ModuleType) -> NDArray[Any]:
        return np.asarray(backend.normalize_signed(w))

    def weights(
        self, q: NDArray[Any], w: NDArray[Any], scale: float, backend: ModuleType
    ) -> NDArray[Any]:
        return np.asarray(backend.effective_signed(q, np.sign(w), scale))

    def grad_q(self, grad: NDArray[Any], w: NDArray[Any], scale: float) -> NDArray[Any]:
        return np.asarray(grad * np.sign(w) * grad.dtype.type(scale))

    def backward(
        self, grad_u: NDArray[Any], w: NDArray[Any], backend: ModuleType
    ) -> NDArray[Any]:
        return np.asarray(backend.normalize_signed_backward(grad_u, w))

    def sliced(
        self, w: NDArray[Any], bits: int, k: int, scale: float, backend: ModuleType
    ) -> SlicedWeights:
        fused = getattr(backend, "sliced_signed", None)  # a user's backend may not have it
        return fused(w, bits, k, scale) if fused else super().sliced(w, bits, k, scale, backend)

    def sliced_backward(
        self, grad: NDArray[Any], w: NDArray[Any], lsb_grad: NDArray[Any], scale: float,
        strength: float, backend: ModuleType,
    ) -> NDArray[Any]:  # fmt: skip
        fused = getattr(backend, "sliced_signed_backward", None)
        if fused is None:
            return super().sliced_backward(grad, w, lsb_grad, scale, strength, backend)
        return np.asarray(fused(grad, w, lsb_grad, scale, strength))

    def signs(self, w: NDArray[Any]) -> NDArray[np.int8]:
        return np.sign(w).astype(np.int8)


OFFSET: Domain = _Offset()
SIGNED: Domain = _Signed()
DOMAINS: dict[str, Domain] = {"offset": OFFSET, "signed": SIGNED}
"""The domains of weights [S1.1] [S1.4], and both by name."""


def domain(name: str) -> Domain:
    """Return the domain of a name; ``ValueError`` if there is none such."""
    return DOMAINS[known_name("domain", name, DOMAINS)]
