"""The schedule handles a few scalars in exact fractions: its definition is its only form [S6]."""

from msq_ref.reference.schedule import average_bits, compression, prune_step

__all__ = ["average_bits", "compression", "prune_step"]
