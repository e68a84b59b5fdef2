"""The schedule handles a few scalars in exact fractions: the definition is its only form [S6]."""

from msq_ref.reference.schedule import compression, prune_step
from msq_ref.reference.sensitivity import assign_k

__all__ = ["assign_k", "compression", "prune_step"]
