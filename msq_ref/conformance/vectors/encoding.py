"""Values as JSON that any language reads to the bit, and back.

Floats are C99 hexadecimal strings of the exact value, integers JSON numbers below 2^53 in
magnitude and decimal strings beyond, arrays objects with dtype, shape and elements in C order.
"""

from __future__ import annotations

import hashlib
import math
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["DTYPES", "Store", "decode", "encode", "encode_all", "float_text", "float_value"]

DTYPES = (
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
    "float16", "float32", "float64",
)  # fmt: skip
"""Of arrays in a file; float16 and bool occur in illegal input only."""

EXACT = 2**53
"""Integers from here on are strings: JSON readers that hold doubles would round them."""

_HEX = re.compile(r"-?0x([01])(?:\.([0-9a-f]*[1-9a-f]))?p([+-])(0|[1-9][0-9]*)")
_DECIMAL = re.compile(r"-?[1-9][0-9]*")
_SPECIAL = ("inf", "-inf", "nan")


@dataclass
class Store:
    """Arrays that lie beside the JSON: the bytes of each ``.npy`` file by its name.

    Attributes
    ----------
    threshold : int
        Arrays with more elements go there.
    """

    threshold: int = 1000
    files: dict[str, bytes] = field(default_factory=dict)

    def put(self, array: NDArray[Any]) -> dict[str, Any]:
        """Store an array under the digest of its content; return how JSON refers to it."""
        content = npy_bytes(array)
        digest = hashlib.sha256(content).hexdigest()
        name = f"npy/{digest[:16]}.npy"
        self.files[name] = content
        return {"npy": name, "sha256": digest}


def npy_bytes(array: NDArray[Any]) -> bytes:
    """Return the ``.npy`` form of an array, version 1.0, little-endian, C order.

    Written out here, because `numpy.save` pads the header differently from version to version.
    """
    little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).reshape(array.shape)
    header = f"{{'descr': '{little.dtype.str}', 'fortran_order': False, 'shape': {array.shape}, }}"
    padded = header + " " * (-(10 + len(header) + 1) % 64) + "\n"
    head = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(padded))
    return head + padded.encode() + little.tobytes()


def float_text(value: float) -> str:
    """Return the C99 form of a float: ``0x1.8p-3``, ``-0x0p+0``, ``inf``, ``nan``."""
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    mantissa, exponent = value.hex().split("p")
    return f"{mantissa.rstrip('0').rstrip('.') if '.' in mantissa else mantissa}p{exponent}"


def float_value(text: str) -> float:
    """Read what `float_text` writes and nothing else; ``ValueError`` otherwise."""
    if text not in _SPECIAL and not _HEX.fullmatch(text):
        raise ValueError(f"{text!r}: expected a float in hexadecimal, such as 0x1.8p-3")
    value = float(text) if text in _SPECIAL else float.fromhex(text)
    if float_text(value) != text:
        raise ValueError(f"{text!r}: expected {float_text(value)!r}, the form of that float")
    return value


def encode(value: Any, store: Store) -> Any:
    """Return a value of a call as JSON; large arrays go into the store."""
    if isinstance(value, np.ndarray):
        head = {"dtype": value.dtype.name, "shape": list(value.shape)}
        if value.size > store.threshold:
            return {**head, **store.put(value)}
        return {**head, "data": [encode(item, store) for item in value.ravel().tolist()]}
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return value if abs(value) < EXACT else str(value)
    if isinstance(value, float):
        return float_text(value)
    if isinstance(value, Fraction):
        return {
            "numerator": encode(value.numerator, store),
            "denominator": encode(value.denominator, store),
        }
    if isinstance(value, tuple):
        return {"results": [encode(item, store) for item in value]}
    if isinstance(value, list):
        return [encode(item, store) for item in value]
    raise TypeError(f"value = {value!r}: no form in JSON for {type(value).__name__}")


def encode_all(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return named values as JSON; their arrays are small."""
    return {name: encode(value, Store()) for name, value in values.items()}


def decode(value: Any, files: dict[str, NDArray[Any]]) -> Any:
    """Return the value that `encode` wrote.

    Parameters
    ----------
    value : Any
        Parsed JSON.
    files : dict of str to ndarray
        The arrays beside it, by name.

    Raises
    ------
    ValueError
        If it is not of a form that `encode` writes.
    """
    if isinstance(value, dict):
        return _decode_object(value, files)
    if isinstance(value, list):
        return [decode(item, files) for item in value]
    if isinstance(value, str):
        if _DECIMAL.fullmatch(value):
            if abs(int(value)) < EXACT:
                raise ValueError(f"{value!r}: an integer below 2^53 is a JSON number")
            return int(value)
        return float_value(value) if value in _SPECIAL or "0x" in value else value
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= EXACT:
        raise ValueError(f"{value}: an integer from 2^53 on is a string")
    return value


def _decode_object(value: dict[str, Any], files: dict[str, NDArray[Any]]) -> Any:
    keys = set(value)
    if keys == {"numerator", "denominator"}:
        return Fraction(decode(value["numerator"], files), decode(value["denominator"], files))
    if keys == {"results"}:
        return tuple(decode(item, files) for item in value["results"])
    if keys == {"dtype", "shape", "npy", "sha256"}:
        if value["npy"] not in files:
            raise ValueError(f"{value['npy']}: no such file beside the vectors")
        array = files[value["npy"]]
        if [array.dtype.name, list(array.shape)] != [value["dtype"], value["shape"]]:
            raise ValueError(f"{value['npy']}: holds {array.dtype.name} of shape {array.shape}")
        return array
    if keys == {"dtype", "shape", "data"} and value["dtype"] in DTYPES:
        return _array(value["dtype"], value["shape"], decode(value["data"], files))
    raise ValueError(f"an object with {', '.join(sorted(keys))}: expected an array or a fraction")


def _array(dtype: str, shape: list[int], data: list[Any]) -> NDArray[Any]:
    kinds = {"b": bool, "i": int, "u": int, "f": float}
    wanted = kinds[np.dtype(dtype).kind]
    if any(type(item) is not wanted for item in data):
        raise ValueError(f"data of dtype {dtype}: expected {wanted.__name__}s only")
    try:
        with np.errstate(over="ignore"):  # a float too large is seen below
            array = np.array(data, dtype=dtype).reshape(shape)
    except OverflowError:
        raise ValueError(f"data of dtype {dtype}: a value is out of its range") from None
    if array.ravel().tolist() != data and not _same_floats(array, data):
        raise ValueError(f"data of dtype {dtype}: a value is not one of that dtype")
    return array


def _same_floats(array: NDArray[Any], data: list[Any]) -> bool:
    return [str(item) for item in array.ravel().tolist()] == [str(item) for item in data]
