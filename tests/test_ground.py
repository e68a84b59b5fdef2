"""The ground modules: files, names, settings."""

import math
import os
import re
import stat
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Discriminator, Field, Tag, model_validator

from msq_ref.files import atomic_path, check_writable, write_text
from msq_ref.names import known_name
from msq_ref.settings import Settings, parse_settings, read_toml


def names_in(folder):
    return sorted(entry.name for entry in folder.iterdir())


# Files.


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    target = tmp_path / "report.json"
    with atomic_path(target) as temporary:
        assert temporary.parent == tmp_path  # a rename within a folder is atomic
        assert temporary.suffix == ".json"
        temporary.write_text("new")
        assert not target.exists()
    assert target.read_text() == "new"
    assert names_in(tmp_path) == ["report.json"]


@pytest.mark.parametrize("error", [ValueError, OSError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("existed", [False, True])
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, error, existed):
    target = tmp_path / "a.txt"
    if existed:
        target.write_text("old")

    def write_half():
        with atomic_path(str(target)) as temporary:
            temporary.write_text("half")
            raise error

    with pytest.raises(error):
        write_half()
    assert names_in(tmp_path) == (["a.txt"] if existed else [])
    if existed:
        assert target.read_text() == "old"


def test_a_writer_that_was_killed_leaves_the_old_file(tmp_path):
    """Even where nothing could be cleaned up, the name holds a whole file."""
    target = tmp_path / "a.txt"
    target.write_text("old")
    code = (
        "import os, sys\nfrom msq_ref.files import atomic_path\n"
        f"with atomic_path({str(target)!r}) as temporary:\n"
        "    temporary.write_text('half')\n    os.kill(os.getpid(), 9)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    assert target.read_text() == "old"


def test_a_writer_that_removed_its_file(tmp_path):
    with pytest.raises(FileNotFoundError), atomic_path(tmp_path / "a.txt") as temporary:
        temporary.unlink()
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("mask", [0o022, 0o027, 0o077, 0o000])
def test_permissions_follow_the_umask(tmp_path, mask):
    """Not those of a temporary file, which nobody else may read."""
    target = tmp_path / "a.txt"
    before = os.umask(mask)
    try:
        write_text(target, "x")
        assert os.umask(mask) == mask
    finally:
        os.umask(before)
    assert stat.S_IMODE(target.stat().st_mode) == 0o666 & ~mask


def test_text_is_the_same_on_every_system(tmp_path):
    write_text(tmp_path / "a.txt", "é\n1\r\n")
    assert (tmp_path / "a.txt").read_bytes() == b"\xc3\xa9\n1\r\n"


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    target = tmp_path / "real" / "a.txt"
    target.write_text("old")
    link = tmp_path / "link.txt"
    link.symlink_to(target)
    write_text(link, "new")
    assert link.is_symlink()
    assert target.read_text() == "new"
    dangling = tmp_path / "dangling.txt"
    dangling.symlink_to(tmp_path / "real" / "later.txt")
    write_text(dangling, "made")
    assert (tmp_path / "real" / "later.txt").read_text() == "made"


def test_devices_and_pipes_are_not_replaced(tmp_path):
    """``--json /dev/null`` as root must not turn it into a file."""
    write_text("/dev/null", "x" * 1000)
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE)
    write_text(pipe, "through")
    assert reader.communicate()[0] == b"through"
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert names_in(tmp_path) == ["pipe"]


def test_folders_are_no_targets(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="folder"):
        write_text(tmp_path / "folder", "x")
    with pytest.raises(FileNotFoundError):
        write_text(tmp_path / "none" / "a.txt", "x")
    assert names_in(tmp_path) == ["folder"]


def test_writable_folders_stay_as_they_are(tmp_path, monkeypatch):
    (tmp_path / "a").mkdir()
    for folder in (tmp_path, tmp_path / "a", tmp_path / "a" / "b" / "c", str(tmp_path / "d")):
        check_writable("--out", folder)
    monkeypatch.chdir(tmp_path)
    check_writable("--out", "e/f")
    check_writable("--out", Path())
    assert names_in(tmp_path) == ["a"]
    assert names_in(tmp_path / "a") == []


def unwritable(tmp_path):
    (tmp_path / "file").write_text("x")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    return [
        (tmp_path / "file", "is not a folder"),
        (tmp_path / "file" / "a" / "b", "is not a folder"),
        (tmp_path / "dangling", "is not a folder"),
        (tmp_path / "dangling" / "a", "is not a folder"),
        (tmp_path / "loop", "is not a folder"),
        (Path("/proc/runs"), "cannot write there"),
        (Path("/dev/null"), "is not a folder"),
        (tmp_path / ("x" * 300), "cannot write there"),
    ]


def test_unwritable_folders_are_said_so(tmp_path):
    for folder, message in unwritable(tmp_path):
        with pytest.raises(ValueError, match=message) as caught:
            check_writable("--out", folder)
        assert str(caught.value).startswith("--out = ")
        assert "\n" not in str(caught.value)
    assert names_in(tmp_path) == ["dangling", "file", "loop"]


def test_a_folder_without_permission():
    """As an ordinary user; the superuser may write everywhere."""
    code = (
        "import os, sys\nfrom msq_ref.files import check_writable\n"
        "if os.getuid() == 0: os.setuid(65534)\n"
        "try: check_writable('--out', sys.argv[1])\n"
        "except ValueError as error: print(error)\n"
    )
    # pytest's own folder is closed to others on the way there.
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o555)
        for path in (folder, f"{folder}/run"):
            printed = subprocess.run(
                [sys.executable, "-c", code, path], capture_output=True, text=True, check=True
            ).stdout
            assert printed == f"--out = {path}: cannot write there (Permission denied)\n"


