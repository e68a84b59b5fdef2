"""Integer products on every path: whether the rule chooses the fastest at each pair of widths."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from benchmarks.integer_limits import run_ones, several
from benchmarks.measure import Row, better, interleave, row
from msq_ref.kernels.integer_product import in_rows, integer_product, pack_weights
from msq_ref.kernels.paths import Extent, choose_path
from msq_ref.kernels.threads import use_threads

__all__ = ["run"]

ROWS, OUTPUTS, LENGTH = 1024, 256, 1152
WIDTHS = (1, 2, 4, 8)
COMPARED = ("bitserial", "int8", "float32")

REPEATS = 3


def run(rounds: int, on_round: Callable[[], None]) -> list[Row]:
    """Compare the path that is chosen with the fastest other, for weights by activations.

    Activation codes lie in bytes, weights are packed before. The limit is AND and popcount of all
    pairs of bits. The first row is over all pairs of widths together.
    """
    rng = np.random.default_rng(0)
    rows, total = [], {"chosen": [0.0] * rounds, "fastest": [0.0] * rounds, "ones": [0.0] * rounds}
    for bits in WIDTHS:
        for in_bits in WIDTHS:
            extent = Extent(LENGTH, OUTPUTS, bits, in_bits, in_signed=False)
            x = rng.integers(0, 2**in_bits, (ROWS, LENGTH), dtype=np.uint8)
            v = 2 * rng.integers(0, 2**bits, (LENGTH, OUTPUTS), dtype=np.int32) - (2**bits - 1)
            y = np.empty((ROWS, OUTPUTS), np.int64)
            paths = {path: pack_weights(v, extent, "offset", path) for path in COMPARED}
            candidates: dict[str, Callable[[], object]] = {
                path: several(partial(integer_product, in_rows(x), w, y), REPEATS)
                for path, w in paths.items()
            }
            words = x.size // 64 * OUTPUTS * bits * in_bits
            candidates["ones"] = several(partial(run_ones, words), REPEATS)
            with use_threads(2):
                seconds = interleave(candidates, rounds, on_round)
            chosen = choose_path(extent)
            others = [path for path in COMPARED if path != chosen]
            case = f"integer_paths/{bits} by {in_bits} bits, {chosen}"
            rows.append(row(case, seconds, chosen, better(seconds, *others), "ones"))
            fastest = better(seconds, *COMPARED)
            for name, one in (("chosen", chosen), ("fastest", fastest), ("ones", "ones")):
                total[name] = [a + b for a, b in zip(total[name], seconds[one], strict=True)]
    return [row("integer_paths", total, "chosen", "fastest", "ones"), *rows]
