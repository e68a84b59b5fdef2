"""Measure second derivatives: ``python docs/measure_hessian.py [PART ...]`` (about 10 minutes).

Parts are differences, coverage, accuracy and cost; all if none is named. Writes
``docs/hessian.json``; ``python docs/make_hessian.py`` draws and tabulates it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from msq_ref import kernels, models
from msq_ref.files import write_text
from msq_ref.formats.datasets import load_dataset
from msq_ref.hessian import (
    HessianProducts,
    Hutchinson,
    HutchPP,
    exact_traces,
    finite_difference_product,
)
from msq_ref.hessian.estimate import estimate
from msq_ref.names import known_name
from msq_ref.nn import GELU, Flatten, Linear, Network, ReLU

HERE = Path(__file__).parent
STEPS = [10.0**-half for half in np.arange(1, 9.25, 0.5)]
VECTORS = 3
SEEDS = range(200)
LONGEST = 600
"""Samples of the longest runs for coverage."""


def main(parts: list[str]) -> None:
    """Measure the named parts, or everything; the rest of the file stays."""
    file = HERE / "hessian.json"
    measured = json.loads(file.read_text(encoding="utf-8")) if parts else {}
    with threadpool_limits(limits=1):
        for part in parts or MEASURES:
            measured[part] = MEASURES[known_name("part", part, MEASURES)]()
    write_text(file, json.dumps({"steps": STEPS, **measured}, indent=1) + "\n")


def digits_cnn(width: int, images: int, dtype: Any) -> tuple[Network, Any, Any]:  # noqa: ANN401
    """Return a digits network whose running statistics are those of its images."""
    part = load_dataset("digits").train
    network = models.build("digits-cnn", width=width, dtype=np.float64, backend=kernels)
    shown, labels = part.images[:images].astype(np.float64), part.labels[:images]
    return _moved(network, shown, dtype), shown.astype(dtype), labels


def digits_gelu(dtype: Any) -> tuple[Network, Any, Any]:  # noqa: ANN401
    """Return the same network with GELU for every ReLU."""
    network, images, labels = digits_cnn(8, 64, dtype)
    layers = {
        name: GELU(kernels) if isinstance(layer, ReLU) else layer
        for name, layer in network.layers.items()
    }
    return _moved(Network(layers), images, dtype), images, labels


def on_noise(name: str, **sizes: int) -> Callable[[Any], tuple[Network, Any, Any]]:
    """Return a maker of a network of the list with eight images of noise."""

    def make(dtype: Any) -> tuple[Network, Any, Any]:  # noqa: ANN401
        rng = np.random.default_rng(0)
        images = rng.standard_normal((8, *models.input_shape(name, **sizes)))
        network = models.build(name, dtype=np.float64, backend=kernels, **sizes)
        return (
            _moved(network, images, dtype), images.astype(dtype), rng.integers(0, 10, 8)
        )  # fmt: skip

    return make


NETWORKS: dict[str, Callable[[Any], tuple[Network, Any, Any]]] = {
    "digits-cnn (ReLU)": lambda dtype: digits_cnn(8, 64, dtype),
    "resnet20 (ReLU)": on_noise("resnet20"),
    "digits-cnn with GELU": digits_gelu,
    "deit-ti, width 24, depth 2 (GELU)": on_noise(
        "deit-ti", input_size=16, patch=4, width=24, depth=2, heads=3, classes=10
    ),
}


def _moved(network: Network, images: Any, dtype: Any) -> Network:  # noqa: ANN401
    """Move the running statistics to those of the images; return the network in the dtype."""
    kind = next(iter(network.parameters().values())).dtype
    for _ in range(20):
        network.forward(images.astype(kind), training=True)
    for layer in network.operations.values():
        for arrays in (layer.parameters, layer.buffers):
            arrays.update({name: array.astype(dtype) for name, array in arrays.items()})
    return network


def differences(make: Callable[[Any], tuple[Network, Any, Any]]) -> dict[str, Any]:
    """Measure finite differences against the exact product in float64, all layers together.

    Returns
    -------
    dict
        By dtype: the median relative error over random signs for each step, and that of the exact
        product in this dtype.
    """
    wide = make(np.float64)
    rng = np.random.default_rng(1)
    vectors = [
        {
            name: rng.choice([-1.0, 1.0], layer.weight.shape)
            for name, layer in wide[0].quantized_layers().items()
        }
        for _ in range(VECTORS)
    ]
    truth = [_flat(HessianProducts(*wide)(v)) for v in vectors]
    found: dict[str, Any] = {"float64": [], "float32": []}
    for dtype in (np.float64, np.float32):
        case = make(dtype)
        own = [{name: array.astype(dtype) for name, array in v.items()} for v in vectors]
        for step in STEPS:
            near = [_flat(finite_difference_product(*case, v, step)) for v in own]
            found[np.dtype(dtype).name].append(_error(near, truth))
        exact = [_flat(HessianProducts(*case)(v)) for v in own]
        found[f"exact {np.dtype(dtype).name}"] = _error(exact, truth)
    return found


def _flat(arrays: dict[str, Any]) -> Any:  # noqa: ANN401
    return np.concatenate([array.ravel() for array in arrays.values()]).astype(np.float64)


def _error(found: list[Any], truth: list[Any]) -> float:
    errors = [np.linalg.norm(a - b) / np.linalg.norm(b) for a, b in zip(found, truth, strict=True)]
    return float(np.median(errors))


def softmax_regression() -> tuple[Network, Any, Any]:
    """Return one linear layer from 32 digits to their classes."""
    part = load_dataset("digits").train
    make = {"rng": np.random.default_rng(0), "dtype": np.float64, "backend": kernels}
    network = Network({"flatten": Flatten(kernels), "fc": Linear(64, 10, **make)})
    return network, part.images[:32].astype(np.float64), part.labels[:32]


def coverage() -> list[dict[str, Any]]:
    """Measure how often 95% intervals hold the trace on networks whose traces are known."""
    rows = _coverage_of("digits-cnn, width 2", digits_cnn(2, 32, np.float64), (0.5, 0.2), (24, 48))
    return rows + _coverage_of("softmax regression", softmax_regression(), (0.1, 0.05), (48, 96))


def _coverage_of(
    name: str,
    case: tuple[Network, Any, Any],
    shares: tuple[float, ...],
    products_a_layer: tuple[int, ...],
) -> list[dict[str, Any]]:
    traces = exact_traces(*case)
    products = HessianProducts(*case)
    shapes = products.shapes()
    samples = []
    for seed in SEEDS:
        run = Hutchinson(products, shapes, np.float64, seed=seed, max_samples=LONGEST)
        run.run()
        samples.append(run.arrays())
    rows = []
    for count in (8, 16, 32, 64):
        found = [_prefix(one, count) for one in samples]
        rows.append(_coverage(name, f"Hutchinson, {count} samples", found, traces))
    for share in shares:
        for least in (2, 16):
            found = [_prefix(one, _stop(one, share, least)) for one in samples]
            rule = f"Hutchinson, stop at {share:.0%}, at least {least}"
            rows.append(_coverage(name, rule, found, traces))
    wide = {
        layer: shape for layer, shape in shapes.items() if np.prod(shape) > max(products_a_layer)
    }
    for count in products_a_layer:
        found = [
            HutchPP(products.block, wide, np.float64, seed=seed, max_samples=count).run()
            for seed in SEEDS
        ]
        rows.append(_coverage(name, f"Hutch++, {count} products a layer", found, traces))
    return rows


def _prefix(samples: dict[str, Any], count: int) -> dict[str, Any]:
    return {name: estimate(v[:count].tolist(), count, v.dtype) for name, v in samples.items()}


def _stop(samples: dict[str, Any], share: float, least: int) -> int:
    """Return the first count, from `least` on, at which every layer's error is small enough."""
    counts = np.arange(1, LONGEST + 1)
    fine = counts >= least
    for values in samples.values():
        mean = np.cumsum(values) / counts
        square = np.cumsum(values**2) / counts - mean**2
        fine &= np.sqrt(np.maximum(square, 0) / np.maximum(counts - 1, 1)) <= share * np.abs(mean)
    return int(counts[fine][0]) if fine.any() else LONGEST


