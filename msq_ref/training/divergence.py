"""What no longer is a finite number, and in which layer that began."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.nn import Network

__all__ = ["Diverged", "demand_finite", "first_bad_output"]


class Diverged(RuntimeError):
    """The loss, a gradient or an array of the network is no longer a finite number.

    Parameters
    ----------
    what : str
        The quantity, such as ``"the gradient of layer1.0.conv1.weight"``.
    value : float
        What it became.
    where : str
        The place in the run.
    hint : str
        What else is known.
    """

    def __init__(self, what: str, value: float, where: str, hint: str = "") -> None:
        super().__init__(f"{what} became {value} {where}{hint}")
        self.what, self.value, self.where, self.hint = what, value, where, hint


def demand_finite(arrays: Mapping[str, NDArray[Any]], kind: str, where: str) -> None:
    """Raise `Diverged` if an array has an element that is not finite.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        By ``layer.parameter``.
    kind : str
        What they are of it, such as ``"the gradient"``.
    where : str
        As in `Diverged`.
    """
    for name, value in arrays.items():
        if not checks.all_finite(value):
            wrong = value[~np.isfinite(value)].flat[0]
            raise Diverged(f"{kind} of {name}", float(wrong), where)


def first_bad_output(network: Network, images: NDArray[Any]) -> str:
    """Tell where a forward pass in training first has something that is not finite.

    The pass is run again, so that no other pass has to look; it moves running statistics.

    Parameters
    ----------
    network : Network
    images : ndarray, NHWC

    Returns
    -------
    str
        A part of a sentence, to go behind ``"the loss became nan"``; empty if all outputs are
        finite, or the pass fails.
    """
    if not np.isfinite(images).all():
        return ": images of the batch are not finite"
    bad: list[str] = []
    for name, layer in network.operations.items():
        vars(layer)["forward"] = _watched(name, layer.forward, bad)
    try:
        network.forward(images, training=True)
    except (TypeError, ValueError):  # of a check that refuses values which are not finite
        return ""
    finally:
        for layer in network.operations.values():
            vars(layer).pop("forward", None)
    return f": the output of {bad[0]} is the first that is not finite" if bad else ""


def _watched(
    name: str, forward: Callable[..., NDArray[Any]], bad: list[str]
) -> Callable[..., NDArray[Any]]:
    def watched(x: NDArray[Any], training: bool = False) -> NDArray[Any]:
        y = forward(x, training)
        if not bad and not np.isfinite(y).all():
            bad.append(name)
        return y

    return watched
