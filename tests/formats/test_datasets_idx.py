"""IDX files: MNIST and Fashion-MNIST, gzipped or not; whatever is damaged is named in one line."""

import gzip
import hashlib
import os
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from msq_ref.formats.datasets import idx, load_dataset
from msq_ref.formats.datasets.idx import DEBIAN, IdxSet, read_idx
from msq_ref.formats.datasets.idx_published import FASHION_MNIST, MNIST

READER = IdxSet(FASHION_MNIST, train=60, test=20, validation=20)


def idx_bytes(values):
    """The format: two zeros, 8 for bytes, the number of axes, their lengths, the values."""
    lengths = b"".join(struct.pack(">I", length) for length in values.shape)
    return bytes([0, 0, 8, values.ndim]) + lengths + values.tobytes()


@pytest.fixture(scope="module")
def arrays():
    rng = np.random.default_rng(4)
    return {
        f"{stem}-{kind}": values
        for stem, count in (("train", 60), ("t10k", 20))
        for kind, values in (
            ("images-idx3-ubyte", rng.integers(0, 256, (count, 28, 28), np.uint8)),
            ("labels-idx1-ubyte", rng.permutation(np.arange(count) % 10).astype(np.uint8)),
        )
    }


def write(folder, arrays, *, zipped):
    folder.mkdir(exist_ok=True)
    for name, values in arrays.items():
        content = idx_bytes(values)
        if zipped:
            (folder / f"{name}.gz").write_bytes(gzip.compress(content, 1))
        else:
            (folder / name).write_bytes(content)
    return folder


@pytest.mark.parametrize("zipped", [True, False])
def test_every_image_once(tmp_path, arrays, zipped):
    """28x28x1, bytes, labels int64, a stratified part of the training files to validate."""
    data = READER.read(write(tmp_path / "fashion-mnist", arrays, zipped=zipped))
    assert [len(part) for part in data.parts().values()] == [40, 20, 20]
    assert np.array_equal(data.test.pixels[..., 0], arrays["t10k-images-idx3-ubyte"])
    assert np.array_equal(data.test.labels, arrays["t10k-labels-idx1-ubyte"])
    assert data.train.image_shape == (28, 28, 1)
    pairs = sorted(
        (image.tobytes(), label)
        for part in (data.train, data.validation)
        for image, label in zip(part.pixels, part.labels.tolist(), strict=True)
    )
    images, labels = arrays["train-images-idx3-ubyte"], arrays["train-labels-idx1-ubyte"].tolist()
    assert pairs == sorted(zip([i.tobytes() for i in images], labels, strict=True))
    assert np.bincount(data.validation.labels).tolist() == [2] * 10
    assert data.published is False
    assert data.class_names[9] == "Ankle boot"
    scaled = (data.test.pixels / 255 - 0.2860) / 0.3530
    assert np.abs(data.test.images - scaled).max() < 1e-6


def test_published_is_what_has_the_hashes(tmp_path, arrays):
    """Of the content, not of the gzip file around it."""
    hashes = {name: hashlib.sha256(idx_bytes(a)).hexdigest() for name, a in arrays.items()}
    reader = replace(READER, published=replace(FASHION_MNIST, contents=hashes))
    for zipped in (True, False):
        assert reader.read(write(tmp_path / str(zipped), arrays, zipped=zipped)).published is True


@pytest.mark.parametrize("shape", [(3,), (2, 5), (2, 3, 4), (1, 2, 3, 4), (0, 28, 28)])
def test_any_number_of_axes(tmp_path, shape):
    values = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    (tmp_path / "x").write_bytes(idx_bytes(values))
    assert np.array_equal(read_idx(tmp_path / "x"), values)


