"""Layers without weights: what a network does besides products."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ELEMENT_WISE", "OPERATIONS", "Operand", "VectorLayer"]

OPERATIONS = {
    "requantize": 1,
    "clamp": 0,
    "fold": 0,
    "add": 2,
    "multiply": 2,
    "divide": 2,
    "compare": 1,
    "scale": 1,
    "hard_sigmoid": 1,
    "hard_swish": 3,
    "exp": 5,
    "erf": 4,
    "gelu": 7,
    "sigmoid": 7,
    "tanh": 8,
    "swish": 9,
    "softmax": 9,
    "layernorm": 5,
    "root": 4,
    "max_pool": 0,
    "average_pool": 1,
    "reduce": 1,
}
"""Operations for each result, by kind; pools and reductions add one for each term of theirs.

An operation is an addition, a comparison, or a multiplication with a constant to add and a shift,
which is all that a requantization is [S9.4]; clamping is free. So rectification is (it is the
clamp), and so are biases and batch normalization behind a product (they are part of its
requantization), and whatever only moves elements. An addition of two branches requantizes one of
them and adds [S9.5]; a product of two tensors multiplies and requantizes. The exponential, the
error function and the root are those of integer-only transformers: S. Kim et al., "I-BERT:
Integer-only BERT Quantization", ICML 2021, algorithms 1 to 4: the exponential is two products for
the range, a polynomial of three and a shift taken as one with the last; the error function a
clamp, a polynomial of two and a sign; a root four steps of Newton's. GELU adds, multiplies and
requantizes besides; a sigmoid adds and divides; softmax takes a maximum, subtracts, sums and
divides; a layer normalization sums, subtracts, sums squares, divides and scales. What is done once
a row is not counted.
"""

ELEMENT_WISE = frozenset(
    OPERATIONS.keys() - {"softmax", "layernorm", "max_pool", "average_pool", "reduce"}
)
"""Kinds whose results need one element of each operand."""


@dataclass(frozen=True)
class Operand:
    """A tensor that a layer reads.

    Attributes
    ----------
    tensor : str
    bits : int
        That are read.
    whole : int
        Bits of all of it.
    made : int
        The step that makes it.
    external : bool
        It is the network's input: in DRAM, never made on the chip.
    first : bool
        No vector layer before reads it.
    """

    tensor: str
    bits: int
    whole: int
    made: int
    external: bool = False
    first: bool = True


@dataclass(frozen=True)
class VectorLayer:
    """A layer without weights.

    Attributes
    ----------
    name : str
    kind : str
        One of `OPERATIONS`.
    after : str
        The layer of the array that runs before it; empty: none.
    step : int
        Its place among all steps of the network.
    elements : int
        Results, for one image.
    operations : int
        For each of them.
    fused : bool
        It works on the stream of results of the layer before.
    operands : tuple of Operand
        What is read, besides that stream.
    constant_bits, stored_bits : int
        Parameters that are read; results that are stored, beyond those that the array counts.

    Raises
    ------
    ValueError
        Naming the layer, the field, its value and what was expected.
    """

    name: str
    kind: str
    after: str
    step: int
    elements: int
    operations: int
    fused: bool = False
    operands: tuple[Operand, ...] = ()
    constant_bits: int = 0
    stored_bits: int = 0

    def __post_init__(self) -> None:
        if self.kind not in OPERATIONS:
            raise ValueError(
                f"layer {self.name}: kind = {self.kind!r}: expected one of "
                f"{', '.join(sorted(OPERATIONS))}"
            )
        for field, low in (
            ("elements", 1), ("operations", 0), ("step", 0), ("constant_bits", 0),
            ("stored_bits", 0),
        ):  # fmt: skip
            value = getattr(self, field)
            if type(value) is not int or value < low:
                raise ValueError(
                    f"layer {self.name}: {field} = {value!r}: expected an integer of at least {low}"
                )
        if self.fused and self.kind not in ELEMENT_WISE:
            raise ValueError(f"layer {self.name}: fused = True: {self.kind} needs whole windows")
