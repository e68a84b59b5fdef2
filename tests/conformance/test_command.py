"""``msq conform``: exit codes, reports, expected failures, isolation, and the same in pytest."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from msq_ref.cli import app
from msq_ref.formats.console import run_app

WRONG = '''
import numpy as np
from msq_ref.reference import *
import msq_ref.reference as reference

def roundclamp(u, bits):
    """Ties go up."""
    codes = reference.roundclamp(u, bits)
    return np.asarray(np.minimum(np.floor(2.0**bits * np.asarray(u) + 0.5), 2**bits - 1), np.int32)
'''


@pytest.fixture
def backend(tmp_path, monkeypatch):
    """Write a module into the working directory and return its name."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    count = 0

    def write(text):
        nonlocal count
        count += 1
        name = f"backend_{os.getpid()}_{tmp_path.name}_{count}".replace("-", "_")
        (tmp_path / f"{name}.py").write_text(text)
        return name

    return write


@pytest.fixture
def conform(capfd):
    """Run ``msq conform``; gives exit code, standard output and error."""

    def run(*arguments):
        capfd.readouterr()
        code = run_app(app, "msq", ["conform", *map(str, arguments)])
        out, err = capfd.readouterr()
        return code, out, err

    return run


def report_of(conform, *arguments):
    code, out, _ = conform(*arguments, "--json", "-")
    return code, json.loads(out)


def timeless(report):
    """A report without what differs from run to run."""
    report = {key: value for key, value in report.items() if "seconds" not in key}
    for entry in report["operations"]:
        entry.pop("seconds")
    return report


def test_a_right_backend(conform, tmp_path):
    """Exit 0, a table, the JSON and the XML."""
    file, xml = tmp_path / "new" / "r.json", tmp_path / "r.xml"
    code, out, _ = conform(
        "msq_ref.reference", "--ops", "roundclamp,assign_k", "--json", file, "--junit", xml
    )
    assert code == 0
    report = json.loads(file.read_text())
    assert report["held"] is True
    assert report["failed"] == 0
    assert [entry["operation"] for entry in report["operations"]] == ["roundclamp", "assign_k"]
    assert report["cases"] == sum(entry["cases"] for entry in report["operations"]) > 50
    assert {entry["status"] for entry in report["operations"]} == {"passed"}
    assert report["spec_version"] == "1.0"
    assert f"{report['cases']:,} cases ran, 0 failed" in out
    suites = ElementTree.parse(xml).getroot()
    assert [suite.get("name") for suite in suites] == ["roundclamp", "assign_k"]
    assert sum(int(suite.get("tests")) for suite in suites) == report["cases"]


def test_a_wrong_backend(conform, backend):
    """Exit 1; the failure has its clause, a small call, and a line that repeats it."""
    name = backend(WRONG)
    code, report = report_of(conform, name, "--ops", "roundclamp,dorefa")
    assert code == 1
    roundclamp, dorefa = report["operations"]
    assert (roundclamp["status"], dorefa["status"]) == ("failed", "passed")
    failure = roundclamp["failures"][0]
    assert "S2.1" in failure["clauses"]
    assert "expected" in failure["fault"]
    assert "got" in failure["fault"]
    assert len(failure["reproduce"]) < 250, "it is made small"
    ours, theirs = (
        subprocess.run(
            [sys.executable, "-c", line], capture_output=True, text=True, check=True
        ).stdout
        for line in (
            failure["reproduce"], failure["reproduce"].replace(name, "msq_ref.reference"),
        )
    )  # fmt: skip
    assert ours.startswith("array(")
    assert ours != theirs
    code, out, _ = conform(name, "--ops", "roundclamp")
    assert code == 1
    assert "FAILED roundclamp/" in out
    assert "[S2.1]" in out
    assert "python -c " in out


def test_what_is_missing_has_not_passed(conform, backend):
    """Zero cases executed is no success."""
    name = backend("from msq_ref.reference import roundclamp\ndef lsb(u, bits, k):\n"
                   "    raise NotImplementedError\n")  # fmt: skip
    code, report = report_of(conform, name, "--ops", "roundclamp,lsb,dorefa")
    assert code == 0
    statuses = [entry["status"] for entry in report["operations"]]
    assert statuses == ["passed", "not implemented", "not implemented"]
    code, out, _ = conform(name, "--ops", "dorefa")
    assert code == 1
    assert "Nothing ran" in out


