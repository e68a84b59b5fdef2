"""Pages of prose: what they take from elsewhere is current, and every name on them is real."""

import contextlib
import importlib
import io
import re
from pathlib import Path
from types import SimpleNamespace

import draw_house
import make_prose
import numpy as np
import pytest
import typer
import yaml
from measure_first_run import COMMANDS, modules
from one_weight import follow

import msq_ref as msq
from hwsim.cli import app as hwsim_app
from msq_ref.cli import app as msq_app
from msq_ref.conformance.check import check_backend
from tests.test_house import FLOORS, FOR_HWSIM, MAY_IMPORT_HWSIM

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = {
    name: (DOCS / name).read_text(encoding="utf-8")
    for name in (
        "index.md", "design.md", "glossary.md", "faq.md", "changelog.md", "cite.md",
        "contributing.md", "tutorials/first-run.md", "tutorials/notebooks.md",
        "explanation/exact-and-estimated.md",
    )
}  # fmt: skip
NUMBER = re.compile(r"-?\d[\d,]*\.?\d*(?:e[-+]?\d+)?")


@pytest.mark.parametrize("page", make_prose.PAGES)
def test_blocks_are_current(page):
    """Else: python docs/make_prose.py."""
    assert make_prose.page_with_blocks(page, PAGES[page]) == PAGES[page]


def test_the_floors_are_the_test_s():
    """The page, and what the drawing is made from, have the list that imports are held to."""
    rows = re.findall(r"^\| (\d) \| (.*?) \|", PAGES["design.md"], re.MULTILINE)
    shown = {
        name: int(floor) for floor, names in rows for name in re.findall(r"`(\w+)`", names)
    }
    assert shown == FLOORS
    assert {name: floor for floor, names in make_prose.floors().items() for name in names} == FLOORS
    for name in (*FOR_HWSIM, MAY_IMPORT_HWSIM):
        assert f"`{name}`" in PAGES["design.md"]


# The drawing of one weight.


@pytest.fixture(scope="module")
def way():
    """What every function gave for the weight."""
    return follow()


def resolved(path):
    """Return what a dotted name stands for: an attribute, or a module that is not imported yet."""
    first, *parts = path.split(".")
    found, name = importlib.import_module(first), first
    for part in parts:
        name = f"{name}.{part}"
        found = getattr(found, part) if hasattr(found, part) else importlib.import_module(name)
    return found


def test_every_box_is_a_function(way):
    """Its name can be imported, and it is its own, not an alias's."""
    boxes = draw_house.boxes(way)
    assert len({(box.row, box.column) for box in boxes}) == len(boxes) > 20
    for box in boxes:
        assert resolved(box.path).__name__ == box.name
        for name in re.findall(r"hwsim\.[\w.]+", " ".join(box.lines)):
            assert callable(resolved(name))
    places = {(box.row, box.column) for box in boxes}
    assert places == {place for arrow in draw_house.ARROWS for place in arrow}


def texts(svg):
    """Return what is written in a drawing: matplotlib has it beside the outlines."""
    return re.findall(r"<!-- (.*?) -->", svg.read_text(encoding="utf-8"))


def test_drawings_are_those_the_script_draws(way, tmp_path, monkeypatch):
    """Words to the letter, numbers to 1e-3: python docs/draw_house.py."""
    monkeypatch.setattr(draw_house, "follow", lambda: way)
    draw_house.main(tmp_path)
    for name in ("house.svg", "weight-way.svg"):
        ours, theirs = texts(tmp_path / name), texts(DOCS / "images" / name)
        assert [NUMBER.sub("#", text) for text in ours] == [
            NUMBER.sub("#", text) for text in theirs
        ]
        numbers = [
            [float(number.replace(",", "")) for text in side for number in NUMBER.findall(text)]
            for side in (ours, theirs)
        ]
        np.testing.assert_allclose(*numbers, rtol=1e-3)
        assert f"](images/{name})" in PAGES["design.md"]
    for box in draw_house.boxes(way):
        assert box.name in texts(DOCS / "images" / "weight-way.svg")
    assert set(FLOORS) <= set(texts(DOCS / "images" / "house.svg"))


