"""The frozen vectors are tended: ids, the lint, the formatter."""

import json
import shutil
import subprocess

import pytest

from msq_ref.cli.vectors import app
from msq_ref.conformance.vectors import cases_from_vectors
from msq_ref.conformance.vectors.canonical import canonical
from msq_ref.conformance.vectors.flags import FLAGS
from msq_ref.conformance.vectors.folder import LEDGER, read_json
from msq_ref.conformance.vectors.ledger import Ledger, content_hash
from msq_ref.conformance.vectors.lint import JSON_FILES, lint
from msq_ref.formats.console import run_app
from tests.conformance.backends import NAMES
from tests.conformance.frozen import FOLDER, ROOT

SMALL = "compression.json"


@pytest.fixture
def copy(tmp_path):
    """Give a folder with what a lint of one small operation needs, and a function that edits."""
    folder = tmp_path / "v1"
    folder.mkdir()
    for name in (SMALL, LEDGER, "schema.json", "README.md"):
        shutil.copy(FOLDER / name, folder / name)
    return folder


def edit(path, change, text=None):
    document = read_json(path)
    change(document)
    path.write_text(canonical(document) if text is None else text(document))


# Ids.


def test_an_id_keeps_its_content_and_is_not_given_again():
    """Whatever goes and comes back."""
    one, two, three = ({"arguments": {"bits": n}, "expected": n} for n in (1, 2, 3))
    first = Ledger({})
    assert [first.give("lsb", case) for case in (one, two)] == [1, 2]
    second = Ledger(first.document())
    assert second.give("lsb", three) == 3
    assert second.give("lsb", {**two, "comment": "said better", "flags": ["Tie"]}) == 2
    assert second.document()["files"]["lsb"]["retired"] == [1]
    third = Ledger(second.document())
    assert third.give("lsb", {"arguments": {"bits": 4}, "expected": 4}) == 4
    assert third.give("lsb", one) == 1
    assert third.document()["files"]["lsb"]["retired"] == [2, 3]
    assert third.document()["files"]["lsb"]["hashes"][:3] == [
        content_hash("lsb", case) for case in (one, two, three)
    ]


