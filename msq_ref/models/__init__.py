"""Networks by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from msq_ref import checks, reference
from msq_ref.models.published import NameTable, fitting_state, read_safetensors
from msq_ref.models.torch_file import TORCH_SUFFIXES, read_torch
from msq_ref.models.zeros import Zeros
from msq_ref.names import known_name
from msq_ref.nn import Network

__all__ = [
    "build", "input_shape", "load", "names", "outline", "parameter_count", "size_names"
]


class _Model(NamedTuple):
    """A network of the list: ``msq_ref.models.MODULE.BUILDER``, imported when it is asked for.

    The builder takes `seed`, `dtype`, `backend` and the sizes by keyword; one called `input_size`
    is the height and width of the images. The module may have ``TORCH_NAMES``, the table for
    published files.
    """

    module: str
    builder: str
    shape: tuple[int, int, int]
    fixed: Mapping[str, Any] = {}
    """Arguments that the name stands for; no sizes of the user's."""


_MODELS = {
    "digits-cnn": _Model("digits_cnn", "digits_cnn", (8, 8, 1)),
    "resnet20": _Model("resnet_cifar", "resnet_cifar", (32, 32, 3), {"depth": 20}),
    "resnet32": _Model("resnet_cifar", "resnet_cifar", (32, 32, 3), {"depth": 32}),
    "resnet56": _Model("resnet_cifar", "resnet_cifar", (32, 32, 3), {"depth": 56}),
    "resnet18": _Model("resnet", "resnet", (224, 224, 3), {"depth": 18}),
    "resnet50": _Model("resnet", "resnet", (224, 224, 3), {"depth": 50}),
    "mobilenetv3-large": _Model(
        "mobilenetv3", "mobilenetv3", (224, 224, 3), {"variant": "large"}
    ),
    "mobilenetv3-small": _Model(
        "mobilenetv3", "mobilenetv3", (224, 224, 3), {"variant": "small"}
    ),
    "efficientnet-lite0": _Model("efficientnet_lite", "efficientnet_lite", (224, 224, 3)),
    "deit-ti": _Model("deit", "deit_ti", (224, 224, 3)),
    "deit-s": _Model("deit", "deit_s", (224, 224, 3)),
    "swin-t": _Model("swin", "swin", (224, 224, 3)),
}
_NOT_SIZES = {"seed", "dtype", "backend"}


def names() -> list[str]:
    """Return the names `build` knows."""
    return list(_MODELS)


def build(
    name: str,
    *,
    seed: int = 0,
    dtype: DTypeLike = np.float32,
    backend: ModuleType = reference,
    **sizes: Any,  # noqa: ANN401
) -> Network:
    """Build a network with fresh weights.

    Parameters
    ----------
    name : str
    seed : int
        Of the weights, not negative.
    dtype : float32 or float64
    backend : module
        Where the layers' operations come from.
    sizes
        Sizes of the model, such as ``width``, ``classes`` or ``input_size``.

    Returns
    -------
    Network
        Takes images of `input_shape` only.

    Raises
    ------
    TypeError
        If `dtype` is another.
    ValueError
        If the name or a size is unknown, and the error lists the known ones; if a size or the
        seed is out of range.
    """
    return _built(name, checks.integer("seed", seed, 0), dtype, backend, sizes)


def outline(
    name: str, *, backend: ModuleType = reference, **sizes: Any  # noqa: ANN401
) -> Network:
    """Build a network with weights of zero, in float32: at once, for who asks for sizes only.

    Parameters, result and errors are those of `build`.
    """
    return _built(name, Zeros(), np.float32, backend, sizes)


def input_shape(name: str, **sizes: Any) -> tuple[int, int, int]:  # noqa: ANN401
    """Return the shape of one image, (height, width, channels); sizes and errors as in `build`."""
    known = size_names(name)
    for size in sizes:
        known_name("size", size, known)
    shape = _MODELS[name].shape
    if "input_size" not in sizes:
        return shape
    length = checks.integer("input_size", sizes["input_size"], 1)
    return length, length, shape[2]


def size_names(name: str) -> list[str]:
    """Return the names of the sizes that `build` takes for a model."""
    known_name("model", name, names())
    taken = [*_NOT_SIZES, *_MODELS[name].fixed]
    return [size for size in inspect.signature(_builder(name)).parameters if size not in taken]


def parameter_count(name: str, **sizes: Any) -> int:  # noqa: ANN401
    """Return the number of trainable parameters; sizes and errors as in `build`."""
    return sum(value.size for value in build(name, **sizes).parameters().values())


def load(name: str, file: Path | str, **options: Any) -> Network:  # noqa: ANN401
    """Build a network with the parameters and buffers of a file.

    Parameters
    ----------
    name : str
    file : path
        Safetensors; if called ``.pth`` or ``.pt``, a ``state_dict`` as ``torch.save`` writes it,
        of which nothing is run. Arrays under our names, ``layer.parameter``, or as published:
        under PyTorch's names and in its layouts. Floats of another precision are converted to
        the network's.
    options
        As in `build`.

    Returns
    -------
    Network
        Without effective weights: those of a run come from its method.

    Raises
    ------
    ValueError
        If the file cannot be read, or does not fit: the error lists every mismatch, of hundreds
        the first ten of a kind and their number.
    """
    network = build(name, **options)
    tensors = read_torch(file) if Path(file).suffix in TORCH_SUFFIXES else read_safetensors(file)
    try:
        network.load_state(fitting_state(network, tensors, _table(name)))
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from None
    return network


def _built(
    name: str,
    seed: int | np.random.Generator,
    dtype: DTypeLike,
    backend: ModuleType,
    sizes: Mapping[str, Any],
) -> Network:
    image = input_shape(name, **sizes)
    network: Network = _builder(name)(
        seed=seed,
        dtype=checks.float_dtype("dtype", dtype),
        backend=backend,
        **_MODELS[name].fixed,
        **sizes,
    )
    network.image = image
    return network


def _module(name: str) -> ModuleType:
    return import_module(f"{__name__}.{_MODELS[name].module}")


def _builder(name: str) -> Callable[..., Network]:
    builder: Callable[..., Network] = getattr(_module(name), _MODELS[name].builder)
    return builder


def _table(name: str) -> NameTable:
    table: NameTable = getattr(_module(name), "TORCH_NAMES", ())
    return table
