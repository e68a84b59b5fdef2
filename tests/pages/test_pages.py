"""Reports in a browser: on a telephone and on a desk, in the light and in the dark.

``MSQ_SCREENSHOTS=FOLDER`` keeps the screenshots there.
"""

import os
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

KINDS = "run", "compare", "sweep", "msq"
SIZES = {"telephone": (360, 740), "desk": (1280, 900)}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(scope="module")
def axe():
    """Give the source of axe-core."""
    pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed")
    return files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def shown(chromium, pages):
    """Give a function that opens a page, with lists of what it said and what it asked for."""
    opened = []

    def show(kind, size, scheme="light"):
        width, height = SIZES[size]
        context = chromium.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme
        )
        context.set_default_timeout(120_000)
        opened.append(context)
        tab = context.new_page()
        said, asked = [], []
        tab.on("console", lambda message: said.append(message.text))
        tab.on("pageerror", lambda error: said.append(str(error)))
        tab.on("request", lambda request: asked.append(request.url))
        tab.goto(pages[kind].as_uri())
        return tab, said, asked

    yield show
    for context in opened:
        context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_page(kind, size, scheme, shown, pages, axe, tmp_path):
    """Nothing is loaded or said, nothing overflows, axe-core finds nothing, and it looks alike."""
    tab, said, asked = shown(kind, size, scheme)
    own = pages[kind].as_uri()
    assert [url for url in asked if url != own and not url.startswith("data:")] == []
    width, height = SIZES[size]
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert tab.evaluate("[...document.images].every(one => one.complete && one.naturalWidth)")
    tab.evaluate(axe)
    found = tab.evaluate("rules => axe.run(document, {runOnly: rules})", RULES)
    assert [(one["id"], one["nodes"][0]["html"][:200]) for one in found["violations"]] == []
    passed = {one["id"] for one in found["passes"]}
    assert {"color-contrast", "html-has-lang", "image-alt", "bypass", "skip-link"} <= passed
    assert said == []
    folder = Path(os.environ.get("MSQ_SCREENSHOTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{kind}-{size}-{scheme}.png"
    tab.screenshot(path=target, full_page=True)
    with Image.open(target) as image:
        pixels = np.asarray(image.convert("RGB"))
    assert pixels.shape[1] == width
    assert pixels.shape[0] >= height
    ground = {"light": 255, "dark": 40}[scheme]
    assert (pixels[0, 0] >= 250).all() if scheme == "light" else (pixels[0, 0] <= ground).all()
    # Text and pictures everywhere: no band as high as a third of a telephone is empty.
    busy = (pixels != pixels[0, 0]).any(axis=(1, 2))
    assert busy.mean() > 0.5
    gaps = np.diff(np.flatnonzero(np.concatenate([[True], busy, [True]])))
    assert gaps.max() < height / 3


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", KINDS)
def test_the_keyboard(kind, size, shown):
    """Tab goes to the skip link, the contents and each table, and arrows scroll these."""
    tab, _, _ = shown(kind, size)
    where = """() => {const one = document.activeElement;
        return [one.getAttribute('href') || one.getAttribute('aria-label') || one.tagName,
                getComputedStyle(one).outlineStyle]}"""
    expected = tab.evaluate(
        """() => [...document.querySelectorAll('a, [tabindex="0"]')].map(
            one => one.getAttribute('href') || one.getAttribute('aria-label'))"""
    )
    assert expected[0] == "#main"
    assert sum(name.startswith("#section-") for name in expected) >= 2
    assert any(name.startswith("Table: ") for name in expected)
    for name in expected:
        tab.keyboard.press("Tab")
        assert tab.evaluate(where) == [name, "solid"]
        if name == "#main":  # out of sight until it is reached
            box = tab.evaluate("document.activeElement.getBoundingClientRect().toJSON()")
            assert box["left"] >= 0
            assert box["top"] >= 0


def test_the_skip_link_and_the_contents_lead_somewhere(shown):
    tab, _, _ = shown("run", "telephone")
    tab.keyboard.press("Tab")
    tab.keyboard.press("Enter")
    assert tab.evaluate("document.activeElement.id") == "main"
    tab.keyboard.press("Shift+Tab")
    tab.keyboard.press("Enter")
    last = "document.querySelector('section:last-of-type h2').getBoundingClientRect().top"
    assert 0 <= tab.evaluate(last) < SIZES["telephone"][1]


def test_wide_tables_scroll_by_themselves(shown):
    """With the arrow keys, while the heads of rows and columns stay."""
    tab, _, _ = shown("run", "telephone")
    region = tab.locator("[aria-label='Table: Layers, as it is']")
    region.focus()
    assert region.evaluate("one => one.scrollWidth > one.clientWidth")
    head = "one => one.querySelector('tbody th').getBoundingClientRect().left"
    before = region.evaluate(head)
    for _ in range(3):
        tab.keyboard.press("ArrowRight")
    # The page's policy forbids the browser to wait for an expression.
    for _ in range(100):
        if region.evaluate("one => one.scrollLeft") > 0:
            break
        tab.wait_for_timeout(50)
    assert region.evaluate("one => one.scrollLeft") > 0
    assert abs(region.evaluate(head) - before) < 2
    assert tab.evaluate("document.documentElement.scrollWidth") <= 360


def test_text_in_pictures_is_large_enough(shown):
    """On a telephone a point is a pixel, and the smallest text has 9."""
    from msq_ref.formats.style import PAGE_WIDTH, SMALL

    tab, _, _ = shown("run", "telephone")
    widths = tab.evaluate("[...document.images].map(one => one.getBoundingClientRect().width)")
    assert len(widths) == 5
    assert min(widths) / (72 * PAGE_WIDTH) * SMALL >= 9


def test_a_page_that_is_wrong_is_found(shown, axe):
    """The checks can fail: grey on white, a picture without words, a table that is too wide."""
    tab, said, _ = shown("msq", "telephone")
    tab.evaluate(
        """() => {document.querySelector('p').style.color = '#999';
        document.images[0].removeAttribute('alt');
        document.querySelector('.wide').style.overflow = 'visible';
        const one = new Image();
        one.src = 'http://127.0.0.1:9/x.png';
        document.body.append(one);}"""
    )
    tab.evaluate(axe)
    found = tab.evaluate("rules => axe.run(document, {runOnly: rules})", RULES)
    assert {"color-contrast", "image-alt"} <= {one["id"] for one in found["violations"]}
    assert tab.evaluate("document.documentElement.scrollWidth") > 360
    # The page's own policy keeps the picture away.
    assert any("Content Security Policy" in line for line in said)