def test_the_way_holds_together(way):
    """[S9.1] [S10.3] [S12.1] The step taken apart is the loop's; integers and the array agree."""
    assert way["first step of the loop"] == pytest.approx(way["sgd_step"], rel=1e-12)
    assert way["lsb"] != 0
    assert way["prune_step"][1] == way["prune_step"][0] - way["assign_k"] < way["prune_step"][0]
    assert way["integer_weights"] == 2 * way["code"] - (2 ** way["bits_now"] - 1)
    assert sum(bit << j for j, bit in enumerate(way["bit_planes"])) == way["code"]
    assert way["simulate_layer"] == (way["closed_form"], way["integer_conv2d"])
    multiplier, shift, zero, bias = way["lower"]
    code = ((way["integer_conv2d"] + bias) * multiplier + (1 << (shift - 1)) >> shift) + zero
    assert way["requantize"] == code
    assert 0 < code < 255, "clamped, the box would show nothing"


# Names.


def quoted(text):
    """Return what stands in backticks outside blocks of code."""
    return re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))


@pytest.mark.parametrize("page", PAGES)
def test_names_resolve(page):
    """Modules and functions, files of the repository, commands of both programs."""
    commands = {
        "msq": set(typer.main.get_command(msq_app).commands),
        "hwsim": set(typer.main.get_command(hwsim_app).commands),
    }
    for name in quoted(PAGES[page]):
        if re.fullmatch(r"(msq_ref|hwsim)(\.\w+)+", name):
            resolved(name)
        elif re.fullmatch(r"msq(\.\w+)+", name):
            resolved(f"msq_ref{name.removeprefix('msq')}")
        elif re.fullmatch(r"(msq_ref|hwsim|tests|docs|notebooks|benchmarks)/[\w./*]*", name):
            assert any(ROOT.glob(name.rstrip("/"))), name
        elif match := re.match(r"(msq|hwsim) (\w+)", name):
            assert match[2] in commands[match[1]], name


def test_names_that_are_wrong_are_found():
    """The test above can fail."""
    with pytest.raises(ModuleNotFoundError):
        resolved("msq_reff.normalize")
    with pytest.raises(ModuleNotFoundError):
        resolved("msq_ref.reference.normalise")


# Pages.


def test_glossary():
    """In the order of the alphabet, each with an anchor of its own, a text and a link."""
    entries = re.findall(r"^## (.*)\n\n((?:.+\n)+)", PAGES["glossary.md"], re.MULTILINE)
    terms = [term for term, _ in entries]
    assert len(terms) == PAGES["glossary.md"].count("\n## ") > 60
    assert terms == sorted(terms, key=str.casefold)
    anchors = {re.sub(r"[^\w -]", "", term.lower()).strip().replace(" ", "-") for term in terms}
    assert len(anchors) == len(terms)
    for term, text in entries:
        assert len(text) > 40 or text.startswith("See ["), term
        assert "](" in text, term
        for target in re.findall(r"\]\(#([^)]+)\)", text):
            assert target in anchors, term
    clauses = re.findall(r"\[(S\d+\.\d+)\]\(spec\.md#s(\d+)-", PAGES["glossary.md"])
    spec = (DOCS / "spec.md").read_text(encoding="utf-8")
    assert len(clauses) > 60
    for clause, section in clauses:
        assert clause.startswith(f"S{section}.")
        assert f"**{clause}**" in spec


