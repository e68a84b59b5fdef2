"""The help of every command of both programs: an example that works, and words for everything."""

import os
import shutil
from pathlib import Path

import pytest

from tests.cli.quick import finished_run
from tests.commands import ALL, COMMANDS, EXAMPLE, EXAMPLES, examples_of
from tests.docs.shell import call, in_shell

ROOT = Path(__file__).parents[1]
ELSEWHERE = {"msq demo": "tests/cli/test_demo.py runs it, then looks at what it wrote"}


@pytest.fixture
def help_of(monkeypatch):
    """Give a function that prints a help as on a terminal of 80 columns."""
    monkeypatch.setitem(os.environ, "COLUMNS", "80")

    def show(name):
        program, *words = name.split()
        code, text = call(program, [*words, "--help"])
        assert code == 0, text
        return text

    return show


def together(text):
    return "".join(text.split())


# Words.


def test_both_programs_are_walked():
    assert {name.split()[0] for name in COMMANDS} == {"msq", "hwsim"}
    assert {"msq vectors lint", "hwsim run"} <= COMMANDS.keys()


@pytest.mark.parametrize("name", ALL)
def test_everything_has_a_help(name):
    """The command, each argument, each option; a sentence each."""
    for what in (ALL[name], *ALL[name].params):
        assert what.help, what.name
        assert what.help[0].isupper() or what.help[0] == "-", what.help
        assert what.help.rstrip().endswith(".") or EXAMPLE in what.help, what.help


@pytest.mark.parametrize("name", ALL)
def test_nothing_is_cut_off(name, help_of):
    """At 80 columns everything that is written for the help is in it, and examples in one line."""
    text = help_of(name)
    assert max(map(len, text.splitlines())) <= 80
    command = ALL[name]
    for what in (command, *command.params):
        assert together(what.help.partition(EXAMPLE)[0]) in together(text)
    for below in getattr(command, "commands", {}).values():
        assert together(below.help.partition("\n\n")[0]) in together(text)
    lines = {line.strip() for line in text.splitlines()}
    assert {EXAMPLE + example for example in examples_of(name)} <= lines


def test_what_is_called_alike_is_alike():
    """An option of several commands takes the same and, where its help could be the same, is."""
    same = {"--json", "--csv", "--html", "--junit", "--level", "--array", "--bits"}
    found = {}
    for name, command in COMMANDS.items():
        for option in command.params:
            for flag in same & set(option.opts):
                texts = found.setdefault((flag, option.is_flag), {})
                texts.setdefault(option.help, []).append(name)
            if "--seed" in option.opts:
                assert option.help.startswith("Seed of "), name
            if "--out" in option.opts:
                assert option.help.startswith(("Folder for ", "Results")), name
            if "--resume" in option.opts:
                assert option.help.startswith("Continue a "), name
    assert len(found) > 4
    assert {key: texts for key, texts in found.items() if len(texts) > 1} == {}


# Examples.


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A finished run: short, as only its being there counts."""
    return finished_run(tmp_path_factory.mktemp("trained"), "[training]\nepochs = 1\n")


@pytest.fixture
def folder(tmp_path, monkeypatch, request):
    """Work in a folder that has what examples speak of."""
    monkeypatch.chdir(tmp_path)

    def prepare(example):
        if "mine.toml" in example:
            Path("mine.toml").write_text("[training]\nepochs = 1\n", encoding="utf-8")
        if "mine.csv" in example:
            shutil.copy(ROOT / "hwsim/peers/tables/bitsim_resnet20.csv", "mine.csv")
        if " runs/first" in example and "--out runs/first" not in example:
            shutil.copytree(request.getfixturevalue("trained"), "runs/first")
        if " sweep.toml" in example:
            shutil.copy(ROOT / "examples/sweep.toml", "sweep.toml")
        for name in ("examples", "vectors"):
            if f" {name}/" in example:
                shutil.copytree(ROOT / name, name)
        if "perl " in example and shutil.which("perl") is None:
            pytest.skip("there is no perl here; git brings one on most machines")

    return prepare


def test_every_command_has_an_example():
    """Of itself: the command is a part of the line."""
    assert {name for name, _ in EXAMPLES} == COMMANDS.keys() >= ELSEWHERE.keys()
    assert [(name, line) for name, line in EXAMPLES if name not in line] == []


@pytest.mark.parametrize(
    "example", [line for name, line in EXAMPLES if name not in ELSEWHERE]
)
def test_examples_work(example, folder):
    """As they stand in the help; what is to be printed or written is there."""
    folder(example)
    before = set(Path().rglob("*"))
    program, *words = example.split()
    if {"|", ">"} & set(words):
        code, text = in_shell(example)
    else:
        code, text = call(program, words)
    assert code == 0, text
    made = set(Path().rglob("*")) - before
    assert text or made
    for flag in ("--out", "--json", "--html", "--csv"):
        if flag in words[:-1] and not (target := words[words.index(flag) + 1]).startswith("-"):
            assert Path(target) in made