def test_an_object_in_a_module(conform, backend):
    name = backend("import msq_ref.reference as r\nclass Mine:\n"
                   "    dorefa = staticmethod(r.dorefa)\nclass Box:\n    mine = Mine()\n"
                   "box = Box()\n")  # fmt: skip
    code, report = report_of(conform, f"{name}:box.mine", "--ops", "dorefa")
    assert (code, report["held"]) == (0, True)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "cannot be imported (ModuleNotFoundError"),
        ("1 / 0", "cannot be imported (ZeroDivisionError"),
        ("x = 1", "none of the contract's operations"),
    ],
)
@pytest.mark.parametrize("flags", [[], ["--isolate"]])
def test_a_backend_that_cannot_be_loaded(conform, backend, text, says, flags):
    name = "no_such_module" if text is None else backend(text)
    code, out, err = conform(name, "--ops", "dorefa", *flags)
    assert code == 2
    assert says in err
    assert err.count("\n") == 1
    assert out == ""


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--ops", "roundclam"], "roundclam"),
        (["--level", "quik"], "did you mean 'quick'?"),
        (["--seed", "-1"], "--seed"),
        (["--xfail", "no-such-file"], "--xfail = no-such-file"),
        (["--json", "/proc/no/r.json"], "--json"),
        (["--junit", "/proc/no/r.xml"], "--junit"),
        (["--limit", "0"], "--limit"),
    ],
)
def test_bad_usage(conform, flags, says):
    code, out, err = conform("msq_ref.reference", *flags)
    assert code == 2
    assert says in err
    assert err.count("\n") == 1
    assert out == ""


def test_expected_failures(conform, backend, tmp_path):
    """Announced and failing is well; announced and passing is not."""
    name, file = backend(WRONG), tmp_path / "known.txt"
    file.write_text("roundclamp  # ties go up: fixed next week\n\n")
    code, report = report_of(conform, name, "--ops", "roundclamp,dorefa", "--xfail", file)
    assert code == 0
    assert report["operations"][0]["status"] == "expected failures"
    assert report["operations"][0]["failed"] > 0
    file.write_text("roundclamp/*\ndorefa\n")
    code, report = report_of(conform, name, "--ops", "roundclamp,dorefa", "--xfail", file)
    assert code == 1
    assert report["unfulfilled_expected_failures"] == ["dorefa"]


BESIDES = {
    "prints": ("print('x')", "printed to standard output"),
    "prints from C": (
        "import ctypes; ctypes.CDLL(None).puts(b'x')", "printed to standard output"
    ),
    "writes to the descriptor": ("import os; os.write(1, b'x')", "printed to standard output"),
    "sets the error state": ("import numpy; numpy.seterr(all='ignore')", "NumPy's error state"),
    "draws a global number": ("import numpy; numpy.random.random()", "global random state"),
    "sets print options": ("import numpy; numpy.set_printoptions(4)", "print options"),
    "changes its input": (
        "u = numpy.asarray(u)\n    if u.flags.writeable and u.dtype.kind == 'f' and u.size:\n"
        "        u += 0.0; u.flat[0] = 1", "changed its input"
    ),
    "hangs": ("import time; time.sleep(60)", "no answer within"),
    "exits": ("raise SystemExit", "raised SystemExit"),
}  # fmt: skip


@pytest.mark.parametrize(("line", "says"), BESIDES.values(), ids=BESIDES.keys())
def test_what_a_backend_has_no_business_with(conform, backend, line, says):
    """Reported, not believed; and our own standard output stays ours."""
    name = backend(f"import numpy\nimport msq_ref.reference as r\ndef dorefa(u, bits):\n"
                   f"    {line}\n    return r.dorefa(u, bits)\n")  # fmt: skip
    code, report = report_of(conform, name, "--ops", "dorefa", "--limit", "0.5")
    assert code == 1
    faults = " ".join(failure["fault"] for failure in report["operations"][0]["failures"])
    assert says in faults


CRASHES = {
    "segfault": ("import ctypes; ctypes.string_at(0)", "SIGSEGV"),
    "exit": ("import os; os._exit(7)", "exit code 7"),
    "abort": ("import os; os.abort()", "SIGABRT"),
}


