"""The pictures of the RTL are those of the script, the schedule as the hardware ran it."""

import numpy as np
import pytest
from matplotlib.image import imread

from hwsim.rtl import missing_tool
from tests.docs.test_results import DOCS, script


def test_pictures_are_those_the_script_draws(tmp_path):
    """[S10.1] Nearly every pixel; fonts are drawn a little differently by other versions."""
    reason = missing_tool()
    if reason is not None:
        pytest.skip(reason)
    script("make_rtl").main(tmp_path)
    page = (DOCS / "hwsim-rtl.md").read_text(encoding="utf-8")
    for name in ("rtl-array.png", "rtl-schedule.png"):
        ours, theirs = imread(tmp_path / name), imread(DOCS / "images" / name)
        assert ours.shape == theirs.shape
        assert np.abs(ours - theirs).mean() < 0.02
        assert f"(images/{name})" in page
