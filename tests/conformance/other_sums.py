"""Other ways to the norm of [S5.5] than the order of [S0.5], each a plausible mistake."""

import math

import numpy as np

from msq_ref.reference import CHUNK, LANES, ordered_sum


def squares(q, w):
    difference = q.astype(np.float64) - w.astype(np.float64)
    return difference * difference


def chunks(x):
    return [ordered_sum(x[i : i + CHUNK]) for i in range(0, x.size, CHUNK)]


def one_by_one(x):
    return x.cumsum()[-1] if x.size else x.dtype.type(0)


def in_lanes(lanes, chunk, *, blocked=False):
    """Add in so many lanes: interleaved, or each a block; in chunks, or all at once."""

    def add(x):
        total = 0.0
        length = chunk or max(x.size, 1)
        for start in range(0, x.size, length):
            part = x[start : start + length]
            rows = np.zeros(-(-part.size // lanes) * lanes)
            rows[: part.size] = part
            sums = rows.reshape((lanes, -1) if blocked else (-1, lanes)).cumsum(axis=int(blocked))
            total += float(one_by_one(sums[:, -1] if blocked else sums[-1]))
        return total

    return add


def lanes_by_halves(x):
    """Add the lanes of a chunk in pairs, as vector units do."""
    total = 0.0
    for start in range(0, x.size, CHUNK):
        part = np.zeros(CHUNK)
        part[: min(CHUNK, x.size - start)] = x[start : start + CHUNK]
        lanes = part.reshape(-1, LANES).cumsum(axis=0)[-1]
        while lanes.size > 1:
            lanes = lanes[: lanes.size // 2] + lanes[lanes.size // 2 :]
        total += float(lanes[0])
    return total


def two_threads(x):
    half = x.size // (2 * CHUNK)
    return sum(chunks(x)[:half], 0.0) + sum(chunks(x)[half:], 0.0)


def fused(q, w):
    """Add squares that are not rounded, as a fused multiply-add does, in the right order."""
    exact = (q.astype(np.float64) - w.astype(np.float64)).astype(np.longdouble) ** 2
    total = 0.0
    for start in range(0, exact.size, CHUNK):
        part = exact[start : start + CHUNK]
        lanes = np.zeros(LANES)
        for row in range(0, part.size, LANES):
            some = part[row : row + LANES]
            lanes[: some.size] = (lanes[: some.size] + some).astype(np.float64)
        total += float(one_by_one(lanes))
    return math.sqrt(total)


def of_squares(add):
    return lambda q, w: math.sqrt(add(squares(q, w)))


# Each with the least size at which it can differ.
OTHER_SUMS = {
    "one by one": (33, of_squares(lambda x: float(one_by_one(x)))),
    "backwards": (3, of_squares(lambda x: float(one_by_one(x[::-1])))),
    "numpy.sum": (33, of_squares(lambda x: float(x.sum()))),
    "fsum": (3, of_squares(math.fsum)),
    "compensated": (3, of_squares(lambda x: float(x.astype(np.longdouble).sum()))),
    "fused": (33, fused),
    "lanes, no chunks": (8193, of_squares(in_lanes(32, None))),
    "chunks, no lanes": (33, of_squares(in_lanes(1, 8192))),
    "4 lanes": (5, of_squares(in_lanes(4, 8192))),
    "8 lanes": (9, of_squares(in_lanes(8, 8192))),
    "16 lanes": (17, of_squares(in_lanes(16, 8192))),
    "64 lanes": (33, of_squares(in_lanes(64, 8192))),
    "lanes of neighbours": (33, of_squares(in_lanes(32, 8192, blocked=True))),
    "chunks of 1024": (1025, of_squares(in_lanes(32, 1024))),
    "chunks of 4096": (4097, of_squares(in_lanes(32, 4096))),
    "chunks of 8191": (8192, of_squares(in_lanes(32, 8191))),
    "chunks of 16384": (8193, of_squares(in_lanes(32, 16384))),
    "lanes by halves": (3, of_squares(lanes_by_halves)),
    "chunks backwards": (16385, of_squares(lambda x: float(sum(reversed(chunks(x)), 0.0)))),
    "chunks by fsum": (16385, of_squares(lambda x: math.fsum(chunks(x)))),
    "two threads": (24577, of_squares(two_threads)),
    "float32 differences": (1, lambda q, w: math.sqrt(
        ordered_sum((q.astype(np.float32) - w.astype(np.float32)).astype(float) ** 2))),
    "float32 squares": (1, lambda q, w: math.sqrt(
        ordered_sum(((q - w).astype(np.float32) ** 2).astype(float)))),
    "float32 sum": (1, lambda q, w: math.sqrt(
        float(one_by_one(squares(q, w).astype(np.float32))))),
    "float32 root": (1, lambda q, w: float(np.sqrt(np.float32(ordered_sum(squares(q, w)))))),
    "norm of BLAS": (33, lambda q, w: float(
        np.sqrt(np.dot(q.astype(float) - w.astype(float), q.astype(float) - w.astype(float))))),
}  # fmt: skip
