"""Operations that tell the shape of their result and compute nothing.

A backend for `msq_ref.models.outline`: each operation runs its definition on a batch of no images,
which costs nothing and knows the shape, and returns zeros that take no memory.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref import reference

__all__ = ["HOLLOW", "zeros"]

_BATCHES = {"attention": 3, "gate": 2, "add": 2, "add_relu": 2}
"""How many first arguments are batches, where it is not one."""


class _Hollow(ModuleType):
    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        definition = getattr(reference, name)
        count = _BATCHES.get(name, 1)

        def operation(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401
            batch = len(arguments[0])
            empty = [np.asarray(argument)[:0] for argument in arguments[:count]]
            return _filled(definition(*empty, *arguments[count:], **options), batch)

        return operation

    @staticmethod
    def conv2d(
        x: NDArray[Any], w: NDArray[Any], stride: int, padding: int, groups: int
    ) -> NDArray[Any]:
        """Return the shape of one group's convolution, with the outputs of all of them."""
        channels, outputs = w.shape[2], w.shape[3]
        part = reference.conv2d(
            x[:0, ..., :channels], w[..., : outputs // groups], stride, padding, 1
        )
        return zeros((len(x), *part.shape[1:3], outputs))


HOLLOW = _Hollow("hwsim.hollow.HOLLOW")
"""The backend whose arrays have shapes only."""


def zeros(shape: tuple[int, ...]) -> NDArray[Any]:
    """Return zeros of a shape that are one zero in memory, read-only."""
    return np.broadcast_to(np.float32(0), shape)


def _filled(result: Any, batch: int) -> Any:  # noqa: ANN401
    if isinstance(result, tuple):
        return tuple(_filled(part, batch) for part in result)
    return zeros((batch, *result.shape[1:]))
