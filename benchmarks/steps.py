"""What the benchmarks of training steps share: our step, where its time goes, how it grows."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from benchmarks.machine import present_limits
from benchmarks.measure import Row, better, interleave, row
from msq_ref import kernels
from msq_ref.kernels.memory import Pool, use_pool
from msq_ref.kernels.threads import use_threads
from msq_ref.methods import MSQ
from msq_ref.methods.config import MSQConfig
from msq_ref.methods.domains import SIGNED
from msq_ref.nn import Conv2d, Layer, Linear, Network
from msq_ref.training.config import TrainingConfig
from msq_ref.training.loop import Trainer

__all__ = [  # noqa: RUF022  (settings, then functions)
    "BITS", "CLASSES", "DECAY", "K", "MOMENTUM", "RATE", "STRENGTH", "batch_of", "by_layer",
    "compare", "compare_and_grow", "growth", "in_force", "noted", "our_trainer", "step_of",
    "torch_threads", "work",
]  # fmt: skip

RATE, MOMENTUM, DECAY, STRENGTH, BITS, K = 0.05, 0.9, 1e-4, 3e-4, 8, 1
CLASSES = 10

Step = Callable[[], object]


def our_trainer(network: Network) -> Trainer:
    """Return the training loop that takes our steps: MSQ in the signed domain, momentum descent."""
    config = TrainingConfig(
        learning_rate=RATE, momentum=MOMENTUM, weight_decay=DECAY, epochs=1
    )
    settings: dict[str, Any] = {"lambda": STRENGTH, "start_bits": BITS}
    method = MSQ(network, SIGNED, kernels, MSQConfig(**settings), lambda epoch: {})
    for weight in method.weights.values():
        weight.k = K
    return Trainer(network, method, config, kernels, seed=0)


def step_of(trainer: Trainer, images: NDArray[Any], labels: NDArray[np.int64]) -> Step:
    """Return a step: weights quantized, forward, loss, backward, update."""

    def step() -> None:
        with np.errstate(all="ignore"):
            trainer._step(images, labels, RATE)

    return step


def batch_of(count: int, shape: tuple[int, ...]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return random images and labels."""
    rng = np.random.default_rng(0)
    return rng.standard_normal((count, *shape), dtype=np.float32), rng.integers(0, CLASSES, count)


@contextmanager
def in_force(threads: int) -> Iterator[None]:
    """Run what is inside, of ours and of PyTorch's, with that many threads; ours with a pool."""
    with (
        threadpool_limits(1, user_api="blas"), use_threads(threads), use_pool(Pool()),
        torch_threads(threads),
    ):  # fmt: skip
        yield


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Run what is inside, of PyTorch's, with that many threads."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def compare(
    case: str, make: Callable[[], Trainer], peers: Callable[[Any, Any], Mapping[str, Step]],
    batch: tuple[NDArray[Any], NDArray[np.int64]], rounds: int, on_round: Callable[[], None],
) -> list[Row]:  # fmt: skip
    """Compare whole steps in float32: on two threads by the clock, on one by processor time.

    Parameters
    ----------
    case : str
    make : callable
        Makes our training loop.
    peers : callable
        From images and labels to steps that do the same, by name; one named ``PyTorch, float``
        does less.
    batch : (ndarray, ndarray)
        Images, NHWC, and labels.
    """
    rows = []
    for threads in (2, 1):
        trainer = make()
        flops, nbytes = work(trainer, batch[0])
        counted: dict[str, Any] = {"threads": threads, "flops": flops, "nbytes": nbytes}
        limit = present_limits().seconds(flops, nbytes, threads)
        with in_force(threads):
            ours = step_of(trainer, *batch)
            steps = {"ours": ours, **peers(*batch)}
            clock = time.perf_counter if threads > 1 else time.process_time
            seconds = interleave(steps, rounds, on_round, clock)
            details = {"where the time goes": by_layer(trainer, ours)} if threads == 2 else {}
        name = case if threads == 2 else f"{case}/1 thread"
        same = [peer for peer in steps if peer not in ("ours", "PyTorch, float")]
        rows.append(row(name, seconds, "ours", better(seconds, *same), limit, **counted,
                        details=details))  # fmt: skip
        rows += [
            row(f"{name}/{peer.removeprefix('PyTorch, ')}", seconds, "ours", peer, limit,
                threads=threads)
            for peer in steps if peer not in ("ours", rows[-1].peer)
        ]  # fmt: skip
    return rows


def compare_and_grow(
    case: str, make: Callable[..., Trainer], peers: Callable[[Any, Any], Mapping[str, Step]],
    shape: tuple[int, ...], batch: int, batches: Sequence[int], widths: Sequence[float],
    rounds: int, on_round: Callable[[], None],
) -> list[Row]:  # fmt: skip
    """Compare as `compare` does; the first row also tells how time grows with batch and width.

    Parameters
    ----------
    make : callable
        Makes our training loop, of its own width, or of the one it is given.
    shape : tuple of int
        Of an image.
    batch : int
        Images of the comparison.
    batches, widths : sequence of numbers
        Sizes to time ours at, beside the usual one of the other.
    """
    rows = compare(case, make, peers, batch_of(batch, shape), rounds, on_round)
    by_batch = {
        f"batch {count}": lambda count=count: step_of(make(), *batch_of(count, shape))
        for count in batches
    }
    by_width = {
        f"width {width}": lambda width=width: step_of(make(width), *batch_of(batch, shape))
        for width in widths
    }
    details = {
        **rows[0].details,
        **growth("time by batch", by_batch),
        **growth("time by width", by_width),
    }
    return [replace(rows[0], details=details), *rows[1:]]


