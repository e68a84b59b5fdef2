"""Integer inference: lowering a trained network, running it from bit planes, explaining it."""

from msq_ref.integer.arithmetic import Product, by_definition, by_kernels, from_packed_planes
from msq_ref.integer.calibration import calibrate
from msq_ref.integer.explain import StepComparison, compare
from msq_ref.integer.fake import FakeQuantized
from msq_ref.integer.lowering import WeightCodes, lower
from msq_ref.integer.network import (
    IntegerAveragePool,
    IntegerFlatten,
    IntegerMaxPool,
    IntegerNetwork,
    IntegerProduct,
    IntegerStep,
    Requantizer,
    Traced,
)
from msq_ref.integer.validity import check_network

__all__ = [
    "FakeQuantized",
    "IntegerAveragePool",
    "IntegerFlatten",
    "IntegerMaxPool",
    "IntegerNetwork",
    "IntegerProduct",
    "IntegerStep",
    "Product",
    "Requantizer",
    "StepComparison",
    "Traced",
    "WeightCodes",
    "by_definition",
    "by_kernels",
    "calibrate",
    "check_network",
    "compare",
    "from_packed_planes",
    "lower",
]
