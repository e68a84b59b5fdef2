"""The way of one weight from a file through training to the array: every value, by the package.

A small `digits-cnn` in float64 is trained by MSQ in the offset domain, by the definitions; one
weight of its first convolution is followed. docs/draw_house.py draws what comes out.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from hwsim import load_accelerator
from hwsim.analytic import closed_form
from hwsim.energy import energy_of
from hwsim.engine import simulate_layer
from hwsim.tiling import best_tiling
from hwsim.workload import layer_of
from msq_ref import models, reference
from msq_ref.formats.datasets import Dataset, load_dataset
from msq_ref.hessian import TraceEstimate, hutchinson_layers
from msq_ref.integer import IntegerProduct, WeightCodes, calibrate, lower
from msq_ref.methods import MSQ
from msq_ref.methods.config import MSQConfig
from msq_ref.methods.domains import OFFSET
from msq_ref.nn import Network
from msq_ref.training.batches import epoch_batches
from msq_ref.training.config import TrainingConfig
from msq_ref.training.loop import Trainer

__all__ = ["ACCELERATOR", "AT", "LAYER", "WeightWay", "follow"]

LAYER, AT = "conv1", (1, 2, 0, 1)
"""The weight: its layer, and its place in it, HWIO."""

ACCELERATOR = "edge-small"

WIDTH, EPOCHS = 4, 20
SETTINGS = MSQConfig.model_validate(
    {"domain": "offset", "lambda": 0.03, "target": 8.0, "prune_until": EPOCHS - 2}
)
TRAINING = TrainingConfig(epochs=EPOCHS)


@dataclass
class WeightWay:
    """What each function gave for the weight, by the function's name."""

    values: dict[str, Any] = field(default_factory=dict)
    estimate: TraceEstimate | None = None
    """The last one of the weight's layer."""

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401
        return self.values[name]


def follow() -> WeightWay:
    """Train, lower and simulate; return the values."""
    data = load_dataset("digits")
    way = WeightWay()
    network = _from_file(way)
    images, labels = data.train.batch(slice(0, SETTINGS.hessian_images))
    images = images.astype(np.float64)

    def traces(epoch: int) -> Mapping[str, float]:
        found = hutchinson_layers(
            network, images, labels, seed=[0, epoch + 1], max_samples=SETTINGS.hessian_samples
        )
        way.estimate = found[LAYER]
        return {name: one.trace for name, one in found.items()}

    method = MSQ(network, OFFSET, reference, SETTINGS, traces)
    method.start()
    _first_step(way, network, method, data)
    _train(way, network, method, data)
    product, codes = _lowered(way, network, method, data)
    _on_the_array(way, product, codes)
    return way


def _from_file(way: WeightWay) -> Network:
    """Write fresh weights to a file, and read them."""
    sizes: dict[str, Any] = {"width": WIDTH, "dtype": np.float64}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "digits.safetensors"
        save_file(models.build("digits-cnn", seed=0, **sizes).state(), file)
        network = models.load("digits-cnn", file, **sizes)
    way.values["load"] = _latent(network)[AT]
    return network


def _latent(network: Network) -> NDArray[np.float64]:
    return network.layers[LAYER].parameters["weight"]


def _first_step(way: WeightWay, network: Network, method: MSQ, data: Dataset) -> None:
    """Take the first step of training apart, from the weight to its gradient and update."""
    r, layer, w = reference, network.layers[LAYER], _latent(network)
    n, k = method.bits()[LAYER], method.round().k[LAYER]
    scale = OFFSET.initial_scale(w)
    u = r.normalize(w)
    codes = r.roundclamp(u, n)
    q = r.dequantize(codes, n, w.dtype)
    force = r.lsb_l1_grad(u, n, k)
    method.quantize()  # the other layers
    layer.effective = r.effective(q, scale)
    images, labels = epoch_batches(
        data.train, 0, 0, TRAINING.batch_size, TRAINING.augmentation, w.dtype
    )(0)
    before = {name: value.copy() for name, value in network.buffers().items()}
    loss, grad = r.cross_entropy(network.forward(images, training=True), labels)
    network.backward_to_weights(grad)
    for name, value in network.buffers().items():
        value[...] = before[name]  # the loop takes this step itself
    slope = layer.gradients["weight"]
    grad_w = r.normalize_backward(2 * scale * slope + SETTINGS.lambda_ * force, w)
    after, _ = r.sgd_step(
        w, grad_w, np.zeros_like(w), TRAINING.learning_rate, TRAINING.momentum,
        TRAINING.weight_decay,
    )  # fmt: skip
    way.values |= {
        "normalize": u[AT], "roundclamp": int(codes[AT]), "dequantize": q[AT], "first k": k,
        "lsb": int(r.lsb(u, n, k)[AT]), "lsb_l1_grad": int(force[AT]),
        "effective": layer.effective[AT], "cross_entropy": loss, "conv2d_backward": slope[AT],
        "normalize_backward": grad_w[AT], "sgd_step": after[AT],
    }  # fmt: skip


