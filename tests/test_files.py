"""Files are written whole or not at all, and where they cannot be is said before any work."""

import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from msq_ref.files import atomic_path, check_writable, write_text


def names_in(folder):
    return sorted(entry.name for entry in folder.iterdir())


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
