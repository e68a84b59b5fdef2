"""Pages: one file that loads nothing, says what it shows, and comes out the same each time."""

from html.parser import HTMLParser
from urllib.parse import unquote

import pytest

from msq_ref.formats.page import Figure, Section, write_page
from msq_ref.formats.style import PAGE_WIDTH, new_figure, save_figure


class Elements(HTMLParser):
    """Every element with its attributes, and the text of those that are asked for."""

    def __init__(self, text):
        super().__init__()
        self.found, self.open = [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def all(self, tag):
        return [attributes for name, attributes in self.found if name == tag]


@pytest.fixture
def picture(tmp_path):
    target = tmp_path / "a plot.svg"
    figure, axis = new_figure()
    axis.plot([1, 2], label="<&>")
    axis.set_title('50 % "quoted" #1')
    save_figure(figure, target)
    return target


@pytest.fixture
def page(tmp_path, picture):
    target = tmp_path / "page.html"
    sections = [
        Section("First", ["One.", "Two & <b>."], ("name", "cycles", "what"),
                [("a", "1,200", "input"), ("b", "-", "3.5% output")],
                [Figure(picture, 'A "line".', "Below it.")], "In cycles"),
        Section("Second", ["Nothing else."]),
    ]  # fmt: skip
    write_page(target, "A <title>", sections)
    return target.read_text(encoding="utf-8")


def test_it_is_whole(page):
    """Every element is closed; landmarks, a skip link, contents that lead to headings."""
    elements = Elements(page)
    assert elements.open == []
    assert page.startswith("<!DOCTYPE html>\n<html lang=\"en\">")
    assert page.endswith("</html>\n")
    for tag in ("header", "nav", "main", "h1", "title"):
        assert len(elements.all(tag)) == 1
    links = [link["href"] for link in elements.all("a")]
    assert links == ["#main", "#section-1", "#section-2"]
    names = {attributes.get("id") for _, attributes in elements.found}
    assert {link[1:] for link in links} <= names
    assert "<title>A &lt;title&gt;</title>" in page
    assert "<p>Two &amp; &lt;b&gt;.</p>" in page


def test_it_loads_nothing(page):
    """No script, no address but the pictures' own data, and a policy that forbids more."""
    elements = Elements(page)
    assert {"script", "link", "iframe", "object"}.isdisjoint(tag for tag, _ in elements.found)
    assert "@import" not in page
    assert "url(" not in page[: page.index("</style>")]
    (policy,) = [m["content"] for m in elements.all("meta") if m.get("http-equiv")]
    assert policy.startswith("default-src 'none';")
    assert all(image["src"].startswith("data:image/svg+xml,") for image in elements.all("img"))


def test_a_table_says_what_it_is(page):
    """A caption, heads of rows and columns, and a region that the keyboard scrolls."""
    elements = Elements(page)
    assert [th["scope"] for th in elements.all("th")] == ["col", "col", "col", "row", "row"]
    assert "<caption><span>In cycles</span></caption>" in page
    regions = [div for div in elements.all("div") if div.get("role") == "region"]
    assert [region["tabindex"] for region in regions] == ["0", "0"]
    assert [region["aria-label"] for region in regions] == ["Picture 1: First", "Table: First"]
    assert "<td>1,200</td>" in page
    assert '<td class="text">3.5% output</td>' in page


def test_a_picture_is_all_there(page, picture):
    """Its address is its file, to the letter, and it has words."""
    (image,) = Elements(page).all("img")
    assert image["alt"] == 'A "line".'
    text = picture.read_text(encoding="utf-8")
    assert unquote(image["src"].removeprefix("data:image/svg+xml,")) == text[text.index("<svg"):]
    with pytest.raises(ValueError, match=r"alt = ' ': expected what a plot.svg shows"):
        Figure(picture, " ")


def test_a_broad_picture_scrolls(tmp_path):
    """By itself, and with the keyboard; it is never so narrow that its text is too small."""
    sections = []
    for width in (PAGE_WIDTH, 9.0):
        target = tmp_path / f"{width}.svg"
        save_figure(new_figure(width=width)[0], target)
        sections.append(Section(str(width), figures=[Figure(target, "x")]))
    write_page(tmp_path / "a.html", "A", sections)
    elements = Elements((tmp_path / "a.html").read_text(encoding="utf-8"))
    styles = [image.get("style") for image in elements.all("img")]
    assert styles == [None, f"min-width: {9 * 72}px; max-width: {int(13.5 * 72)}px"]
    (region,) = [div for div in elements.all("div") if div.get("role") == "region"]
    assert (region["tabindex"], region["aria-label"]) == ("0", "Picture 1: 9.0")


def test_the_same_gives_the_same(page, picture, tmp_path):
    again = tmp_path / "again.html"
    write_page(again, "A", [Section("First", figures=[Figure(picture, "x")])])
    first = again.read_bytes()
    write_page(again, "A", [Section("First", figures=[Figure(picture, "x")])])
    assert again.read_bytes() == first


def test_a_failed_page_leaves_the_old_one(tmp_path):
    target = tmp_path / "page.html"
    target.write_text("old", encoding="utf-8")
    missing = Figure(tmp_path / "none.svg", "x")
    with pytest.raises(OSError, match=r"none\.svg"):
        write_page(target, "A", [Section("First", figures=[missing])])
    with pytest.raises(ValueError, match="expected titles that differ"):
        write_page(target, "A", [Section("First"), Section("First")])
    assert target.read_text(encoding="utf-8") == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["page.html"]


@pytest.mark.parametrize(
    ("cell", "side"),
    [("1,200", ""), ("-", ""), ("", ""), ("12.5%", ""), ("0.64x", ""), ("142.3 µs", ""),
     ("-1e-5", ""), ("5 mJ", ""), ("8x8x16", "text"), ("output", "text"), ("1.7% output", "text"),
     ("16x256x3:mpc", "text")],
)  # fmt: skip
def test_figures_stand_at_the_right(cell, side):
    assert Section("A", header=("a", "b"), rows=[("a", "1"), ("b", cell)]).sides[1] == side