def _coverage(
    network: str, rule: str, found: list[dict[str, Any]], traces: dict[str, float]
) -> dict[str, Any]:
    from scipy.stats import t  # noqa: PLC0415  (only here)

    shares, plain = [], []
    for name in found[0]:
        ends = [one[name].interval() for one in found]
        shares.append(np.mean([low <= traces[name] <= high for low, high in ends]))
        plain.append(
            np.mean([
                abs(one[name].trace - traces[name])
                <= t.ppf(0.975, one[name].samples - 1) * one[name].standard_error
                for one in found
            ])
        )  # fmt: skip
    counts = [one.samples for run in found for one in run.values()]
    return {
        "network": network, "rule": rule, "samples": float(np.mean(counts)),
        "lowest": float(min(shares)), "highest": float(max(shares)),
        "student_lowest": float(min(plain)), "student_highest": float(max(plain)),
    }  # fmt: skip


def accuracy() -> list[dict[str, Any]]:
    """Measure the relative error of both estimators at equal products for one layer.

    The root mean square over seeds, on blocks of digits-cnn of width 4 on 64 digits.
    """
    network, images, labels = digits_cnn(4, 64, np.float64)
    products = HessianProducts(network, images, labels)
    rows = []
    for name in ("conv2", "fc"):
        shape = products.shapes()[name]
        columns = []
        for index in np.ndindex(*shape):
            unit = np.zeros(shape)
            unit[index] = 1
            columns.append(products.block(name, unit).ravel())
        block = np.stack(columns, axis=1)
        trace = float(np.trace(block))
        sizes = np.sort(np.abs(np.linalg.eigvalsh(block)))[::-1]
        for count in (24, 48, 96):
            errors = [
                [run(block, name, shape, count, seed) / trace - 1 for seed in SEEDS]
                for run in (_hutchinson, _hutchpp)
            ]
            rows.append({
                "layer": name, "weights": len(block), "products": count,
                "top8": float(sizes[:8].sum() / sizes.sum()),
                "hutchinson": float(np.sqrt(np.mean(np.square(errors[0])))),
                "hutchpp": float(np.sqrt(np.mean(np.square(errors[1])))),
            })  # fmt: skip
    return rows


