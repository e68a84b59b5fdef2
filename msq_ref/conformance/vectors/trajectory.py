"""Ten steps of a tiny network with pruning, stage by stage [S4.3], [S6], [S12.1]."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from msq_ref.conformance.vectors.authors.points import floats, generator
from msq_ref.conformance.vectors.encoding import encode_all
from msq_ref.conformance.vectors.recorder import (
    Recorder,
    effective_of,
    layer_backward,
    layer_forward,
)
from msq_ref.conformance.vectors.tiny import Pass

__all__ = ["STEPS", "trajectories"]

STEPS = 10
"""Of each trajectory."""
LAYERS = ("W1", "W2")

SETTINGS: dict[str, dict[str, Any]] = {
    "offset": {"lambda": 0.02, "alpha": [0.7, 0.7], "target": 6.0, "n_min": 1},
    "signed": {"lambda": 0.02, "alpha": [0.7, 0.7], "target": 5.0, "n_min": 2},
}
SHARED: dict[str, Any] = {
    "steps": STEPS, "interval": 3, "bits": [8, 8], "lr": 0.125, "momentum": 0.9,
    "weight_decay": 5e-4,
}  # fmt: skip


class _Layer:
    """Latent weights, velocity, and the layer's present settings."""

    def __init__(self, w: NDArray[Any], domain: str, bits: int) -> None:
        self.w, self.velocity = w, np.zeros_like(w)
        self.domain, self.bits, self.k = domain, bits, 0
        self.scale = float(np.abs(w).max()) if domain == "signed" else 1.0
        self.found: dict[str, Any] = {}

    @property
    def code_bits(self) -> int:
        return self.bits - (self.domain == "signed")

    def setting(self, strength: float) -> dict[str, Any]:
        """Return what `layer_forward` and `layer_backward` want; no slice where lambda is 0."""
        return {
            "domain": self.domain, "bits": self.bits, "k": self.k if strength else 0,
            "scale": self.scale, "lambda": strength,
        }  # fmt: skip