# Names.


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("digts", "data = 'digts': did you mean 'digits'? known: digits, letters"),
        ("Digits", "data = 'Digits': did you mean 'digits'? known: digits, letters"),
        ("imagenet", "data = 'imagenet': known: digits, letters"),
        ("", "data = '': known: digits, letters"),
        (None, "data = None: known: digits, letters"),
        (3, "data = 3: known: digits, letters"),
        (["digits"], "data = ['digits']: did you mean 'digits'? known: digits, letters"),
    ],
)
def test_unknown_names_get_the_nearest(value, message):
    with pytest.raises(ValueError, match=r"^data = ") as caught:
        known_name("data", value, ["digits", "letters"])
    assert str(caught.value) == message


def test_known_names_come_back():
    assert known_name("data", "digits", (name for name in ["letters", "digits"])) == "digits"
    with pytest.raises(ValueError, match=r"known: $"):
        known_name("data", "digits", [])


# Settings.


class Inner(Settings):
    rate: float = Field(default=0.1, gt=0)
    steps: int = 3
    lambda_: float = Field(default=0.5, alias="lambda")

    @model_validator(mode="after")
    def _not_13(self):
        if self.steps == 13:
            raise ValueError("steps = 13 brings bad luck")
        return self


class Outer(Settings):
    name: str
    flag: bool = False
    limit: float | None = None
    inner: Inner = Inner()


class Round(Settings):
    kind: Literal["round"] = "round"
    radius: int = Field(ge=1)


class Square(Settings):
    kind: Literal["square"]
    side: int = Field(ge=1)


class Drawing(Settings):
    shape: Annotated[
        Annotated[Round, Tag("round")] | Annotated[Square, Tag("square")],
        Discriminator(lambda value: value.get("kind", "round")),
    ]


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ({"radius": 0}, "shape.radius = 0: Input should be greater than or equal to 1"),
        ({"kind": "square", "side": 0}, "shape.side = 0: Input should be greater"),
        ({"kind": "square", "square": 1, "side": 1}, "unknown key 'shape.square'"),
        ({"radios": 1}, "unknown key 'shape.radios'; did you mean 'shape.radius'?"),
        ({"kind": "square"}, "shape.side is missing"),
        ({"kind": "oval"}, "shape: no such kind as 'oval': known: 'round', 'square'"),
    ],
)
def test_groups_of_several_kinds(shape, message):
    """A key is as in the file: the kind that was found is no part of it."""
    assert parse_settings(Drawing, {"shape": {"radius": 2}}, "a").shape == Round(radius=2)
    with pytest.raises(ValueError, match=re.escape(f"file.toml: {message}")):
        parse_settings(Drawing, {"shape": shape}, "file.toml")


