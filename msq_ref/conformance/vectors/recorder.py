"""Stages of a training step: a name, where it comes from, and its value to the bit."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref.conformance.vectors.encoding import Store, encode
from msq_ref.conformance.vectors.exact import exactly
from msq_ref.conformance.vectors.exact.answer import array, numbers
from msq_ref.conformance.vectors.exact.ieee import add, multiply, rounded
from msq_ref.contract import BITEXACT, operation

__all__ = ["Recorder", "effective_of", "layer_backward",
           "layer_forward"]  # fmt: skip

GIVEN_BY_FORMULA = "each operation rounded in the dtype of w"
"""Exactness of stages that are no operation of the contract."""


class Recorder:
    """Stages in the order in which they are computed; the first that differs is the culprit.

    Parameters
    ----------
    definitions : dict of str to dict, optional
        What each stage is, by name; recorders of one run share it.

    Attributes
    ----------
    stages : list of dict
        Names and values.
    """

    def __init__(self, definitions: dict[str, dict[str, str]] | None = None) -> None:
        self.definitions = {} if definitions is None else definitions
        self.stages: list[dict[str, Any]] = []

    def call(self, label: str, name: str, clause: str, source: str, **arguments: Any) -> Any:
        """Call an operation of the contract in exact arithmetic and record its result."""
        value = exactly(name, arguments).value
        self.note(label, clause, source, value, operation(name).exactness)
        return value

    def note(
        self, label: str, clause: str, source: str, value: Any, exactness: str = GIVEN_BY_FORMULA
    ) -> Any:
        """Record a value that was computed elsewhere."""
        self.definitions[label] = {"clause": clause, "formula": source, "exactness": exactness}
        self.stages.append({"name": label, "value": encode(value, Store())})
        return value

    def update(
        self, prefix: str, w: NDArray[Any], grad_w: NDArray[Any], velocity: NDArray[Any],
        rates: Mapping[str, Any],
    ) -> tuple[NDArray[Any], NDArray[Any]]:  # fmt: skip
        """Record the update; return the next weights and velocity [S12.1]."""
        names = ("lr", "momentum", "weight_decay")
        arguments = {name: rates[name] for name in names}
        answer = exactly(
            "sgd_step", {"w": w, "grad": grad_w, "velocity": velocity, **arguments}
        ).value
        source = f"sgd_step(w, grad_w, velocity, {', '.join(names)})"
        for label, value in zip(("next_w", "next_velocity"), answer, strict=True):
            self.note(f"{prefix}{label}", "S12.1", source, value, BITEXACT)
        return answer[0], answer[1]


def layer_forward(
    record: Recorder, prefix: str, w: NDArray[Any], setting: Mapping[str, Any]
) -> dict[str, Any]:
    """Record the way from latent to effective weights, and the slice.

    Parameters
    ----------
    record : Recorder
    prefix : str
        Of the stages' names.
    w : ndarray
        Latent weights.
    setting : mapping
        ``domain``, ``bits`` (the sign included), ``k`` (0: not regularized) and ``scale``.

    Returns
    -------
    dict
        ``u``, ``signs`` (None in the offset domain), ``codes``, ``effective`` and, if k > 0,
        ``lsb_grad`` and ``l1``.
    """
    signed = setting["domain"] == "signed"
    bits, k, name = setting["bits"] - signed, setting["k"], w.dtype.name
    if signed:
        u = record.call(f"{prefix}u", "normalize_signed", "S1.4", "normalize_signed(w)", w=w)
        signs = np.array([(v > 0) - (v < 0) for v in numbers(w)], np.int8).reshape(w.shape)
        record.note(f"{prefix}signs", "S1.4", "sign(w), sign(0) = 0", signs, BITEXACT)
    else:
        u = record.call(f"{prefix}u", "normalize", "S1.1", "normalize(w)", w=w)
        signs = None
    found: dict[str, Any] = {"u": u, "signs": signs}
    found["codes"] = record.call(
        f"{prefix}codes", "roundclamp", "S2.1", "roundclamp(u, code_bits)", u=u, bits=bits
    )
    if k:
        sliced = {"u": u, "bits": bits, "k": k}
        for label, call, clause in (
            ("lsb", "lsb", "S3.1"), ("l1", "lsb_l1", "S4.1"), ("lsb_grad", "lsb_l1_grad", "S4.2"),
        ):  # fmt: skip
            source = f"{call}(u, code_bits, k)"
            found[label] = record.call(f"{prefix}{label}", call, clause, source, **sliced)
    q = record.call(
        f"{prefix}q", "dequantize", "S2.3", "dequantize(codes, code_bits, dtype of w)",
        codes=found["codes"], bits=bits, dtype=name,
    )  # fmt: skip
    found["effective"] = _effective(record, f"{prefix}effective", q, signs, setting["scale"])
    return found


def effective_of(u: NDArray[Any], signs: Any, scale: float) -> NDArray[Any]:
    """Return the effective weights of any numbers in the unit interval."""
    return np.asarray(_effective(Recorder(), "", u, signs, scale))


def _effective(record: Recorder, label: str, q: Any, signs: Any, scale: float) -> Any:
    if signs is None:
        return record.call(label, "effective", "S1.2", "effective(q, scale)", q=q, scale=scale)
    source = "effective_signed(q, signs, scale)"
    return record.call(label, "effective_signed", "S1.4", source, q=q, signs=signs, scale=scale)


def layer_backward(
    record: Recorder, prefix: str, w: NDArray[Any], grad: NDArray[Any],
    found: Mapping[str, Any], setting: Mapping[str, Any],
) -> NDArray[Any]:  # fmt: skip
    """Record the way of a gradient from the effective to the latent weights.

    Parameters
    ----------
    grad : ndarray
        Of the loss with respect to the effective weights.
    found : mapping
        What `layer_forward` returned.
    setting : mapping
        As there, and ``lambda``.
    """
    name = w.dtype.name
    signed = found["signs"] is not None
    scale = rounded(Fraction(setting["scale"]), name)
    factors = [scale * sign for sign in numbers(found["signs"])] if signed else [2 * scale] * w.size
    grad_q = [
        multiply(g, float(factor), name) for g, factor in zip(numbers(grad), factors, strict=True)
    ]
    record.note(
        f"{prefix}grad_q", "S1.4" if signed else "S1.2",
        "grad * sign(w) * scale" if signed else "grad * (2 * scale)", array(grad_q, name, w.shape),
    )  # fmt: skip
    grad_u = grad_q
    if "lsb_grad" in found and setting["lambda"]:
        strength = rounded(Fraction(setting["lambda"]), name)
        pulls = [multiply(strength, sign, name) for sign in numbers(found["lsb_grad"])]
        grad_u = [add(g, pull, name) for g, pull in zip(grad_q, pulls, strict=True)]
    record.note(
        f"{prefix}grad_u", "S2.4 S4.3", "grad_q + lambda * lsb_grad", array(grad_u, name, w.shape)
    )
    call = "normalize_signed_backward" if signed else "normalize_backward"
    return np.asarray(
        record.call(
            f"{prefix}grad_w",
            call,
            "S1.4" if signed else "S1.3",
            f"{call}(grad_u, w)",
            grad_u=array(grad_u, name, w.shape),
            w=w,
        )
    )
