"""BitSim: a weight-serial array in the manner of Stripes."""

from __future__ import annotations

from hwsim.peers.shape import LayerShape
from hwsim.rounding import ceil_div

__all__ = ["bitsim_cycles"]


def bitsim_cycles(shape: LayerShape, rows: int, cols: int, lanes: int) -> int:
    """Return the compute cycles of a layer with n-bit weights, ``steps * n``.

    ``steps`` is ``T ceil(M/rows) ceil(W/cols) H`` for H rows of W output positions. The lanes take
    channels, or the positions of a kernel that has more of them: ``T = ceil(k^2/lanes) C`` if
    ``k^2 > C``, else ``ceil(C/lanes) k^2``. A depthwise or grouped layer uses one row of the array,
    and its lanes take the kernel: ``ceil(k^2/lanes) C`` a channel, one output channel at a time.

    Parameters
    ----------
    shape : LayerShape
    rows, cols, lanes : int
        Output channels, output columns and terms of the reduction at a time.

    Notes
    -----
    Y. Chen et al., "BBS: bi-directional bit-level sparsity for deep learning acceleration",
    MICRO 2024; the simulator published with it, accelerator Stripes.
    """
    grouped = shape.groups > 1
    by_kernel = ceil_div(shape.taps, lanes) * shape.channels
    by_kernel_first = grouped or shape.taps > shape.channels
    steps = by_kernel if by_kernel_first else shape.steps_by_tap(lanes)
    passes = shape.groups * shape.outputs if grouped else ceil_div(shape.outputs, rows)
    columns = ceil_div(shape.out_width, cols) * shape.out_height
    return steps * passes * columns * shape.batch * shape.weight_bits
