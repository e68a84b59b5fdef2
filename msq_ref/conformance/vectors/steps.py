"""One training step in both domains, and ten in a row, every intermediate recorded [S12.1]."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msq_ref.conformance.vectors.authors.points import DTYPES, floats, generator
from msq_ref.conformance.vectors.encoding import encode_all
from msq_ref.conformance.vectors.ledger import Ledger
from msq_ref.conformance.vectors.recorder import Recorder, layer_backward, layer_forward
from msq_ref.conformance.vectors.trajectory import trajectories
from msq_ref.contract import SPEC_VERSION

__all__ = ["step_documents"]

RATES = {"lr": 0.1, "momentum": 0.9, "weight_decay": 5e-4}

SETTINGS: tuple[tuple[str, int, int, float, float], ...] = (
    ("offset", 8, 1, 1.0, 1e-3),
    ("offset", 4, 2, 1.0, 0.05),
    ("offset", 3, 1, 0.7615941559557649, 0.01),
    ("signed", 8, 1, 1.5, 1e-3),
    ("signed", 4, 2, 1.5, 0.05),
    ("signed", 2, 0, 1.5, 0.01),
)
"""Domain, bits with the sign, k (0: none is legal), scale, lambda."""


def step_documents(ledger: Ledger) -> dict[str, dict[str, Any]]:
    """Return the files of several operations together, by name."""
    step = (
        "One training step of one layer: from latent weights w, the gradient grad of the loss with "
        "respect to the effective weights, and the velocity, to the next weights. code_bits is "
        "bits in the offset domain and bits - 1 in the signed one. Every stage is computed from "
        "the frozen stages before it, so each can be checked by itself, to its exactness."
    )
    run = (
        "Ten steps of logits = relu(inputs W1) W2 under cross-entropy on one batch, float64, W1 "
        "and W2 quantized, with pruning every `interval` steps. Matrix products add their terms "
        "in index order; another order differs by a relative 1e-10 at most after ten steps, and "
        "no code, k or width changes by it. The first stage that differs by more is the fault."
    )
    return {
        "training_step.json": _document("training_step", step, training_steps(), ledger),
        "trajectory.json": _document("trajectory", run, trajectories(), ledger),
    }


def training_steps() -> list[dict[str, Any]]:
    """Return the steps, without ids: both domains, both dtypes, with ties of the maximum."""
    rng = generator("training step")
    steps = []
    for domain, bits, k, scale, strength in SETTINGS:
        for maxima, dtype in enumerate(DTYPES, start=1):
            w = floats(rng, 10, dtype)
            w[3], w[7] = -1.5, 1.5 if maxima == 2 else w[7]
            w[5] = 0.0
            grad, velocity = floats(rng, 10, dtype, 0.25), floats(rng, 10, dtype, 0.25)
            setting = {"domain": domain, "bits": bits, "k": k, "scale": scale, "lambda": strength}
            steps.append(
                {
                    "comment": f"{domain}, {bits} bits, k = {k}, {dtype}, {maxima} at the maximum",
                    "domain": domain,
                    "clauses": ["S1.4" if domain == "signed" else "S1.3", "S4.3", "S12.1"],
                    "given": {
                        **encode_all({"w": w, "grad": grad, "velocity": velocity}),
                        **encode_all({**setting, **RATES}),
                    },
                    **_stages(setting, w, grad, velocity),
                }
            )
    return steps


def _stages(setting: Mapping[str, Any], w: Any, grad: Any, velocity: Any) -> dict[str, Any]:
    record = Recorder()
    found = layer_forward(record, "", w, setting)
    grad_w = layer_backward(record, "", w, grad, found, setting)
    record.update("", w, grad_w, velocity, RATES)
    return {"definitions": record.definitions, "stages": record.stages}


def _document(
    name: str, description: str, cases: list[dict[str, Any]], ledger: Ledger
) -> dict[str, Any]:
    numbered = [{"id": ledger.give(name, case), **case} for case in cases]
    return {
        "format": 1,
        "spec_version": SPEC_VERSION,
        "name": name,
        "description": description,
        "cases": sorted(numbered, key=lambda case: case["id"]),
    }
