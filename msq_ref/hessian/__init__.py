"""Exact second derivatives: products, traces."""

from msq_ref.hessian.products import HessianProducts, finite_difference_product
from msq_ref.hessian.trace import TraceEstimate, exact_traces, hutchinson_layers

__all__ = [
    "HessianProducts",
    "TraceEstimate",
    "exact_traces",
    "finite_difference_product",
    "hutchinson_layers",
]
