"""The product of activation codes with weight codes: by definition, and by kernels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref import checks, reference
from msq_ref.kernels.integer_conv import by_taps, convolve, depthwise
from msq_ref.kernels.integer_product import (
    IntegerWeights,
    in_rows,
    integer_product,
    narrow,
    pack_weights,
)
from msq_ref.kernels.paths import Extent, asked_path

__all__ = ["Product", "by_definition", "by_kernels", "from_packed_planes"]


@dataclass(frozen=True)
class Product:
    """Weights of a convolution (codes HWIO) or of a linear layer (codes (K, M)) [S9.1].

    Attributes
    ----------
    codes : ndarray of int32
        Unsigned codes of n bits, or, with signs, of n - 1 bits.
    signs : ndarray of int8 or None
        None in the offset domain.
    bits : int
        Width n of a weight, the sign included.
    in_bits, in_signed
        Width and kind of the activation codes.
    """

    name: str
    codes: NDArray[np.int32]
    signs: NDArray[np.int8] | None
    bits: int
    stride: int
    padding: int
    groups: int
    in_bits: int
    in_signed: bool

    @property
    def is_conv(self) -> bool:
        """True for a convolution, False for a linear layer."""
        return self.codes.ndim == 4

    @property
    def weights(self) -> NDArray[np.int32]:
        """The integers that stand for the weights."""
        return reference.integer_weights(self.codes, self.bits, self.signs)

    def packed(self, path: str | None = None) -> list[IntegerWeights]:
        """Return the weights of every group as a path reads them; they are kept."""
        path = asked_path() if path is None else path
        if path not in self._kept:
            v = self.weights.reshape(-1, self.codes.shape[-1])
            per_group = v.shape[1] // self.groups
            extent = Extent(len(v), per_group, self.bits, self.in_bits, self.in_signed)
            kind = "offset" if self.signs is None else "signed"
            self._kept[path] = [
                pack_weights(v[:, group * per_group : (group + 1) * per_group], extent, kind, path)
                for group in range(self.groups)
            ]
        return self._kept[path]

    @cached_property
    def _kept(self) -> dict[str | None, list[IntegerWeights]]:
        return {}


def by_definition(product: Product, x: NDArray[Any]) -> NDArray[np.int64]:
    """Return the accumulators by `integer_conv2d` or `integer_linear`."""
    p = product
    if not p.is_conv:
        return reference.integer_linear(x, p.codes, p.bits, p.signs)
    return reference.integer_conv2d(
        x, p.codes, p.bits, p.stride, p.padding, p.groups, p.signs
    )


def by_kernels(
    product: Product, x: NDArray[Any], path: str | None = None
) -> NDArray[np.int64]:
    """Return the accumulators by a path of `msq_ref.kernels.paths`; None: the fastest here.

    The weights are packed once for each path.
    """
    p, path = product, asked_path() if path is None else path
    low, high = checks.code_range(p.in_bits, p.in_signed)
    codes = checks.integer_array("x", x, low, high)
    if not p.is_conv:
        checks.product_shapes(codes.shape, p.codes.shape)
        (weights,) = p.packed(path)
        lines = narrow(codes, weights.extent).reshape(-1, codes.shape[-1])
        y = np.empty((len(lines), p.codes.shape[1]), np.int64)
        integer_product(in_rows(lines), weights, y)
        return y.reshape(*x.shape[:-1], y.shape[1])
    shape = checks.conv_sizes(codes.shape, p.codes.shape, p.stride, p.padding, p.groups)
    if path is None and by_taps(shape):
        return depthwise(codes, p.weights, shape, p.padding)
    every = p.packed(path)
    return convolve(narrow(codes, every[0].extent), every, p.codes.shape[:2], shape, p.padding)


def from_packed_planes(product: Product, x: NDArray[Any]) -> NDArray[np.int64]:
    """Return the accumulators from packed bit planes: AND, count ones, shift, add [S9.3].

    Offset domain: the plane sum is over unsigned codes, so the accumulator is
    ``2 sum c x - (2^n - 1) sum x`` [S9.1].
    """
    return by_kernels(product, x, "bitserial")