def test_exact_and_estimated_are_the_readme_s_rows():
    """Each row with what the README says of it, and a test that proves it."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    table = readme.split("## What is exact and what is estimated")[1].split("##")[0]
    rows = re.findall(r"^\| ([^|-][^|]*) \| ([^|]+) \|$", table, re.MULTILINE)
    rows = [(name, re.sub(r"\s*\(\[.*?\)\)", "", claim)) for name, claim in rows]
    sections = re.findall(
        r"^## (.*)\n\n\*(.*)\*\n\n((?:(?!## ).*\n?)*)", PAGES["explanation/exact-and-estimated.md"],
        re.MULTILINE,
    )  # fmt: skip
    assert [section[:2] for section in sections] == rows
    assert len(rows) > 8
    for name, _, text in sections:
        assert re.search(r"`tests/[\w/]+\.py`", text), name
        assert "**Not reached:**" in text, name


def test_citation():
    """Of this version, under its licence; the paper as the README has it."""
    about = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert about["cff-version"] == "1.2.0"
    assert {"message", "title", "authors"} <= about.keys()
    assert about["version"] == msq.__version__
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f'license = "{about["license"]}"' in project
    assert [f'name = "{author["name"]}"' in project for author in about["authors"]] == [True]
    (paper,) = about["references"]
    assert paper["url"] in (ROOT / "README.md").read_text(encoding="utf-8")
    assert paper["identifiers"][0]["value"].removeprefix("arXiv:") in paper["url"]
    names = [f"{one['family-names']}, {one['given-names']}" for one in paper["authors"]]
    page = re.sub(r"\s+", " ", PAGES["cite.md"])
    assert f"author = {{{' and '.join(names)}}}" in page
    assert paper["title"] in page.replace("{", "").replace("}", "")
    assert str(paper["year"]) in page


def test_every_script_is_in_the_table():
    """Of those that make pages and pictures."""
    named = re.findall(r"^\| `(\w+\.py)`", PAGES["contributing.md"], re.MULTILINE)
    there = {path.name for kind in ("make_*.py", "measure_*.py") for path in DOCS.glob(kind)}
    assert set(named) == there
    assert len(named) == len(there)


def test_the_changelog_knows_the_version():
    """Its name, and that nothing is released yet."""
    assert msq.__version__ in PAGES["changelog.md"]
    assert re.findall(r"^## (.*)", PAGES["changelog.md"], re.MULTILINE)[0] == "Unreleased"


def test_the_first_page_s_code():
    """[S2.1] It prints what stands beside it."""
    (code,) = re.findall(r"```python\n(.*?)```", PAGES["index.md"], re.DOTALL)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "index.md", "exec"), {})
    assert printed.getvalue().strip() == code.rpartition("#")[2].strip()


def test_the_tutorial_s_commands_are_those_that_were_run():
    """And every check that was printed held, and is explained."""
    text = PAGES["tutorials/first-run.md"]
    blocks = "".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL)).splitlines()
    assert set(COMMANDS.values()) <= {line.partition(" #")[0].strip() for line in blocks}
    demo = text.split("<!-- demo -->")[1].split("<!-- end demo -->")[0]
    held = re.findall(r"^ +held +(.*)$", demo, re.MULTILINE)
    assert len(held) > 5
    assert "FAILED" not in demo
    explained = text.split("### The checks")[1].split("###")[0]
    assert held == re.findall(r"^\| (\w[^|]*) \|", explained, re.MULTILINE)[1:]


def test_the_tutorial_s_quantizers():
    """[S0.1] The kit says of both what the page shows."""
    text = PAGES["tutorials/first-run.md"]
    for name, code in zip(("wrong", "right"), modules(text), strict=True):
        names = {}
        exec(compile(code, "first-run.md", "exec"), names)
        entry = check_backend(SimpleNamespace(**names), ["roundclamp"]).operations[0]
        assert entry.status == {"wrong": "failed", "right": "passed"}[name]
        shown = text.split(f"<!-- {name} -->")[1].split(f"<!-- end {name} -->")[0]
        for count in (entry.passed, entry.failed, sum(entry.skipped.values())):
            assert re.search(rf"\b{count}\b", shown.replace(",", ""))
