"""CIFAR-10: four published forms, one data set; whatever is damaged is named in one line."""

import functools
import gzip
import os
import pickle
import tarfile
from pathlib import Path

import numpy as np
import pytest

from msq_ref.formats.datasets import cifar10, describe, load_dataset
from msq_ref.formats.datasets.cifar10 import Cifar10
from tests.formats.releases import (
    BIN,
    PY,
    make_records,
    member,
    pickled,
    tar_bytes,
    write_archive,
    write_folder,
)  # fmt: skip

IMAGES = 30
READER = Cifar10(records=IMAGES, validation=20)


@pytest.fixture(scope="module")
def batches():
    return make_records(IMAGES)


@pytest.fixture(scope="module")
def binary(batches):
    return {name: batch.tobytes() for name, batch in zip(BIN, batches, strict=True)}


@pytest.fixture(scope="module")
def python(batches):
    return {name: pickled(batch) for name, batch in zip(PY, batches, strict=True)}


def write_all(folder, binary, python):
    """The four forms."""
    return [
        write_folder(folder / "cifar-10-batches-bin", binary),
        write_archive(folder / "cifar-10-binary.tar.gz", binary, "cifar-10-batches-bin"),
        write_folder(folder / "cifar-10-batches-py", python),
        write_archive(folder / "cifar-10-python.tar.gz", python, "cifar-10-batches-py"),
    ]


def content(data):
    return [
        array.tobytes() for part in data.parts().values() for array in (part.pixels, part.labels)
    ]


def test_four_forms_one_data_set(tmp_path, binary, python):
    found = [READER.read(path) for path in write_all(tmp_path, binary, python)]
    assert all(content(data) == content(found[0]) for data in found)
    assert len({data.source for data in found}) == 4
    first = found[0]
    assert (first.classes, first.class_names[0], first.class_names[9]) == (10, "airplane", "truck")
    assert [len(part) for part in first.parts().values()] == [130, 20, 30]
    assert first.train.image_shape == (32, 32, 3)
    assert first.train.pixels.dtype == np.uint8
    assert first.published is False


def test_pickles_of_python_3_too(tmp_path, batches, binary):
    three = {name: pickled(batch, version=3) for name, batch in zip(PY, batches, strict=True)}
    assert three["test_batch"] != pickled(batches[5])
    paths = write_all(tmp_path, binary, three)
    assert content(READER.read(paths[2])) == content(READER.read(paths[0]))


def test_every_record_once_with_its_pixels(tmp_path, batches, binary):
    """Red, green, blue planes, row by row; training files in order, the test file apart."""
    data = READER.read(write_folder(tmp_path / "cifar-10-batches-bin", binary))

    def planes(part):
        return [
            bytes([label]) + b"".join(image[:, :, channel].tobytes() for channel in range(3))
            for image, label in zip(part.pixels, part.labels, strict=True)
        ]

    records = [record.tobytes() for batch in batches for record in batch]
    assert planes(data.test) == records[-IMAGES:]
    train, validation = planes(data.train), planes(data.validation)
    assert sorted(train + validation) == sorted(records[:-IMAGES])
    assert [record for record in records if record in set(train)] == train
    assert np.bincount(data.validation.labels).tolist() == [2] * 10


