"""What the demo checks after the fact: the exact parts, on the networks it has just trained."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

import hwsim
from hwsim.check import check_network
from msq_ref import kernels, reference
from msq_ref.cli.demo_report import Finished
from msq_ref.cli.job import Job, load_trained
from msq_ref.formats.integer_file import load_integer_network

__all__ = ["run_checks"]

ENGINE_IMAGES = 2
"""Test images on which the engine's outputs are compared, layer by layer."""


def run_checks(finished: Mapping[str, Finished], machine: hwsim.Accelerator) -> dict[str, bool]:
    """Do again what could have gone wrong; each name says what holds if it is true."""
    quantized = [run.figures for run in finished.values() if run.costs is not None]
    msq = finished["msq"]
    job = load_trained(msq.folder)
    network = load_integer_network(msq.folder.integer)
    codes = network.quantize_input(job.data.test.images[:ENGINE_IMAGES])
    layers = check_network(network, machine, codes)
    return {
        "compression_reached": msq.figures["compression"] >= job.config.msq.target,
        "twins_equal_definitions": _twins_agree(job),
        "packed_planes_equal_definition": all(f["packed_equals_definition"] for f in quantized),
        "integer_differences_explained": all(
            step["unexplained"] == 0 for f in quantized for step in f["integer_steps"]
        ),
        "integer_accuracy_kept": all(
            f["integer_accuracy"] >= f["accuracy"] - 0.01 for f in quantized
        ),
        "engine_cycles_equal_closed_form": all(layer.cycles_equal for layer in layers),
        "engine_outputs_equal_integer_network": all(layer.outputs_equal for layer in layers),
    }


def _twins_agree(job: Job) -> bool:
    """Compare every exact operation of training on the trained weights, definition and twin."""
    agree = True
    for weight in job.method.weights.values():
        u = weight.domain.unit(weight.latent, reference)
        for k in range(1, weight.code_bits):
            one, two = (b.sliced(u, weight.code_bits, k) for b in (reference, kernels))
            agree &= one.l1_codes == two.l1_codes and one.nonzero == two.nonzero
            agree &= np.array_equal(one.q, two.q) and np.array_equal(one.lsb_grad, two.lsb_grad)
        one, two = (b.roundclamp(u, weight.code_bits) for b in (reference, kernels))
        agree &= np.array_equal(one, two)
    return bool(agree)
