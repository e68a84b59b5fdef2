"""A folder of images: classes by name, one size or a given one, damaged files named."""

import itertools
import os
import struct
import tarfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from msq_ref.formats.datasets import Normalization, load_dataset


def save(path, pixels, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)


def fill(folder, classes=("cat", "ant", "dog"), images=20, shape=(6, 5, 3)):
    """Random PNG images, and what they are, by class and name."""
    rng = np.random.default_rng(6)
    made = {}
    for name in classes:
        for number in range(images):
            pixels = rng.integers(0, 256, shape, np.uint8)
            save(folder / name / f"{number:02}.png", pixels)
            made[name, number] = pixels
    return made


def load(folder, **options):
    return load_dataset(f"folder:{folder}", **options)


def pairs(*parts):
    """Images with their labels, as a sorted list."""
    return sorted(
        (image.tobytes(), label)
        for part in parts
        for image, label in zip(part.pixels, part.labels.tolist(), strict=True)
    )


def expected(made):
    names = sorted({name for name, _ in made})
    return sorted((pixels.tobytes(), names.index(name)) for (name, _), pixels in made.items())


def test_classes_only(tmp_path):
    """A quarter to test, a tenth to validate, stratified; classes by name."""
    made = fill(tmp_path)
    data = load(tmp_path)
    assert data.class_names == ("ant", "cat", "dog")
    assert data.train.image_shape == (6, 5, 3)
    assert [len(part) for part in data.parts().values()] == [39, 6, 15]
    assert np.bincount(data.test.labels).tolist() == [5, 5, 5]
    assert pairs(*data.parts().values()) == expected(made)
    assert data.name == f"folder:{tmp_path}"
    assert pairs(load(tmp_path).test) == pairs(data.test)


def test_train_and_test(tmp_path):
    """Test images are those of `test/`; a class may be missing there."""
    train = fill(tmp_path / "train")
    test = fill(tmp_path / "test", ("cat", "dog"), 3)
    data = load(tmp_path)
    assert pairs(data.train, data.validation) == expected(train)
    assert [len(part) for part in data.parts().values()] == [54, 6, 6]
    names = {"cat": 1, "dog": 2}
    assert pairs(data.test) == sorted((p.tobytes(), names[name]) for (name, _), p in test.items())
    (tmp_path / "test").rename(tmp_path / "later")
    assert [len(part) for part in load(tmp_path).parts().values()] == [39, 6, 15]


def test_classes_called_train_and_test(tmp_path):
    made = fill(tmp_path, ("train", "plane", "test"))
    data = load(tmp_path)
    assert data.class_names == ("plane", "test", "train")
    assert pairs(*data.parts().values()) == expected(made)


def test_what_is_passed_over(tmp_path):
    """Hidden files and folders, other suffixes; suffixes in capitals are not."""
    made = fill(tmp_path, ("a", "b"))
    (tmp_path / ".cache").mkdir()
    (tmp_path / "a" / ".hidden.png").write_bytes(b"x")
    (tmp_path / "a" / "notes.txt").write_text("x")
    (tmp_path / "readme.md").write_text("x")
    (tmp_path / "b" / "00.png").rename(tmp_path / "b" / "00.PNG")
    assert pairs(*load(tmp_path).parts().values()) == expected(made)


@pytest.mark.parametrize("mode", ["L", "P", "1", "RGBA", "LA", "CMYK"])
def test_other_kinds_of_pixels_become_rgb(tmp_path, mode):
    fill(tmp_path, ("a", "b"), 10, (8, 8, 3))
    image = Image.fromarray(np.full((8, 8, 3), 255, np.uint8)).convert(mode)
    path = tmp_path / "a" / ("white.jpg" if mode == "CMYK" else "white.png")
    image.save(path)
    data = load(tmp_path)
    assert (bytes([255] * 192), 0) in pairs(*data.parts().values())


def test_jpeg(tmp_path):
    """What Pillow makes of them."""
    for name in "ab":
        for number in range(10):
            pixels = np.random.default_rng(number).integers(0, 256, (8, 8, 3), np.uint8)
            save(tmp_path / name / f"{number}.jpg", pixels, quality=90)
    data = load(tmp_path)
    opened = np.asarray(Image.open(tmp_path / "b" / "3.jpg"))
    assert (opened.tobytes(), 1) in pairs(*data.parts().values())


def test_a_size_scales_and_cuts(tmp_path):
    """The shorter side to the size, then the middle; an image of that size is left alone."""
    made = fill(tmp_path, ("a", "b"), 10, (8, 8, 3))
    wide = np.zeros((16, 48, 3), np.uint8)
    wide[:, 16:32] = [10, 200, 30]
    save(tmp_path / "a" / "wide.png", wide)
    save(tmp_path / "b" / "tall.png", wide.transpose(1, 0, 2).copy())
    save(tmp_path / "b" / "small.png", np.full((3, 2, 3), 77, np.uint8))
    with pytest.raises(ValueError, match=r"16x48 pixels, the others have 8x8; give a size"):
        load(tmp_path)
    found = pairs(*load(tmp_path, size=8).parts().values())
    assert set(expected(made)) <= set(found)
    rest = sorted(set(found) - set(expected(made)), key=lambda pair: pair[1])
    assert [label for _, label in rest] == [0, 1, 1]
    cut = np.frombuffer(rest[0][0], np.uint8).reshape(8, 8, 3)
    assert np.array_equal(cut[:, 1:-1], np.broadcast_to([10, 200, 30], (8, 6, 3)))
    assert any(set(image) == {77} for image, _ in rest)


