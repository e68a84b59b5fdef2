"""Optimizers: momentum descent [S12.1] and AdamW [S12.2] over named parameters, in place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.training.config import TrainingConfig
from msq_ref.training.together import together

__all__ = ["SGD", "AdamW", "Optimizer", "decays", "make_optimizer"]

Named = Mapping[str, NDArray[Any]]

NORM_WORDS = {"gamma", "beta"}
"""Last words of the names of a normalization layer's parameters."""

EMBEDDING_WORDS = {"cls_token", "pos_embed", "relative_position_bias_table"}
"""Last words of the names of parameters that are added to tokens or scores."""


class Optimizer:
    """What optimizers have in common.

    Parameters
    ----------
    parameters : mapping of str to ndarray
        Updated in place.
    backend : module
        Where the update comes from.
    weight_decay : float or mapping of str to float
        Not negative; one for all, or by parameter.
    moments : int
        Number of moments of a parameter.

    Attributes
    ----------
    updates : int
        Number of steps taken.
    """

    def __init__(
        self, parameters: Named, backend: ModuleType, weight_decay: float | Mapping[str, float],
        moments: int,
    ) -> None:  # fmt: skip
        self.parameters = parameters
        self.updates = 0
        self._backend: Any = backend
        decay = (
            weight_decay if isinstance(weight_decay, Mapping)
            else dict.fromkeys(parameters, weight_decay)
        )  # fmt: skip
        self._groups = together(parameters, decay, moments)

    def step(self, gradients: Named, rate: float) -> list[str]:
        """Update every parameter in place.

        Parameters
        ----------
        gradients : mapping of str to ndarray
            One per parameter, of its shape and dtype; their values are not looked at.
        rate : float
            Learning rate of this step.

        Returns
        -------
        list of str
            Parameters which, or whose moments, are no longer finite.

        Raises
        ------
        TypeError, ValueError
            If a gradient or a rate does not fit.
        """
        self.updates += 1
        bad = {
            name for group in self._groups
            for name in group.update(gradients, self._update(rate, group.decay))
        }  # fmt: skip
        return [name for name in self.parameters if name in bad]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the moments themselves, by ``moment/parameter``."""
        raise NotImplementedError

    def state(self) -> dict[str, Any]:
        """Return what else decides the next step, as plain JSON values."""
        return {"updates": self.updates}

    def load_state(self, state: Any) -> None:  # noqa: ANN401  (from a file)
        """Take up what `state` returned; ``ValueError`` if it is something else."""
        found = state.get("updates") if isinstance(state, Mapping) else None
        self.updates = checks.integer("optimizer.updates", found, 0)

    def _moment(self, index: int) -> dict[str, NDArray[Any]]:
        """Return one of the moments of every parameter."""
        found = {name: v for group in self._groups for name, v in group.moments[index].items()}
        return {name: found[name] for name in self.parameters}

    def _update(self, rate: float, decay: float) -> Callable[..., object]:
        """Return what updates ``(value, gradient, *moments)`` and tells whether all is finite."""
        raise NotImplementedError


class SGD(Optimizer):
    """Momentum descent; the update is `sgd_step`, in place [S12.1].

    Parameters
    ----------
    parameters, backend, weight_decay
        As in `Optimizer`.
    momentum : float
        In [0, 1).

    Attributes
    ----------
    velocity : dict of str to ndarray
        By parameter, 0 at first.
    """

    def __init__(
        self,
        parameters: Named,
        backend: ModuleType,
        momentum: float,
        weight_decay: float | Mapping[str, float],
    ) -> None:
        super().__init__(parameters, backend, weight_decay, 1)
        self.velocity = self._moment(0)
        self._momentum = momentum

    def arrays(self) -> dict[str, NDArray[Any]]:  # noqa: D102
        return {f"velocity/{name}": value for name, value in self.velocity.items()}

    def _update(self, rate: float, decay: float) -> Callable[..., object]:
        return lambda *arrays: self._backend.sgd_update(*arrays, rate, self._momentum, decay)


class AdamW(Optimizer):
    """Adam with decoupled weight decay; the update is `adamw_step`, in place [S12.2].

    Parameters
    ----------
    parameters, backend, weight_decay
        As in `Optimizer`.
    beta1, beta2 : float
        In [0, 1).
    eps : float
        Positive.

    Attributes
    ----------
    mean, square : dict of str to ndarray
        The moments, by parameter, 0 at first.
    """

    def __init__(
        self,
        parameters: Named,
        backend: ModuleType,
        beta1: float,
        beta2: float,
        eps: float,
        weight_decay: float | Mapping[str, float],
    ) -> None:
        super().__init__(parameters, backend, weight_decay, 2)
        self.mean, self.square = self._moment(0), self._moment(1)
        self._scalars = beta1, beta2, eps

    def arrays(self) -> dict[str, NDArray[Any]]:  # noqa: D102
        means = {f"mean/{name}": value for name, value in self.mean.items()}
        return means | {f"square/{name}": value for name, value in self.square.items()}

    def _update(self, rate: float, decay: float) -> Callable[..., object]:
        scalars = rate, *self._scalars, decay, self.updates
        return lambda *arrays: self._backend.adamw_update(*arrays, *scalars)


def make_optimizer(parameters: Named, backend: ModuleType, config: TrainingConfig) -> Optimizer:
    """Return the optimizer that the settings name."""
    decay = {
        name: config.weight_decay if decays(name, config) else 0.0 for name in parameters
    }
    if config.optimizer == "adamw":
        return AdamW(parameters, backend, config.beta1, config.beta2, config.eps, decay)
    return SGD(parameters, backend, config.momentum, decay)


def decays(name: str, config: TrainingConfig) -> bool:
    """Tell from the name of a parameter whether weight decay acts on it."""
    word = name.rpartition(".")[2]
    if word in NORM_WORDS:
        return config.decay_norms
    if word in EMBEDDING_WORDS:
        return config.decay_embeddings
    return config.decay_biases if word == "bias" else True
