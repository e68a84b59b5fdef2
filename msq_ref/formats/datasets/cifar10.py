"""CIFAR-10 as published: the binary and the Python release, unpacked or as the archive."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from msq_ref.formats.datasets.archive import read_archive
from msq_ref.formats.datasets.cifar10_pickle import batch_records
from msq_ref.formats.datasets.fetch import RemoteFile, cache_folder, download, find_in_data
from msq_ref.formats.datasets.parts import Dataset, Normalization, Part
from msq_ref.formats.datasets.split import stratified_split

__all__ = ["Cifar10", "load_cifar10"]

CLASS_NAMES = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip

NORMALIZATION = Normalization(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
"""ImageNet's, with which published ResNet-20 weights for CIFAR-10 were trained."""

PIXELS = 3 * 32 * 32
"""A record is its label, a byte, and these, channel by channel."""

# The hashes of the archives and of the files are those that several public projects state; the
# archives could not be downloaded where this was written.
BINARY = RemoteFile(
    "cifar-10-binary.tar.gz",
    "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
    "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
)
PYTHON = RemoteFile(
    "cifar-10-python.tar.gz",
    "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
    "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
)
PUBLISHED = (
    "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5",
    "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed",
    "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67",
    "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48",
    "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add",
    "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b",
)
"""SHA-256 of the records of each batch, the test batch last; the same in both releases."""


@dataclass(frozen=True)
class Release:
    """One of the two forms: where its batches are, and how one becomes records."""

    folder: str
    archive: RemoteFile
    batches: tuple[str, ...]
    largest: Callable[[int], int]
    records: Callable[[bytes], NDArray[np.uint8]]


def _binary_records(content: bytes) -> NDArray[np.uint8]:
    size = PIXELS + 1
    if len(content) % size:
        raise ValueError(f"{len(content)} bytes: expected a multiple of {size}")
    return np.frombuffer(content, np.uint8).reshape(-1, size)


RELEASES = (
    Release(
        "cifar-10-batches-bin",
        BINARY,
        (*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin"),
        lambda records: records * (PIXELS + 1),
        _binary_records,
    ),
    Release(
        "cifar-10-batches-py",
        PYTHON,
        (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"),
        lambda records: records * (2 * PIXELS + 1024) + 2**16,  # bytes as text, names of files
        batch_records,
    ),
)


def load_cifar10(normalization: Normalization | None = None) -> Dataset:
    """Find CIFAR-10, or download it, and read it: 45,000 train, 5,000 validate, 10,000 test.

    Looked for in this order: ``$MSQ_DATA`` with the folder ``cifar-10-batches-bin``, the archive
    ``cifar-10-binary.tar.gz``, the folder ``cifar-10-batches-py``, the archive
    ``cifar-10-python.tar.gz``; then the cache, and the network.

    Raises
    ------
    ValueError
        In one line, naming the file that is missing or damaged, or what to put where.
    """
    reader = Cifar10(normalization=normalization or NORMALIZATION)
    names = [name for release in RELEASES for name in (release.folder, release.archive.name)]
    found = find_in_data(*names)
    if found is None:
        found = download("cifar10", BINARY, cache_folder(), names)
    return reader.read(found)


@dataclass(frozen=True)
class Cifar10:
    """The reader, with the sizes it insists on.

    Attributes
    ----------
    records : int
        Images in each of the five training files and in the test file.
    validation : int
        Images of the training files that are set aside.
    normalization : Normalization
    """

    records: int = 10_000
    validation: int = 5_000
    normalization: Normalization = NORMALIZATION

    def read(self, path: Path) -> Dataset:
        """Read a folder or an archive of either release, told apart by its name."""
        release = next(r for r in RELEASES if path.name in (r.folder, r.archive.name))
        contents = self._folder(path, release) if path.is_dir() else self._archive(path, release)
        pixels = np.empty((len(release.batches) * self.records, 32, 32, 3), np.uint8)
        labels = np.empty(len(pixels), np.int64)
        hashes: list[str] = []
        for batch, name in enumerate(release.batches):
            records = self._records(contents.pop(name), release, f"{path}/{name}")
            hashes.append(hashlib.sha256(records.data).hexdigest())
            these = slice(batch * self.records, (batch + 1) * self.records)
            labels[these] = records[:, 0]
            pixels[these] = records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
        test = np.arange(len(labels))[-self.records :]
        rest, taken = stratified_split(labels[: -self.records], self.validation, "cifar10")
        train, validation, held = (
            Part(pixels[chosen], labels[chosen], self.normalization)
            for chosen in (rest, taken, test)
        )
        published = tuple(hashes) == PUBLISHED
        return Dataset(
            "cifar10", train, validation, held, 10, CLASS_NAMES, str(path), published
        )

    def _folder(self, path: Path, release: Release) -> dict[str, bytes]:
        contents = {}
        for name in release.batches:
            file = path / name
            try:
                with file.open("rb") as stream:
                    contents[name] = stream.read(release.largest(self.records) + 1)
            except OSError as error:
                raise ValueError(f"{file}: cannot read it ({error.strerror})") from None
        return contents

    def _archive(self, path: Path, release: Release) -> dict[str, bytes]:
        names = {f"{release.folder}/{name}": name for name in release.batches}
        found = read_archive(path, names, release.largest(self.records))
        return {names[name]: content for name, content in found.items()}

    def _records(self, content: bytes, release: Release, file: str) -> NDArray[np.uint8]:
        if len(content) > release.largest(self.records):
            raise ValueError(f"{file}: too large for {self.records} images")
        try:
            records = release.records(content)
        except ValueError as error:
            raise ValueError(f"{file}: {error}") from None
        if len(records) != self.records:
            raise ValueError(f"{file}: {len(records)} images, expected {self.records}")
        wrong = np.flatnonzero(records[:, 0] > 9)
        if len(wrong):
            label = records[wrong[0], 0]
            raise ValueError(f"{file}: label {label} of image {wrong[0]}, expected 0 to 9")
        return records
