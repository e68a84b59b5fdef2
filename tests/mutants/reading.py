"""Arrays misread or written to: every operation, every array argument [S0.4]."""

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.mutants.registry import add
from tests.mutants.samples import (
    SAMPLES,
    SIGNED,
    Given,
    altered,
    arrays,
    call,
    with_channels,
    with_signs,
)

Array = np.ndarray
Change = Callable[[Array], Array]


def _big_endian(array: Array) -> Array:
    return array.astype(array.dtype.newbyteorder(">"))


def _strided(array: Array) -> Array:
    wide = np.repeat(array, 2, axis=-1)
    wide[..., 1::2] = 0
    return wide[..., ::2]


def _fortran(array: Array) -> Array:
    return np.array(array, order="F")


def _reversed(array: Array) -> Array:
    return np.array(array[..., ::-1])[..., ::-1]


def _read_only(array: Array) -> Array:
    array = np.array(array)
    array.flags.writeable = False
    return array


def _unswapped(array: Array) -> Array:
    return array if array.dtype.isnative else array.view(array.dtype.newbyteorder("="))


def _from_base(array: Array) -> Array:
    base = array.base
    if array.flags.c_contiguous or not isinstance(base, np.ndarray):
        return array
    if base.dtype != array.dtype or base.size < array.size:
        return array
    return base.ravel(order="K")[: array.size].reshape(array.shape)


def _memory_order(array: Array) -> Array:
    if array.flags.c_contiguous or not array.flags.f_contiguous:
        return array
    return array.ravel(order="K").reshape(array.shape)


def _strides_positive(array: Array) -> Array:
    return array[tuple(slice(None, None, -1 if step < 0 else 1) for step in array.strides)]


def _writable(array: Array) -> Array:
    if not array.flags.writeable:
        raise ValueError("buffer source array is read-only")
    return array


READINGS: dict[str, tuple[str, Change, Change]] = {
    "big-endian": ("big-endian numbers read as native", _unswapped, _big_endian),
    "strided": ("read from its base, strides ignored", _from_base, _strided),
    "fortran": ("Fortran order read as C order", _memory_order, _fortran),
    "reversed": ("negative strides taken for positive", _strides_positive, _reversed),
    "read-only": ("refused where read-only", _writable, _read_only),
}


def _on(argument: str, change: Change) -> Callable[[Given], None]:
    def apply(given: Given) -> None:
        if isinstance(given.get(argument), np.ndarray):
            given[argument] = change(given[argument])

    return apply


def _overwriting(name: str, argument: str) -> Callable[..., Any]:
    seen: Given = {}
    right = altered(name, seen.update)

    def wrong(*required: Any, **optional: Any) -> Any:
        result = right(*required, **optional)
        array = seen.get(argument)
        if isinstance(array, np.ndarray) and array.flags.writeable:
            array[...] = 0 if array.any() else 1
        return result

    return wrong


def _register(name: str, given: Given, argument: str) -> None:
    for slug, (mistake, change, lay) in READINGS.items():
        one_byte = slug == "big-endian" and given[argument].dtype.itemsize == 1
        one_axis = slug == "fortran" and given[argument].ndim < 2
        # These only permute the elements, which a count or an integer sum does not show.
        unseen = slug in ("fortran", "reversed") and name.startswith(("lsb_l1", "lsb_nonzero"))
        if (name == "lsb_l1_grad" or not unseen) and not (one_byte or one_axis):
            wrong = altered(name, _on(argument, change))
            witness = call(name, given, lay)
            add(name, f"{slug}-{argument}", f"{argument}: {mistake}", lambda w=wrong: w, witness)
    add(name, f"overwritten-{argument}", f"{argument}: overwritten, used as scratch memory",
        lambda: _overwriting(name, argument), call(name, given))  # fmt: skip


for _name, _given in SAMPLES.items():
    for _argument in arrays(_given):
        _register(_name, _given, _argument)
for _name in SIGNED:
    _register(_name, with_signs(_name), "signs")
for _argument in ("multiplier", "shift", "zero_point"):
    _register("requantize", with_channels(), _argument)
