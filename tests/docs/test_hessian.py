"""The page on second derivatives shows what was measured, and the measurement can be repeated."""

import json

import numpy as np
import pytest
from matplotlib.image import imread

from tests.docs.test_results import DOCS, script


@pytest.fixture(scope="module")
def measured():
    return json.loads((DOCS / "hessian.json").read_text(encoding="utf-8"))


def test_the_page_and_the_picture_are_those_of_the_file(measured, tmp_path):
    """Tables to the letter, the picture in nearly every pixel."""
    make = script("make_hessian")
    text = (DOCS / "hessian.md").read_text(encoding="utf-8")
    assert make.page_with_tables(text, measured) == text
    assert text.count("<!-- end -->") == len(make.tables(measured)) == 4
    make.draw(measured, tmp_path / "differences.png")
    ours, theirs = imread(tmp_path / "differences.png"), imread(DOCS / "images/differences.png")
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).mean() < 0.02


def test_differences_fail_at_kinks_and_serve_without(measured):
    """[S5.3] What the page says of the file's numbers."""
    steps = np.array(measured["steps"])
    long = (steps > 0.9e-4) & (steps < 1.1e-2)
    for name, errors in measured["differences"].items():
        wide = np.array(errors["float64"])
        if "ReLU" in name:
            assert (wide[long] > 0.5).all()
            assert (np.diff(wide[long]) > 0).all(), "the shorter the step, the worse"
            assert min(errors["float32"]) > 1e-3
        else:
            assert (wide[steps < 1.1e-4][:6] < 1e-3).all()
            assert (np.diff(wide[long]) < 0).all()
            assert min(wide) < 1e-8
        assert errors["exact float32"] < 1e-4


def test_the_measurement_can_be_repeated(measured, monkeypatch):
    """[S5.3] The digits networks at three steps give the file's errors, within a factor of 1.5."""
    measure = script("measure_hessian")
    assert measured["differences"].keys() == measure.NETWORKS.keys()
    assert measured["steps"] == measure.STEPS
    places = [2, 6, 10]
    monkeypatch.setattr(measure, "STEPS", [measured["steps"][place] for place in places])
    for name in ("digits-cnn (ReLU)", "digits-cnn with GELU"):
        found = measure.differences(measure.NETWORKS[name])
        for dtype in ("float64", "float32"):
            theirs = [measured["differences"][name][dtype][place] for place in places]
            np.testing.assert_allclose(found[dtype], theirs, rtol=0.5)


def test_intervals_hold_as_often_as_they_say(measured):
    """[S5.4] From the least number of samples on; stopped before, they do not."""
    rows = measured["coverage"]
    assert len({row["network"] for row in rows}) == 2
    for row in rows:
        if "at least 2" not in row["rule"] and "8 samples" not in row["rule"]:
            assert 0.9 <= row["lowest"] <= row["highest"] <= 0.99, row["rule"]
    lowest = {row["rule"]: row["lowest"] for row in rows if "regression" in row["network"]}
    hasty, patient = (lowest[f"Hutchinson, stop at 10%, at least {n}"] for n in (2, 16))
    assert hasty < 0.9 < patient
