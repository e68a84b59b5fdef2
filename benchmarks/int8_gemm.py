"""Products of 8-bit integers against onnxruntime and torch, weights packed before or within."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.integer_limits import run_dots, several
from benchmarks.measure import Row, better, interleave, row
from msq_ref.kernels.int8_gemm import int8_gemm, pack_int8
from msq_ref.kernels.threads import use_threads

__all__ = ["run"]

ROWS, OUTPUTS, LENGTH = 1024, 256, 1152
"""Of a layer of a small network: a 3x3 convolution of 128 channels at 1024 positions."""

REPEATS = 10


def run(rounds: int, on_round: Callable[[], None]) -> list[Row]:
    """Compare u8 x s8 in int32, two threads and one; the limit is that of the instruction."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (ROWS, LENGTH), dtype=np.uint8)
    w = rng.integers(-128, 128, (LENGTH, OUTPUTS), dtype=np.int8)
    rows = []
    for threads, suffix in ((2, ""), (1, ", 1 thread")):
        packed, out = pack_int8(w), np.empty((ROWS, OUTPUTS), np.int32)
        peers = _peers(x, w, threads)
        candidates: dict[str, Callable[[], object]] = {
            "ours": partial(int8_gemm, x, packed, out=out),
            "with packing": partial(int8_gemm, x, w, out=out),
            "limit": partial(run_dots, x.size * OUTPUTS),
            **peers,
        }
        repeated = {name: several(call, REPEATS) for name, call in candidates.items()}
        with use_threads(threads):
            seconds = interleave(repeated, rounds, on_round)
        peer = better(seconds, *peers)
        rows += [
            row(f"int8_gemm{suffix}", seconds, "ours", peer, "limit"),
            row(f"int8_gemm/with packing{suffix}", seconds, "with packing", peer, "limit"),
        ]
    return rows


def _peers(
    x: NDArray[np.uint8], w: NDArray[np.int8], threads: int
) -> dict[str, Callable[[], object]]:
    """Return what multiplies the same sizes; onnxruntime where it is installed.

    Its weights are constant, so that it packs them once; torch wants both signed.
    """
    import torch

    torch.set_num_threads(threads)
    left, right = torch.from_numpy(x.view(np.int8)), torch.from_numpy(w)
    turned = right.t().contiguous().t()
    peers: dict[str, Callable[[], object]] = {
        "torch._int_mm": lambda: torch._int_mm(left, right),
        "torch._int_mm, columns": lambda: torch._int_mm(left, turned),
    }
    try:
        session = _session(w, threads)
    except ImportError:
        return peers
    return peers | {"onnxruntime": lambda: session.run(None, {"x": x})}


def _session(w: NDArray[np.int8], threads: int) -> Any:  # noqa: ANN401
    import onnx
    import onnxruntime

    length, outputs = w.shape
    node = onnx.helper.make_node("MatMulInteger", ["x", "w"], ["y"])
    kinds = onnx.TensorProto
    graph = onnx.helper.make_graph(
        [node], "product",
        [onnx.helper.make_tensor_value_info("x", kinds.UINT8, [None, length])],
        [onnx.helper.make_tensor_value_info("y", kinds.INT32, [None, outputs])],
        [onnx.numpy_helper.from_array(w, "w")],
    )  # fmt: skip
    model = onnx.helper.make_model(
        graph, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=9
    )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
