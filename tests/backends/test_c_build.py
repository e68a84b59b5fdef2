"""Compiling the C library: the cache, other compilers and none, and its use from C itself."""

import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest

import msq_ref as reference

USE = "import numpy as np, msq_ref.backends.c as c; print(c.roundclamp(np.array([0.3, 1.0]), 3))"


@pytest.fixture
def build(c_backend):
    from msq_ref.backends.c import build

    return build


def libraries(cache):
    return sorted(path.name for path in (cache / "msq-ref").iterdir())


def test_compiled_once_and_anew_for_other_flags(build, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    first = build.library_path()
    assert first.parent == tmp_path / "msq-ref"
    stamp = first.stat().st_mtime_ns
    assert build.library_path() == first
    assert first.stat().st_mtime_ns == stamp
    monkeypatch.setattr(build, "FLAGS", (*build.FLAGS, "-g"))
    assert build.library_path() != first
    assert len(libraries(tmp_path)) == 2


def test_compiled_anew_for_other_sources(build, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    first = build.library_path()
    shutil.copytree(build.SOURCES, tmp_path / "csrc")
    monkeypatch.setattr(build, "SOURCES", tmp_path / "csrc")
    assert build.library_path() == first
    header = tmp_path / "csrc" / "msq.h"
    header.write_text(header.read_text() + "\n")
    assert build.library_path() != first


def test_two_processes_compile_at_once(build, tmp_path):
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    both = [
        subprocess.Popen([sys.executable, "-W", "error", "-c", USE], env=environment,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]  # fmt: skip
    for process in both:
        output, error = process.communicate(timeout=120)
        assert (output.strip(), error, process.returncode) == ("[2 7]", "", 0)
    assert len(libraries(tmp_path)) == 1


def test_a_damaged_library_is_compiled_again(build, run_python, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    path = build.library_path()
    path.write_text("not a library\n")
    assert run_python(USE, XDG_CACHE_HOME=str(tmp_path)) == ("[2 7]", "")
    assert path.read_bytes()[:4] != b"not "


def test_without_a_cache_a_folder_of_its_own_does(build, run_python, tmp_path):
    """The cache cannot be made where a file is in the way; nothing is left behind."""
    blocked, temporary = tmp_path / "file", tmp_path / "tmp"
    blocked.write_text("")
    temporary.mkdir()
    output = run_python(USE, XDG_CACHE_HOME=str(blocked), TMPDIR=str(temporary))
    assert output == ("[2 7]", "")
    assert list(temporary.iterdir()) == []


def test_a_relative_cache_is_ignored(build, monkeypatch, tmp_path):
    """As the XDG specification wants it."""
    monkeypatch.setenv("XDG_CACHE_HOME", "here")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert build.library_path().parent == tmp_path / ".cache" / "msq-ref"


def test_no_compiler_is_said_so(build, run_python, tmp_path):
    """With what to install; importing alone needs none."""
    code = "import msq_ref.backends.c as c, numpy as np\nprint('imported', flush=True)\n"
    code += "c.roundclamp(np.array([0.3]), 3)"
    output, error = run_python(code, PATH=str(tmp_path), CC="", XDG_CACHE_HOME=str(tmp_path))
    assert output == "imported"
    last = error.splitlines()[-1]
    assert last.startswith("FileNotFoundError: msq_ref.backends.c needs a C compiler")
    assert "apt install gcc libc6-dev" in last


def test_cc_is_respected(build, monkeypatch, tmp_path):
    compiler = shutil.which("gcc") or shutil.which("cc") or shutil.which("clang")
    monkeypatch.setenv("CC", f"{compiler} -DMSQ_TEST -ffast-math")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert build.compiler() == [compiler, "-DMSQ_TEST", "-ffast-math"]
    assert build.library_path().is_file()  # IEEE semantics are put back
    monkeypatch.setenv("CC", "no-such-compiler -O3")
    with pytest.raises(FileNotFoundError, match="CC = 'no-such-compiler -O3': no such program"):
        build.library_path()


def test_a_failing_compiler_speaks_for_itself(build, monkeypatch, tmp_path):
    broken = tmp_path / "broken"
    fails = "echo 'math.h: no such file' >&2\nexit 3\n"
    broken.write_text(f"#!/bin/sh\n[ $1 = --version ] && exit 0\n{fails}")
    broken.chmod(0o755)
    monkeypatch.setenv("CC", str(broken))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(RuntimeError, match=r"exit code 3: .*broken: math.h: no such file"):
        build.library_path()
    assert libraries(tmp_path) == []


def test_sources_are_clean_c99(build, tmp_path):
    """No warnings at all; contraction stays off in every source that rounds."""
    strict = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-O2"]
    for source in sorted(build.SOURCES.glob("*.c")):
        command = [*build.compiler(), *strict, "-c", str(source), "-o", str(tmp_path / "out.o")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, ""), source.name


def test_fast_math_is_refused(build, tmp_path):
    command = [*build.compiler(), "-ffast-math", "-c", str(build.SOURCES / "sgd.c")]
    done = subprocess.run(
        [*command, "-o", str(tmp_path / "out.o")], capture_output=True, text=True, check=False
    )
    assert done.returncode
    assert "compile without -ffast-math" in done.stderr


PROGRAM = """
#include <stdio.h>
#include "msq.h"

int main(void)
{
    const double u[] = {0.0, 0.25, 0.3, 0.45, 0.9375, 1.0};
    int32_t codes[6], low[6], ks[3];
    const double omegas[] = {0.1, 0.1, 0.1};
    msq_roundclamp_f64(6, u, 4, codes);
    msq_lsb_f64(6, u, 4, 2, low);
    msq_assign_k(3, omegas, ks);
    for (int i = 0; i < 6; i++)
        printf("%d %d\\n", (int)codes[i], (int)low[i]);
    printf("%d %d %d %a\\n", (int)ks[0], (int)ks[1], (int)ks[2], msq_lsb_l1_f64(6, u, 4, 2));
    return 0;
}
"""


def test_a_c_program_uses_the_sources_as_msq_h_says(build, tmp_path):
    (tmp_path / "main.c").write_text(PROGRAM)
    says = re.search(r"cc (.*) -c \*\.c", (build.SOURCES / "msq.h").read_text())
    sources = [str(tmp_path / "main.c"), *map(str, build.SOURCES.glob("*.c"))]
    target = str(tmp_path / "main")
    command = [*build.compiler(), *says[1].split(), f"-I{build.SOURCES}", *sources, "-o", target]
    subprocess.run([*command, "-lm"], check=True)
    lines = subprocess.run([target], capture_output=True, text=True, check=True).stdout.splitlines()
    u = np.array([0.0, 0.25, 0.3, 0.45, 0.9375, 1.0])
    pairs = zip(reference.roundclamp(u, 4), reference.lsb(u, 4, 2), strict=True)
    assert lines[:6] == [f"{code} {low}" for code, low in pairs]
    *ks, l1 = lines[6].split()
    assert ks == ["1", "1", "1"]
    assert float.fromhex(l1) == reference.lsb_l1(u, 4, 2)


def test_prototypes_guard_against_wrong_arrays(c_backend):
    """Arrays of another element type never reach C."""
    import ctypes

    from msq_ref.backends.c.library import call

    codes = np.zeros(2, np.int32)
    with pytest.raises(ctypes.ArgumentError):
        call("roundclamp_f32", 2, np.zeros(2), 3, codes)
    frozen = codes.copy()
    frozen.setflags(write=False)
    with pytest.raises(ctypes.ArgumentError):
        call("roundclamp_f64", 2, np.zeros(2), 3, frozen)


def test_preparing_is_compiling(c_backend):
    c_backend.prepare()
