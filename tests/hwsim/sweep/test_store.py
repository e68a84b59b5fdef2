"""Results on the disk: whole rows only, whatever a killed process has left behind."""

import pytest

from hwsim.sweep.csv_store import CsvStore
from hwsim.sweep.parquet_store import ParquetStore

COLUMNS = {"point": int, "on": bool, "x": float, "word": str, "cycles": int}

ROWS = [
    (number, number % 2 == 0, 0.1 * number, f'é, "{number}"', None if number == 2 else 10**number)
    for number in range(6)
]


def columns_of(store):
    """Return all values by column."""
    found = {name: [] for name in COLUMNS}
    for block in store.blocks():
        assert list(block) == list(COLUMNS)
        for name, values in block.items():
            found[name] += values
    return found


def store_with(kind, tmp_path, *chunks):
    store = kind(tmp_path / "rows.x", COLUMNS)
    store.create()
    for first, stop in chunks:
        store.append(ROWS[first:stop])
    return store


def test_every_cut(tmp_path):
    """A file that ends anywhere: whole lines are kept, and going on gives the same file."""
    store = store_with(CsvStore, tmp_path, (0, 6))
    path = tmp_path / "rows.x"
    whole = path.read_bytes()
    head = whole.index(b"\n") + 1
    for size in range(head, len(whole) + 1):
        path.write_bytes(whole[:size])
        lines = whole[head:size].count(b"\n")
        assert len(columns_of(store)["point"]) == lines  # a reader meanwhile sees whole lines
        store.repair()
        assert store.done() == ([(0, lines)] if lines else [])
        store.append(ROWS[lines:])
        assert path.read_bytes() == whole


def test_long_last_line(tmp_path):
    """Longer than what is looked at together."""
    store = store_with(CsvStore, tmp_path, (0, 2))
    path = tmp_path / "rows.x"
    whole = path.read_bytes()
    path.write_bytes(whole + b"2," + 200_000 * b"x")
    store.repair()
    assert path.read_bytes() == whole


@pytest.mark.parametrize("kind", [CsvStore, ParquetStore])
def test_values_come_back(kind, tmp_path):
    """To the bit, in any order of chunks; done are their points."""
    store = store_with(kind, tmp_path, (3, 5), (0, 2))
    store.create()  # changes nothing
    assert sorted(store.done()) == [(0, 2), (3, 5)]
    rows = sorted(zip(*columns_of(store).values(), strict=True))
    assert rows == [*ROWS[:2], *ROWS[3:5]]


def test_many_rows(tmp_path):
    """More than are read together."""
    store = store_with(CsvStore, tmp_path)
    numbers = [*range(70_000, 140_000), *range(70_000)]
    store.append([(number, True, 1.5, "", 7) for number in numbers])
    assert columns_of(store)["point"] == numbers
    assert store.done() == [(0, 140_000)]


@pytest.mark.parametrize("kind", [CsvStore, ParquetStore])
def test_nothing_yet(kind, tmp_path):
    store = store_with(kind, tmp_path)
    assert store.done() == []
    assert columns_of(store) == {name: [] for name in COLUMNS}


def test_parts(tmp_path):
    """A part is named by its points; what a killed process left is removed, and never read."""
    store = store_with(ParquetStore, tmp_path, (0, 2), (2, 6))
    left = tmp_path / "rows.x" / ".part-000000000006-000000000007-abcdefgh.parquet"
    left.write_bytes(b"PAR1")
    assert [path.name for path in sorted((tmp_path / "rows.x").glob("part*"))] == [
        "part-000000000000-000000000001.parquet",
        "part-000000000002-000000000005.parquet",
    ]
    assert len(columns_of(store)["point"]) == 6
    store.repair()
    assert not left.exists()
    assert store.done() == [(0, 2), (2, 6)]
    (tmp_path / "rows.x" / "notes.txt").write_text("", encoding="utf-8")
    with pytest.raises(ValueError, match=r"notes.txt: expected part-FIRST-LAST.parquet"):
        store.done()


def test_other_readers(tmp_path):
    """Pyarrow takes the folder for one table."""
    from pyarrow import dataset

    store_with(ParquetStore, tmp_path, (4, 6), (0, 4))
    table = dataset.dataset(tmp_path / "rows.x").to_table().sort_by("point")
    assert table.to_pydict() == dict(zip(COLUMNS, map(list, zip(*ROWS, strict=True)), strict=True))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace("cycles", "cycle"), "expected the columns point, on, x, word"),
        (lambda text: text + "9,true\n", "line 8: 2 values: expected 5"),
        (lambda text: text + "0,true,1,x,2\n", "point 0 is there twice"),
        (lambda text: text.replace("\n3,", "\nx,"), "line 5: point 'x'"),
        (lambda text: "", "expected the columns"),
    ],
)
def test_changed_file(tmp_path, change, message):
    """One line that names the file."""
    store = store_with(CsvStore, tmp_path, (0, 6))
    path = tmp_path / "rows.x"
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8", newline="\n")
    with pytest.raises(ValueError, match=message) as caught:
        store.done()
    assert str(caught.value).startswith(f"{path}: ")
