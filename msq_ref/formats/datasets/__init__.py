"""Data sets by name, split once and for all, kept as bytes and checked."""

from msq_ref.formats.datasets.check import check_dataset, describe
from msq_ref.formats.datasets.load import dataset_names, load_dataset
from msq_ref.formats.datasets.parts import Dataset, Normalization, Part

__all__ = [
    "Dataset",
    "Normalization",
    "Part",
    "check_dataset",
    "dataset_names",
    "describe",
    "load_dataset",
]