class _Run:
    """The run of one domain."""

    def __init__(self, domain: str) -> None:
        rng = generator(f"trajectory {domain}")
        self.inputs = floats(rng, 20, "float64", 2.0).reshape(5, 4)
        self.labels = [0, 1, 2, 1, 0]
        weights = [floats(rng, 4 * n, "float64").reshape(4, n) for n in (4, 3)]
        self.settings = {**SHARED, **SETTINGS[domain]}
        self.layers = [
            _Layer(w, domain, bits) for w, bits in zip(weights, SHARED["bits"], strict=True)
        ]
        self.frozen = False
        self.definitions: dict[str, dict[str, str]] = {}
        self.given = {
            "domain": domain, "inputs": self.inputs, "labels": self.labels, "W1": weights[0],
            "W2": weights[1], "scale": [layer.scale for layer in self.layers], **self.settings,
        }  # fmt: skip

    def forward(self, record: Recorder, prefix: str) -> Pass:
        """Record effective weights and the pass through them."""
        strength = 0.0 if self.frozen else self.settings["lambda"]
        for name, layer in zip(LAYERS, self.layers, strict=True):
            label = f"{prefix}{name}."
            layer.found = layer_forward(record, label, layer.w, layer.setting(strength))
        effective = [layer.found["effective"] for layer in self.layers]
        return Pass(self.inputs, self.labels, effective)

    def step(self, number: int) -> list[dict[str, Any]]:
        """Record one step, and the round of pruning after it when one is due."""
        record = Recorder(self.definitions)
        strength = 0.0 if self.frozen else self.settings["lambda"]
        done = self.forward(record, "")
        record.note("hidden", "S11.1", "relu(inputs @ W1.effective)", done.hidden)
        record.note("logits", "S11.1", "hidden @ W2.effective", done.logits)
        record.note("loss", "S11.1", "batch mean of -log softmax(logits)[label]", done.loss)
        record.note("grad_logits", "S11.1", "(softmax(logits) - onehot) / batch", done.grad_logits)
        for name, grad in zip(LAYERS, done.gradients, strict=True):
            record.note(f"{name}.grad", "S11.1", f"d loss / d {name}.effective", grad)
        for name, layer, grad in zip(LAYERS, self.layers, done.gradients, strict=True):
            setting = layer.setting(strength)
            grad_w = layer_backward(record, f"{name}.", layer.w, grad, layer.found, setting)
            layer.w, layer.velocity = record.update(
                f"{name}.", layer.w, grad_w, layer.velocity, self.settings
            )
        if number % self.settings["interval"] == 0 and not self.frozen:
            self.prune(record)
        return record.stages

    def prune(self, record: Recorder) -> None:
        """Record a round [S6.1]: rates, new widths, the compression; then sensitivities and k."""
        betas = []
        for name, layer in zip(LAYERS, self.layers, strict=True):
            call = "normalize_signed" if layer.domain == "signed" else "normalize"
            u = record.call(f"{name}.u after the step", call, "S1", f"{call}(w)", w=layer.w)
            if not layer.k:  # no slice, so nothing that could be dropped
                betas.append(1.0)
                continue
            betas.append(
                record.call(
                    f"{name}.beta",
                    "lsb_nonzero_rate",
                    "S3.4",
                    "lsb_nonzero_rate(u, code_bits, k)",
                    u=u,
                    bits=layer.code_bits,
                    k=layer.k,
                )
            )
        sizes = [layer.w.size for layer in self.layers]
        bits = record.call(
            "bits", "prune_step", "S6.1 S6.2",
            "prune_step(bits, betas, ks, sizes, alpha, target, n_min)",
            bits=[layer.bits for layer in self.layers], betas=betas,
            ks=[layer.k for layer in self.layers], sizes=sizes,
            **{key: self.settings[key] for key in ("alpha", "target", "n_min")},
        )  # fmt: skip
        for layer, n in zip(self.layers, bits, strict=True):
            layer.bits = n
        reached = record.call(
            "compression", "compression", "S6.3", "compression(sizes, bits)", sizes=sizes, bits=bits
        )
        self.frozen = reached >= self.settings["target"]
        if not self.frozen:
            self.assign(record)

    def assign(self, record: Recorder) -> None:
        """Record traces, sensitivities and k at the present widths [S5.5], [S5.6], [S6.1]."""
        done = self.forward(record, "pruned.")
        omegas = []
        for name, layer, trace in zip(LAYERS, self.layers, done.traces, strict=True):
            record.note(f"{name}.trace", "S5.1", f"trace of the Hessian in {name}.effective", trace)
            omegas.append(
                record.call(
                    f"{name}.omega",
                    "sensitivity",
                    "S5.5",
                    "sensitivity(trace, of q, of u)",
                    trace=trace,
                    quantized=layer.found["effective"],
                    weights=effective_of(layer.found["u"], layer.found["signs"], layer.scale),
                )
            )
        ks = record.call("k", "assign_k", "S5.6", "assign_k(omegas)", omegas=omegas)
        capped = []
        for layer, k in zip(self.layers, ks, strict=True):
            room = min(layer.bits - self.settings["n_min"], layer.code_bits - 1)
            layer.k = max(min(k, room), 0)
            capped.append(layer.k)
        record.note("k, capped", "S6.1", "so that n - k >= n_min and 1 <= k < code_bits", capped)


def trajectories() -> list[dict[str, Any]]:
    """Return the runs of both domains, without ids."""
    return [_trajectory(domain) for domain in SETTINGS]


def _trajectory(domain: str) -> dict[str, Any]:
    run = _Run(domain)
    before = Recorder(run.definitions)
    run.assign(before)
    steps = [{"name": "before training", "stages": before.stages}]
    for number in range(1, STEPS + 1):
        steps.append({"name": f"step {number}", "stages": run.step(number)})
    return {
        "comment": f"{STEPS} steps in the {domain} domain, a round of pruning every "
        f"{SHARED['interval']} until the target is reached, then lambda is 0",
        "domain": domain,
        "clauses": ["S4.3", "S6.1", "S6.2", "S12.1"],
        "given": encode_all(run.given),
        "definitions": run.definitions,
        "steps": steps,
    }