def _hutchinson(block: Any, name: str, shape: Any, count: int, seed: int) -> float:  # noqa: ANN401
    run = Hutchinson(
        lambda v: {name: (block @ v[name].ravel()).reshape(shape)}, {name: shape}, np.float64,
        seed=seed, max_samples=count,
    )  # fmt: skip
    return run.run()[name].trace


def _hutchpp(block: Any, name: str, shape: Any, count: int, seed: int) -> float:  # noqa: ANN401
    run = HutchPP(
        lambda _, v: (block @ v.ravel()).reshape(shape), {name: shape}, np.float64,
        seed=seed, max_samples=count,
    )  # fmt: skip
    return run.run()[name].trace


def cost() -> list[dict[str, Any]]:
    """Run the benchmark `hessian`."""
    from benchmarks.hessian import run  # noqa: PLC0415  (only where it is timed)

    kept = ("case", "ours_s", "peer", "peer_s", "ratio", "spread", "ratio_to_limit")
    return [{name: getattr(row, name) for name in kept} for row in run(11, lambda: None)]


MEASURES: dict[str, Callable[[], Any]] = {
    "differences": lambda: {name: differences(make) for name, make in NETWORKS.items()},
    "coverage": coverage,
    "accuracy": accuracy,
    "cost": cost,
}


if __name__ == "__main__":
    main(sys.argv[1:])