def work(trainer: Trainer, images: NDArray[Any]) -> tuple[float, float]:
    """Return the floating-point operations and the bytes that a step takes at the least.

    Operations: those of convolutions and linear layers by their definition, forward and to both
    gradients. Bytes: each layer reads what it takes and writes what it gives, forward and back,
    each gradient of a weight takes the input again.
    """
    flops = nbytes = 0.0
    with noted(trainer.network, "forward") as seen:
        trainer.network.forward(images, training=True)
    for name, layer in trainer.network.operations.items():
        (x, y) = seen[name][0]
        if isinstance(layer, (Conv2d, Linear)):
            flops += 3 * 2.0 * (y.size // y.shape[-1]) * layer.weight.size
        nbytes += 4.0 * (3 * x.size + 2 * y.size)
    return flops, nbytes


def by_layer(trainer: Trainer, step: Step, rounds: int = 5) -> list[dict[str, Any]]:
    """Return a line for each kind of layer, and for what is no layer: milliseconds, and shares."""
    network = trainer.network
    totals: list[float] = []
    spent: dict[tuple[str, str], list[float]] = {}
    others = {"quantizer": trainer.method, "update": trainer.optimizer}
    parts: dict[str, Any] = {**network.operations, **_branches(network.layers), **others}
    calls = ("forward", "forward_joined", "backward", "backward_last", "quantize", "step")
    for _ in range(rounds):
        times: dict[tuple[str, str], float] = {}
        with _timed(parts, calls, times):
            start = time.perf_counter()
            step()
            totals.append(time.perf_counter() - start)
        for key, seconds in times.items():
            spent.setdefault(key, []).append(seconds)
    total = statistics.median(totals)
    lines: dict[str, dict[str, Any]] = {}
    for (name, call), seconds_of in spent.items():
        kind = name if name in others else type(parts[name]).__name__
        for group in (kind, f"  {name}") if kind in ("Conv2d", "Linear") else (kind,):
            line = lines.setdefault(group, {"part": group, "forward ms": 0.0, "backward ms": 0.0})
            column = "backward ms" if call.startswith("backward") else "forward ms"
            line[column] += statistics.median(seconds_of) * 1e3
    rest = total * 1e3 - sum(
        line["forward ms"] + line["backward ms"]
        for group, line in lines.items() if not group.startswith(" ")
    )
    lines["rest"] = {"part": "additions, loss, checks", "forward ms": rest, "backward ms": 0.0}
    for line in lines.values():
        line["share"] = (line["forward ms"] + line["backward ms"]) / total / 1e3
    return sorted(lines.values(), key=lambda line: line["part"].startswith(" "))


def _branches(layers: Mapping[str, Layer], prefix: str = "") -> dict[str, Any]:
    """Return the branches that run as one: none of their layers is called."""
    found: dict[str, Any] = {}
    for name, layer in layers.items():
        for *_, joined in getattr(layer, "_branches", ()):
            if joined is not None:
                found[f"{prefix}{name}.{type(joined).__name__}"] = joined
        found |= _branches(layer.parts, f"{prefix}{name}.")
    return found


def growth(
    title: str, sizes: Mapping[str, Callable[[], Step]], threads: int = 2, rounds: int = 3
) -> dict[str, list[dict[str, Any]]]:
    """Return a table of how long steps of several sizes take, by what is in `sizes`."""
    lines: list[dict[str, Any]] = []
    for size, make in sizes.items():
        with in_force(threads):
            seconds = interleave({"step": make()}, rounds)["step"]
        lines.append({"size": size, "ms": statistics.median(seconds) * 1e3})
    for line in lines:
        line["to the first"] = line["ms"] / lines[0]["ms"]
    return {title: lines}


@contextmanager
def _timed(
    parts: Mapping[str, Any], calls: tuple[str, ...], times: dict[tuple[str, str], float]
) -> Iterator[None]:
    """Add up how long calls of the parts take; through their classes, so that fused ones stay."""
    names = {id(part): name for name, part in parts.items()}
    changed: list[tuple[type, str, Any]] = []

    def timed(call: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def run(part: Any, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401
            start = time.perf_counter()
            result = function(part, *arguments, **named)
            if id(part) in names:
                key = names[id(part)], call
                times[key] = times.get(key, 0.0) + time.perf_counter() - start
            return result

        return run

    for kind in {type(part) for part in parts.values()}:
        for call in calls:
            if hasattr(kind, call):
                changed.append((kind, call, vars(kind).get(call)))
    functions = [timed(call, getattr(kind, call)) for kind, call, _ in changed]
    for (kind, call, _), function in zip(changed, functions, strict=True):
        setattr(kind, call, function)
    try:
        yield
    finally:
        for kind, call, own in changed:
            if own is None:
                delattr(kind, call)
            else:
                setattr(kind, call, own)


@contextmanager
def noted(network: Network, call: str) -> Iterator[dict[str, list[tuple[Any, Any]]]]:
    """Note what a call of each operation is given and returns: the input and the output."""
    seen: dict[str, list[tuple[Any, Any]]] = {}

    def note(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def run(x: Any, *arguments: Any) -> Any:  # noqa: ANN401
            y = function(x, *arguments)
            seen.setdefault(name, []).append((x, y))
            return y

        return run

    for name, layer in network.operations.items():
        setattr(layer, call, note(name, getattr(layer, call)))
    try:
        yield seen
    finally:
        for layer in network.operations.values():
            delattr(layer, call)