def parsed(**values):
    return parse_settings(Outer, {"name": "a", **values}, "file.toml")


def test_whole_numbers_may_stand_for_floats():
    """As people write them in TOML; they become floats."""
    found = parsed(limit=2, inner={"rate": 1, "lambda": 0})
    assert (found.limit, found.inner.rate, found.inner.lambda_) == (2.0, 1.0, 0.0)
    assert all(type(value) is float for value in (found.limit, found.inner.rate))
    assert parsed(inner={"lambda_": 2.5}).inner.lambda_ == 2.5


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"nam": 1}, "unknown key 'nam'; did you mean 'name'?"),
        ({"zzz": 1}, "unknown key 'zzz'"),
        ({"inner": {"rat": 1}}, "unknown key 'inner.rat'; did you mean 'inner.rate'?"),
        ({"inner": {"lamda": 1}}, "unknown key 'inner.lamda'; did you mean 'inner.lambda'?"),
        ({"flag": 1}, "flag = 1: Input should be a valid boolean"),
        ({"name": 3}, "name = 3: Input should be a valid string"),
        ({"inner": {"steps": True}}, "inner.steps = True: Input should be a valid integer"),
        ({"inner": {"steps": 3.0}}, "inner.steps = 3.0: Input should be a valid integer"),
        ({"inner": {"steps": "3"}}, "inner.steps = '3': Input should be a valid integer"),
        ({"inner": {"rate": True}}, "inner.rate = True: Input should be a valid number"),
        ({"inner": {"rate": "1"}}, "inner.rate = '1': Input should be a valid number"),
        ({"inner": {"rate": 0}}, "inner.rate = 0: Input should be greater than 0"),
        ({"inner": {"rate": math.nan}}, "inner.rate = nan: Input should be a finite number"),
        ({"inner": {"rate": math.inf}}, "inner.rate = inf: Input should be a finite number"),
        ({"limit": 10**400}, "limit = "),
        ({"inner": 3}, "inner = 3: Input should be a valid dictionary"),
        ({"inner": {"steps": 13}}, "inner: steps = 13 brings bad luck"),
    ],
)
def test_wrong_settings_are_named_in_one_line(values, message):
    with pytest.raises(ValueError, match=r"^file\.toml: ") as caught:
        parsed(**values)
    text = str(caught.value)
    assert text.startswith(f"file.toml: {message}")
    assert len(text.splitlines()) == 1
    assert len(text) < 250


def test_missing_settings():
    with pytest.raises(ValueError, match=r"^file\.toml: name is missing$"):
        parse_settings(Outer, {}, "file.toml")


def test_settings_are_frozen():
    with pytest.raises(ValueError, match="frozen"):
        parsed().name = "b"


def test_toml_files(tmp_path):
    path = tmp_path / "a.toml"
    path.write_text('name = "x"\n[inner]\nrate = 1\n')
    assert parse_settings(Outer, read_toml(path), "a").inner.rate == 1.0


@pytest.mark.parametrize(
    "content",
    [
        b"a = ", b"a = 1\na = 2", b"\xff\xfe", b"\x00", b"a = " + b"9" * 5000,
        b"a = " + b"[" * 100_000,
    ],
)
def test_files_that_are_no_toml(tmp_path, content):
    path = tmp_path / "a.toml"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="not a TOML file") as caught:
        read_toml(path)
    assert str(caught.value).startswith(str(path))


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(ValueError, match=r"cannot read it \(No such file or directory\)"):
        read_toml(tmp_path / "none.toml")
    with pytest.raises(ValueError, match=r"cannot read it \(Is a directory\)"):
        read_toml(tmp_path)
