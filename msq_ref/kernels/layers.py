"""Layers whose NumPy definition is already one BLAS call or a few passes: no faster form yet."""

from msq_ref.reference.padding import zero_pad, zero_pad_backward
from msq_ref.reference.shortcut import pad_shortcut, pad_shortcut_backward

__all__ = [
    "pad_shortcut",
    "pad_shortcut_backward",
    "zero_pad",
    "zero_pad_backward",
]
