"""Looking a data set over before anything is trained on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from msq_ref.formats.datasets.parts import Dataset, Part

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["check_dataset", "describe"]


def check_dataset(data: Dataset) -> Dataset:
    """Return a data set that can be trained on.

    Raises
    ------
    ValueError
        In one line naming the data set and the part: other shapes or dtypes than a `Part` has,
        images of several sizes, no images, labels out of range, pixels that are no finite
        numbers, a normalization of other channels, a class without training images.
    """
    if data.classes < 2 or len(data.class_names) != data.classes:
        raise ValueError(
            f"data = {data.name!r}: {len(data.class_names)} names for {data.classes} classes, "
            "expected a name each, and two classes or more"
        )
    for name, part in data.parts().items():
        where = f"data = {data.name!r}, part {name}"
        _check_arrays(where, part)
        if part.image_shape != data.train.image_shape:
            raise ValueError(
                f"{where}: images of {part.image_shape}, in train of {data.train.image_shape}"
            )
        if part.labels.min() < 0 or part.labels.max() >= data.classes:
            wrong = part.labels[(part.labels < 0) | (part.labels >= data.classes)][0]
            raise ValueError(f"{where}: a label of {wrong}, expected 0 to {data.classes - 1}")
    counts = np.bincount(data.train.labels, minlength=data.classes)
    if not counts.all():
        missing = data.class_names[int(counts.argmin())]
        raise ValueError(f"data = {data.name!r}: no training images of class {missing!r}")
    return data


def _check_arrays(where: str, part: Part) -> None:
    pixels, labels = part.pixels, part.labels
    if pixels.ndim != 4 or pixels.dtype not in (np.uint8, np.float32):
        raise ValueError(
            f"{where}: images of dtype {pixels.dtype} and shape {pixels.shape}, expected uint8 or "
            "float32 and (images, height, width, channels)"
        )
    if labels.dtype != np.int64 or labels.shape != pixels.shape[:1]:
        raise ValueError(
            f"{where}: labels of dtype {labels.dtype} and shape {labels.shape}, expected int64 "
            f"and {pixels.shape[:1]}"
        )
    if not pixels.size:
        raise ValueError(f"{where}: no images, shape {pixels.shape}")
    if pixels.dtype == np.float32 and not np.isfinite(pixels).all():
        raise ValueError(f"{where}: pixels that are no finite numbers")
    scale = part.normalization
    if scale is not None and len(scale.mean) != pixels.shape[3]:
        raise ValueError(
            f"{where}: mean = {scale.mean} for images of {pixels.shape[3]} channels"
        )


def describe(data: Dataset) -> RenderableType:
    """Return a table for the terminal: images of each class in each part, size, and the source.

    Parameters
    ----------
    data : Dataset

    Returns
    -------
    rich renderable
        The table, and a line below it.
    """
    from rich.console import Group  # noqa: PLC0415  (wanted only by who prints)
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    from msq_ref.formats.printing import STYLE  # noqa: PLC0415

    height, width, channels = data.train.image_shape
    origin = {True: "; as published", False: "; not the published bytes", None: ""}
    table = Table(**STYLE)
    table.add_column("class")
    for name in data.parts():
        table.add_column(name, justify="right")
    counts = [np.bincount(part.labels, minlength=data.classes) for part in data.parts().values()]
    for label, name in enumerate(data.class_names):
        table.add_row(Text(name), *(f"{count[label]:,}" for count in counts))
    table.add_section()
    table.add_row("all", *(f"{count.sum():,}" for count in counts))
    # Texts, since names of files may hold what rich takes for markup.
    size = f"{height}x{width}x{channels}"
    return Group(table, Text(f"{size}, from {data.source}{origin[data.published]}"))
