"""Data sets: real images, one split for every run."""

import subprocess
import sys

import numpy as np
import pytest
from sklearn.datasets import load_digits

from msq_ref.formats import datasets
from msq_ref.formats.datasets import dataset_names, load_dataset

SIZES = {"train": 1167, "validation": 180, "test": 450}


@pytest.fixture(scope="module")
def digits():
    return load_dataset("digits")


def parts(data):
    return {name: getattr(data, name) for name in SIZES}


def test_sizes_and_dtypes(digits):
    """Of 1,797 digits: NHWC float32 in [0, 1], labels int64 from 0 to 9."""
    assert (digits.name, digits.classes) == ("digits", 10)
    for name, part in parts(digits).items():
        assert len(part) == SIZES[name]
        assert part.images.shape == (SIZES[name], 8, 8, 1)
        assert part.images.dtype == np.float32
        assert part.labels.shape == (SIZES[name],)
        assert part.labels.dtype == np.int64
        assert part.images.min() == 0
        assert part.images.max() == 1
        assert set(part.labels.tolist()) == set(range(10))


def test_every_digit_once(digits):
    """The parts are disjoint and together the whole set, images with their own labels."""
    raw = load_digits()
    everything = sorted(
        ((image / 16).astype(np.float32).tobytes(), int(label))
        for image, label in zip(raw.images, raw.target, strict=True)
    )
    ours = sorted(
        (image.tobytes(), int(label))
        for part in parts(digits).values()
        for image, label in zip(part.images, part.labels, strict=True)
    )
    assert len(set(everything)) == 1797  # no two digits are alike, so that this says disjoint
    assert ours == everything


def test_stratified(digits):
    """Each part has each class in its share of the whole, to within one image."""
    labels = load_digits().target
    for name, part in parts(digits).items():
        for label in range(10):
            share = (labels == label).sum() * SIZES[name] / len(labels)
            assert abs((part.labels == label).sum() - share) <= 1.5


def test_the_order_says_nothing_of_the_class(digits):
    """Images stay in the order of the set, where neighbours are of different classes."""
    for part in parts(digits).values():
        assert (np.diff(part.labels) != 0).mean() > 0.7


CODE = """
import hashlib
from msq_ref.formats.datasets import load_dataset
d = load_dataset("digits")
parts = [a.tobytes() for p in (d.train, d.validation, d.test) for a in (p.images, p.labels)]
print(hashlib.sha256(b"".join(parts)).hexdigest())
"""


def test_the_same_split_in_every_process():
    """Whatever the seed of hashes, or of NumPy's global generator."""
    hashes = {
        subprocess.run(
            [sys.executable, "-c", f"import numpy; numpy.random.seed({seed}){CODE}"],
            env={"PYTHONHASHSEED": str(seed)}, capture_output=True, text=True, check=True,
        ).stdout
        for seed in (1, 2)
    }  # fmt: skip
    assert len(hashes) == 1


def test_names():
    """An unknown one gets the nearest."""
    assert dataset_names() == ["digits"]
    with pytest.raises(ValueError, match="data = 'digit': did you mean 'digits'"):
        load_dataset("digit")
    with pytest.raises(ValueError, match="data = 'imagenet': known: digits"):
        load_dataset("imagenet")


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (np.zeros((2, 8, 8, 1)), np.zeros(3, int), "images with"),
        (np.zeros((2, 8, 8)), np.zeros(2, int), "images with"),
        (np.zeros((2, 8, 8, 1)), np.array([0, 10]), "labels outside 0..9"),
        (np.zeros((2, 8, 8, 1)), np.array([0, -1]), "labels outside 0..9"),
        (np.full((2, 8, 8, 1), np.nan), np.zeros(2, int), "non-finite"),
    ],
)
def test_data_that_are_not_what_they_should_be(images, labels, message):
    """Checked before they are split."""
    with pytest.raises(ValueError, match=message):
        datasets._check("digits", images, labels, classes=10)
