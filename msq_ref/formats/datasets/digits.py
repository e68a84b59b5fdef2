"""scikit-learn's handwritten digits: inside the package, so always there."""

from __future__ import annotations

import numpy as np

from msq_ref.formats.datasets.parts import Dataset, Normalization, Part
from msq_ref.formats.datasets.split import stratified_split

__all__ = ["load_digits"]


def load_digits(normalization: Normalization | None = None) -> Dataset:
    """Return the 1,797 digits, 8x8x1, values 0 to 16 scaled to [0, 1] and not normalized further.

    1,167 train, 180 validate, 450 test.
    """
    from sklearn import datasets  # noqa: PLC0415  (a heavy import, wanted only here)

    bunch = datasets.load_digits()
    pixels = (bunch.images[..., None] / 16).astype(np.float32)
    labels = bunch.target.astype(np.int64)

    def split(part: Part, size: int) -> tuple[Part, Part]:
        rest, taken = stratified_split(part.labels, size, "digits")
        return (
            Part(part.pixels[rest], part.labels[rest], normalization),
            Part(part.pixels[taken], part.labels[taken], normalization),
        )

    rest, test = split(Part(pixels, labels), 450)
    train, validation = split(rest, 180)
    return Dataset(
        "digits", train, validation, test, 10, tuple("0123456789"), "scikit-learn's load_digits"
    )
