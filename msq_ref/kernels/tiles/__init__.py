"""Convolutions by small tiles held in registers, and Winograd's algorithm for 3 x 3 filters.

Each function sets an array to its result and returns True, or returns False where tiles do not
serve: then the general way has to. `support` says when, and which tile a processor gets.
"""

from msq_ref.kernels.tiles.forward import forward
from msq_ref.kernels.tiles.input_gradient import input_gradient
from msq_ref.kernels.tiles.support import use_tile
from msq_ref.kernels.tiles.weight_gradient import weight_gradient

__all__ = ["forward", "input_gradient", "use_tile", "weight_gradient"]
