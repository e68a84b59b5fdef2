"""The site builds strictly, its links lead somewhere, and every public name is on it once."""

import importlib
import importlib.util
import os
import re
import subprocess
import sys
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from pkgutil import resolve_name
from types import ModuleType, SimpleNamespace
from urllib.parse import unquote, urldefrag, urljoin

import pytest
import typer

import hwsim
import msq_ref
from hwsim.cli import app as hwsim_app
from msq_ref.cli import app as msq_app

ROOT = Path(__file__).parents[2]

INNER = {
    "msq_ref.reference": "shown by msq_ref",
    "msq_ref.kernels": "the same names as the definitions",
    "msq_ref.backends": "the same names as the definitions",
    "msq_ref.checks": "of arguments, for the definitions",
    "msq_ref.cli": "on the page of the command line",
    "hwsim.cli": "on the page of the command line",
    "msq_ref.conformance.cases": "inside the kit",
    "msq_ref.conformance.properties": "inside the kit",
    "msq_ref.conformance.vectors.authors": "inside the kit",
    "msq_ref.conformance.vectors.exact": "inside the kit",
}
"""Packages without a page of their own, and why."""

LOADED = {
    "script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href", "video": "src",
}  # fmt: skip
"""Where a browser loads something by itself."""


class Page(HTMLParser):
    """What a page has and asks for: ids, links, files, headings of documented objects."""

    def __init__(self, path):
        super().__init__()
        self.ids, self.links, self.files, self.objects = set(), set(), set(), []
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        if "id" in found:
            self.ids.add(found["id"])
        if tag == "a" and found.get("href"):
            self.links.add(found["href"])
        if tag in LOADED and found.get(LOADED[tag]):
            self.files.add(found[LOADED[tag]])
        if re.fullmatch(r"h\d", tag) and "doc-heading" in found.get("class", "").split():
            self.objects.append(found["id"])


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Give the folder of the built site; a warning of the build is an error.

    Not with ``--quiet``, which hides warnings from ``--strict`` too.
    """
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", folder],
        cwd=ROOT, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def pages(site):
    """Give every page by its place below the site."""
    found = {
        path.relative_to(site).as_posix(): Page(path) for path in sorted(site.rglob("*.html"))
    }
    assert len(found) > 40
    return found


def test_every_link_leads_somewhere(site, pages):
    """To a file of the site, and to an id on it."""
    broken, links = [], 0
    for place, page in pages.items():
        for link in page.links | page.files:
            if is_elsewhere(link) or link.startswith("data:"):
                continue
            links += 1
            target, anchor = urldefrag(urljoin(f"/{place}", link))
            name = unquote(target).removeprefix("/") or "index.html"
            path = site / name
            if path.is_dir():
                path, name = path / "index.html", f"{name.rstrip('/')}/index.html".lstrip("/")
            if not path.is_file() or (anchor and unquote(anchor) not in pages[name].ids):
                broken.append(f"{place}: {link}")
    assert broken == []
    assert links > 1000


def test_nothing_is_loaded_from_elsewhere(site, pages):
    """It works without a network: fonts, scripts, styles and pictures are its own."""
    assert [(place, one) for place, page in pages.items() for one in page.files
            if is_elsewhere(one)] == []  # fmt: skip
    for path in site.rglob("*.css"):
        assert not re.search(r"url\([\"']?(https?:)?//|@import", path.read_text("utf-8")), path
    for path in site.rglob("*.html"):
        assert 'class="mermaid"' not in path.read_text("utf-8"), "its script is loaded from afar"


def is_elsewhere(link):
    return re.match(r"(\w+:)?//|mailto:", link) is not None


def public_packages():
    """Return the public names of every package and, where it lists none, of its modules."""
    found = {"msq_ref": public_names(msq_ref)}
    for root in (msq_ref, hwsim):
        folder = Path(root.__file__).parent
        for path in sorted(folder.rglob("__init__.py")):
            name = ".".join((root.__name__, *path.parent.relative_to(folder).parts))
            if any(name == inner or name.startswith(f"{inner}.") for inner in INNER):
                continue
            if "__all__" in path.read_text("utf-8"):
                found[name] = importlib.import_module(name).__all__
    for path in sorted((Path(msq_ref.__file__).parent / "training").glob("[a-z]*.py")):
        name = f"msq_ref.training.{path.stem}"  # which is known by its modules
        found[name] = importlib.import_module(name).__all__
    return found


def public_names(module):
    return [name for name, value in vars(module).items()
            if not name.startswith("_") and not isinstance(value, ModuleType)]  # fmt: skip


def test_every_public_name_is_there_once(pages):
    """Of msq_ref, hwsim and their public packages; under one name, whichever they are known by."""
    documented = [one for page in pages.values() for one in page.objects]
    assert [name for name, count in Counter(documented).items() if count > 1] == []
    top = [one for one in documented if not inside_a_class(one)]
    objects = Counter(id(value) for value in map(resolve_name, top) if callable(value))
    names = Counter(one.rpartition(".")[2] for one in top)
    packages = public_packages()
    assert len(packages) > 10
    wrong = []
    for package, public in packages.items():
        assert len(public) > 0
        for name in public:
            value = getattr(importlib.import_module(package), name)
            known = callable(value) and hasattr(value, "__module__")
            count = objects[id(value)] if known else min(names[name], 1)
            if count != 1:
                wrong.append(f"{package}.{name}: {count} times")
    assert not wrong, "\n".join(wrong)


def inside_a_class(path):
    owner = path.rpartition(".")[0]
    return isinstance(resolve_name(owner), type)


@pytest.mark.parametrize(("program", "app"), [("msq", msq_app), ("hwsim", hwsim_app)])
def test_every_command_is_there(site, program, app):
    """With every option, as the program itself has it."""
    text = (site / "reference/command-line.html").read_text("utf-8")

    def look(name, command):
        assert f"<code>{name}</code>" in text
        for parameter in command.params:
            for option in parameter.opts:
                assert not option.startswith("--") or option in text, f"{name} {option}"
        for inner, one in getattr(command, "commands", {}).items():
            look(f"{name} {inner}", one)

    look(program, typer.main.get_command(app))


def hook(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / f"docs/hooks/{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("page", "home", "link", "expected"),
    [
        ("pipes.md", None, "[a.c](../examples/pipes/roundclamp.c)",
         "a.c (`examples/pipes/roundclamp.c`)"),
        ("pipes.md", None, "[roundclamp.c](../examples/pipes/roundclamp.c)",
         "`examples/pipes/roundclamp.c`"),
        ("pipes.md", "https://example.org/us/it/", "[it](../README.md#two-commands)",
         "[it](https://example.org/us/it/blob/HEAD/README.md#two-commands)"),
        ("how-to/a.md", None, "[it](../../README.md)", "it (`README.md`)"),
        ("how-to/a.md", None, "[one](../../notebooks/01_one_weight.ipynb)",
         "[one](../notebooks/01_one_weight.md)"),
        ("a.md", None, "[one](../notebooks/01_one_weight.py)", "[one](notebooks/01_one_weight.md)"),
        ("how-to/a.md", None, "[spec](../spec.md)", "[spec](../spec.md)"),
        ("a.md", None, "[gone](../gone.md)", "[gone](../gone.md)"),
        ("a.md", None, "![picture](../README.md)", "![picture](../README.md)"),
    ],
)  # fmt: skip
def test_links_that_leave_the_pages(page, home, link, expected):
    """A notebook is a page; a file is a link only where the repository has an address."""
    config = SimpleNamespace(docs_dir=str(ROOT / "docs"), repo_url=home)
    at = SimpleNamespace(file=SimpleNamespace(src_uri=page))
    turned = hook("links").on_page_markdown(f"See {link}.", page=at, config=config)
    assert turned == f"See {expected}."


def test_clauses_lead_to_the_spec(site, pages):
    """[S2.1] From any page that cites one, but for code; all of them have an address."""
    text = (ROOT / "docs/spec.md").read_text("utf-8")
    clauses = re.findall(r"\*\*(S\d+\.\d+)\*\*", text)
    assert len(clauses) > 40
    assert set(clauses) <= pages["spec.html"].ids
    assert "../../spec.html#S2.1" in pages["reference/api/operations.html"].links
    linked = hook("clauses").linked
    assert linked("<p>[S2.1]</p><code>[S2.1]</code>", "s") == (
        '<p>[<a href="s#S2.1">S2.1</a>]</p><code>[S2.1]</code>'
    )


def test_formulas_of_notebooks():
    """Become MathML, which needs no script; code keeps its dollars."""
    page = hook("notebooks").page_of("$x^2$ `$y` [s](../docs/spec.md)\n\n```sh\necho $a $b\n```\n")
    assert "<msup>" in page
    assert page.startswith("<span><math"), "at the start of a line <math> would be a block"
    assert "`$y` [s](../spec.md)" in page
    assert "echo $a $b" in page
