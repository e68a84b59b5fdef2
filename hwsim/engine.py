"""The array cycle by cycle: what happens is counted, and the real outputs come out [S10.3].

Nothing here is shared with the closed form or with msq_ref's kernels but the layer, the
accelerator and the tiling. `hwsim.machine` is the compiled machine; this file feeds it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwsim import machine
from hwsim.accelerator import Accelerator, load_accelerator
from hwsim.counts import Counts
from hwsim.faults import FAULTS
from hwsim.layer import DEFAULT_BITS, Layer
from hwsim.machine_array import array_state
from hwsim.machine_setup import setup_of
from hwsim.places import DRAM_S, DRAM_W
from hwsim.tiling import Tiling, best_tiling, legal
from hwsim.workload import layer_of

__all__ = ["EngineAccumulate", "EngineResult", "compile_engine", "simulate_layer"]


@dataclass(frozen=True)
class EngineResult:
    """What the engine computed and counted.

    Attributes
    ----------
    accumulators : ndarray of int64
        ``sum x v`` with the integer weights v [S9.1], before bias and requantization; (rows,
        columns, outputs) of a convolution, (..., outputs) of a linear layer.
    counts : Counts
    """

    accumulators: NDArray[np.int64]
    counts: Counts


def simulate_layer(
    layer: Layer,
    accelerator: Accelerator,
    x: NDArray[Any],
    codes: NDArray[Any],
    signs: NDArray[Any] | None = None,
    *,
    in_signed: bool = False,
    tiling: Tiling | None = None,
) -> EngineResult:
    """Run a layer on one input, cycle by cycle.

    Parameters
    ----------
    layer : Layer
    accelerator : Accelerator
    x : ndarray of integers
        Activation codes of one image, (height, width, channels), or (..., features) for a linear
        layer, with as many positions as the layer has.
    codes : ndarray of integers
        Weight codes, HWIO, or (features, outputs) for a linear layer and for attention, outputs
        of all groups side by side; of n bits in the offset domain, of n - 1 bits in the signed
        domain.
    signs : ndarray of integers, optional
        -1, 0 or 1; given in the signed domain only.
    in_signed : bool
        The activations are two's complement.
    tiling : Tiling, optional
        In place of the best one.

    Returns
    -------
    EngineResult

    Raises
    ------
    TypeError
        If an array does not hold integers.
    ValueError
        If a shape or a value does not fit the layer, or no tiling, or not the one that was given,
        fits the accelerator.
    RuntimeError
        If the machine touched what its buffers do not hold: a fault of the simulator.

    Notes
    -----
    [S10.3], ``bitexact``: the accumulators equal `integer_conv2d` and `integer_linear`.
    """
    images = _inputs(layer, x, in_signed)
    weights = _weights(layer, codes, signs)
    cut = tiling or best_tiling(layer, accelerator)
    legal(layer, accelerator, cut)
    setup = setup_of(layer, accelerator, cut, in_signed)
    outputs = np.zeros((layer.P, layer.outputs), np.int64)
    written = np.zeros_like(outputs)
    counters = np.zeros(len(fields(Counts)), np.int64)
    array = array_state(setup.array)
    fault = machine.run(setup, array, images, weights, outputs, written, counters)
    if fault:
        raise RuntimeError(f"layer {layer.name}: {FAULTS[fault]}")
    if (written != 1).any():
        raise RuntimeError(f"layer {layer.name}: an output was not written exactly once")
    counters[DRAM_W : DRAM_S + 1] //= 8  # the machine counts bits
    shape = (layer.out_height, layer.out_width) if layer.kind == "conv" else np.shape(x)[:-1]
    return EngineResult(
        outputs.reshape(*shape, layer.outputs), Counts(*(int(count) for count in counters))
    )


class EngineAccumulate:
    """The engine in place of a product's arithmetic, for `IntegerNetwork.run` and `trace`.

    Attributes
    ----------
    counts : dict of layer name to Counts
        Of the first image; those of others differ only if the array skips zeros.
    """

    def __init__(self, accelerator: Accelerator) -> None:
        self.accelerator = accelerator
        self.counts: dict[str, Counts] = {}

    def __call__(self, product: Any, x: NDArray[Any]) -> NDArray[np.int64]:  # noqa: ANN401
        """Return the accumulators of a batch.

        Parameters
        ----------
        product : IntegerProduct
        x : ndarray of integers, (batch, ...)

        Raises
        ------
        ValueError
            As `simulate_layer`; also if the batch is empty.
        """
        if len(x) == 0:
            raise ValueError(f"layer {product.name}: x has shape {x.shape}: expected an image")
        layer = layer_of(product, x.shape[1:])
        results = [
            simulate_layer(
                layer, self.accelerator, image, product.codes, product.signs,
                in_signed=product.in_signed,
            )
            for image in x
        ]  # fmt: skip
        self.counts[layer.name] = results[0].counts
        return np.stack([result.accumulators for result in results])



def compile_engine() -> None:
    """Compile what `simulate_layer` calls, into the cache on disk: half a minute, once."""
    layer = Layer.linear("one", 1, 1, DEFAULT_BITS, domain="offset")
    one = np.ones((1, 1), np.int32)
    simulate_layer(layer, load_accelerator("edge-small"), one, one)

def _inputs(layer: Layer, x: NDArray[Any], in_signed: bool) -> NDArray[np.int64]:
    """Return checked activation codes, (height, width, groups, channels of a group)."""
    low, high = (
        (-(2 ** (layer.in_bits - 1)), 2 ** (layer.in_bits - 1) - 1)
        if in_signed
        else (0, 2**layer.in_bits - 1)
    )
    codes = _integers(layer, "x", x, low, high)
    if layer.kind == "conv":
        _shape(layer, "x", codes, (layer.height, layer.width, layer.channels))
    elif codes.ndim < 1 or codes.size != layer.channels * layer.P:
        raise ValueError(
            f"layer {layer.name}: x has shape {codes.shape}: expected {layer.P} positions of "
            f"{layer.channels} features"
        )
    else:
        _shape(layer, "x", codes, (*codes.shape[:-1], layer.channels))
    return codes.reshape(layer.height, layer.width, layer.groups, layer.group_channels)


def _weights(layer: Layer, codes: NDArray[Any], signs: NDArray[Any] | None) -> NDArray[np.int64]:
    """Return the integers whose bit planes the array sees.

    (kernel taps, channels of a group, groups, M).
    """
    signed = layer.domain == "signed"
    if signed == (signs is None):
        found = "None" if signs is None else "an array"
        raise ValueError(
            f"layer {layer.name}: signs = {found}: expected "
            f"{'an array' if signed else 'None'} in the {layer.domain} domain"
        )
    values = _integers(layer, "codes", codes, 0, 2 ** (layer.bits - signed) - 1)
    shape: tuple[int, ...] = layer.group_channels, layer.outputs
    if layer.kind == "conv":
        shape = layer.kernel_height, layer.kernel_width, layer.group_channels, layer.outputs
    _shape(layer, "codes", values, shape)
    if signs is not None:
        factors = _integers(layer, "signs", signs, -1, 1)
        _shape(layer, "signs", factors, shape)
        values = values * factors
    return values.reshape(-1, layer.group_channels, layer.groups, layer.M)


def _integers(layer: Layer, name: str, value: Any, low: int, high: int) -> NDArray[np.int64]:  # noqa: ANN401
    array = np.asarray(value)
    if array.dtype.kind not in "iu":
        raise TypeError(f"layer {layer.name}: {name} has dtype {array.dtype}: expected integers")
    outside = array[(array < low) | (array > high)]
    if outside.size:
        raise ValueError(
            f"layer {layer.name}: {name} contains {outside.flat[0]}: expected integers in "
            f"[{low}, {high}]"
        )
    return np.ascontiguousarray(array, dtype=np.int64)


def _shape(layer: Layer, name: str, array: NDArray[Any], expected: tuple[int, ...]) -> None:
    if array.shape != expected:
        raise ValueError(
            f"layer {layer.name}: {name} has shape {array.shape}: expected {expected}"
        )
