"""Plots: written whole, the same bytes every time, legible without colour."""

import numpy as np
import pytest
from matplotlib import rcParams
from PIL import Image

from msq_ref.formats.style import COLOURS, MARKERS, new_figure, save_figure


def draw():
    figure, (left, right) = new_figure(2)
    for index in range(3):
        left.plot(np.arange(5), np.arange(5) * index, color=COLOURS[index], marker=MARKERS[index])
    right.hist([1, 2, 2, 3], label="counts")
    right.legend()
    left.set(title="Lines", xlabel="x")
    return figure


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_the_same_picture_gives_the_same_bytes(tmp_path, suffix):
    """No date, no random identifiers."""
    targets = [tmp_path / f"{name}{suffix}" for name in "ab"]
    for target in targets:
        save_figure(draw(), target)
    first, second = (target.read_bytes() for target in targets)
    assert len(first) > 1000
    assert first == second
    for date in (b"CreationDate", b"dc:date", b"tIME"):  # both were written in the same second
        assert date not in first


def test_formats_follow_the_suffix(tmp_path):
    targets = [tmp_path / "a.png", tmp_path / "a.svg", tmp_path / "a.pdf"]
    save_figure(draw(), *targets)
    starts = [target.read_bytes()[:5] for target in targets]
    assert starts[0][1:4] == b"PNG"
    assert starts[1] == b"<?xml"
    assert starts[2] == b"%PDF-"
    with Image.open(targets[0]) as image:
        assert image.size == (round(2 * 6.4 * 130), 4 * 130)


def test_a_failed_picture_leaves_the_old_one(tmp_path):
    target = tmp_path / "a.png"
    save_figure(draw(), target)
    before = target.read_bytes()
    figure = draw()
    figure.axes[0].set_title("$\\frac{$")  # no mathematics: matplotlib raises while drawing
    with pytest.raises(ValueError, match="frac"):
        save_figure(figure, target)
    assert target.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.png"]
    with pytest.raises(ValueError, match="xyz"):
        save_figure(draw(), tmp_path / "a.xyz")
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.png"]


def test_settings_stay_inside():
    """Whoever imports this keeps their own look."""
    before = dict(rcParams)
    draw()
    assert dict(rcParams) == before


def test_axes_of_a_grid():
    assert not isinstance(new_figure()[1], np.ndarray)
    assert new_figure(2)[1].shape == (2,)
    assert new_figure(1, 2)[1].shape == (2,)
    assert new_figure(2, 3)[1].shape == (3, 2)


def luminance(colour):
    """Relative luminance of sRGB, as in the contrast rules of web pages."""
    channels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_colours_are_seen_and_never_alone():
    """Every colour differs from white, and has a marker of its own."""
    assert len(set(COLOURS)) == len(COLOURS) == len(set(MARKERS)) == len(MARKERS)
    assert all(1.05 / (luminance(colour) + 0.05) > 2 for colour in COLOURS)
    grey = sorted(luminance(colour) for colour in COLOURS[:3])
    assert min(np.diff(grey)) > 0.02
