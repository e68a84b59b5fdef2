"""Comparisons with figures of papers: sizes of networks, Loom's scaling, BISMO's peaks."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from pathlib import Path

from hwsim.comparison import Comparison, Pair, compared
from hwsim.csv_table import Row, read_table
from hwsim.peers import LayerShape, bismo_peak, dpnn_cycles, loom_cycles

__all__ = ["TABLES", "bismo_peaks", "loom_scaling", "published_sizes"]

TABLES = Path(__file__).parent / "peers" / "tables"
"""Folder of the figures of others that come with the package."""


def published_sizes() -> Iterator[Comparison]:
    """Compare multiplications and parameters of the networks with the published ones."""
    from hwsim.networks import network_sizes  # noqa: PLC0415  (the networks take a moment)

    rows = read_table(TABLES / "sizes.csv", ("network", "giga_macs", "parameters"))
    ours = {size.name: size for size in network_sizes()}
    macs, parameters = [], []
    for row in rows:
        name = row.text("network")
        giga, text = ours[name].macs / 1e9, row.text("giga_macs")
        macs.append(Pair(name, giga, float(text), f"{giga:.{_digits(text)}f}" == text))
        count = row.integer("parameters")
        parameters.append(
            Pair(name, ours[name].parameters, count, ours[name].parameters == count)
        )
    yield compared("published sizes", "MACs, 1e9", macs, total=False)
    yield compared("published sizes", "parameters", parameters)


def loom_scaling() -> Comparison:
    """Compare the cycles of layers that fill the machines with the scaling that the paper states.

    Convolutions are ``256 / (w a)`` times as fast as on the bit-parallel machine, linear layers
    ``16 / w`` times.
    """
    pairs = []
    for w, a in itertools.product(range(1, 17), repeat=2):
        widths = {"weight_bits": w, "activation_bits": a}
        conv = LayerShape(64, 256, 3, 3, out_height=8, out_width=8, **widths)
        linear = LayerShape(4096, 4096, **widths)
        for kind, shape, there in (("conv", conv, 256 / (w * a)), ("linear", linear, 16 / w)):
            ours = dpnn_cycles(shape) / loom_cycles(shape)
            pairs.append(Pair(f"{kind}, {w}-bit weights, {a}-bit activations", ours, there,
                              ours == there))  # fmt: skip
    return compared("Loom, DAC 2018", "ideal speed-ups of full layers", pairs, total=False)


def bismo_peaks() -> Comparison:
    """Compare the peaks of BISMO's largest instances: equal if ours has the published digits.

    Rounded, or cut off: 8 x 256 x 8 at 200 MHz are 6.5536e12 binary operations a second, published
    as 6.5, and 10 x 256 x 10 at 300 MHz are 15.36e12, published as 15 and as 15.4.
    """
    columns = "board", "d_m", "d_k", "d_n", "mhz", "binary_tops"
    pairs = []
    for row in read_table(TABLES / "bismo.csv", columns):
        d_m, d_k, d_n, mhz = (row.integer(column) for column in columns[1:5])
        tera = bismo_peak(d_m, d_k, d_n, mhz * 1e6) / 1e12
        name = f"{row.text('board')}, {d_m} x {d_k} x {d_n} at {mhz} MHz"
        pairs.append(Pair(name, tera, float(row.text("binary_tops")), _has_digits(tera, row)))
    return compared("BISMO, largest instances", "peak binary TOPS", pairs, total=False)


def _has_digits(value: float, row: Row) -> bool:
    text = row.text("binary_tops")
    unit = 10 ** _digits(text)
    return float(text) * unit in (round(value * unit), math.floor(value * unit))


def _digits(text: str) -> int:
    return len(text.partition(".")[2])
