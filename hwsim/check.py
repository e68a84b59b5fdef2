"""The engine against the closed form and the definition, layer by layer on real activations."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwsim.accelerator import Accelerator
from hwsim.counts import Counts
from hwsim.engine import simulate_layer
from hwsim.skipping import closed_form_of_values
from hwsim.tiling import best_tiling
from hwsim.workload import layer_of
from msq_ref import reference

__all__ = ["LayerCheck", "check_network"]


@dataclass(frozen=True)
class LayerCheck:
    """A layer that ran on the engine.

    Attributes
    ----------
    name : str
    cycles_equal : bool
        For every image, each of the engine's counts equals the closed form's: compute and stall
        cycles, bytes, bits and operations [S10.3].
    outputs_equal : bool
        Every accumulator equals the definition's [S9.1].
    images, outputs : int
        Images that ran, and accumulators that were compared.
    engine : Counts
        Of the first image whose counts differ, or of the last.
    closed_form : Counts
        Of the same.
    """

    name: str
    cycles_equal: bool
    outputs_equal: bool
    images: int
    outputs: int
    engine: Counts
    closed_form: Counts


def check_network(
    network: Any,  # noqa: ANN401
    accelerator: Accelerator,
    images_codes: NDArray[Any],
) -> list[LayerCheck]:
    """Run every layer with weights on the engine, for some images.

    Parameters
    ----------
    network : IntegerNetwork
    accelerator : Accelerator
    images_codes : ndarray of int32, (batch, height, width, channels)
        Activation codes of images, as `IntegerNetwork.quantize_input` gives them.

    Returns
    -------
    list of LayerCheck
        In the order of the network.

    Raises
    ------
    ValueError
        If there is no image, or a layer's tiles do not fit the buffers.
    """
    if len(images_codes) == 0:
        raise ValueError(f"images_codes has shape {images_codes.shape}: expected an image")
    checks: dict[str, LayerCheck] = {}

    def accumulate(product: Any, x: NDArray[Any]) -> NDArray[np.int64]:  # noqa: ANN401
        expected = _definition(product, x)
        checks[product.name] = _check(product, accelerator, x, expected)
        return expected

    network.run(images_codes, accumulate)
    return list(checks.values())


def _check(
    product: Any,  # noqa: ANN401
    accelerator: Accelerator,
    x: NDArray[Any],
    expected: NDArray[np.int64],
) -> LayerCheck:
    layer = layer_of(product, x.shape[1:])
    tiling = best_tiling(layer, accelerator)
    weights = product.codes if product.signs is None else product.codes * product.signs
    known = [closed_form_of_values(layer, accelerator, tiling, weights, image) for image in x]
    check = LayerCheck(layer.name, True, True, len(x), expected.size, known[0], known[0])
    for image, right, counts in zip(x, expected, known, strict=True):
        result = simulate_layer(
            layer, accelerator, image, product.codes, product.signs, in_signed=product.in_signed
        )
        if check.cycles_equal:
            check = replace(
                check, engine=result.counts, closed_form=counts,
                cycles_equal=result.counts == counts,
            )
        if not np.array_equal(result.accumulators, right):
            check = replace(check, outputs_equal=False)
    return check


def _definition(product: Any, x: NDArray[Any]) -> NDArray[np.int64]:  # noqa: ANN401
    p = product
    if not p.is_conv:
        return reference.integer_linear(x, p.codes, p.bits, p.signs)
    return reference.integer_conv2d(x, p.codes, p.bits, p.stride, p.padding, p.groups, p.signs)
