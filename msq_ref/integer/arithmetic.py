"""The product of activation codes with weight codes, by definition and from packed bit planes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref import kernels, reference
from msq_ref.checks import conv_sizes

__all__ = ["Product", "by_definition", "columns_of", "from_packed_planes", "weight_planes"]


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


def by_definition(product: Product, x: NDArray[Any]) -> NDArray[np.int64]:
    """Return the accumulators by `integer_conv2d` or `integer_linear`."""
    p = product
    if not p.is_conv:
        return reference.integer_linear(x, p.codes, p.bits, p.signs)
    return reference.integer_conv2d(
        x, p.codes, p.bits, p.stride, p.padding, p.groups, p.signs
    )


def from_packed_planes(product: Product, x: NDArray[Any]) -> NDArray[np.int64]:
    """Return the accumulators from packed bit planes: AND, count ones, shift, add [S9.3].

    Offset domain: the plane sum is over unsigned codes, so the accumulator is
    ``2 sum c x - (2^n - 1) sum x`` [S9.1].
    """
    outputs = []
    columns = columns_of(product, x)
    for group, part in enumerate(columns):
        planes = weight_planes(product, group)
        w_words = kernels.pack_planes(np.swapaxes(planes, 1, 2))
        x_planes = kernels.bit_planes(part, product.in_bits, product.in_signed)
        signed = product.signs is not None
        acc = kernels.bitserial_packed(
            kernels.pack_planes(x_planes), w_words, product.in_signed, signed
        )
        if not signed:
            sums = part.sum(axis=1, dtype=np.int64)
            acc = 2 * acc - (2**product.bits - 1) * sums[:, None]
        outputs.append(acc)
    y = np.concatenate(outputs, axis=1)
    if not product.is_conv:
        return y.reshape(*x.shape[:-1], y.shape[1])
    return y.reshape(_shape(product, x).output)


def columns_of(product: Product, x: NDArray[Any]) -> list[NDArray[np.int64]]:
    """Return, for each group, what every output position sees, (P, K); padding is 0."""
    wide = np.ascontiguousarray(x, dtype=np.int64)
    if not product.is_conv:
        return [wide.reshape(-1, wide.shape[-1])]
    shape = _shape(product, x)
    return [
        kernels.patches(
            wide[..., shape.channels(group)[0]], product.codes.shape[:2], shape, product.padding
        )
        for group in range(product.groups)
    ]


def weight_planes(product: Product, group: int) -> NDArray[np.uint8]:
    """Return a group's weight bit planes, (n, K, M): unsigned codes, or two's complement."""
    per_group = product.codes.shape[-1] // product.groups
    chosen = slice(group * per_group, (group + 1) * per_group)
    codes = product.codes[..., chosen].reshape(-1, per_group)
    if product.signs is None:
        return kernels.bit_planes(codes, product.bits)
    signs = product.signs[..., chosen].reshape(codes.shape)
    return kernels.bit_planes(
        kernels.integer_weights(codes, product.bits, signs), product.bits, True
    )


def _shape(product: Product, x: NDArray[Any]) -> Any:  # noqa: ANN401
    return conv_sizes(
        x.shape, product.codes.shape, product.stride, product.padding, product.groups
    )
