"""BISMO: matrix products by binary matrix products, on an FPGA."""

from __future__ import annotations

from hwsim.peers.shape import LayerShape
from hwsim.rounding import ceil_div

__all__ = ["bismo_cycles", "bismo_peak"]


def bismo_cycles(shape: LayerShape, d_m: int, d_k: int, d_n: int) -> int:
    """Return ``w a ceil(M/Dm) ceil(K/Dk) ceil(P/Dn)`` a group: every plane with every plane.

    Parameters
    ----------
    shape : LayerShape
        A convolution counts as the product of its unfolded input with its filters.
    d_m, d_k, d_n : int
        Dot product units down and across, and the bits that one takes in a cycle.

    Notes
    -----
    Y. Umuroglu et al., "BISMO: a scalable bit-serial matrix multiplication overlay for
    reconfigurable computing", FPL 2018; execution only, without fetch, result and
    the fill of the pipeline.
    """
    tiles = ceil_div(shape.M, d_m) * ceil_div(shape.K, d_k) * ceil_div(shape.P, d_n)
    return shape.groups * tiles * shape.weight_bits * shape.activation_bits


def bismo_peak(d_m: int, d_k: int, d_n: int, frequency_hz: float) -> float:
    """Return binary operations a second, an AND and an addition counted as two."""
    return 2 * d_m * d_k * d_n * frequency_hz
