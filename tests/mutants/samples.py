"""A legal call of every operation, by argument name; elementwise ones in any shape."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from msq_ref import reference
from msq_ref.contract import OPERATIONS, operation
from tests.mutants.registry import Call

Given = dict[str, Any]
SHAPE = (3, 5)


def ramp(shape: tuple[int, ...], low: float, high: float) -> np.ndarray:
    """Distinct values in no symmetric order, float32."""
    size = int(np.prod(shape))
    order = (np.arange(size) * 7 + 3) % size if size % 7 else np.arange(size)
    return (low + (high - low) * (order + 1) / (size + 1.37)).astype(np.float32).reshape(shape)


def _codes(shape: tuple[int, ...], count: int = 15) -> np.ndarray:
    return (np.arange(int(np.prod(shape))) * 7 % count + 1).astype(np.int32).reshape(shape)


def _signs(shape: tuple[int, ...]) -> np.ndarray:
    return np.where(np.arange(int(np.prod(shape))) % 4 == 1, -1, 1).astype(np.int32).reshape(shape)


def _bits(shape: tuple[int, ...]) -> np.ndarray:
    return (np.arange(int(np.prod(shape))) * 5 % 7 % 2).astype(np.uint8).reshape(shape)


def _slice(shape: tuple[int, ...]) -> Given:
    return {"u": ramp(shape, 0, 1), "bits": 6, "k": 2}


def _backward(shape: tuple[int, ...]) -> Given:
    return {"grad_u": ramp(shape, -1, 2), "w": ramp(shape, -2, 1)}


ELEMENTWISE: dict[str, Callable[[tuple[int, ...]], Given]] = {
    "normalize": lambda s: {"w": ramp(s, -2, 1)},
    "normalize_signed": lambda s: {"w": ramp(s, -2, 1)},
    "normalize_backward": _backward,
    "normalize_signed_backward": _backward,
    "roundclamp": lambda s: {"u": ramp(s, 0, 1), "bits": 4},
    "dorefa": lambda s: {"u": ramp(s, 0, 1), "bits": 4},
    "dequantize": lambda s: {"codes": _codes(s), "bits": 4},
    "effective": lambda s: {"q": ramp(s, 0, 1), "scale": 0.7},
    "effective_signed": lambda s: {"q": ramp(s, 0, 1), "signs": _signs(s), "scale": 0.7},
    "lsb": _slice,
    "lsb_l1_grad": _slice,
    "bit_planes": lambda s: {"codes": _codes(s), "bits": 4},
    "from_bit_planes": lambda s: {"planes": _bits((3, *s))},
    "activation_codes": lambda s: {"x": ramp(s, -1, 9), "scale": 0.7, "bits": 4, "signed": False},
    "integer_weights": lambda s: {"codes": _codes(s), "bits": 4},
    "requantize": lambda s: {
        "acc": np.asarray(40 * _codes(s) - 200),
        "multiplier": 2**30 + 12345, "shift": 33, "zero_point": 3, "bits": 6, "signed": True,
    },
    "sgd_step": lambda s: {
        "w": ramp(s, -2, 1), "grad": ramp(s, -1, 2), "velocity": ramp(s, -1, 1),
        "lr": 0.1, "momentum": 0.9, "weight_decay": 0.01,
    },
}  # fmt: skip
"""Operations whose result has the shape of their arrays (planes: behind the first axis)."""

REDUCTIONS: dict[str, Callable[[tuple[int, ...]], Given]] = {
    "lsb_l1": _slice,
    "lsb_l1_codes": _slice,
    "lsb_nonzero_rate": _slice,
    "sensitivity": lambda s: {
        "trace": 1.5, "quantized": ramp(s, -1, 1), "weights": ramp(s[::-1], -2, 2).reshape(s),
    },
}  # fmt: skip

OTHERS: dict[str, Given] = {
    "assign_k": {"omegas": [1.0, 2.0, 4.0]},
    "prune_step": {
        "bits": [8, 6, 5], "betas": [0.1, 0.5, 0.2], "ks": [1, 2, 1], "sizes": [10, 20, 30],
        "alpha": 0.3, "target": 9.0, "n_min": 2,
    },
    "compression": {"sizes": [10, 20, 30], "bits": [8, 6, 5]},
    "integer_linear": {"x": _codes(SHAPE) - 7, "codes": _codes((5, 4)), "bits": 4},
    "integer_conv2d": {"x": _codes((2, 4, 5, 3)) - 7, "codes": _codes((2, 3, 3, 3)), "bits": 4},
    "bitserial_linear": {"x": _codes(SHAPE) - 7, "planes": _bits((3, 5, 4))},
}  # fmt: skip

SAMPLES: dict[str, Given] = {
    **{name: make(SHAPE) for name, make in (ELEMENTWISE | REDUCTIONS).items()},
    **OTHERS,
}
assert set(SAMPLES) == {entry.name for entry in OPERATIONS}

SIGNED = ("integer_weights", "integer_linear", "integer_conv2d")


def with_signs(name: str) -> Given:
    """The sample of an operation that takes signs, with them."""
    given = SAMPLES[name]
    return {**given, "bits": 5, "signs": _signs(given["codes"].shape)}


def with_channels() -> Given:
    """A requantization with everything per channel."""
    five = np.arange(5)
    return {**SAMPLES["requantize"], "multiplier": 2**30 + 2**27 * five, "shift": 31 + five // 2,
            "zero_point": five - 2}  # fmt: skip


def call(name: str, given: Given, lay: Callable[[Any], Any] = np.array) -> Call:
    required = operation(name).required
    optional = {key: value for key, value in given.items() if key not in required}
    return Call(tuple(given[argument] for argument in required), optional, lay)


def names(name: str) -> list[str]:
    """Names of an operation's arguments, in order."""
    return [argument.partition("=")[0] for argument in operation(name).arguments]


def arrays(given: Given) -> list[str]:
    return [argument for argument, value in given.items() if isinstance(value, np.ndarray)]


def altered(name: str, change: Callable[[Given], None]) -> Callable[..., Any]:
    """The definition, called with arguments that were changed on the way to it."""
    right = getattr(reference, name)

    def wrong(*required: Any, **optional: Any) -> Any:
        given = dict(zip(names(name), required, strict=False)) | optional
        change(given)
        return right(**given)

    return wrong


def laid(witness: Call, lay: Callable[[Any], Any]) -> Call:
    return replace(witness, lay=lay)
