"""Every operation of the spec: its arguments, clauses and exactness class.

This is the one list; documentation, tests, vectors and backends are checked against it.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["BITEXACT", "OPERATIONS", "SPEC_VERSION", "Operation", "operation"]

SPEC_VERSION = "1.0"
"""Version of ``docs/spec.md`` that this package implements."""

BITEXACT = "bitexact"
"""Integer results, and float results that IEEE 754 fixes."""

UNIT_ERROR = "tolerance: |error| <= 2 eps"
"""[S1.1]: the hyperbolic tangent is not portable."""

GRADIENT_ERROR = "tolerance: max |error| <= 16 eps * max |gradient|"
"""[S1.3]."""


@dataclass(frozen=True)
class Operation:
    """One operation: a function of this name and these arguments in every backend."""

    name: str
    arguments: tuple[str, ...]
    returns: str
    clauses: tuple[str, ...]
    exactness: str = BITEXACT


def _op(
    name: str, arguments: str, returns: str, clauses: str, exactness: str = BITEXACT
) -> Operation:
    return Operation(name, tuple(arguments.split()), returns, tuple(clauses.split()), exactness)


OPERATIONS: tuple[Operation, ...] = (
    _op("normalize", "w", "u, dtype of w", "S1.1", UNIT_ERROR),
    _op("normalize_signed", "w", "u, dtype of w", "S1.4"),
    _op("normalize_backward", "grad_u w max_gradient=True", "dL/dw", "S1.3", GRADIENT_ERROR),
    _op("normalize_signed_backward", "grad_u w max_gradient=True", "dL/dw", "S1.4",
        GRADIENT_ERROR),
    _op("roundclamp", "u bits", "codes, int32", "S2.1"),
    _op("dorefa", "u bits", "codes, int32", "S2.2"),
    _op("dequantize", "codes bits dtype=float32", "q in [0, 1]", "S2.3"),
    _op("effective", "q scale", "weights, dtype of q", "S1.2"),
    _op("effective_signed", "q signs scale", "weights, dtype of q", "S1.4"),
    _op("lsb", "u bits k", "B_k, int32", "S3.1 S3.2"),
    _op("lsb_l1", "u bits k", "float", "S4.1"),
    _op("lsb_l1_codes", "u bits k", "int", "S4.1"),
    _op("lsb_l1_grad", "u bits k", "-1, 0 or 1, dtype of u", "S4.2"),
    _op("lsb_nonzero_rate", "u bits k", "float", "S3.4"),
    _op("bit_planes", "codes bits signed=False", "uint8, (bits, ...)", "S3.3 S9.1"),
    _op("from_bit_planes", "planes signed=False", "codes, int32", "S3.3 S9.1"),
    _op("sensitivity", "trace quantized weights", "float", "S5.5 S0.5"),
    _op("assign_k", "omegas", "list of int", "S5.6"),
    _op("prune_step", "bits betas ks sizes alpha target n_min", "list of int", "S6.1 S6.2"),
    _op("compression", "sizes bits", "Fraction", "S6.3"),
    _op("activation_codes", "x scale bits signed", "codes, int32", "S8.1"),
    _op("integer_weights", "codes bits signs=None", "int32", "S9.1"),
    _op("integer_linear", "x codes bits signs=None", "int64", "S9.1 S9.2"),
    _op("integer_conv2d", "x codes bits stride=1 padding=0 groups=1 signs=None", "int64",
        "S9.1 S9.2 S11.1"),
    _op("bitserial_linear", "x planes signed=False", "int64", "S9.3"),
    _op("requantize", "acc multiplier shift zero_point bits signed", "codes, int32", "S9.4"),
    _op("sgd_step", "w grad velocity lr momentum weight_decay", "(w, velocity)", "S12.1"),
)  # fmt: skip


def operation(name: str) -> Operation:
    """Return the operation of a name; ``ValueError`` if the contract has none such."""
    for candidate in OPERATIONS:
        if candidate.name == name:
            return candidate
    known = ", ".join(entry.name for entry in OPERATIONS)
    raise ValueError(f"name = {name!r}: no such operation; the contract has {known}")
