"""Frozen conformance vectors: reading, writing, checking; they are usable without this."""

from msq_ref.conformance.vectors.cases import cases_from_vectors, vector_cases
from msq_ref.conformance.vectors.folder import vectors_folder

__all__ = ["cases_from_vectors", "vector_cases", "vectors_folder"]
