"""Every operation of the spec: its arguments, what is legal for them, clauses, exactness class.

This is the one list; documentation, tests, vectors and backends are made from it or checked
against it.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["BITEXACT", "KINDS", "OPERATIONS", "SPEC_VERSION", "Kind", "Operation", "operation"]

SPEC_VERSION = "1.0"
"""Version of ``docs/spec.md`` that this package implements."""

BITEXACT = "bitexact"
"""Integer results, and float results that IEEE 754 fixes."""

UNIT_ERROR = "tolerance: |error| <= 2 eps"
"""[S1.1]: the hyperbolic tangent is not portable."""

GRADIENT_ERROR = "tolerance: max |error| <= 16 eps * max |gradient|"
"""[S1.3]."""


@dataclass(frozen=True)
class Kind:
    """A kind of argument: type, shape and range of what is legal; the rest is refused [S0.2]."""

    name: str
    dtype: str
    shape: str
    legal: str


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("unit", "float32 or float64", "any", "values in [0, 1]"),
        Kind("weights", "float32 or float64", "any, not empty", "finite values"),
        Kind("floats", "float32 or float64", "any", "finite values"),
        Kind("gradient", "that of w", "that of w", "finite values"),
        Kind("width", "integer", "scalar", "1 to 16"),
        Kind("signed width", "integer", "scalar", "1 to 16; with signs 2 to 16"),
        Kind("slice", "integer", "scalar", "1 <= k < bits"),
        Kind("flag", "bool", "scalar", "True or False"),
        Kind("dtype", "float32 or float64", "", "the name or the type"),
        Kind("scale", "real number", "scalar", "positive and finite, also in the arrays' dtype"),
        Kind("real", "real number", "scalar", "finite"),
        Kind("rate", "real number", "scalar", "finite, not negative"),
        Kind("target", "real number", "scalar", "positive, may be infinite"),
        Kind("codes", "any integer", "any",
             "0 to 2^bits - 1; signed: -2^(bits-1) to 2^(bits-1) - 1"),
        Kind("filters", "any integer", "(kernel, kernel, channels / groups, outputs)",
             "codes of `bits`, one less with signs"),
        Kind("matrix", "any integer", "(K, M)", "codes of `bits`, one less with signs"),
        Kind("planes", "any integer", "(bits, ...)", "0 or 1; 1 to 16 planes"),
        Kind("signs", "signed integer or float", "that of the codes", "-1, 0 or 1"),
        Kind("integers", "any integer", "(..., K)", "2 K (2^bits - 1) |x| < 2^63"),
        Kind("images", "any integer", "(batch, height, width, channels)",
             "2 K (2^bits - 1) |x| < 2^63"),
        Kind("size", "integer", "scalar", "at least 1; padding at least 0"),
        Kind("accumulators", "any integer", "any", "|acc| < 2^31"),
        Kind("multiplier", "integer", "scalar or per channel", "2^30 <= m < 2^31"),
        Kind("shift", "integer", "scalar or per channel", "1 to 62"),
        Kind("zero point", "integer", "scalar or per channel", "inside the output range"),
        Kind("widths", "sequence of integers", "per layer", "1 to 16 each"),
        Kind("rates", "sequence of real numbers", "per layer", "0 to 1 each"),
        Kind("steps", "sequence of integers", "per layer", "at least 0 each"),
        Kind("sizes", "sequence of integers", "per layer", "at least 0 each, not all 0"),
        Kind("thresholds", "real number", "one, or per layer", "finite"),
        Kind("sensitivities", "sequence of real numbers", "per layer, not empty", "finite"),
    )
}  # fmt: skip
"""By name."""


@dataclass(frozen=True)
class Operation:
    """One operation: a function of this name and these arguments in every backend.

    Attributes
    ----------
    arguments : tuple of str
        ``name`` where it is required and passed by position, ``name=default`` where it is not.
    kinds : tuple of str
        The kind of each argument, in order.
    """

    name: str
    arguments: tuple[str, ...]
    kinds: tuple[str, ...]
    returns: str
    clauses: tuple[str, ...]
    exactness: str = BITEXACT

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the arguments that are passed by position."""
        return tuple(name for name in self.arguments if "=" not in name)

    @property
    def optional(self) -> dict[str, str]:
        """Defaults of the others, as text, by name."""
        return dict(name.split("=", 1) for name in self.arguments if "=" in name)

    def kind_of(self, argument: str) -> Kind:
        """Return the kind of an argument by its name."""
        names = [name.partition("=")[0] for name in self.arguments]
        return KINDS[self.kinds[names.index(argument)]]


