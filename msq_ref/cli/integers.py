"""The integer part of a run: lower it, test it, and count what differs from float."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from msq_ref.integer import (
    FakeQuantized,
    IntegerNetwork,
    WeightCodes,
    by_definition,
    calibrate,
    compare,
    from_packed_planes,
    lower,
)
from msq_ref.nn import Network

if TYPE_CHECKING:
    from msq_ref.cli.job import Job

__all__ = ["integer_figures", "lower_run", "no_integer_form", "weight_codes"]


def no_integer_form(network: Network) -> str:
    """Return why a network cannot be lowered to integers, ``""`` if nothing speaks against it."""
    blocks = [name for name, layer in network.layers.items() if layer.parts]
    return f"blocks such as {blocks[0]} have no integer form yet" if blocks else ""


def weight_codes(job: Job) -> dict[str, WeightCodes]:
    """Return the codes of every quantized layer as they are now."""
    return {
        name: WeightCodes(weight.codes(), weight.signs(), weight.bits, weight.scale)
        for name, weight in job.method.weights.items()
    }


def lower_run(job: Job) -> IntegerNetwork:
    """Lower a trained network, its activations calibrated on the training images."""
    settings = job.config.integer
    job.method.quantize()
    ranges = calibrate(job.network, job.data.train.images, settings.percentile)
    return lower(
        job.network, weight_codes(job), ranges, job.data.train.image_shape,
        settings.activation_bits,
    )  # fmt: skip


def integer_figures(job: Job, network: IntegerNetwork) -> dict[str, Any]:
    """Run the test images in integers and compare with the fake-quantized float network."""
    test = job.data.test
    codes = network.quantize_input(test.images)
    fake = FakeQuantized(job.network, weight_codes(job), network)
    logits = network.run(codes, from_packed_planes)
    chosen, expected = logits.argmax(axis=1), fake.run(codes).argmax(axis=1)
    steps = compare(fake, codes)
    return {
        "integer_accuracy": float((chosen == test.labels).mean()),
        "fake_quantized_accuracy": float((expected == test.labels).mean()),
        "agreement": float((chosen == expected).mean()),
        "packed_equals_definition": bool(np.array_equal(logits, network.run(codes, by_definition))),
        "integer_steps": [
            {
                "name": step.name,
                "outputs": step.outputs,
                "differing": step.differing,
                "unexplained": step.unexplained,
            }
            for step in steps
        ],
    }
