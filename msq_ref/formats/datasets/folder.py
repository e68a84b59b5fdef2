"""A folder of images: a subfolder a class, JPEG and PNG files in it."""

from __future__ import annotations

import io
import struct
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref import checks
from msq_ref.formats.datasets.parts import Dataset, Normalization, Part
from msq_ref.formats.datasets.split import stratified_split

__all__ = ["load_folder"]

NORMALIZATION = Normalization(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
"""ImageNet's, as published weights want it."""

SUFFIXES = (".jpg", ".jpeg", ".png")
FORMATS = ("JPEG", "PNG")
MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr")
"""Kinds of pixels that become RGB bytes without loss of depth; transparency is dropped."""

MOST_BYTES = 2**33
"""That all images of a folder may take."""


def load_folder(
    path: Path, *, size: int | None = None, normalization: Normalization | None = None
) -> Dataset:
    """Read ``CLASS/name.jpg`` or ``.png``, or the same below ``train/`` and ``test/``.

    Classes are sorted by name. Without ``test/`` a quarter of the images is the test part; a
    tenth of all images outside ``test/`` is the validation part, both stratified. Hidden
    files and other suffixes are passed over.

    Parameters
    ----------
    path : Path
        ``~`` is the user's home.
    size : int, optional
        Height and width to bring images to: the shorter side is scaled to it (bilinear, over the
        whole area), the middle is cut out. Without it all images must have one size.
    normalization : Normalization, optional
        In place of ImageNet's.

    Raises
    ------
    ValueError
        In one line naming the folder without classes or images, or the file that is damaged, of
        another size, or of deeper pixels than bytes.
    """
    if size is not None:
        size = checks.integer("size", size, 1, 4096)
    path, normalization = path.expanduser(), normalization or NORMALIZATION
    train_folder, test_folder = _sides(path)
    class_names = _subfolders(train_folder)
    if len(class_names) < 2:
        raise ValueError(f"{train_folder}: {len(class_names)} folders of classes, expected 2+")
    reader = _Reader(class_names, size)
    pixels, labels = reader.read(train_folder)
    everything = np.arange(len(labels))
    if test_folder is None:
        rest, held = stratified_split(labels, -(-len(labels) // 4), str(path))
        test = Part(pixels[held], labels[held], normalization)
    else:
        rest = everything
        test = Part(*reader.read(test_folder), normalization)
    inner, taken = stratified_split(labels[rest], -(-len(labels) // 10), str(path))
    train, validation = (
        Part(pixels[chosen], labels[chosen], normalization) for chosen in (rest[inner], rest[taken])
    )
    return Dataset(
        f"folder:{path}", train, validation, test, len(class_names), tuple(class_names), str(path)
    )


def _sides(path: Path) -> tuple[Path, Path | None]:
    """Return the folders of training and test images; a class may be called train."""
    if not path.is_dir():
        raise ValueError(f"data = 'folder:{path}': no such folder")
    split = {name: bool(_subfolders(path / name)) for name in ("train", "test")}
    if split["test"] and not split["train"]:
        raise ValueError(f"{path}: there is test/ with classes, but no train/ with classes")
    if not split["train"]:
        return path, None
    return path / "train", path / "test" if split["test"] else None


def _subfolders(path: Path) -> list[str]:
    if not path.is_dir():
        return []
    return sorted(p.name for p in path.iterdir() if p.is_dir() and not p.name.startswith("."))


@dataclass
class _Reader:
    """Reads folders of the same classes into arrays of the same size of images."""

    class_names: list[str]
    size: int | None
    shape: tuple[int, int] | None = None

    def read(self, folder: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Return the images of a folder, NHWC, and their labels, sorted by class and name."""
        unknown = [name for name in _subfolders(folder) if name not in self.class_names]
        if unknown:
            raise ValueError(f"{folder}: class {unknown[0]!r} is not among those of train/")
        from PIL import Image  # noqa: PLC0415  (wanted only here)

        files, labels = [], []
        for label, name in enumerate(self.class_names):
            found = _images(folder / name)
            files += found
            labels += [label] * len(found)
        if not files:
            raise ValueError(f"{folder}: no images ({', '.join(SUFFIXES)}) in its classes")
        with warnings.catch_warnings():
            warnings.filterwarnings("error", category=Image.DecompressionBombWarning)
            return self._stack(files), np.array(labels, np.int64)

    def _stack(self, files: list[Path]) -> NDArray[np.uint8]:
        first = self._image(files[0])
        if len(files) * first.size > MOST_BYTES:
            raise ValueError(
                f"{files[0].parent.parent}: {len(files)} images of {first.shape} take more than "
                f"{MOST_BYTES} bytes"
            )
        pixels = np.empty((len(files), *first.shape), np.uint8)
        for index, file in enumerate(files):
            pixels[index] = self._image(file)
        return pixels

    def _image(self, file: Path) -> NDArray[np.uint8]:
        image = _decode(file, self.size)
        if self.shape is None:
            self.shape = image.shape[:2]
        if image.shape[:2] != self.shape:
            raise ValueError(
                f"{file}: {image.shape[0]}x{image.shape[1]} pixels, the others have "
                f"{self.shape[0]}x{self.shape[1]}; give a size to scale all to"
            )
        return image


def _images(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(
        file
        for file in folder.iterdir()
        if file.suffix.lower() in SUFFIXES and not file.name.startswith(".")
    )


def _decode(file: Path, size: int | None) -> NDArray[np.uint8]:
    from PIL import Image  # noqa: PLC0415  (wanted only here)

    try:
        content = io.BytesIO(file.read_bytes())
        with Image.open(content, formats=FORMATS) as image:
            if image.mode not in MODES:
                raise ValueError(f"pixels of mode {image.mode}, expected bytes")
            pixels = np.asarray(_fit(image.convert("RGB"), size), np.uint8)
            if image.format == "PNG":  # its last checksums are not needed for the pixels
                with Image.open(content, formats=FORMATS) as again:
                    again.verify()
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise ValueError(f"{file}: too many pixels") from None
    except (OSError, ValueError, SyntaxError, EOFError, struct.error) as error:  # as damage has it
        raise ValueError(f"{file}: cannot read it ({error})") from None
    return pixels


def _fit(image: Any, size: int | None) -> Any:  # noqa: ANN401
    """Return an image with its shorter side scaled to `size`, and the middle square of that."""
    from PIL import Image  # noqa: PLC0415

    if size is None or image.size == (size, size):
        return image
    scale = size / min(image.size)
    width, height = (max(size, round(length * scale)) for length in image.size)
    left, top = (width - size) // 2, (height - size) // 2
    resized = image.resize((width, height), Image.Resampling.BILINEAR)
    return resized.crop((left, top, left + size, top + size))