GOOD = idx_bytes(np.arange(12, dtype=np.uint8).reshape(3, 4))
ZIPPED = gzip.compress(GOOD, mtime=0)  # the content names the cases: the same in all processes


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "not an IDX file (it begins with nothing)"),
        (GOOD[:3], "not an IDX file"),
        (b"\x89PNG\r\n\x1a\n" * 9, "not an IDX file (it begins with 89 50 4e 47)"),
        (b"\0\0\x08\0" + GOOD, "not an IDX file"),
        (b"\0\0\x0d\x02" + GOOD[4:], "type 0x0d, expected 0x08"),
        (GOOD[:9], "truncated in its header"),
        (GOOD[:-1], "11 bytes of values, expected 12"),
        (GOOD + b"\0", "more of values, expected 12"),
        (b"\0\0\x08\x03" + b"\xff" * 12, "more than 2147483648 bytes"),
        (ZIPPED[:-9], "truncated or damaged"),
        (ZIPPED[:-1], "truncated or damaged"),
        (ZIPPED[:-8] + bytes([ZIPPED[-8] ^ 1]) + ZIPPED[-7:], "truncated or damaged (CRC"),
        (ZIPPED[:10] + b"\xff" + ZIPPED[11:], "truncated or damaged"),
        (gzip.compress(GOOD[:-1], mtime=0), "11 bytes of values, expected 12"),
        (gzip.compress(GOOD + bytes(10**6), mtime=0), "more of values"),
    ],
)
def test_damaged_files(tmp_path, content, says):
    """One line that names the file."""
    path = tmp_path / "damaged-idx"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="damaged-idx: ") as caught:
        read_idx(path)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_cannot_be_read(tmp_path):
    with pytest.raises(ValueError, match=r"none: cannot read it \(No such file"):
        read_idx(tmp_path / "none")
    with pytest.raises(ValueError, match=r"cannot read it \(Is a directory"):
        read_idx(tmp_path)


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        ("train-labels-idx1-ubyte", lambda a: a + (np.arange(60) == 7) * 10, "of image 7, exp"),
        ("t10k-labels-idx1-ubyte", lambda a: a[:-1], r"shape \(19,\), expected \(20,\)"),
        ("t10k-images-idx3-ubyte", lambda a: a[:, :27], r"shape \(20, 27, 28\), expected"),
        ("train-images-idx3-ubyte", lambda a: a[0], r"shape \(28, 28\), expected"),
    ],
)
def test_other_contents(tmp_path, arrays, name, change, says):
    changed = {**arrays, name: change(arrays[name]).astype(np.uint8)}
    folder = write(tmp_path / "fashion-mnist", changed, zipped=True)
    with pytest.raises(ValueError, match=f"{name}.gz: .*{says}"):
        READER.read(folder)


def test_missing_files(tmp_path, arrays):
    folder = write(tmp_path / "fashion-mnist", arrays, zipped=False)
    (folder / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(ValueError, match="t10k-labels-idx1-ubyte, gzipped or not, is missing"):
        READER.read(folder)


def test_where_they_are_looked_for(tmp_path, monkeypatch):
    """`$MSQ_DATA` before Debian's folder."""
    monkeypatch.setattr(idx, "DEBIAN", tmp_path / "debian")
    for folder in (tmp_path / "debian" / "mnist", tmp_path / "mine" / "mnist"):
        folder.mkdir(parents=True)
    monkeypatch.setenv("MSQ_DATA", str(tmp_path / "mine"))
    assert idx.find_idx(MNIST) == tmp_path / "mine" / "mnist"
    (tmp_path / "mine" / "mnist").rmdir()
    assert idx.find_idx(MNIST) == tmp_path / "debian" / "mnist"
    monkeypatch.delenv("MSQ_DATA")
    assert idx.find_idx(MNIST) == tmp_path / "debian" / "mnist"


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_the_real_thing(name):
    """The published bytes: 55,000, 5,000 and 10,000 images."""
    mine = os.environ.get("MSQ_DATA")
    if not (mine and (Path(mine) / name).is_dir()) and not (DEBIAN / name).is_dir():
        pytest.skip(f"no $MSQ_DATA/{name} and no {DEBIAN / name}")
    data = load_dataset(name)
    assert data.published is True
    assert [len(part) for part in data.parts().values()] == [55_000, 5_000, 10_000]
    everything = np.concatenate([data.train.images, data.validation.images])
    assert abs(everything.mean()) < 1e-3  # the normalization is that of the training pixels
    assert abs(everything.std() - 1) < 1e-3
