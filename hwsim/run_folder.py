"""Workloads of trained networks: of a network in integers, of the folder of a run."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any, Literal

import numpy as np

from hwsim.layer import Layer
from hwsim.networks import network_names, network_workload
from hwsim.steps import ARRAY, INPUT, Step, vector_layers
from hwsim.values import IntegerWeights, WeightSource, weight_shape
from hwsim.vector_layer import OPERATIONS
from hwsim.workload import Workload, layer_of
from msq_ref.formats import known_name, read_toml

__all__ = ["RUN_FORMAT", "workload_from_run", "workload_of"]

RUN_FORMAT = 1
"""Newest version of a run folder that is understood here."""


def workload_of(network: Any, name: str) -> Workload:  # noqa: ANN401
    """Return the workload of an integer network.

    Parameters
    ----------
    network : IntegerNetwork
    name : str

    Raises
    ------
    ValueError
        If a step is not understood, or shapes do not fit; the error names the step.
    """
    found = _Found(tuple(network.input_shape), getattr(network, "input_bits", 8))
    for step in network.steps:
        found.take(step)
    return Workload(
        name, tuple(found.layers), vector_layers(found.steps, (found.tensor,)),
        values=IntegerWeights(found.sources, found.layers),
    )  # fmt: skip


def workload_from_run(folder: Path | str) -> Workload:
    """Return the workload of a finished run of ``msq train``, by its model's name.

    A network that has no form in integers is taken by its name, at the sizes and bits of the run.

    Raises
    ------
    ValueError
        In one line: no such folder, no run in it, a run in float or unfinished, damaged files, or
        files of a newer program.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"{folder}: no such folder")
    config = folder / "config.toml"
    if not config.is_file():
        raise ValueError(f"{folder}: not a run folder (no config.toml)")
    settings = read_toml(config)
    version = settings.get("format", RUN_FORMAT)
    if isinstance(version, int) and version > RUN_FORMAT:
        raise ValueError(
            f"{config}: format = {version} is newer than this program's {RUN_FORMAT}; upgrade "
            "msq-ref"
        )
    if not isinstance(settings.get("model"), str):
        raise ValueError(f"{config}: model = {settings.get('model')!r}: expected a name")
    if settings.get("method") == "float":
        raise ValueError(
            f"{folder}: a run in float has no weight codes; train one with --method msq or dorefa"
        )
    file = folder / "integer.safetensors"
    if file.is_file():
        # It comes with compiled kernels, which nothing else here needs.
        from msq_ref.formats.integer_file import load_integer_network  # noqa: PLC0415

        return workload_of(load_integer_network(file), settings["model"])
    return _by_name(folder, config, settings)


def _by_name(folder: Path, config: Path, settings: dict[str, Any]) -> Workload:
    """Return the workload of a run whose network has no form in integers."""
    path = folder / "report.json"
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ValueError(
            f"{folder}: the run is not finished (no integer.safetensors, no report.json)"
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"{path}: cannot read it ({error})") from None
    bits = report.get("bits") if isinstance(report, dict) else None
    if not isinstance(bits, dict) or "not_in_integers" not in report:
        raise ValueError(f"{folder}: the run is not finished (no integer.safetensors)")
    try:
        model = known_name("model", settings["model"], network_names())
        sizes = {**_data_sizes(model, settings), **settings.get("sizes", {})}
        method = settings.get("method", "msq")
        signed = method == "msq" and settings.get("msq", {}).get("domain", "signed") == "signed"
        widths = settings.get("integer", {}).get("activation_bits", 8)
        domain: Literal["signed", "offset"] = "signed" if signed else "offset"
        whole = network_workload(model, in_bits=widths, domain=domain, **sizes)
        return whole.with_bits(bits)
    except (AttributeError, TypeError, ValueError) as error:
        raise ValueError(f"{config}: {error}") from None


def _data_sizes(model: str, settings: dict[str, Any]) -> dict[str, int]:
    """Return the sizes of a model that follow from the data of a run."""
    from msq_ref.formats.datasets import load_dataset  # noqa: PLC0415  (as the kernels)
    from msq_ref.models import size_names  # noqa: PLC0415

    data = load_dataset(settings.get("data", "digits"))
    height, width, _ = data.train.image_shape
    sizes = {"classes": data.classes}
    if height == width and "input_size" in size_names(model):
        sizes["input_size"] = height
    return sizes


@dataclass
class _Found:
    """What the steps of an integer network are, up to one of them."""

    shape: tuple[int, ...]
    bits: int
    tensor: str = "input"
    layers: list[Layer] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    sources: dict[str, WeightSource] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.steps.append(Step("input", INPUT, (), "input", prod(self.shape), self.bits))

    def take(self, step: Any) -> None:  # noqa: ANN401
        """Go through a step."""
        requantizer = getattr(step, "requantizer", None)
        if hasattr(step, "codes"):
            layer = layer_of(step, self.shape)
            self.layers.append(layer)
            self.sources[layer.name] = _source(step, layer)
            before, self.shape = self.shape, (*self.shape[:-1], layer.outputs)
            if layer.kind == "conv":
                self.shape = layer.out_height, layer.out_width, layer.outputs
            self.bits = layer.out_bits
            self._made(ARRAY, step.name, prod(before))
            if requantizer is not None:
                self._made(
                    "requantize", f"{step.name}.requantize", prod(self.shape),
                    OPERATIONS["requantize"],
                )  # fmt: skip
            return
        before, self.shape = self.shape, _behind(step, self.shape)
        if hasattr(step, "size"):
            taps = step.size**2 or prod(before[:2])
            kind = "average_pool" if hasattr(step, "requantizer") else "max_pool"
            self.bits = self.bits if requantizer is None else requantizer.bits
            self._made(kind, step.name, prod(before), taps + OPERATIONS[kind])

    def _made(self, kind: str, name: str, read: int, operations: int = 0) -> None:
        self.steps.append(
            Step(name, kind, ((self.tensor, read),), name, prod(self.shape), self.bits, operations)
        )
        self.tensor = name


def _source(product: Any, layer: Layer) -> WeightSource:  # noqa: ANN401
    codes = np.asarray(product.codes, np.int32).reshape(weight_shape(layer))
    if product.signs is None:
        return WeightSource(codes / np.float64(2**layer.bits - 1), codes, layer.bits)
    integers = codes * np.asarray(product.signs, np.int32).reshape(codes.shape)
    return WeightSource(integers.astype(np.float64), integers, layer.bits)


def _behind(step: Any, shape: tuple[int, ...]) -> tuple[int, ...]:  # noqa: ANN401
    """Return the shape behind a step without weights."""
    if hasattr(step, "size") and hasattr(step, "stride") and len(shape) == 3:
        if step.size == 0:  # over the whole image
            return shape[2:]
        rows, columns = ((length - step.size) // step.stride + 1 for length in shape[:2])
        if min(rows, columns) < 1:
            raise ValueError(f"step {step.name}: window of {step.size} over an input {shape}")
        return rows, columns, shape[2]
    if vars(step).keys() == {"name"}:  # flattening
        return (prod(shape),)
    raise ValueError(f"step {step.name}: {type(step).__name__} on {shape} is not understood")
