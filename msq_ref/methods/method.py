"""What a training loop asks of a method, and what a method says of itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, TypeVar

from msq_ref import checks
from msq_ref.methods.weight import QuantizedWeight
from msq_ref.nn import Network
from msq_ref.reference import average_bits, compression

__all__ = ["Method", "Round", "stored"]

Value = TypeVar("Value")


@dataclass(frozen=True)
class Round:
    """State of the schedule after an epoch, by layer; for the log."""

    bits: Mapping[str, int]
    beta: Mapping[str, float] = field(default_factory=dict)
    k: Mapping[str, int] = field(default_factory=dict)
    omega: Mapping[str, float] = field(default_factory=dict)


class Method:
    """A way of training weights; subclasses say how they are quantized.

    Parameters
    ----------
    network : Network
    weights : mapping of layer name to QuantizedWeight
        Empty where weights stay in float.
    """

    def __init__(self, network: Network, weights: Mapping[str, QuantizedWeight]) -> None:
        self.network = network
        self.weights = dict(weights)

    def quantize(self) -> float:
        """Set the effective weights of all layers; return the regularizer, 0.0 if there is none."""
        return sum(
            (weight.quantize(regularize=False) for weight in self.weights.values()), start=0.0
        )

    def backward(self) -> None:
        """Take all weight gradients from the effective to the latent weights."""
        for weight in self.weights.values():
            weight.backward(0.0)

    def penalty_strength(self) -> float:
        """Return lambda as it is now."""
        return 0.0

    def end_epoch(self, epoch: int) -> None:
        """Do what is due after epoch number `epoch`, counted from 0."""

    def round(self) -> Round:
        """Return the state for the log."""
        return Round(bits=self.bits())

    def bits(self) -> dict[str, int]:
        """Return the width of each quantized layer, the sign included; 32 in float."""
        if not self.weights:
            return dict.fromkeys(self.network.quantized_layers(), 32)
        return {name: weight.bits for name, weight in self.weights.items()}

    def compression(self) -> Fraction:
        """Return the compression of the quantized weights [S6.3]; 1 in float."""
        if not self.weights:
            return Fraction(1)
        return compression(self._sizes(), list(self.bits().values()))

    def average_bits(self) -> Fraction:
        """Return the mean width of a weight [S6.3]; 32 in float."""
        if not self.weights:
            return Fraction(32)
        return average_bits(self._sizes(), list(self.bits().values()))

    def sign_bits(self) -> int:
        """Return how many of a weight's bits are a sign kept apart from its code [S1.4]."""
        return max((weight.domain.sign_bits for weight in self.weights.values()), default=0)

    def _sizes(self) -> list[int]:
        return [weight.size for weight in self.weights.values()]

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint must hold, as plain JSON values."""
        return {
            "bits": self.bits(),
            "scale": {name: weight.scale for name, weight in self.weights.items()},
        }

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Take up what `state` returned, all or nothing.

        Raises
        ------
        ValueError
            Naming what is missing or out of range.
        """
        least = 1 + self.sign_bits()
        bits = stored(
            state, "bits", self.weights, lambda name, n: checks.bit_width(n, least, name)
        )
        scale = stored(
            state, "scale", self.weights, lambda name, s: checks.real(name, s, 0, open_low=True)
        )
        for name, weight in self.weights.items():
            weight.bits, weight.scale = bits[name], scale[name]


def stored(
    state: Mapping[str, Any],
    key: str,
    names: Iterable[str],
    check: Callable[[str, object], Value],
) -> dict[str, Value]:
    """Return one checked value per layer of a stored state.

    Parameters
    ----------
    state : mapping
        From a file, so that nothing about it is certain.
    key : str
        Of the values in it, by layer.
    names : iterable of str
        The layers.
    check : callable
        From the argument's name and a value to the value, as those of `msq_ref.checks`.

    Raises
    ------
    ValueError
        If a value is missing or fails its check.
    """
    values = state.get(key) if isinstance(state, Mapping) else None
    missing = [name for name in names if not isinstance(values, Mapping) or name not in values]
    if missing or not isinstance(values, Mapping):
        raise ValueError(f"state has no {key} of {', '.join(missing) or 'any layer'}")
    try:
        return {name: check(f"{key}[{name!r}]", values[name]) for name in names}
    except TypeError as error:
        raise ValueError(str(error)) from None