def test_the_usual_normalization(tmp_path, binary):
    """ImageNet's, or the one that is given."""
    folder = write_folder(tmp_path / "cifar-10-batches-bin", binary)
    data = READER.read(folder)
    image = data.test.batch(np.array([4]))[0][0]
    pixel = data.test.pixels[4] / 255
    expected = (pixel - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    assert np.abs(image - expected).max() < 1e-6


def test_where_it_is_looked_for(tmp_path, monkeypatch, binary, python):
    """In `$MSQ_DATA`: the first there is of the four."""
    small = functools.partial(Cifar10, records=IMAGES, validation=20)
    monkeypatch.setattr(cifar10, "Cifar10", small)
    monkeypatch.setenv("MSQ_DATA", str(tmp_path))
    paths = write_all(tmp_path, binary, python)
    first = content(READER.read(paths[0]))
    for path in paths:
        data = load_dataset("cifar10")
        assert data.source == str(path)
        assert content(data) == first
        path.rename(path.with_name("away"))
        (path.with_name("away")).rename(path.with_name(f"away-{path.name}"))


def refusal(path):
    with pytest.raises(ValueError, match=path.name) as caught:
        READER.read(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def changed_label(content, label):
    return content[: 3073 * 2] + bytes([label]) + content[3073 * 2 + 1 :]


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda c: c[:-1], "bytes: expected a multiple of 3073"),
        (lambda c: c[:-3073], "29 images, expected 30"),
        (lambda c: c + c[:3073], "too large for 30 images"),
        (lambda c: b"", "0 images, expected 30"),
        (lambda c: changed_label(c, 10), "label 10 of image 2, expected 0 to 9"),
        (lambda c: changed_label(c, 255), "label 255 of image 2"),
    ],
)
def test_damaged_binary_files(tmp_path, binary, damage, says):
    """As a file and inside an archive."""
    broken = {**binary, "data_batch_3.bin": damage(binary["data_batch_3.bin"])}
    message = refusal(write_folder(tmp_path / "cifar-10-batches-bin", broken))
    assert "data_batch_3.bin: " in message
    assert says in message
    path = write_archive(tmp_path / "cifar-10-binary.tar.gz", broken, "cifar-10-batches-bin")
    assert "data_batch_3.bin" in refusal(path)


def test_missing_files(tmp_path, binary):
    part = {name: content for name, content in binary.items() if name != "test_batch.bin"}
    folder = write_folder(tmp_path / "cifar-10-batches-bin", part)
    assert "test_batch.bin: cannot read it (No such file" in refusal(folder)
    path = write_archive(tmp_path / "cifar-10-binary.tar.gz", part, "cifar-10-batches-bin")
    assert "cifar-10-batches-bin/test_batch.bin missing" in refusal(path)


ZEROS = np.zeros((IMAGES, 3072), np.uint8)
LABELS = [0] * IMAGES


class Evil:
    def __init__(self, call, *arguments):
        self.reduced = call, arguments

    def __reduce__(self):
        return self.reduced


@pytest.mark.parametrize(
    ("batch", "says"),
    [
        (Evil(os.system, "touch evil"), "system"),
        ({"data": Evil(eval, "1"), "labels": LABELS}, "eval"),
        ({"data": Evil(Path, "x"), "labels": LABELS}, "Path"),
        ([1, 2], "a pickled list, expected a dictionary"),
        ({"labels": LABELS}, "no array of pixels under 'data'"),
        ({"data": ZEROS.tolist(), "labels": LABELS}, "no array of pixels"),
        ({"data": ZEROS.astype(np.int8), "labels": LABELS}, "pixels of dtype int8"),
        ({"data": ZEROS[:, 1:].copy(), "labels": LABELS}, "(30, 3071)"),
        ({"data": ZEROS.astype(object), "labels": LABELS}, "dtype"),
        ({"data": ZEROS}, "no list of 30 labels"),
        ({"data": ZEROS, "labels": LABELS[1:]}, "no list of 30 labels"),
        ({"data": ZEROS, "labels": [*LABELS[1:], 10]}, "label 10 of image 29"),
        ({"data": ZEROS, "labels": [*LABELS[1:], -1]}, "label -1 of image 29"),
        ({"data": ZEROS, "labels": [True, *LABELS[1:]]}, "label True of image 0"),
        ({"data": ZEROS[1:], "labels": LABELS[1:]}, "29 images, expected 30"),
    ],
)
def test_pickles_of_something_else(tmp_path, monkeypatch, python, batch, says):
    """Nothing they name is called."""
    monkeypatch.chdir(tmp_path)
    broken = {**python, "data_batch_2": pickle.dumps(batch, protocol=2)}
    message = refusal(write_folder(tmp_path / "cifar-10-batches-py", broken))
    assert "data_batch_2: " in message
    assert says in message
    assert not Path("evil").exists()