def _op(
    name: str, arguments: str, returns: str, clauses: str, exactness: str = BITEXACT
) -> Operation:
    """Read ``argument:kind`` pairs; kinds of two words are joined by ``_``."""
    pairs = [argument.split(":") for argument in arguments.split()]
    return Operation(
        name,
        tuple(argument for argument, _ in pairs),
        tuple(kind.replace("_", " ") for _, kind in pairs),
        returns,
        tuple(clauses.split()),
        exactness,
    )


OPERATIONS: tuple[Operation, ...] = (
    _op("normalize", "w:weights", "u, dtype of w", "S1.1", UNIT_ERROR),
    _op("normalize_signed", "w:weights", "u, dtype of w", "S1.4"),
    _op("normalize_backward", "grad_u:gradient w:weights max_gradient=True:flag", "dL/dw",
        "S1.3", GRADIENT_ERROR),
    _op("normalize_signed_backward", "grad_u:gradient w:weights max_gradient=True:flag", "dL/dw",
        "S1.4", GRADIENT_ERROR),
    _op("roundclamp", "u:unit bits:width", "codes, int32", "S2.1"),
    _op("dorefa", "u:unit bits:width", "codes, int32", "S2.2"),
    _op("dequantize", "codes:codes bits:width dtype=float32:dtype", "q in [0, 1]", "S2.3"),
    _op("effective", "q:unit scale:scale", "weights, dtype of q", "S1.2"),
    _op("effective_signed", "q:unit signs:signs scale:scale", "weights, dtype of q", "S1.4"),
    _op("lsb", "u:unit bits:width k:slice", "B_k, int32", "S3.1 S3.2"),
    _op("lsb_l1", "u:unit bits:width k:slice", "float", "S4.1"),
    _op("lsb_l1_codes", "u:unit bits:width k:slice", "int", "S4.1"),
    _op("lsb_l1_grad", "u:unit bits:width k:slice", "-1, 0 or 1, dtype of u", "S4.2"),
    _op("lsb_nonzero_rate", "u:unit bits:width k:slice", "float", "S3.4"),
    _op("bit_planes", "codes:codes bits:width signed=False:flag", "uint8, (bits, ...)",
        "S3.3 S9.1"),
    _op("from_bit_planes", "planes:planes signed=False:flag", "codes, int32", "S3.3 S9.1"),
    _op("sensitivity", "trace:real quantized:floats weights:floats", "float", "S5.5 S0.5"),
    _op("assign_k", "omegas:sensitivities", "list of int", "S5.6"),
    _op("prune_step", "bits:widths betas:rates ks:steps sizes:sizes alpha:thresholds target:target "
        "n_min:width", "list of int", "S6.1 S6.2"),
    _op("compression", "sizes:sizes bits:widths", "Fraction", "S6.3"),
    _op("activation_codes", "x:floats scale:scale bits:width signed:flag", "codes, int32", "S8.1"),
    _op("integer_weights", "codes:codes bits:signed_width signs=None:signs", "int32", "S9.1"),
    _op("integer_linear", "x:integers codes:matrix bits:signed_width signs=None:signs", "int64",
        "S9.1 S9.2"),
    _op("integer_conv2d", "x:images codes:filters bits:signed_width stride=1:size padding=0:size "
        "groups=1:size signs=None:signs", "int64", "S9.1 S9.2 S11.1"),
    _op("bitserial_linear", "x:integers planes:planes signed=False:flag", "int64", "S9.3"),
    _op("requantize", "acc:accumulators multiplier:multiplier shift:shift zero_point:zero_point "
        "bits:width signed:flag", "codes, int32", "S9.4"),
    _op("sgd_step", "w:floats grad:gradient velocity:gradient lr:rate momentum:rate "
        "weight_decay:rate", "(w, velocity)", "S12.1"),
)  # fmt: skip
"""What every backend may have; the reference has all of it."""


def operation(name: str) -> Operation:
    """Return the operation of a name; ``ValueError`` if the contract has none such."""
    for candidate in OPERATIONS:
        if candidate.name == name:
            return candidate
    known = ", ".join(entry.name for entry in OPERATIONS)
    raise ValueError(f"name = {name!r}: no such operation; the contract has {known}")
