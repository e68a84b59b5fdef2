"""Data sets by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from msq_ref.formats.datasets.check import check_dataset
from msq_ref.formats.datasets.cifar10 import load_cifar10
from msq_ref.formats.datasets.digits import load_digits
from msq_ref.formats.datasets.folder import load_folder
from msq_ref.formats.datasets.idx import load_fashion_mnist, load_mnist
from msq_ref.formats.datasets.parts import Dataset, Normalization
from msq_ref.names import known_name

__all__ = ["FOLDER", "dataset_names", "load_dataset"]

FOLDER = "folder:"
"""A name that begins so goes on with the path of a folder of images."""

_READERS: dict[str, Callable[[Normalization | None], Dataset]] = {
    "cifar10": load_cifar10,
    "digits": load_digits,
    "fashion-mnist": load_fashion_mnist,
    "mnist": load_mnist,
}


def dataset_names() -> list[str]:
    """Return the names `load_dataset` knows, besides ``folder:PATH``."""
    return sorted(_READERS)


def load_dataset(
    name: str, *, size: int | None = None, normalization: Normalization | None = None
) -> Dataset:
    """Read a data set, checked, in its fixed stratified split; download it if it is nowhere.

    Parameters
    ----------
    name : str
        One of `dataset_names`, or ``folder:PATH``.
    size : int, optional
        Of folders only: height and width to bring images to.
    normalization : Normalization, optional
        In place of the data set's own.

    Raises
    ------
    ValueError
        In one line: the name is unknown, the data are not what they should be, or they could not
        be had, with what to put where.
    """
    if isinstance(name, str) and name.startswith(FOLDER):
        path = name.removeprefix(FOLDER)
        if not path:
            raise ValueError(f"data = {name!r}: expected the path of a folder behind {FOLDER}")
        return check_dataset(load_folder(Path(path), size=size, normalization=normalization))
    known_name("data", name, [*dataset_names(), f"{FOLDER}PATH"])
    if size is not None:
        raise ValueError(f"size = {size}: only images of a folder are scaled, not data = {name!r}")
    return check_dataset(_READERS[name](normalization))
