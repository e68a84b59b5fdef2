"""MSQ: low bits computed on the fly, pushed to zero, and dropped [S3]-[S6]."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from msq_ref import checks
from msq_ref.methods.config import MSQConfig
from msq_ref.methods.domains import Domain
from msq_ref.methods.method import Method, Round, stored
from msq_ref.methods.weight import QuantizedWeight
from msq_ref.nn import Network

__all__ = ["MSQ"]

Traces = Callable[[int], Mapping[str, float]]
"""From the number of the epoch to the Hessian trace of each layer [S5.4]; it is called with the
effective weights set."""


class MSQ(Method):
    """Mixed precision by bit-level sparsity (arXiv 2507.22349).

    Parameters
    ----------
    network : Network
    domain : Domain
    backend : module
        Where the operations come from.
    config : MSQConfig
        Its `domain` is not read: the argument decides.
    traces : callable
        Gives the Hessian traces with respect to the effective weights [S5.1], after an epoch
        (-1: before training).

    Attributes
    ----------
    frozen : bool
        Whether pruning has ended: bits stay and nothing is regularized [S6.2].
    omega : dict of layer name to float
        The last sensitivities [S5.5].

    Raises
    ------
    ValueError
        If ``n_min`` of the settings leaves a weight of the domain no code bit [S1.4].
    """

    def __init__(
        self,
        network: Network,
        domain: Domain,
        backend: ModuleType,
        config: MSQConfig,
        traces: Traces,
    ) -> None:
        self._n_min = checks.bit_width(config.n_min, 1 + domain.sign_bits, "n_min")
        super().__init__(
            network,
            {
                name: QuantizedWeight(
                    layer,
                    domain,
                    backend,
                    bits=config.start_bits,
                    scale=domain.initial_scale(layer.parameters["weight"]),
                )
                for name, layer in network.quantized_layers().items()
            },
        )
        self.config = config
        self.backend = backend
        self.frozen = config.prune_until == 0 or self.compression() >= config.target
        self.omega: dict[str, float] = {}
        self._traces = traces

    def start(self) -> None:
        """Compute the first sensitivities and k, before training [S6.1]."""
        self._assign(-1)

    def penalty_strength(self) -> float:
        """Return lambda; 0 once the bits are frozen [S6.2]."""
        return 0.0 if self.frozen else self.config.lambda_

    def quantize(self) -> float:
        """Set the effective weights; return ``sum R(B)`` over the layers [S4.3]."""
        return sum(
            (weight.quantize(regularize=not self.frozen) for weight in self.weights.values()),
            start=0.0,
        )

    def backward(self) -> None:
        """Take the gradients back to the latent weights, the regularizer's added [S4.3]."""
        for weight in self.weights.values():
            weight.backward(self.penalty_strength())

    def end_epoch(self, epoch: int) -> None:
        """Hold a round of pruning when one is due [S6.1], [S6.2]."""
        last = epoch + 1 >= self.config.prune_until
        if not self.frozen and (epoch + 1) % self.config.interval == 0:
            self._prune()
            self.frozen = self.compression() >= self.config.target
            if not self.frozen:
                self._assign(epoch)
        self.frozen = self.frozen or last

    def _prune(self) -> None:
        layers = list(self.weights.values())
        bits = self.backend.prune_step(
            [weight.bits for weight in layers],
            [weight.nonzero_rate() for weight in layers],
            [weight.k for weight in layers],
            [weight.size for weight in layers],
            [self._alpha(weight.bits) for weight in layers],
            self.config.target,
            self._n_min,
        )
        for weight, n in zip(layers, bits, strict=True):
            weight.bits = n
            weight.k = self._legal(weight.k, n)

    def _assign(self, epoch: int) -> None:
        """Compute sensitivities and k anew [S5.5], [S5.6]."""
        self.quantize()  # the traces are those of the weights at their present width
        traces = self._traces(epoch)
        self.network.forget()  # what Hessian products kept: more than a step does
        self.omega = {
            name: weight.sensitivity(traces[name]) for name, weight in self.weights.items()
        }
        ks = self.backend.assign_k(list(self.omega.values()))
        for weight, k in zip(self.weights.values(), ks, strict=True):
            weight.k = self._legal(k, weight.bits)

    def _legal(self, k: int, bits: int) -> int:
        """Cap k so that the width stays at least `n_min`; 0: nothing left to slice [S6.1]."""
        return max(0, min(k, bits - self._n_min))

    def _alpha(self, bits: int) -> float:
        return self.config.alpha if bits > 4 else self.config.alpha_low  # [S6.4]

    def round(self) -> Round:
        """Return bits, beta, k and Omega of each layer."""
        return Round(
            bits=self.bits(),
            beta={name: weight.nonzero_rate() for name, weight in self.weights.items()},
            k={name: weight.k for name, weight in self.weights.items()},
            omega=dict(self.omega),
        )

    def state(self) -> dict[str, Any]:
        """Return bits, scales, k, Omega and whether pruning has ended."""
        return {
            **super().state(),
            "k": {name: weight.k for name, weight in self.weights.items()},
            "omega": self.omega,
            "frozen": self.frozen,
        }

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Take up what `state` returned, all or nothing; errors as in `Method.load_state`."""
        bits = stored(state, "bits", self.weights, checks.integer)
        ks = stored(state, "k", self.weights, checks.integer)
        for name, k in ks.items():
            checks.integer(f"k[{name!r}]", k, 0, bits[name] - self._n_min)
        omega = stored(state, "omega", self.weights if state.get("omega") else (), checks.real)
        frozen = state.get("frozen")
        if not isinstance(frozen, bool):
            raise ValueError(f"frozen = {frozen!r}: expected true or false")
        super().load_state(state)
        for name, weight in self.weights.items():
            weight.k = ks[name]
        self.omega, self.frozen = omega, frozen
