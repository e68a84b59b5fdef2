"""Illegal arguments that are taken: one value of one argument at a time [S0.2], [S0.3]."""

from collections.abc import Callable

import numpy as np

from msq_ref.contract import operation
from tests.mutants.lenient import (
    FINITE,
    FLOATS,
    LENGTH,
    LENIENT,
    LIKE,
    Row,
    Take,
    cut_to,
    fewest,
    number,
    one_entry,
    too_long,
)
from tests.mutants.registry import add
from tests.mutants.samples import (
    SAMPLES,
    SIGNED,
    Given,
    altered,
    call,
    names,
    with_channels,
    with_signs,
)


def _taking(argument: str, take: Take) -> Callable[[Given], None]:
    def change(given: Given) -> None:
        if argument in given:
            given[argument] = take(given[argument], given)

    return change


def _register(name: str, given: Given, argument: str, rows: list[Row]) -> None:
    for slug, mistake, illegal, take in rows:
        wrong = altered(name, _taking(argument, take))
        witness = dict(given)
        witness[argument] = illegal(given[argument], given)
        if slug in ("0", "negative", "true") and argument == "bits":
            fewest(witness)
        add(name, f"takes-{slug}-{argument}", f"{argument}: {mistake}",
            lambda w=wrong: w, call(name, witness))  # fmt: skip


OPTIONAL = {"stride": 1, "padding": 0, "groups": 1}

for _name, _given in SAMPLES.items():
    _entryof = operation(_name)
    for _argument in names(_name):
        _rows = LENIENT.get(_entryof.kind_of(_argument).name, [])
        if _name in SIGNED and _argument == "signs":
            _register(_name, with_signs(_name), _argument, _rows)
        elif _argument in OPTIONAL:
            _register(_name, _given | {_argument: OPTIONAL[_argument]}, _argument, _rows)
        elif _argument in _given:
            _register(_name, _given, _argument, _rows)

_register("sensitivity", SAMPLES["sensitivity"], "weights", LIKE[len(FLOATS) :])
_register("prune_step", SAMPLES["prune_step"] | {"alpha": [0.3, 0.2, 0.1]}, "alpha", [
    (f"list-{slug}", mistake, illegal, take)
    for slug, mistake, illegal, take in [*one_entry(FINITE[:1]), *LENGTH]])  # fmt: skip
for _argument, _slug, _mistake, _value, _other in (
    ("stride", "0", "stride 0 is taken for 1", 0, 1),
    ("stride", "negative", "negative strides are taken for 1", -1, 1),
    ("padding", "negative", "negative padding is taken for 0", -1, 0),
    ("groups", "0", "0 groups are taken for 1", 0, 1),
    ("groups", "negative", "negative groups are taken for 1", -1, 1),
):
    _register("integer_conv2d", SAMPLES["integer_conv2d"] | {_argument: _other}, _argument,
              [(_slug, _mistake, *number(_value, lambda v, b=_value: v < 0 if b else v == 0,
                                          _other))])  # fmt: skip
for _name, _length in (
    ("integer_linear", lambda given: given["codes"].shape[0]),
    ("integer_conv2d", lambda given: given["codes"].shape[2] * given.get("groups", 1)),
    ("bitserial_linear", lambda given: given["planes"].shape[1]),
):
    _register(_name, SAMPLES[_name], "x", [
        ("too-long", "what is too much along the reduction is left out", too_long,
         cut_to(-1, _length))])  # fmt: skip
for _argument in ("multiplier", "shift", "zero_point"):
    _register("requantize", with_channels(), _argument, [
        ("too-long", "channels too many are left out", too_long,
         cut_to(-1, lambda given: np.shape(given["acc"])[-1]))])  # fmt: skip
