"""One layer's weights: latent floats, quantized on the fly, the gradient taken back [S1]-[S4]."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from msq_ref.methods.domains import Domain
from msq_ref.nn import Layer

__all__ = ["QuantizedWeight"]


@dataclass
class QuantizedWeight:
    """The weights of one layer under a quantizer.

    Attributes
    ----------
    layer : Layer
        Holds the latent weights, float32 or float64; its `effective` is set by `quantize`.
    domain : Domain
        How they reach the unit interval and come back [S1].
    backend : module
        Where the operations come from.
    bits : int
        Width n, the sign included.
    k : int
        Low bits to slice off, below `code_bits`; 0 where none are regularized.
    scale : float
        The layer's constant [S1.2].
    quantizer : str
        Name of the operation that makes codes: ``roundclamp`` or ``dorefa``.
    """

    layer: Layer
    domain: Domain
    backend: ModuleType
    bits: int
    scale: float
    k: int = 0
    quantizer: Literal["roundclamp", "dorefa"] = "roundclamp"
    _lsb_grad: NDArray[Any] | None = field(default=None, repr=False)

    @property
    def latent(self) -> NDArray[Any]:
        """The trainable weights."""
        return self.layer.parameters["weight"]

    @property
    def size(self) -> int:
        """Number of weights."""
        return int(self.latent.size)

    @property
    def code_bits(self) -> int:
        """Width of the unsigned code [S1.4]."""
        return self.bits - self.domain.sign_bits

    def codes(self) -> NDArray[np.int32]:
        """Return the codes of the latent weights as they are now."""
        make = getattr(self.backend, self.quantizer)
        return np.asarray(make(self.domain.unit(self.latent, self.backend), self.code_bits))

    def signs(self) -> NDArray[np.int8] | None:
        """Return the signs in the signed domain, None in the offset domain."""
        return self.domain.signs(self.latent)

    def quantize(self, *, regularize: bool) -> float:
        """Set the layer's effective weights; return the regularizer ``R(B)`` [S4.1], or 0.0.

        Parameters
        ----------
        regularize : bool
            Whether low bits are sliced off; so they are where `k` is not 0, by ``roundclamp``.

        Raises
        ------
        ValueError
            If a weight is not finite, or a width is out of range [S0.2].
        """
        if regularize and self.k and self.quantizer == "roundclamp":
            sliced = self.domain.sliced(
                self.latent, self.code_bits, self.k, self.scale, self.backend
            )
            self.layer.effective, self._lsb_grad = sliced.weights, sliced.lsb_grad
            return float(sliced.l1_codes / 2**self.code_bits)
        u = self.domain.unit(self.latent, self.backend)
        codes = getattr(self.backend, self.quantizer)(u, self.code_bits)
        q = self.backend.dequantize(codes, self.code_bits, u.dtype)
        self.layer.effective, self._lsb_grad = self._weights(q), None
        return 0.0

    def backward(self, strength: float) -> None:
        """Take the layer's gradient from the effective to the latent weights [S2.4], [S4.3].

        ``dL/du = dL/dq + lambda sign(B_k)``, then through [S1.3] or [S1.4]. It belongs to the
        weights of the last `quantize`.

        Parameters
        ----------
        strength : float
            lambda, the weight of the regularizer; it counts where `quantize` regularized.

        Raises
        ------
        ValueError
            If the gradient is not finite.
        """
        gradients = self.layer.gradients
        if self._lsb_grad is not None and strength:
            gradients["weight"] = self.domain.sliced_backward(
                gradients["weight"], self.latent, self._lsb_grad, self.scale, strength,
                self.backend,
            )  # fmt: skip
        else:
            grad_u = self.domain.grad_q(gradients["weight"], self.latent, self.scale)
            gradients["weight"] = self.domain.backward(grad_u, self.latent, self.backend)

    def nonzero_rate(self) -> float:
        """Return beta [S3.4]; 1.0 where no bits are sliced off."""
        if not self.k:
            return 1.0
        u = self.domain.unit(self.latent, self.backend)
        return float(self.backend.lsb_nonzero_rate(u, self.code_bits, self.k))

    def sensitivity(self, trace: float) -> float:
        """Return Omega of the layer for a Hessian trace [S5.5]."""
        u = self.domain.unit(self.latent, self.backend)
        codes = getattr(self.backend, self.quantizer)(u, self.code_bits)
        q = self.backend.dequantize(codes, self.code_bits, u.dtype)
        return float(self.backend.sensitivity(trace, self._weights(q), self._weights(u)))

    def _weights(self, q: NDArray[Any]) -> NDArray[Any]:
        return self.domain.weights(q, self.latent, self.scale, self.backend)
