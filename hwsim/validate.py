"""All comparisons: with figures of others, of this program with itself, with a user's tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from hwsim.comparison import Comparison
from hwsim.peer_tables import bitfusion_table, bitsim_table, dnnsim_table, scalesim_table
from hwsim.published import TABLES, bismo_peaks, loom_scaling, published_sizes
from msq_ref.formats import known_name

__all__ = [
    "COLUMNS",
    "TABLES",
    "built_in",
    "compare_drawn",
    "compare_rtl",
    "compare_table",
    "comparison_rows",
]

FORMS = {
    "scalesim": "scalesim:REPORT.csv,TOPOLOGY.csv,ROWSxCOLS,DATAFLOW",
    "bitsim": "bitsim:FILE.csv",
    "bitfusion": "bitfusion:FILE.csv",
    "dnnsim": "dnnsim:FILE.csv",
}
"""What a user may bring."""

COLUMNS = "against", "what", "rows", "equal", "total here", "total there", "error", "must"
"""Of `comparison_rows`."""


def built_in() -> Iterator[Comparison]:
    """Compare with all figures that come with the package, one after another."""
    yield from published_sizes()
    for name, layers, dataflow in (
        ("scalesim_resnet18_os", "scalesim_resnet18_topology", "os"),
        ("scalesim_product_os", "scalesim_product_topology", "os"),
        ("scalesim_product_ws", "scalesim_product_topology", "ws"),
        ("scalesim_product_is", "scalesim_product_topology", "is"),
    ):
        yield scalesim_table(TABLES / f"{name}.csv", TABLES / f"{layers}.csv", 32, 32, dataflow)
    yield bitsim_table(TABLES / "bitsim_resnet20.csv")
    yield from bitfusion_table(TABLES / "bitfusion.csv")
    yield from dnnsim_table(TABLES / "dnnsim.csv")
    yield loom_scaling()
    yield bismo_peaks()


def compare_drawn(
    count: int = 264, seed: int = 0, progress: Callable[[str], None] | None = None
) -> Iterator[Comparison]:
    """Compare the search with brute force, traffic with a replay, and the engine, on drawn layers.

    Parameters
    ----------
    count : int
        Layers to draw; 0: there are no comparisons.
    seed : int
        Of the layers, the same ones for all comparisons.
    progress : callable, optional
        Called with a line about what is at work.

    Raises
    ------
    ValueError
        If the count is negative.
    """
    if count < 0:
        raise ValueError(f"count = {count}: expected at least 0")
    from hwsim.brute_force import brute_force_comparisons  # noqa: PLC0415  (a compiler)
    from hwsim.replayed import replay_comparisons  # noqa: PLC0415
    from hwsim.stepped import engine_comparisons  # noqa: PLC0415

    for name, compare in (
        ("brute force", brute_force_comparisons),
        ("replay", replay_comparisons),
        ("engine, which is compiled unless it is in the cache", engine_comparisons),
    ) if count else ():
        yield from compare(count, seed, _reporter(name, count, progress))


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
    if kind == "dnnsim":
        return dnnsim_table(rest)
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


def _reporter(
    name: str, count: int, progress: Callable[[str], None] | None
) -> Callable[[int], None] | None:
    """Return what a comparison is to call with the number of layers done."""
    if progress is None:
        return None
    progress(name)
    return lambda done: progress(f"{name}: {done} of {count} layers")


def _figure(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4f}"
