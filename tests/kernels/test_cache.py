"""Numba's cache on disk: processes that start at once, read-only folders, other processors."""

import json
import os
import subprocess
import sys
from pathlib import Path

from numba.core.caching import IndexDataCacheFile

from msq_ref.kernels import cache

CHECK = """
import json, sys
import numpy as np
from msq_ref import reference
from msq_ref.kernels import hard
x = np.linspace(-4, 4, 60).astype(sys.argv[1])
ours = hard.hard_swish(x)
assert ours.tobytes() == reference.hard_swish(x).tobytes()
stats = hard._hard_swish.stats
print(json.dumps([stats.cache_path, len(stats.cache_hits), len(stats.cache_misses)]))
"""
UNWRITABLE = """
import errno, tempfile
real = tempfile.TemporaryFile
def read_only(*arguments, dir=None, **more):  # Numba tries a folder in this way
    if "msq-ref-" not in str(dir):
        raise OSError(errno.EROFS, "Read-only file system", dir)
    return real(*arguments, dir=dir, **more)
tempfile.TemporaryFile = read_only
"""


def start(folder, dtype="float32", before="", **variables):
    """Start a process that computes with compiled code and checks it."""
    environment = {key: value for key, value in os.environ.items() if "NUMBA" not in key}
    environment |= {"NUMBA_CACHE_DIR": str(folder), **variables}
    return subprocess.Popen(
        [sys.executable, "-c", before + CHECK, dtype], env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def result(process):
    """Wait for a process; return where its code is, hits and misses."""
    out, error = process.communicate(timeout=300)
    assert process.returncode == 0, error
    return json.loads(out)


def test_processes_that_start_at_once_share_a_cold_cache(tmp_path):
    """Of two dtypes, two each, none finds another's code; and the next one compiles nothing."""
    together = [start(tmp_path, dtype) for dtype in ("float32", "float64") * 2]
    for process in together:
        result(process)
    for dtype in ("float32", "float64"):
        result(start(tmp_path, dtype))  # fills what the index may have lost
        _, hits, misses = result(start(tmp_path, dtype))
        assert (hits, misses) == (1, 0)


def interleaved(folder):
    """Let one save while another, that has read the same index, is half done with its own."""
    mine, others = (IndexDataCacheFile(str(folder), "function", 0) for _ in range(2))
    save_index = others._save_index

    def then_mine(overloads):
        save_index(overloads)
        mine.save("float32", "my code")

    mine._load_index = dict  # read before the other wrote
    others._save_index = then_mine
    others.save("float64", "their code")
    return IndexDataCacheFile(str(folder), "function", 0)


def test_an_index_never_names_the_code_of_another(tmp_path):
    """What an index has lost is compiled again, and then there."""
    fresh = interleaved(tmp_path)
    assert fresh.load("float32") == "my code"
    assert fresh.load("float64") is None
    fresh.save("float64", "their code")
    assert [fresh.load(key) for key in ("float32", "float64")] == ["my code", "their code"]


def test_numbers_alone_would_mix_them_up(tmp_path, monkeypatch):
    """There is something to mend: with Numba's own names a type gets the code of another."""

    def numbered(file, number):
        return file._data_name_pattern.format(number=number)

    monkeypatch.setattr(IndexDataCacheFile, "_data_name", numbered)
    assert interleaved(tmp_path).load("float32") == "their code"


def test_a_cache_folder_that_cannot_be_made(tmp_path):
    """Another place serves: here a file stands where the folder should be."""
    blocked = tmp_path / "file"
    blocked.touch()
    place, _, _ = result(start(blocked / "cache"))
    assert not place.startswith(str(tmp_path))


def test_no_folder_can_be_written(tmp_path):
    """A read-only package and home: code is kept in a temporary folder, which goes in the end."""
    place, hits, misses = result(start(tmp_path, before=UNWRITABLE, TMPDIR=str(tmp_path)))
    assert Path(place).is_relative_to(tmp_path)
    assert "msq-ref-" in place
    assert (hits, misses) == (0, 1)
    assert not [*tmp_path.glob("msq-ref-*")]


def test_another_processor_gets_code_of_its_own(tmp_path):
    """And the first one's is still there."""
    generic = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}
    assert result(start(tmp_path))[1:] == [0, 1]
    assert result(start(tmp_path, **generic))[1:] == [0, 1]
    assert result(start(tmp_path))[1:] == [1, 0]
    assert result(start(tmp_path, **generic))[1:] == [1, 0]


def test_made_safe_once():
    """Doing it again changes nothing."""
    cache.make_safe()
    assert cache.CompileResultCacheImpl._locator_classes.count(cache.TemporaryFolder) == 1
