"""Data sets: real images, one split for every run."""

import io
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from rich.console import Console
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from msq_ref.formats.datasets import (
    Dataset,
    Normalization,
    Part,
    check_dataset,
    dataset_names,
    describe,
    load_dataset,
)

SIZES = {"train": 1167, "validation": 180, "test": 450}


@pytest.fixture(scope="module")
def digits():
    return load_dataset("digits")


def test_sizes_and_dtypes(digits):
    """Of 1,797 digits: NHWC float32 in [0, 1], labels int64 from 0 to 9."""
    assert (digits.name, digits.classes) == ("digits", 10)
    for name, part in digits.parts().items():
        assert len(part) == SIZES[name]
        assert part.images.shape == (SIZES[name], 8, 8, 1)
        assert part.image_shape == (8, 8, 1)
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
        for part in digits.parts().values()
        for image, label in zip(part.images, part.labels, strict=True)
    )
    assert len(set(everything)) == 1797  # no two digits are alike, so that this says disjoint
    assert ours == everything


def test_the_split_never_changes(digits):
    """First 450 test images are drawn, stratified, with seed 0; then 180 to validate."""
    raw = load_digits()
    options = {"random_state": 0}
    rest, test = train_test_split(
        np.arange(1797), test_size=450, stratify=raw.target, **options
    )
    rest = np.sort(rest)
    inner, taken = train_test_split(
        np.arange(1347), test_size=180, stratify=raw.target[rest], **options
    )
    chosen = (rest[np.sort(inner)], rest[np.sort(taken)], np.sort(test))
    for part, indices in zip(digits.parts().values(), chosen, strict=True):
        assert np.array_equal(part.labels, raw.target[indices])
        assert np.array_equal(part.images[..., 0], raw.images[indices].astype(np.float32) / 16)


def test_stratified(digits):
    """Each part has each class in its share of the whole, to within one image."""
    labels = load_digits().target
    for name, part in digits.parts().items():
        for label in range(10):
            share = (labels == label).sum() * SIZES[name] / len(labels)
            assert abs((part.labels == label).sum() - share) <= 1.5


def test_the_order_says_nothing_of_the_class(digits):
    """Images stay in the order of the set, where neighbours are of different classes."""
    for part in digits.parts().values():
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
    assert dataset_names() == ["cifar10", "digits", "fashion-mnist", "mnist"]
    with pytest.raises(ValueError, match="data = 'digit': did you mean 'digits'"):
        load_dataset("digit")
    with pytest.raises(ValueError, match=r"data = 'imagenet': known: .*folder:PATH"):
        load_dataset("imagenet")
    with pytest.raises(ValueError, match="size = 8: only images of a folder"):
        load_dataset("digits", size=8)


SCALE = Normalization((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


@pytest.fixture
def part():
    rng = np.random.default_rng(3)
    pixels = rng.integers(0, 256, (7, 5, 6, 3), np.uint8)
    return Part(pixels, rng.integers(0, 4, 7), SCALE)


def torch_normalized(pixels, scale):
    """PyTorch's usual pipeline: / 255, minus the mean, over the deviation, channels first."""
    images = torch.from_numpy(np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))).float().div(255)
    mean, std = (torch.tensor(values)[None, :, None, None] for values in (scale.mean, scale.std))
    return images.sub(mean).div(std).numpy().transpose(0, 2, 3, 1)


def test_batches_are_normalized_as_by_pytorch(part):
    """To the bit, in any order, with repeats; stored pixels stay bytes."""
    for indices in (np.array([3, 0, 3, 6]), np.array([], int), slice(2, 5)):
        images, labels = part.batch(indices)
        assert images.dtype == np.float32
        assert images.flags.c_contiguous
        assert np.array_equal(images, torch_normalized(part.pixels[indices], SCALE))
        assert np.array_equal(labels, part.labels[indices])
        assert labels.dtype == np.int64
    assert part.pixels.dtype == np.uint8
    assert np.array_equal(part.images, part.batch(np.arange(7))[0])
    assert part.image_shape == (5, 6, 3)


def test_whatever_the_layout_of_the_pixels(part):
    """Channels first in memory give the same images."""
    turned = part.pixels.transpose(0, 3, 1, 2).copy().transpose(0, 2, 3, 1)
    assert not turned.flags.c_contiguous
    assert np.array_equal(replace(part, pixels=turned).images, part.images)


def test_without_normalization(part):
    """Bytes become values / 255, floats stay; with it floats are not divided."""
    plain = replace(part, normalization=None)
    assert np.array_equal(plain.images, part.pixels.astype(np.float32) / np.float32(255))
    floats = Part(plain.images, part.labels)
    assert np.array_equal(floats.batch(np.array([4, 1]))[0], plain.images[[4, 1]])
    assert np.array_equal(replace(floats, normalization=SCALE).images, part.images)