def _train(way: WeightWay, network: Network, method: MSQ, data: Dataset) -> None:
    """Train to the end; keep the round in which the weight's layer lost its first bits."""
    now: dict[str, Any] = {}
    steps = 0

    def on_step(state: Trainer) -> None:
        nonlocal steps
        steps += 1
        if steps == 1:
            way.values["first step of the loop"] = _latent(network)[AT]
        now.update(bits=method.bits()[LAYER], round=method.round(), estimate=way.estimate)

    def on_epoch(state: Trainer) -> None:
        if "prune_step" in way.values or method.bits()[LAYER] == now["bits"]:
            return
        omega = now["round"].omega
        way.values |= {
            "hutchinson_layers": now["estimate"], "sensitivity": omega[LAYER],
            "mean": np.mean(list(omega.values())), "assign_k": now["round"].k[LAYER],
            "lsb_nonzero_rate": now["round"].beta[LAYER],
            "prune_step": (now["bits"], method.bits()[LAYER]), "epoch": state.epoch,
        }  # fmt: skip

    trainer = Trainer(network, method, TRAINING, reference, 0, batches_ahead=0)
    trainer.run(data.train, lambda: 0.0, on_epoch, on_step=on_step)
    way.values |= {"steps": steps, "trained": _latent(network)[AT]}


def _lowered(
    way: WeightWay, network: Network, method: MSQ, data: Dataset
) -> tuple[IntegerProduct, NDArray[np.int32]]:
    """Lower the network; return the weight's layer, and the codes of a test image."""
    method.quantize()
    weights = {
        name: WeightCodes(weight.codes(), weight.signs(), weight.bits, weight.scale)
        for name, weight in method.weights.items()
    }
    train = data.train.images.astype(np.float64)
    whole = lower(network, weights, calibrate(network, train), data.train.image_shape)
    product = whole.products()[0]
    n, kind = product.bits, product.requantizer
    assert kind is not None
    images = data.test.images[:1].astype(np.float64)
    codes = whole.quantize_input(images)
    flat = product.codes.reshape(-1, product.codes.shape[-1])
    planes = reference.bit_planes(flat, n)
    way.values |= {
        "code": int(product.codes[AT]), "bits_now": n,
        "integer_weights": int(product.weights[AT]),
        "bit_planes": [int(bit) for bit in reference.bit_planes(product.codes, n)[(..., *AT)]],
        "lower": [
            int(array[AT[-1]])
            for array in (kind.multiplier, kind.shift, kind.zero_point, product.bias)
        ],
    }  # fmt: skip
    place = _busiest(codes[0, ..., 0])
    window = codes[0, place[0] - 1 : place[0] + 2, place[1] - 1 : place[1] + 2, 0].reshape(1, -1)
    pixel = place[0] + AT[0] - 1, place[1] + AT[1] - 1
    plane_sum = int(reference.bitserial_linear(window, planes)[0, AT[-1]])
    accumulators = reference.integer_conv2d(
        codes, product.codes, n, product.stride, product.padding
    )
    acc = int(accumulators[(0, *place, AT[-1])])
    assert acc == 2 * plane_sum - (2**n - 1) * int(window.sum())
    way.values |= {
        "activation_codes": (float(images[(0, *pixel, 0)]), int(codes[(0, *pixel, 0)])),
        "bitserial_linear": plane_sum, "window": int(window.sum()), "integer_conv2d": acc,
        "requantize": int(product.run(codes)[(0, *place, AT[-1])]), "position": place,
    }  # fmt: skip
    return product, codes


def _busiest(image: NDArray[np.int32]) -> tuple[int, int]:
    """Return the position whose window, all inside, has the largest sum; the first of equals."""
    sums = np.array([
        [image[r - 1 : r + 2, c - 1 : c + 2].sum() for c in range(1, image.shape[1] - 1)]
        for r in range(1, image.shape[0] - 1)
    ])  # fmt: skip
    row, column = np.unravel_index(sums.argmax(), sums.shape)
    return int(row) + 1, int(column) + 1


def _on_the_array(way: WeightWay, product: IntegerProduct, codes: NDArray[np.int32]) -> None:
    """Cut the layer into tiles, count it both ways, and price it."""
    machine = load_accelerator(ACCELERATOR)
    layer = layer_of(product, codes.shape[1:])
    tiling = best_tiling(layer, machine)
    counts = closed_form(layer, machine, tiling)
    ran = simulate_layer(layer, machine, codes[0], product.codes, tiling=tiling)
    assert ran.counts == counts
    way.values |= {
        "best_tiling": tiling, "closed_form": counts.cycles,
        "simulate_layer": (
            ran.counts.cycles, int(ran.accumulators[(*way["position"], AT[-1])])
        ),
        "energy_of": energy_of(counts, layer, machine).total,
    }  # fmt: skip


if __name__ == "__main__":
    for name, value in follow().values.items():
        print(f"{name:24} {value}")
