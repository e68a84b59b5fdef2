"""The documents' pictures and tables are what the code gives."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

DOCS = Path(__file__).parents[2] / "docs"


def script(name):
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def images():
    return script("make_images")


def test_pictures_are_those_the_script_draws(images, tmp_path, monkeypatch):
    """Nearly every pixel; fonts are drawn a little differently by other versions."""
    images.main(tmp_path)
    drawn = sorted(path.name for path in tmp_path.glob("*.png"))
    assert drawn == ["bins.png", "domains.png", "dropping.png"]
    for name in drawn:
        ours, theirs = imread(tmp_path / name), imread(DOCS / "images" / name)
        assert ours.shape == theirs.shape
        assert np.abs(ours - theirs).mean() < 0.02


def test_the_offset_domain_collapses(images):
    """[S1.4] A trained network dropped to few bits: guessing in offset, usable in signed."""
    offset, signed = images.dropping("offset"), images.dropping("signed")
    assert offset[8][0] > 0.95
    assert signed[8][0] > 0.95
    assert signed[4][0] > 0.9 > 0.7 > offset[4][0]
    for n in (1, 2):
        assert offset[n][0] < 0.3, "ten classes: a tenth is guessing"
        assert offset[n][1] > 0.5, "most of the widest layer is one value"
    assert offset[1][1] > 0.9
    assert signed[2][0] > offset[2][0]


def test_the_table_is_that_of_the_measured_file():
    frontier = script("measure_frontier")
    measured = json.loads((DOCS / "frontier.json").read_text(encoding="utf-8"))
    assert measured.keys() == frontier.RUNS.keys()
    assert all(len(runs) == len(frontier.SEEDS) for runs in measured.values())
    text = (DOCS / "results.md").read_text(encoding="utf-8")
    assert f"<!-- frontier -->\n{frontier.table(measured)}<!-- end -->" in text