def test_augmentation_sees_raw_pixels_and_their_indices(part):
    seen = []

    def invert(pixels, indices):
        seen.append((pixels.dtype, indices.tolist()))
        return 255 - pixels

    images, _ = part.batch(np.array([5, 2]), invert)
    assert seen == [(np.uint8, [5, 2])]
    assert np.array_equal(images, torch_normalized(255 - part.pixels[[5, 2]], SCALE))


@pytest.mark.parametrize(
    ("mean", "std", "says"),
    [
        ((0.5,), (0.0,), "std = 0"),
        ((0.5,), (-1.0,), "std = -1"),
        ((0.5, 0.5), (1.0,), r"std = \(1.0,\), mean = .*a number a channel"),
        ((), (), "a number a channel"),
        ((float("nan"),), (1.0,), "mean = nan"),
    ],
)
def test_wrong_normalizations(mean, std, says):
    with pytest.raises(ValueError, match=says):
        Normalization(mean, std)


def test_another_normalization():
    """It takes the place of the data set's own, and must have its channels."""
    scaled = load_dataset("digits", normalization=Normalization((0.25,), (0.5,)))
    plain = load_dataset("digits")
    for name, part in scaled.parts().items():
        assert np.array_equal(part.images, (plain.parts()[name].images - 0.25) / 0.5)
    with pytest.raises(ValueError, match=r"'digits', part train: mean = .* of 1 channels"):
        load_dataset("digits", normalization=SCALE)


def small(**changes):
    """A correct data set of two classes, with changes to its training part."""
    part = Part(np.zeros((4, 8, 8, 1), np.uint8), np.array([0, 1, 0, 1]))
    train = replace(part, **changes)
    return Dataset("small", train, part, part, 2, ("no", "yes"), "nowhere")


ONE_NAN = np.full((4, 8, 8, 1), [np.nan], np.float32)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"labels": np.zeros(3, int)}, r"train: labels .* shape \(3,\), expected int64 and \(4,\)"),
        ({"labels": np.zeros(4)}, "train: labels of dtype float64"),
        ({"pixels": np.zeros((4, 8, 8), np.uint8)}, r"train: images of .* shape \(4, 8, 8\)"),
        ({"pixels": np.zeros((4, 8, 8, 1))}, "train: images of dtype float64"),
        ({"labels": np.array([0, 2, 1, 1])}, "train: a label of 2, expected 0 to 1"),
        ({"labels": np.array([0, -1, 1, 1])}, "train: a label of -1"),
        ({"labels": np.zeros(4, int)}, "no training images of class 'yes'"),
        ({"pixels": ONE_NAN}, "train: pixels that are no finite numbers"),
        ({"pixels": np.zeros((0, 8, 8, 1), np.uint8), "labels": np.zeros(0, int)}, "no images"),
        ({"pixels": np.zeros((4, 9, 8, 1), np.uint8)}, r"part validation: images of \(8, 8, 1\)"),
        ({"normalization": SCALE}, "3|channels"),
    ],
)
def test_data_that_are_not_what_they_should_be(changes, says):
    """One line, before anything is trained."""
    with pytest.raises(ValueError, match=says) as caught:
        check_dataset(small(**changes))
    assert "\n" not in str(caught.value)
    assert "data = 'small'" in str(caught.value)


def test_a_good_one_passes_and_a_class_needs_a_name():
    data = small()
    assert check_dataset(data) is data
    with pytest.raises(ValueError, match="2 names for 3 classes"):
        check_dataset(replace(data, classes=3))
    with pytest.raises(ValueError, match="1 names for 1 classes"):
        check_dataset(replace(data, classes=1, class_names=("no",)))


def printed(data):
    text = io.StringIO()
    Console(file=text, width=100).print(describe(data))
    return text.getvalue()


def test_description(digits):
    """A line a class with its images in each part, and the sums."""
    lines = [line.replace("│", " ").split() for line in printed(digits).splitlines()]
    counts = {line[0]: line[1:] for line in lines if len(line) == 4}
    for label in range(10):
        found = [str((part.labels == label).sum()) for part in digits.parts().values()]
        assert counts[str(label)] == found
    assert counts["all"] == ["1,167", "180", "450"]
    assert "8x8x1, from scikit-learn" in printed(digits)


def test_description_of_strange_names():
    """Of what looks like markup nothing is lost; whether bytes are as published is said."""
    data = replace(small(), class_names=("[red]", "[/]"), source="/tmp/[bold]x", published=False)
    assert all(text in printed(data) for text in ("[red]", "[/]", "/tmp/[bold]x; not the publ"))
    assert "x; as published" in printed(replace(data, published=True))
    assert "publ" not in printed(replace(data, published=None))
