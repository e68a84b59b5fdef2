"""Notebooks run from the top, and what they show is what the code gives."""

import base64
import io
import re

import nbformat
import numpy as np
import pytest
from make_notebooks import executed, notebook_texts, read
from PIL import Image

TEXTS = notebook_texts()
MOST_BEFORE_PICTURE = 5
NUMBER = re.compile(r"[-+]?(?:\d[\d,]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")


def kept(text):
    return nbformat.read(text.with_suffix(".ipynb"), as_version=4)


def texts_of(cell):
    for output in cell.get("outputs", ()):
        if output.output_type == "stream":
            yield output.text
        elif "image/png" not in output.data:
            yield output.data["text/plain"]


def pictures_of(cell):
    for output in cell.get("outputs", ()):
        if "image/png" in output.get("data", {}):
            picture = Image.open(io.BytesIO(base64.b64decode(output.data["image/png"])))
            yield np.asarray(picture.convert("RGB"), np.int16)


def test_there_are_notebooks():
    """[S0.1] So that a wrong folder does not pass."""
    assert len(TEXTS) >= 4


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text.stem)
def test_what_is_shown_is_what_the_code_gives(text):
    """[S0.1] Text word for word, numbers to 1e-3 of their size, pictures but for single pixels."""
    for old, new in zip(kept(text).cells, executed(text).cells, strict=True):
        assert old.source == new.source, f"{text.stem}: python docs/make_notebooks.py {text.stem}"
        before, after = "".join(texts_of(old)), "".join(texts_of(new))
        assert NUMBER.sub("#", before) == NUMBER.sub("#", after)
        numbers = [
            [float(number.replace(",", "")) for number in NUMBER.findall(shown)]
            for shown in (before, after)
        ]
        np.testing.assert_allclose(*numbers, rtol=1e-3, atol=1e-9)
        drawn = list(pictures_of(old)), list(pictures_of(new))
        assert len(drawn[0]) == len(drawn[1])
        for was, now in zip(*drawn, strict=True):
            assert was.shape == now.shape
            assert np.mean(np.abs(was - now).max(axis=-1) > 32) < 0.005


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text.stem)
def test_form(text):
    """[S0.1] A question first, a picture soon, exercises with answers last, nobody's folders."""
    notebook = read(text)
    assert "**Question: " in notebook.cells[0].source
    assert "## Exercises" in notebook.cells[-2].source
    assert "assert " in notebook.cells[-1].source
    codes = [cell for cell in kept(text).cells if cell.cell_type == "code"]
    first = next(at for at, cell in enumerate(codes) if any(True for _ in pictures_of(cell)))
    assert first < MOST_BEFORE_PICTURE
    shown = "".join("".join(texts_of(cell)) for cell in codes)
    assert not re.search(r"/(home|root|work|tmp|usr)/", shown)