def test_damaged_pickles(tmp_path, python):
    """Cut anywhere, or with a byte changed anywhere: one line, or no change of meaning."""
    whole = python["data_batch_1"]
    folder = write_folder(tmp_path / "cifar-10-batches-py", python)
    good = content(READER.read(folder))
    rng = np.random.default_rng(0)
    head = len(whole) - IMAGES * 3072
    for position in [0, 1, *rng.integers(2, head, 40)]:
        file = folder / "data_batch_1"
        file.write_bytes(whole[:position])
        assert "data_batch_1: " in refusal(folder)
        file.write_bytes(whole[:position] + bytes([whole[position] ^ 64]) + whole[position + 1 :])
        try:
            assert len(content(READER.read(folder))) == len(good)
        except ValueError as error:
            assert str(error).startswith(f"{folder}/data_batch_1: ")  # noqa: PT017
    file.write_bytes(b"not a pickle at all")
    assert "data_batch_1: " in refusal(folder)


@pytest.mark.parametrize(
    ("extra", "says"),
    [
        (member("cifar-10-batches-bin/link", kind=tarfile.SYMTYPE), "is a link or a device"),
        (member("cifar-10-batches-bin/hard", kind=tarfile.LNKTYPE), "is a link or a device"),
        (member("cifar-10-batches-bin/pipe", kind=tarfile.FIFOTYPE), "is a link or a device"),
        (member("../outside"), "'../outside' leads outside the archive"),
        (member("cifar-10-batches-bin/../../outside"), "leads outside"),
        (member("/etc/outside"), "leads outside"),
        (member("cifar-10-batches-bin/test_batch.bin"), "is there twice"),
        (member("cifar-10-batches-bin/large", bytes(10**5)), "is more than belongs there"),
    ],
)
def test_archives_with_tricks(tmp_path, binary, extra, says):
    """Links, paths outside, second copies and huge members are refused; nothing is unpacked."""
    path = write_archive(
        tmp_path / "cifar-10-binary.tar.gz", binary, "cifar-10-batches-bin",
        [(extra, bytes(extra.size))],
    )  # fmt: skip
    assert says in refusal(path)
    assert list(tmp_path.iterdir()) == [path]


def test_what_else_is_in_an_archive_is_passed_over(tmp_path, binary):
    """The real ones hold a page and the names of the classes; some begin with a dot."""
    path = tmp_path / "cifar-10-binary.tar.gz"
    extra = [(member("cifar-10-batches-bin/readme.html", b"<p>"), b"<p>")]
    dotted = {**binary}
    path.write_bytes(gzip.compress(tar_bytes(dotted, "./cifar-10-batches-bin", extra), 1))
    assert len(READER.read(path).test) == IMAGES


def test_damaged_archives(tmp_path, binary):
    """Cut anywhere, checksum or length wrong, more behind the end, no archive at all."""
    path = tmp_path / "cifar-10-binary.tar.gz"
    whole = write_archive(path, binary, "cifar-10-batches-bin").read_bytes()
    READER.read(path)
    flipped = bytes([whole[-5] ^ 1])
    damaged = {
        "empty": b"",
        "head": whole[:5],
        "half": whole[: len(whole) // 2],
        "no checksum": whole[:-8],
        "a byte short": whole[:-1],
        "checksum": whole[:-8] + bytes([whole[-8] ^ 1]) + whole[-7:],
        "length": whole[:-5] + flipped + whole[-4:],
        "content": whole[: len(whole) // 2] + bytes(64) + whole[len(whole) // 2 + 64 :],
        "no gzip": b"PK" + whole[2:],
        "gzip of no tar": gzip.compress(b"hello " * 500),
        "more": gzip.compress(gzip.decompress(whole) + bytes(2**21)),
    }
    for name, content_ in damaged.items():
        path.write_bytes(content_)
        assert refusal(path), name


def test_the_real_thing():
    """45,000, 5,000 and 10,000 images, every class as often."""
    folder = Path(os.environ.get("MSQ_DATA", "")) / "cifar-10-batches-bin"
    if not os.environ.get("MSQ_DATA") or not folder.is_dir():
        pytest.skip("no $MSQ_DATA/cifar-10-batches-bin")
    data = load_dataset("cifar10")
    counts = [np.bincount(part.labels).tolist() for part in data.parts().values()]
    assert counts == [[4500] * 10, [500] * 10, [1000] * 10]
    # Photographs: each channel about as bright and as varied as ImageNet's.
    images = data.validation.images
    assert np.abs(images.mean(axis=(0, 1, 2))).max() < 0.3
    assert np.abs(images.std(axis=(0, 1, 2)) - 1).max() < 0.3
    assert describe(data)
