"""Every block of code in README.md and docs/ runs; long commands are parsed, see `shell.LONG`."""

import csv
import io
import json
import re
import shutil
import subprocess
import sys
import tomllib

import numpy as np
import pytest
from PIL import Image

from hwsim import load_accelerator
from hwsim.accelerator import Accelerator, checked
from hwsim.bits_file import read_bits
from hwsim.sweep import parse_sweep
from hwsim.sweep.points import points_of
from msq_ref.settings import parse_settings
from msq_ref.training.config import RunConfig, parse_config
from tests.docs.blocks import PAGES, ROOT, blocks_in, blocks_of, run_python, same_output
from tests.docs.shell import LONG, call, commands, plain, run_command

BLOCKS = {page: blocks_of(page) for page in PAGES}

CODE = re.compile(r"^(\$|>>>|import \w|from [\w.]+ import|msq \w|hwsim \w|make \w|pip \w)", re.M)
"""What is not a text: so nothing is left out by its name."""

MYMODULE = '''"""A backend that is right."""
import numpy as np

validates = False

def roundclamp(u, bits):
    u, n = np.asarray(u), int(bits)
    codes = np.minimum(np.rint(u.dtype.type(2**n) * u), 2**n - 1)
    return np.ascontiguousarray(codes).astype(np.int32).reshape(u.shape)

def lsb(u, bits, k):
    fine, coarse = roundclamp(u, bits), roundclamp(u, int(bits) - int(k))
    return np.asarray(fine - 2**int(k) * coarse, np.int32)
'''

TABLES = {
    "COMPUTE_REPORT.csv": "scalesim_product_ws.csv",
    "topology.csv": "scalesim_product_topology.csv",
    "bitsim:mine.csv": "bitsim_resnet20.csv",
    "bitfusion:theirs.csv": "bitfusion.csv",
}
"""Published figures, under the names that the pages have for a reader's own."""


@pytest.fixture(scope="module")
def first_run(tmp_path_factory):
    """Give the folder of a finished run of few epochs."""
    out = tmp_path_factory.mktemp("run") / "first"
    code, text = call("msq", [
        "train", "--method", "msq", "--epochs", "3", "--out", str(out), "--set", "msq.interval=1",
        "--set", "msq.hessian_samples=2",
    ])  # fmt: skip
    assert code == 0, text
    return out


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """Give a program in C that answers the cases of roundclamp."""
    if shutil.which("cc") is None:
        pytest.skip("no C compiler (cc)")
    out = tmp_path_factory.mktemp("program") / "mine"
    source = ROOT / "examples/pipes/roundclamp.c"
    subprocess.run(["cc", "-O1", "-o", f"{out}.all", source, "-lm"], check=True)
    out.write_text(f"#!/bin/sh\nexec {out}.all roundclamp\n", encoding="utf-8")
    out.chmod(0o755)
    return out