@pytest.mark.parametrize(("line", "says"), CRASHES.values(), ids=CRASHES.keys())
def test_a_crash_is_isolated(conform, backend, line, says):
    """The case that crashed is named; the others still run."""
    name = backend(f"import msq_ref.reference as r\ndef assign_k(omegas):\n"
                   f"    if len(omegas) == 1: {line}\n    return r.assign_k(omegas)\n"
                   "dorefa = r.dorefa\n")  # fmt: skip
    code, report = report_of(conform, name, "--ops", "assign_k,dorefa", "--isolate")
    assert code == 1
    other, crashed = report["operations"]  # in the order of the contract
    assert crashed["passed"] > 0
    assert says in " ".join(failure["fault"] for failure in crashed["failures"])
    assert other["status"] == "passed"


def test_isolation_changes_no_verdict(conform, backend):
    name = backend(WRONG)
    reports = [
        timeless(report_of(conform, name, "--ops", "roundclamp,compression", *flags)[1])
        for flags in ([], ["--isolate"])
    ]
    assert reports[0] == reports[1]


def test_the_same_seed_gives_the_same_cases(conform):
    first, second, other = (
        timeless(report_of(conform, "msq_ref.reference", "--ops", "lsb", "--seed", seed)[1])
        for seed in (3, 3, 4)
    )
    assert first == second
    assert first["held"]
    assert other["held"]


def test_declarations(conform, backend):
    """[S0.3] What is skipped is counted, by reason."""
    text = ("import numpy as np\nimport msq_ref.reference as r\nvalidates = False\n"
            "flushes_subnormals = True\n"
            "def activation_codes(x, scale, bits, signed):\n"
            "    try:\n        return r.activation_codes(x, scale, bits, signed)\n"
            "    except (TypeError, ValueError):\n        return None\n")  # fmt: skip
    code, report = report_of(conform, backend(text), "--ops", "activation_codes")
    assert code == 0
    assert (report["validates"], report["flushes_subnormals"]) == (False, True)
    reasons = report["operations"][0]["skipped"]
    assert any("validates = False" in reason for reason in reasons)
    assert sum(reasons.values()) == report["skipped"] > 5
    honest = text.replace("validates = False\n", "")
    code, report = report_of(conform, backend(honest), "--ops", "activation_codes")
    assert code == 1, "a number for NaN is a failure unless it is declared"


def test_an_error_of_the_kit_itself(conform, monkeypatch):
    """Exit 3, told apart from a wrong backend."""
    from msq_ref.conformance import suite

    def broken(*_arguments):
        raise KeyError("a hole in the kit")

    monkeypatch.setattr(suite, "run_cases", broken)
    code, _, err = conform("msq_ref.reference", "--ops", "dorefa")
    assert code == 3
    assert "internal error: KeyError" in err


def test_as_pytest(tmp_path, backend):
    """``pytest --pyargs msq_ref.conformance --msq-backend=MODULE``."""
    name = backend(WRONG)

    def run(*flags):
        command = [sys.executable, "-m", "pytest", "--pyargs", "msq_ref.conformance", "-q",
                   "-p", "no:cacheprovider", *flags]  # fmt: skip
        environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )

    good = run("--msq-backend=msq_ref.reference", "--msq-ops=roundclamp,compression")
    assert good.returncode == 0, good.stdout
    assert "2 passed" in good.stdout
    bad = run(f"--msq-backend={name}", "--msq-ops=roundclamp")
    assert bad.returncode == 1
    assert re.search(r"\[S2\.1\]", bad.stdout)
    unnamed = run("--msq-ops=roundclamp")
    assert unnamed.returncode == 1
    assert "name the backend" in unnamed.stdout


def test_the_kit_ships(conform):
    """Tests, plugin and vectors are part of the package."""
    import msq_ref.conformance

    folder = Path(msq_ref.conformance.__file__).parent
    assert (folder / "test_conformance.py").is_file()


def test_an_operation_that_is_none(conform):
    """Exit code 2; the option is named, and the nearest operation."""
    code, out, err = conform("msq_ref.reference", "--ops", "roundclamp,dequantise")
    assert (code, out) == (2, "")
    assert "--ops = 'dequantise': did you mean 'dequantize'?" in err
