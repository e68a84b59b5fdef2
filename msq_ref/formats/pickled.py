"""Published files that are pickles: the restricted reader, for the formats here."""

from __future__ import annotations

from msq_ref.models.torch_file import read_torch
from msq_ref.pickled import NUMPY_ARRAYS, restricted_load

__all__ = ["NUMPY_ARRAYS", "read_torch", "restricted_load"]