@pytest.fixture
def place(tmp_path, monkeypatch, request):
    """Go to a folder with what the pages speak of, and give a function that puts things there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    before = set(sys.modules)

    def prepare(text):
        for name in ("runs/first", "runs/demo/msq"):
            if name in text and f"--out {name}" not in text:
                shutil.copytree(request.getfixturevalue("first_run"), tmp_path / name)
        if "mymodule" in text:
            (tmp_path / "mymodule.py").write_text(MYMODULE, encoding="utf-8")
        if "examples/" in text:
            shutil.copytree(ROOT / "examples", tmp_path / "examples")
        for name, source in TABLES.items():
            if name in text:
                file = name.rpartition(":")[2]
                shutil.copy(ROOT / "hwsim/peers/tables" / source, tmp_path / file)
        for name in ("mine", "my_program"):
            if f"./{name} " in text and f"-o {name}" not in text:
                shutil.copy(request.getfixturevalue("program"), tmp_path / name)
        if "folder:photos" in text:
            draw_photos(tmp_path / "photos")

    yield prepare
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]


def draw_photos(folder):
    """Write small pictures of two classes, of different sizes of blobs."""
    rng = np.random.default_rng(0)
    for label, level in (("cats", 60), ("dogs", 190)):
        (folder / label).mkdir(parents=True)
        for index in range(40):
            pixels = rng.integers(level - 50, level + 50, (16, 16, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(folder / label / f"{index:02}.png")


@pytest.mark.parametrize("page", [page for page in PAGES if BLOCKS[page]])
def test_blocks_run(page, place):
    """In the order of the page, in a folder of its own; Python in one namespace."""
    blocks = BLOCKS[page]
    place("".join(block.code for block in blocks))
    run_blocks(blocks)


def run_blocks(blocks):
    """Run blocks in order; a text right behind code has to be what that prints."""
    namespace, output = {"__name__": "page"}, None
    for block in blocks:
        assert block.language in KINDS, f"{block}: {block.language or 'a block has no language'}"
        if block.title:
            with open(block.title, "w", encoding="utf-8") as file:
                file.write(block.code)
            sys.modules.pop(block.title.removesuffix(".py"), None)
        if block.language == "text" and block.follows and output is not None:
            assert same_output(block.code, output), f"{block}: it prints\n{output}"
        output = KINDS[block.language](block, namespace)


def python(block, namespace):
    return run_python(block, namespace)


def shell(block, _):
    """Run one command after another; give the output if all of them ran as they are."""
    printed = [run_command(command) for command in commands(block.code)]
    return None if None in printed else "".join(printed)


def console(block, _):
    """Run what is behind each ``$`` and compare what is below it."""
    parts = re.split(r"^\$ ", block.code, flags=re.M)
    assert parts.pop(0) == "", f"{block}: it begins with no $"
    for part in parts:
        command, _, shown = part.partition("\n")
        output = run_command(command)
        if shown and output is not None:
            assert same_output(shown, output), f"{block}: {command} prints\n{output}"


def toml(block, _):
    """Check settings of a run or a sweep, widths by layer, or part of an accelerator."""
    values = tomllib.loads(block.code)
    if values.keys() <= RunConfig.model_fields.keys():
        parse_config(values, str(block))
    elif values.keys() <= Accelerator.model_fields.keys():
        whole = {**load_accelerator("edge-small").model_dump(exclude_none=True), **values}
        checked(parse_settings(Accelerator, whole, str(block)), str(block))
    elif "vary" in values:
        points_of(parse_sweep(values, str(block)))
    else:
        assert block.title, f"{block}: settings of what?"
        assert read_bits(block.title)


def json_block(block, _):
    json.loads(block.code)


def csv_block(block, _):
    """Check that every line has as many cells as the first."""
    first, *rest = csv.reader(io.StringIO(block.code))
    assert rest
    assert all(len(row) == len(first) for row in rest)


def bibtex(block, _):
    """Check the form: an entry whose braces fit, a field a line."""
    assert re.match(r"@\w+\{\w+,\n", block.code)
    assert block.code.count("{") == block.code.count("}")
    assert len(re.findall(r"^ +\w+ += \{", block.code, re.M)) >= 4


def text(block, _):
    """A text shows what something prints or takes; code has to be called code."""
    assert not CODE.search(block.code), f"{block}: this is code"


KINDS = {
    "python": python, "sh": shell, "console": console, "toml": toml, "json": json_block,
    "csv": csv_block, "bibtex": bibtex, "text": text,
}  # fmt: skip
"""The languages of blocks, all of them."""


@pytest.mark.parametrize(
    "text",
    [
        "```python\nprint(1)  # 2\n```",
        "```python\n1 + 1  # 3\n```",
        "```python\nprint(1)\n```\n\n```text\n2\n```",
        "```python\nimport nothing_of_that_name\n```",
        "```sh\nmsq eval nowhere\n```",
        "```sh\nmsq eval nowhere  # exit code 1\n```",
        "```sh\nmsq demo --nope\n```",
        "```sh\nmsq nothing\n```",
        "```sh\nmake nothing\n```",
        "```sh\npip install -e '.[nothing]'\n```",
        "```sh\nrm -r somewhere\n```",
        "```sh\nmsq gen roundclamp | perl nowhere.pl | msq ver roundclamp\n```",
        "```console\n$ hwsim run nowhere.csv --accelerator edge-small  # exit code 2\nfine\n```",
        "```toml\n[training]\nepoch = 3\n```",
        "```toml\nsome = 3\n```",
        "```json\n{\n```",
        "```csv\na,b\n1\n```",
        "```text\nmsq demo\n```",
        "```c\nint x;\n```",
        "```\nmsq demo\n```",
        "    msq demo",
    ],
)
def test_wrong_blocks_fail(text, place):
    """So that the tests above can fail."""
    with pytest.raises(Exception):  # noqa: B017, PT011  (whatever a page does wrong)
        run_blocks(blocks_in("page", text))


def test_there_are_blocks_of_every_kind():
    """So that a wrong folder does not pass."""
    found = {block.language for blocks in BLOCKS.values() for block in blocks}
    assert found >= {"python", "sh", "toml", "text"}
    assert sum(map(len, BLOCKS.values())) > 20


def test_every_exception_is_in_use():
    """No command is left out that no page has."""
    lines = [
        plain(command.removeprefix("$ "))
        for block in (one for page in PAGES for one in BLOCKS[page])
        if block.language in ("sh", "console")
        for command in commands(block.code)
    ]
    assert [one.pattern for one in LONG
            if not any(re.match(one.pattern, line) for line in lines)] == []  # fmt: skip



def test_every_key_of_the_files_is_explained(first_run, tmp_path):
    """Those of a run's log and report, and of what hwsim writes."""
    page = (ROOT / "docs/reference/file-formats.md").read_text("utf-8")
    prose = re.sub(r"^```.*?^```$", "", page, flags=re.M | re.S)
    explained = {
        word for text in re.findall(r"`([^`]+)`", prose) for word in re.split(r"\W+", text)
    }
    with (first_run / "log.csv").open(newline="") as file:
        log = next(csv.reader(file))
    found = {column.partition(".")[0] for column in log}
    found |= json.loads((first_run / "report.json").read_text("utf-8")).keys()
    out = tmp_path / "report.json"
    code, text = call("hwsim", ["run", str(first_run), "--accelerator", "edge-small",
                                "--json", str(out)])  # fmt: skip
    assert code == 0, text
    report = json.loads(out.read_text("utf-8"))
    layer = report["layers"][0]
    found |= report.keys() | report["totals"].keys() | layer.keys() | layer["tiling"].keys()
    assert found - explained == set()
