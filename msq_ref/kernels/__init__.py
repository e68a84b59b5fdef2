"""Numba twins of the definitions: the same names and arguments, bit-identical where specified."""

from importlib import import_module
from typing import Any

from msq_ref.kernels import cache as cache  # in force before anything is compiled
from msq_ref.kernels.activation import *
from msq_ref.kernels.adamw import *
from msq_ref.kernels.attention import *
from msq_ref.kernels.attention_branch import *
from msq_ref.kernels.batchnorm import *
from msq_ref.kernels.branch_parts import branch_suits as branch_suits
from msq_ref.kernels.conv import *
from msq_ref.kernels.dequantize import *
from msq_ref.kernels.dorefa import *
from msq_ref.kernels.excitation import *
from msq_ref.kernels.fused import *
from msq_ref.kernels.gelu import *
from msq_ref.kernels.hard import *
from msq_ref.kernels.layernorm import *
from msq_ref.kernels.layers import *
from msq_ref.kernels.linear import *
from msq_ref.kernels.loss import *
from msq_ref.kernels.mlp_branch import *
from msq_ref.kernels.normalize import *
from msq_ref.kernels.planes import *
from msq_ref.kernels.pooling import *
from msq_ref.kernels.rectified import *
from msq_ref.kernels.regularizer import *
from msq_ref.kernels.requantize import *
from msq_ref.kernels.roundclamp import *
from msq_ref.kernels.schedule import *
from msq_ref.kernels.sensitivity import *
from msq_ref.kernels.sgd import *
from msq_ref.kernels.slicing import *
from msq_ref.kernels.sums import *
from msq_ref.kernels.updates import *
from msq_ref.kernels.weights import *

_LATER = {
    "activation_codes", "bitserial_linear", "bitserial_packed", "integer_conv2d",
    "integer_linear", "integer_weights",
}  # fmt: skip
"""What `msq_ref.kernels.integer` has: many kernels, of which training needs none."""


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(import_module("msq_ref.kernels.integer"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})
