"""What a run has to show: accuracy, compression, bits, memory."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msq_ref.training.loop import Trainer, accuracy_on

if TYPE_CHECKING:
    from msq_ref.cli.job import Job

__all__ = ["run_figures"]


def run_figures(job: Job, trainer: Trainer) -> dict[str, Any]:
    """Return the figures of a run that has been trained, as plain JSON values."""
    method, test = job.method, job.data.test
    method.quantize()
    bits = method.bits()
    sizes = {
        name: layer.parameters["weight"].size
        for name, layer in job.network.quantized_layers().items()
    }
    weights = sum(sizes.values())
    others = sum(value.size for value in job.network.parameters().values()) - weights
    stored = sum(bits[name] * sizes[name] for name in sizes)
    signs = method.sign_bits()
    return {
        "method": job.config.method,
        "seed": job.config.seed,
        "epochs": trainer.epoch,
        "accuracy": accuracy_on(job.network, test),
        "validation_accuracy": trainer.rows[-1]["accuracy"] if trainer.rows else None,
        "init_sha256": file_sha256(job.config.init) if job.config.init else None,
        "peak_bytes": trainer.peak_bytes,
        "test_images": len(test),
        "compression": float(method.compression()),
        "average_bits": float(method.average_bits()),
        # [S6.5] some papers do not count the sign; [S6.3] some parameters stay in float.
        "average_bits_without_sign": float(method.average_bits()) - signs,
        "compression_with_float_parameters": 32 * (weights + others) / (stored + 32 * others),
        "bits": bits,
        "weights": sizes,
        "float_parameters": int(others),
    }


def file_sha256(path: Path | str) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
