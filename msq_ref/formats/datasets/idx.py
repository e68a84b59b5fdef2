"""IDX files, gzipped or not, and the two data sets published in them: MNIST and Fashion-MNIST."""

from __future__ import annotations

import gzip
import hashlib
import math
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from msq_ref.formats.datasets.fetch import RemoteFile, cache_folder, download, find_in_data
from msq_ref.formats.datasets.idx_published import FASHION_MNIST, MNIST, Published
from msq_ref.formats.datasets.parts import Dataset, Normalization, Part
from msq_ref.formats.datasets.split import stratified_split

__all__ = ["IdxSet", "load_fashion_mnist", "load_mnist", "read_idx"]

GZIP = b"\x1f\x8b"
UBYTE = 0x08
MOST_BYTES = 2**31

DEBIAN = Path("/usr/share/datasets")
"""Where Debian's packages of data sets put them."""


def load_mnist(normalization: Normalization | None = None) -> Dataset:
    """Return MNIST, 28x28x1: 55,000 train, 5,000 validate, 10,000 test; found as `find_idx`."""
    return IdxSet(MNIST, normalization=normalization).read(find_idx(MNIST))


def load_fashion_mnist(normalization: Normalization | None = None) -> Dataset:
    """Return Fashion-MNIST, 28x28x1: 55,000 train, 5,000 validate, 10,000 test."""
    return IdxSet(FASHION_MNIST, normalization=normalization).read(find_idx(FASHION_MNIST))


def find_idx(published: Published) -> Path:
    """Return the folder of a set's four files.

    ``$MSQ_DATA`` with a folder of the set's name first, then ``/usr/share/datasets``, then the
    cache, into which what is missing is downloaded.

    Raises
    ------
    ValueError
        In one line, saying what to put where.
    """
    found = find_in_data(published.name)
    if found is not None:
        return found
    if (DEBIAN / published.name).is_dir():
        return DEBIAN / published.name
    folder = cache_folder() / published.name
    for name, sha256 in published.archives.items():
        file = RemoteFile(name, published.url + name, sha256)
        download(published.name, file, folder, [f"{published.name}/{name}"])
    return folder


@dataclass(frozen=True)
class IdxSet:
    """The reader of a published set, with the sizes it insists on.

    Attributes
    ----------
    published : Published
    train, test : int
        Images in its two pairs of files.
    validation : int
        Images of the first that are set aside.
    normalization : Normalization, optional
        In place of the set's own.
    """

    published: Published
    train: int = 60_000
    test: int = 10_000
    validation: int = 5_000
    normalization: Normalization | None = None

    def read(self, folder: Path) -> Dataset:
        """Read the four files of a folder, each gzipped or not.

        Raises
        ------
        ValueError
            In one line naming the file that is missing, damaged or of other sizes.
        """
        hashes: dict[str, str] = {}
        pixels, labels = self._pair(folder, "train", self.train, hashes)
        test = Part(*self._pair(folder, "t10k", self.test, hashes), self._normalization())
        rest, taken = stratified_split(labels, self.validation, self.published.name)
        return Dataset(
            self.published.name,
            Part(pixels[rest], labels[rest], self._normalization()),
            Part(pixels[taken], labels[taken], self._normalization()),
            test,
            10,
            self.published.class_names,
            str(folder),
            hashes == self.published.contents,
        )

    def _normalization(self) -> Normalization:
        return self.normalization or self.published.normalization

    def _pair(
        self, folder: Path, stem: str, images: int, hashes: dict[str, str]
    ) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        names = f"{stem}-images-idx3-ubyte", f"{stem}-labels-idx1-ubyte"
        files = [_gzipped_or_not(folder, name) for name in names]
        pixels, labels = (read_idx(file) for file in files)
        for file, values, shape in zip(
            files, (pixels, labels), ((images, 28, 28), (images,)), strict=True
        ):
            if values.shape != shape:
                raise ValueError(f"{file}: shape {values.shape}, expected {shape}")
        wrong = np.flatnonzero(labels > 9)
        if len(wrong):
            raise ValueError(
                f"{files[1]}: label {labels[wrong[0]]} of image {wrong[0]}, expected 0 to 9"
            )
        for name, values in zip(names, (pixels, labels), strict=True):
            hashes[name] = hashlib.sha256(_header(values.shape) + values.tobytes()).hexdigest()
        return pixels[..., None], labels.astype(np.int64)


def read_idx(path: Path) -> NDArray[np.uint8]:
    """Read an IDX file of unsigned bytes: a magic number, big-endian lengths, the values.

    Parameters
    ----------
    path : Path
        Gzipped or not, which its first bytes tell.

    Raises
    ------
    ValueError
        In one line naming the file: it cannot be read, is no such file, or is truncated, too long
        or damaged.
    """
    try:
        with path.open("rb") as file:
            zipped = file.read(2) == GZIP
            file.seek(0)
            if not zipped:
                return _read(file)
            with gzip.open(file) as unzipped:
                return _read(unzipped)  # type: ignore[arg-type]
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ValueError(f"{path}: truncated or damaged ({error})") from None
    except OSError as error:
        raise ValueError(f"{path}: cannot read it ({error.strerror})") from None


def _read(file: BinaryIO) -> NDArray[np.uint8]:
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or not magic[3]:
        raise ValueError(f"not an IDX file (it begins with {magic.hex(' ') or 'nothing'})")
    if magic[2] != UBYTE:
        raise ValueError(f"an IDX file of type 0x{magic[2]:02x}, expected 0x08, unsigned bytes")
    lengths = file.read(4 * magic[3])
    if len(lengths) < 4 * magic[3]:
        raise ValueError("truncated in its header")
    shape = struct.unpack(f">{magic[3]}I", lengths)
    size = math.prod(shape)
    if size > MOST_BYTES:
        raise ValueError(f"shape {shape}: more than {MOST_BYTES} bytes")
    values = file.read(size + 1)  # of a gzipped file this reads, and checks, its checksum too
    if len(values) != size:
        found = f"{len(values)} bytes" if len(values) < size else "more"
        raise ValueError(f"{found} of values, expected {size} for shape {shape}")
    return np.frombuffer(values, np.uint8).reshape(shape)


def _header(shape: tuple[int, ...]) -> bytes:
    return struct.pack(f">BBBB{len(shape)}I", 0, 0, UBYTE, len(shape), *shape)


def _gzipped_or_not(folder: Path, name: str) -> Path:
    for file in (folder / f"{name}.gz", folder / name):
        if file.exists():
            return file
    raise ValueError(f"{folder}: {name}, gzipped or not, is missing")
