"""Exact second derivatives: products, traces."""

from msq_ref.hessian.differences import finite_difference_product
from msq_ref.hessian.estimate import TraceEstimate
from msq_ref.hessian.estimator import TraceEstimator
from msq_ref.hessian.hutchinson import Hutchinson
from msq_ref.hessian.hutchpp import HutchPP
from msq_ref.hessian.oracle import exact_traces
from msq_ref.hessian.products import HessianProducts
from msq_ref.hessian.trace import (
    METHODS,
    hutchinson_layers,
    hutchpp_layers,
    trace_estimator,
)

__all__ = [
    "METHODS",
    "HessianProducts",
    "HutchPP",
    "Hutchinson",
    "TraceEstimate",
    "TraceEstimator",
    "exact_traces",
    "finite_difference_product",
    "hutchinson_layers",
    "hutchpp_layers",
    "trace_estimator",
]
