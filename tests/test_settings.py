"""Names that users type, and settings from plain values and TOML."""

import math
import re
from typing import Annotated, Literal

import pytest
from pydantic import Discriminator, Field, Tag, model_validator

from msq_ref.names import known_name
from msq_ref.settings import Settings, parse_settings, read_toml

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