def test_the_ledger_was_only_ever_added_to():
    """Over the whole history of the repository."""
    log = ["git", "log", "--format=%H", "--", f"vectors/v1/{LEDGER}"]
    try:
        done = subprocess.run(log, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("there is no git history here")
    now = read_json(FOLDER / LEDGER)["files"]
    for commit in done.stdout.split():
        show = ["git", "show", f"{commit}:vectors/v1/{LEDGER}"]
        text = subprocess.run(show, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        for name, entry in json.loads(text)["files"].items():
            assert now[name]["hashes"][: len(entry["hashes"])] == entry["hashes"]


# The lint and the formatter.


CHANGES = {
    "result of a case": (
        lambda d: d["cases"][0]["expected"].update(numerator=31),
        ("the definition disagrees", "rational arithmetic gives", "needs a new id"),
    ),
    "id twice": (lambda d: d["cases"][1].update(id=1), ("the id is there 2 times", "retired")),
    "unknown id": (lambda d: d["cases"][0].update(id=10**6), ("the id is not in ids.json",)),
    "undeclared flag": (lambda d: d["cases"][0]["flags"].append("Nonsense"), ("not declared",)),
    "unused flag": (lambda d: d["flags"].update(Tie=FLAGS["Tie"]), ("declared and not used",)),
    "other words for a flag": (lambda d: d["flags"].update(Typical="x"), ("not explained",)),
    "other spec": (lambda d: d.update(spec_version="0.9"), ("spec_version: not that",)),
    "other class": (lambda d: d.update(exactness="ulp<=1"), ("exactness: not that",)),
    "wrong intermediate": (
        lambda d: d["cases"][0]["intermediates"].update(weights=11), ("weights is not 10",),
    ),
    "missing intermediates": (
        lambda d: d["cases"][0].pop("intermediates"), ("intermediates: expected",),
    ),
    "no such error": (
        lambda d: d["cases"][-1].update(error="TypeError"), ("raises ValueError, not TypeError",),
    ),
    "legal called illegal": (
        lambda d: (d["cases"][0].update(result="invalid", error="ValueError"),
                   d["cases"][0].pop("expected"), d["cases"][0].pop("intermediates")),
        ("does not refuse it",),
    ),
    "illegal called legal": (
        lambda d: (d["cases"][-1].update(result="valid", expected=1), d["cases"][-1].pop("error")),
        ("the definition refuses it",),
    ),
    "missing argument": (lambda d: d["cases"][0]["arguments"].pop("bits"), ("missing ['bits']",)),
    "unknown argument": (lambda d: d["cases"][0]["arguments"].update(x=1), ("unknown ['x']",)),
    "large integer as a number": (
        lambda d: d["cases"][0]["arguments"].update(sizes=[2**53]), ("$.cases[0]",),
    ),
    "result that is no word": (lambda d: d["cases"][0].update(result="maybe"), ("$.cases[0]",)),
    "field too many": (lambda d: d["cases"][0].update(note="x"), ("'note' was unexpected",)),
    "no comment": (lambda d: d["cases"][0].update(comment=""), ("$.cases[0].comment",)),
    "clause that is none": (lambda d: d["cases"][0].update(clauses=["S"]), ("$.cases[0].clauses",)),
    "no cases": (lambda d: d.update(cases=[]), ("$.cases",)),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_the_lint_finds(copy, name):
    change, faults = CHANGES[name]
    edit(copy / SMALL, change)
    found = lint(copy, [SMALL, LEDGER])
    for fault in faults:
        assert any(fault in line for line in found), (fault, found)


def test_the_lint_accepts_the_copy(copy):
    found = lint(copy, [SMALL, LEDGER])
    # Only that the ledger knows files that are not looked at.
    assert found == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (lambda d: json.dumps(d), "not in canonical form"),
        (lambda d: canonical(d).replace('"bits": [1]', '"bits": [1.0]', 1), "1.0: a float must be"),
        (lambda d: canonical(d).replace('"id": 1,', '"id": 1, "id": 1,', 1), "'id' is there twice"),
        (lambda d: canonical(d).replace('"bits": [1]', '"bits": [NaN]', 1), "NaN"),
        (lambda d: canonical(d)[:-20], "not a file of vectors"),
        (lambda d: "[1, 2]", "expected a JSON object"),
        (lambda d: "", "not a file of vectors"),
    ],
)
def test_the_lint_reads_strictly(copy, text, fault):
    edit(copy / SMALL, lambda document: None, text)
    found = lint(copy, [SMALL, LEDGER])
    assert any(fault in line for line in found), found


def test_the_lint_says_what_is_missing_and_what_is_too_much(copy, capsys):
    (copy / "stray.txt").write_text("?")
    assert run_app(app, "vectors", ["lint", str(copy)]) == 1
    out = capsys.readouterr().out
    missing = [name for name in JSON_FILES if name not in (SMALL, LEDGER)]
    assert [name for name in missing if f"{name}: cannot read it" not in out] == []
    assert "stray.txt: no case needs it" in out


def test_a_changed_array_beside_the_file_is_seen(tmp_path):
    shutil.copytree(FOLDER, tmp_path / "v1")
    victim = sorted((tmp_path / "v1" / "npy").iterdir())[0]
    content = bytearray(victim.read_bytes())
    content[-1] ^= 1
    victim.write_bytes(content)
    user = next(n for n in NAMES if victim.name in (FOLDER / f"{n}.json").read_text())
    assert any("its sha256 is" in line for line in lint(tmp_path / "v1", [f"{user}.json"]))
    with pytest.raises(ValueError, match="its sha256 is"):
        list(cases_from_vectors(tmp_path / "v1", [user]))


def test_the_formatter_mends_the_form_and_nothing_else(tmp_path, capsys):
    shutil.copytree(FOLDER, tmp_path / "v1")
    victim = tmp_path / "v1" / SMALL
    document = json.loads(victim.read_text())
    document["cases"].reverse()
    victim.write_text(json.dumps(dict(reversed(document.items())), indent=7))
    arguments = ["format", str(tmp_path / "v1")]
    assert run_app(app, "vectors", [*arguments, "--check"]) == 1
    assert f"{SMALL}: not in canonical form" in capsys.readouterr().out
    assert run_app(app, "vectors", arguments) == 0
    assert run_app(app, "vectors", [*arguments, "--check"]) == 0
    assert victim.read_bytes() == (FOLDER / SMALL).read_bytes()


def test_bad_usage_is_one_line(tmp_path, capsys):
    (tmp_path / "file").write_text("x")
    for arguments in (
        ["lint", str(tmp_path / "nowhere")],
        ["format", str(tmp_path / "nowhere")],
        ["format", str(tmp_path)],
        ["generate", str(tmp_path / "file" / "v1")],
        ["list", "rounddamp"],
    ):
        assert run_app(app, "vectors", arguments) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1
    assert "did you mean 'roundclamp'" in error
