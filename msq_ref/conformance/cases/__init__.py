"""The kit's own cases: small domains exhausted, ties met exactly, illegal input refused.

One module per subject; each says what it visits. `generate` puts them in order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from msq_ref import checks
from msq_ref.conformance.case import Case
from msq_ref.conformance.cases.activations import activation_cases
from msq_ref.conformance.cases.convolutions import convolution_cases
from msq_ref.conformance.cases.integers import bitserial_cases, linear_cases
from msq_ref.conformance.cases.integers import weight_cases as integer_weight_cases
from msq_ref.conformance.cases.invalid import invalid_cases
from msq_ref.conformance.cases.memory import memory_cases
from msq_ref.conformance.cases.normalization import backward_cases, normalization_cases
from msq_ref.conformance.cases.plan import LEVELS, Plan
from msq_ref.conformance.cases.planes import plane_cases
from msq_ref.conformance.cases.quantizers import quantizer_cases
from msq_ref.conformance.cases.requantization import requantization_cases
from msq_ref.conformance.cases.schedule import assign_cases, compression_cases, prune_cases
from msq_ref.conformance.cases.slicing import slicing_cases
from msq_ref.conformance.cases.sums import sum_cases
from msq_ref.conformance.cases.training import update_cases
from msq_ref.conformance.cases.weights import weight_cases
from msq_ref.contract import OPERATIONS, operation
from msq_ref.names import known_name

__all__ = ["LEVELS", "generate"]

Source = Callable[[str, Plan], Iterator[Case]]

_BY_VALUE: dict[str, Source] = {
    "normalize": normalization_cases,
    "normalize_signed": normalization_cases,
    "normalize_backward": backward_cases,
    "normalize_signed_backward": backward_cases,
    "roundclamp": quantizer_cases,
    "dorefa": quantizer_cases,
    "dequantize": weight_cases,
    "effective": weight_cases,
    "effective_signed": weight_cases,
    "lsb": slicing_cases,
    "lsb_l1": slicing_cases,
    "lsb_l1_codes": slicing_cases,
    "lsb_l1_grad": slicing_cases,
    "lsb_nonzero_rate": slicing_cases,
    "bit_planes": plane_cases,
    "from_bit_planes": plane_cases,
    "sensitivity": sum_cases,
    "assign_k": assign_cases,
    "prune_step": prune_cases,
    "compression": compression_cases,
    "activation_codes": activation_cases,
    "integer_weights": integer_weight_cases,
    "integer_linear": linear_cases,
    "integer_conv2d": convolution_cases,
    "bitserial_linear": bitserial_cases,
    "requantize": requantization_cases,
    "sgd_step": update_cases,
}


def generate(operations: Sequence[str], level: str, seed: int) -> Iterator[Case]:
    """Yield the cases of some operations, in the contract's order.

    The same arguments give the same cases with the same ids; what an operation gets does not
    depend on which others are asked for.

    Parameters
    ----------
    operations : sequence of str
        Names in the contract.
    level : {"quick", "full", "deep"}
        Seconds, a minute, minutes.
    seed : int
        Of the random numbers, not negative.

    Raises
    ------
    ValueError
        If a name or the level is unknown, or `seed` is no such number.
    """
    wanted = {operation(name).name for name in operations}
    plan = Plan(known_name("level", level, LEVELS), checks.integer("seed", seed, 0))
    return _generate([entry.name for entry in OPERATIONS if entry.name in wanted], plan)


def _generate(names: Sequence[str], plan: Plan) -> Iterator[Case]:
    for name in names:
        for source in (_BY_VALUE[name], memory_cases, invalid_cases):
            yield from source(name, plan)
