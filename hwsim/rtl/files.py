"""Layer files, which the engine and the RTL's bench both read, and the bench's results.

A layer file is ``hwsim layers 1`` and a line end, the number of layers, and for each layer the
numbers of `HEADER`, the image (height, width, groups, channels of a group) and the weights
(reduction, groups, outputs of a group), all of it little-endian int32. Weights are integers whose
two's complement bits are the planes: unsigned codes in the offset domain, signed values otherwise.

A file of results is ``hwsim results 1`` and a line end, and for each layer its cycles and outputs
(positions, groups, outputs of a group), as little-endian int64.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwsim.layer import Layer
from hwsim.values import weight_shape
from msq_ref.formats import atomic_path

__all__ = ["HEADER", "Case", "read_cases", "read_results", "write_cases"]

HEADER = (
    "height", "width", "channels", "kernel_height", "kernel_width", "stride", "padding",
    "out_height", "out_width", "groups", "outputs", "bits", "offset", "drain", "in_bits",
    "in_signed",
)  # fmt: skip
"""What a layer begins with; channels and outputs are of a group."""

_LAYERS = b"hwsim layers 1\n"
_RESULTS = b"hwsim results 1\n"


@dataclass(frozen=True)
class Case:
    """A layer with one input and its weights, for an array with so many drain cycles.

    Attributes
    ----------
    layer : Layer
    x, codes, signs, in_signed
        As `hwsim.engine.simulate_layer` takes them.
    drain : int

    Raises
    ------
    TypeError
        If an array does not hold integers.
    ValueError
        If a shape, a value or the drain is out of range; the error names the layer.
    """

    layer: Layer
    x: NDArray[Any]
    codes: NDArray[Any]
    signs: NDArray[Any] | None = None
    in_signed: bool = False
    drain: int = 1

    def __post_init__(self) -> None:
        layer = self.layer
        if not 0 <= self.drain <= 4096:
            raise ValueError(f"layer {layer.name}: drain = {self.drain}: expected 0 to 4096")
        signed = layer.domain == "signed"
        if signed == (self.signs is None):
            raise ValueError(
                f"layer {layer.name}: signs = {'None' if signed else 'an array'}: expected "
                f"{'an array' if signed else 'None'} in the {layer.domain} domain"
            )
        low = -(2 ** (layer.in_bits - 1)) if self.in_signed else 0
        inputs, weights = layer.height * layer.width * layer.channels, layer.K * layer.outputs
        self._check("x", self.x, inputs, low, low + 2**layer.in_bits - 1)
        self._check("codes", self.codes, weights, 0, 2 ** (layer.bits - signed) - 1)
        if self.signs is not None:
            self._check("signs", self.signs, weights, -1, 1)

    def weights(self) -> NDArray[np.int64]:
        """Return the integers whose planes the array sees, HWIO or (features, outputs)."""
        values = np.asarray(self.codes).astype(np.int64)
        return values if self.signs is None else values * np.asarray(self.signs)

    def _check(self, name: str, value: NDArray[Any], size: int, low: int, high: int) -> None:
        array = np.asarray(value)
        if array.dtype.kind not in "iu":
            raise TypeError(
                f"layer {self.layer.name}: {name} has dtype {array.dtype}: expected integers"
            )
        if array.size != size:
            raise ValueError(
                f"layer {self.layer.name}: {name} has shape {array.shape}: expected {size} values"
            )
        if array.min() < low or array.max() > high:
            worst = array.min() if array.min() < low else array.max()
            raise ValueError(
                f"layer {self.layer.name}: {name} contains {worst}: expected integers in "
                f"[{low}, {high}]"
            )


def write_cases(target: Path | str, cases: Sequence[Case]) -> None:
    """Write a layer file, atomically; ``OSError`` if it cannot be written."""
    with atomic_path(target) as temporary, temporary.open("wb") as file:
        file.write(_LAYERS + np.array(len(cases), "<i4").tobytes())
        for case in cases:
            for part in (_header(case), case.x, case.weights()):
                file.write(np.ascontiguousarray(part, "<i4").tobytes())


def read_cases(source: Path | str) -> list[Case]:
    """Read a layer file; every layer comes back as a convolution, a linear one as 1 x 1.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is no layer file, or damaged.
    """
    words = _words(source, _LAYERS, "<i4")
    cases, at = [], 1
    for index in range(words[0] if words.size else -1):
        header = words[at : at + len(HEADER)].tolist()
        if len(header) < len(HEADER):
            raise ValueError(f"{source}: cut short in layer {index}")
        found = dict(zip(HEADER, header, strict=True))
        case, at = _case(f"layer {index}", found, words, at + len(HEADER), source)
        cases.append(case)
    if at != words.size or not cases:
        raise ValueError(f"{source}: {words.size} numbers: expected {at}")
    return cases


def read_results(
    source: Path | str, cases: Sequence[Case]
) -> list[tuple[int, NDArray[np.int64]]]:
    """Read the cycles and outputs (positions, outputs) of the layers.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is no file of results of these layers.
    """
    words = _words(source, _RESULTS, "<i8")
    expected = sum(1 + case.layer.P * case.layer.outputs for case in cases)
    if words.size != expected:
        raise ValueError(f"{source}: {words.size} numbers: expected {expected}")
    results, at = [], 0
    for case in cases:
        size = case.layer.P * case.layer.outputs
        outputs = words[at + 1 : at + 1 + size].astype(np.int64)
        results.append((int(words[at]), outputs.reshape(case.layer.P, case.layer.outputs)))
        at += 1 + size
    return results


def _header(case: Case) -> list[int]:
    layer = case.layer
    other = {
        "channels": layer.group_channels, "outputs": layer.M, "drain": case.drain,
        "offset": layer.domain == "offset", "in_signed": case.in_signed,
    }  # fmt: skip
    return [int(other[name] if name in other else getattr(layer, name)) for name in HEADER]


def _case(
    name: str, found: dict[str, int], words: NDArray[Any], at: int, source: Path | str
) -> tuple[Case, int]:
    """Return a layer whose tensors begin at a place, and where they end."""
    groups = found["groups"]
    own = ("channels", "outputs", "offset", "drain", "in_signed", "out_height", "out_width")
    layer = Layer(
        name, "conv", channels=groups * found["channels"], outputs=groups * found["outputs"],
        domain="offset" if found["offset"] else "signed",
        **{field: number for field, number in found.items() if field not in own},
    )  # fmt: skip
    image, kernel = (layer.height, layer.width, layer.channels), weight_shape(layer)
    middle = at + int(np.prod(image))
    end = middle + int(np.prod(kernel))
    if end > words.size:
        raise ValueError(f"{source}: cut short in {name}")
    x, w = words[at:middle].reshape(image), words[middle:end].reshape(kernel)
    signs = None if found["offset"] else np.sign(w)
    return Case(layer, x, np.abs(w), signs, bool(found["in_signed"]), found["drain"]), end


def _words(source: Path | str, magic: bytes, dtype: str) -> NDArray[Any]:
    content = Path(source).read_bytes()
    body = content[len(magic) :]
    if not content.startswith(magic) or len(body) % np.dtype(dtype).itemsize:
        raise ValueError(f"{source}: expected a file that begins with {magic.decode().strip()!r}")
    return np.frombuffer(body, dtype)