def test_normalization(tmp_path):
    """ImageNet's, or the one given."""
    fill(tmp_path)
    scaled = (load(tmp_path).test.pixels / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    assert np.abs(load(tmp_path).test.images - scaled).max() < 1e-6
    plain = load(tmp_path, normalization=Normalization((0.0,) * 3, (1.0,) * 3)).test
    assert np.abs(plain.images - plain.pixels / 255).max() < 1e-7


def png_header(width, height):
    """A PNG that says how large it is, and nothing else."""

    def chunk(kind, content):
        checksum = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + checksum

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"")


def encoded(pixels, kind, tmp_path):
    path = tmp_path / f"one.{kind}"
    save(path, pixels)
    content = path.read_bytes()
    path.unlink()
    return content


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda png, jpg: b"", "cannot read it"),
        (lambda png, jpg: b"hello", "cannot read it"),
        (lambda png, jpg: b"GIF89a" + bytes(100), "cannot read it"),
        (lambda png, jpg: png[:40], "cannot read it"),
        (lambda png, jpg: png[:-20], "cannot read it"),
        (lambda png, jpg: png[:50] + b"\xff\xff\xff" + png[53:], "cannot read it"),
        (lambda png, jpg: jpg[: len(jpg) - 30], "cannot read it"),
        (lambda png, jpg: png_header(10_000, 10_000), "too many pixels"),
        (lambda png, jpg: png_header(60_000, 60_000), "too many pixels"),
    ],
)
def test_damaged_files(tmp_path, damage, says):
    fill(tmp_path)
    pixels = np.random.default_rng(1).integers(0, 256, (6, 5, 3), np.uint8)
    content = damage(encoded(pixels, "png", tmp_path), encoded(pixels, "jpg", tmp_path))
    (tmp_path / "dog" / "bad.png").write_bytes(content)
    with pytest.raises(ValueError, match=rf"dog/bad\.png: {says}") as caught:
        load(tmp_path)
    assert "\n" not in str(caught.value)


def test_deeper_pixels_are_refused(tmp_path):
    """16 bits would have to be cut to 8."""
    fill(tmp_path)
    save(tmp_path / "ant" / "deep.png", np.full((6, 5), 40_000, np.uint16))
    with pytest.raises(ValueError, match=r"deep\.png: .*pixels of mode I;16, expected bytes"):
        load(tmp_path)


def test_folders_that_are_none(tmp_path):
    with pytest.raises(ValueError, match="data = 'folder:': expected the path"):
        load_dataset("folder:")
    with pytest.raises(ValueError, match="none': no such folder"):
        load(tmp_path / "none")
    with pytest.raises(ValueError, match="0 folders of classes, expected 2"):
        load(tmp_path)
    (tmp_path / "a").mkdir()
    with pytest.raises(ValueError, match="1 folders of classes, expected 2"):
        load(tmp_path)
    (tmp_path / "b").mkdir()
    with pytest.raises(ValueError, match="no images"):
        load(tmp_path)
    save(tmp_path / "a" / "0.png", np.zeros((4, 4, 3), np.uint8))
    with pytest.raises(ValueError, match="are too few to set"):
        load(tmp_path)
    with pytest.raises(ValueError, match="size = 0"):
        load(tmp_path, size=0)


def test_sides_that_do_not_fit(tmp_path):
    fill(tmp_path / "test")
    with pytest.raises(ValueError, match="there is test/ with classes, but no train/"):
        load(tmp_path)
    fill(tmp_path / "train", ("cat", "ant"))
    with pytest.raises(ValueError, match="test: class 'dog' is not among those of train/"):
        load(tmp_path)


def test_a_class_without_training_images(tmp_path):
    fill(tmp_path / "train")
    fill(tmp_path / "test", images=2)
    for file in (tmp_path / "train" / "cat").iterdir():
        file.unlink()
    with pytest.raises(ValueError, match="no training images of class 'cat'"):
        load(tmp_path)


def test_real_photographs(tmp_path):
    """CIFAR-10 as JPEG files, some of the first three classes."""
    archive = Path(os.environ.get("MSQ_DATA", "")) / "cifar10-jpeg.tar.xz"
    if not archive.is_file():
        pytest.skip("no cifar10-jpeg.tar.xz in $MSQ_DATA")
    wanted = {f"train/{name}/{number:04}.jpg" for name in ("airplane", "automobile", "bird")
              for number in range(1, 100)}  # fmt: skip
    kept = 0
    with tarfile.open(archive, "r|xz") as members:
        for member in itertools.islice(members, 10_500):
            file = members.extractfile(member)
            if member.name in wanted and file is not None:
                target = tmp_path / member.name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(file.read())
                kept += 1
    data = load(tmp_path)
    assert kept > 200
    assert data.class_names == ("airplane", "automobile", "bird")
    assert sum(len(part) for part in data.parts().values()) == kept
    assert data.train.image_shape == (32, 32, 3)
    blue = {label: data.train.images[data.train.labels == label][..., 2].mean() for label in (0, 1)}
    assert blue[0] > blue[1]  # aeroplanes are in the sky
