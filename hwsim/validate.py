"""All comparisons with figures of others, and with tables that a user brings."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from hwsim.comparison import Comparison, Pair, compared
from hwsim.csv_table import Row, read_table
from hwsim.peer_tables import bitfusion_table, bitsim_table, scalesim_table
from hwsim.peers import LayerShape, dpnn_cycles, loom_cycles
from msq_ref.formats import known_name

__all__ = ["COLUMNS", "built_in", "compare_rtl", "compare_table", "comparison_rows"]

TABLES = Path(__file__).parent / "peers" / "tables"

FORMS = {
    "scalesim": "scalesim:REPORT.csv,TOPOLOGY.csv,ROWSxCOLS,DATAFLOW",
    "bitsim": "bitsim:FILE.csv",
    "bitfusion": "bitfusion:FILE.csv",
}
"""What a user may bring."""

COLUMNS = "against", "what", "rows", "equal", "total here", "total there", "error", "must"


def built_in() -> Iterator[Comparison]:
    """Compare with all figures that come with the package, one after another."""
    yield from _sizes()
    for name, layers, dataflow in (
        ("scalesim_resnet18_os", "scalesim_resnet18_topology", "os"),
        ("scalesim_product_os", "scalesim_product_topology", "os"),
        ("scalesim_product_ws", "scalesim_product_topology", "ws"),
        ("scalesim_product_is", "scalesim_product_topology", "is"),
    ):
        yield scalesim_table(TABLES / f"{name}.csv", TABLES / f"{layers}.csv", 32, 32, dataflow)
    yield bitsim_table(TABLES / "bitsim_resnet20.csv")
    yield from bitfusion_table(TABLES / "bitfusion.csv")
    yield _loom()


def compare_rtl(
    count: int, progress: Callable[[int, int], None] | None = None
) -> Comparison | str:
    """Compare the engine and the closed form with the array in Verilog.

    Parameters
    ----------
    count : int
        Layers to draw; the demo network's come on top.
    progress : callable, optional
        Called with the number of layers done and of all.

    Returns
    -------
    Comparison or str
        Why it was left out, where there is no Verilator or no C++ compiler, or the count is 0.

    Raises
    ------
    ValueError
        If the count is negative.
    RuntimeError
        If a tool fails.
    """
    if count == 0:
        return "RTL: left out: --rtl 0"
    from hwsim.rtl import missing_tool, rtl_comparison  # noqa: PLC0415  (it brings a compiler)

    reason = missing_tool()
    if reason is not None:
        return f"RTL: left out: {reason}"
    return rtl_comparison(count, progress=progress)


def compare_table(text: str) -> list[Comparison]:
    """Compare with a table given as ``KIND:FILES``, in one of the `FORMS`.

    Raises
    ------
    ValueError
        If the form is another, or a file cannot be read, in one line.
    """
    kind, colon, rest = text.partition(":")
    known_name("--table", kind, FORMS)
    if not colon or not rest:
        raise ValueError(f"--table = {text!r}: expected {FORMS[kind]}")
    if kind == "bitsim":
        return [bitsim_table(rest)]
    if kind == "bitfusion":
        return list(bitfusion_table(rest))
    parts = [part.strip() for part in rest.split(",")]
    sides = parts[2].lower().split("x") if len(parts) == 4 else []
    if len(sides) != 2 or not all(side.isascii() and side.isdigit() for side in sides):
        raise ValueError(f"--table = {text!r}: expected {FORMS[kind]}")
    rows, cols = (int(side) for side in sides)
    if min(rows, cols) < 1:
        raise ValueError(f"--table = {text!r}: array {parts[2]}: expected sides of at least 1")
    return [scalesim_table(parts[0], parts[1], rows, cols, parts[3].lower())]


def comparison_rows(comparisons: Iterable[Comparison]) -> list[tuple[str, ...]]:
    """Return a row of `COLUMNS` per comparison."""
    return [
        (
            one.against,
            one.what,
            f"{one.rows:,}",
            f"{one.equal:,}",
            _figure(one.ours),
            _figure(one.theirs),
            "-" if one.error is None else f"{one.error:+.2%}",
            ("yes" if one.holds else "FAILS") if one.required else "no",
        )
        for one in comparisons
    ]


def _sizes() -> Iterator[Comparison]:
    from hwsim.networks import network_sizes  # noqa: PLC0415  (the networks take a moment)

    rows = read_table(TABLES / "sizes.csv", ("network", "giga_macs", "parameters"))
    ours = {size.name: size for size in network_sizes()}
    macs, parameters = [], []
    for row in rows:
        name = row.text("network")
        macs.append(_rounded(name, ours[name].macs / 1e9, row, "giga_macs"))
        count = row.integer("parameters")
        parameters.append(
            Pair(name, ours[name].parameters, count, ours[name].parameters == count)
        )
    yield compared("published sizes", "MACs, 1e9", macs, total=False)
    yield compared("published sizes", "parameters", parameters)


def _loom() -> Comparison:
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


def _rounded(name: str, ours: float, row: Row, column: str) -> Pair:
    """Return a pair that is equal if our figure rounds to the published one."""
    text = row.text(column)
    digits = len(text.partition(".")[2])
    return Pair(name, ours, float(text), f"{ours:.{digits}f}" == text)


def _figure(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:.4f}"
