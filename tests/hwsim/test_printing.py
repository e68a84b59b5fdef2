"""Tables on terminals of any width: no figure is cut off, whatever it takes."""

import pytest
from rich.console import Console

from hwsim import load_accelerator, simulate
from hwsim.networks import network_workload
from hwsim.tables import LAYER_COLUMNS, layer_rows
from hwsim.validate import COLUMNS, compare_drawn, comparison_rows
from msq_ref.formats import printing
from msq_ref.formats.printing import print_table


@pytest.fixture
def printed(monkeypatch, capsys):
    """Give a function that prints a table on a terminal, or into a pipe, of a width."""

    def run(width, columns, rows, *, terminal=True, keys=1):
        console = Console(width=width, force_terminal=terminal, color_system=None)
        monkeypatch.setattr(printing, "console", lambda: console)
        print_table("The title", columns, rows, keys)
        return capsys.readouterr().out

    return run


@pytest.fixture(scope="module")
def layers():
    """Give the lines of a network whose layers have long names and large figures."""
    report = simulate(network_workload("resnet18"), load_accelerator("edge-small"))
    return layer_rows(report)


@pytest.mark.parametrize("width", [50, 80, 100, 120, 200])
def test_all_figures_of_a_run(printed, layers, width):
    """Columns that do not fit stand below, each row with its name again."""
    out = printed(width, LAYER_COLUMNS, layers)
    lines = out.splitlines()
    assert max(map(len, lines)) <= width
    assert "…" not in out
    assert out.count("The title") == 1
    blocks = sum(line.split()[:1] == ["layer"] for line in lines) or 1
    assert (blocks == 1) == (width == 200)
    for row in layers:
        named = [line.split() for line in lines if line.split()[:1] == [row[0]]]
        assert len(named) == blocks
        assert [word for line in named for word in line[1:]] == " ".join(row[1:]).split()


def test_a_pipe_is_as_wide_as_the_table(printed, layers):
    """A line a layer, to be searched."""
    lines = printed(60, LAYER_COLUMNS, layers, terminal=False).splitlines()
    for row in layers:
        named = [line.split() for line in lines if line.split()[:1] == [row[0]]]
        assert named == [" ".join(row).split()]


def test_words_wrap_before_columns_move(printed):
    """What a comparison is against stands in two lines; both names come again below."""
    rows = comparison_rows(compare_drawn(1))
    wide = printed(110, COLUMNS, rows)
    assert wide.count("against") == 1
    assert max(map(len, wide.splitlines())) <= 110
    narrow = printed(60, COLUMNS, rows, keys=2)
    assert narrow.count("against") == narrow.count("what") == 2
    assert narrow.count("replay") == 2 * wide.count("replay") > 0


def test_a_word_longer_than_the_terminal(printed):
    """It is broken, not cut."""
    out = printed(20, ("name", "figure"), [("x" * 50, "1,234,567")])
    assert out.count("x") == 50
    assert "1,234,567" in out
