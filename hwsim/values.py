"""The integers that weights are, layer by layer: their bit planes are what the array sees."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwsim.layer import Layer
from msq_ref.reference import normalize_signed, roundclamp

__all__ = ["IntegerWeights", "WeightSource", "check_values", "weight_shape"]

Integers = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class WeightSource:
    """Where the integers of a layer come from.

    Attributes
    ----------
    weights : ndarray of float, (kernel_height, kernel_width, group_channels, outputs)
        In the signed domain the weights, of any scale; in the offset domain on the unit interval
        [S1].
    codes : ndarray of int32, optional
        The integers themselves, where they are known at one width.
    bits : int
        That width; 0: none is.
    """

    weights: NDArray[np.floating]
    codes: Integers | None = None
    bits: int = 0

    def integers(self, layer: Layer) -> Integers:
        """Return the integers at the layer's width: the known ones, or those of `roundclamp`.

        Signed weights are ``sign(w) c``, c the (n-1)-bit code of ``|w| / max|w|``; in the offset
        domain they are the n-bit codes [S1.4], [S2.1].
        """
        if self.codes is not None and self.bits == layer.bits:
            return self.codes
        if layer.domain == "offset":
            return roundclamp(self.weights, layer.bits)
        codes = roundclamp(normalize_signed(self.weights), layer.bits - 1)
        return np.asarray(np.sign(self.weights).astype(np.int32) * codes)


class IntegerWeights(Mapping[str, Integers]):
    """Integer weights by layer name, made when they are asked for.

    Parameters
    ----------
    sources : mapping of str to WeightSource
    layers : iterable of Layer
        Their widths and domains; those without a source have no integers.
    """

    def __init__(self, sources: Mapping[str, WeightSource], layers: Iterable[Layer]) -> None:
        self._sources = dict(sources)
        self._layers = {layer.name: layer for layer in layers if layer.name in sources}
        self._made: dict[str, Integers] = {}

    def __getitem__(self, name: str) -> Integers:
        if name not in self._made:
            integers = self._sources[name].integers(self._layers[name])
            check_values(self._layers[name], integers)
            integers.setflags(write=False)
            self._made[name] = integers
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._layers)

    def __len__(self) -> int:
        return len(self._layers)

    def of(self, layers: Iterable[Layer]) -> IntegerWeights:
        """Return the same weights at the widths of other layers of the same names."""
        return IntegerWeights(self._sources, layers)


def weight_shape(layer: Layer) -> tuple[int, int, int, int]:
    """Return the shape of a layer's weights, HWIO, outputs of all groups side by side."""
    return layer.kernel_height, layer.kernel_width, layer.group_channels, layer.outputs


def check_values(layer: Layer, values: NDArray[np.integer]) -> None:
    """Raise ``ValueError`` or ``TypeError`` unless these can be the integers of a layer."""
    array = np.asarray(values)
    if array.dtype.kind not in "iu":
        raise TypeError(f"values[{layer.name!r}] has dtype {array.dtype}: expected integers")
    if array.shape != weight_shape(layer):
        raise ValueError(
            f"values[{layer.name!r}] has shape {array.shape}: expected {weight_shape(layer)}"
        )
    low, high = 0, 2**layer.bits - 1
    if layer.domain == "signed":
        low, high = -(2 ** (layer.bits - 1)), 2 ** (layer.bits - 1) - 1
    if array.min() < low or array.max() > high:
        raise ValueError(
            f"values[{layer.name!r}] are in [{array.min()}, {array.max()}]: expected "
            f"[{low}, {high}], {layer.bits} bits in the {layer.domain} domain"
        )
