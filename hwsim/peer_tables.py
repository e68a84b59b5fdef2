"""Comparisons with tables of the peers' programs: SCALE-Sim, BitSim, Bit Fusion, DNNsim."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from hwsim.comparison import Comparison, Pair, compared
from hwsim.csv_table import Row, read_table
from hwsim.peers.bitfusion import BitFusion, bitfusion_cycles, bitfusion_total
from hwsim.peers.bitsim import bitsim_cycles
from hwsim.peers.loom import dpnn_cycles, loom_cycles
from hwsim.peers.shape import LayerShape
from hwsim.peers.stripes import dadiannao_cycles, stripes_cycles
from hwsim.peers.systolic import systolic_cycles
from hwsim.topology import read_topology
from msq_ref.formats import known_name

__all__ = ["bitfusion_table", "bitsim_table", "dnnsim_table", "scalesim_table"]

REPORT = "LayerID", "Total Cycles", "Stall Cycles"
BITSIM = (
    "layer", "pe_rows", "pe_cols", "lanes", "K", "Cin", "Cout", "OH", "OW", "n_bits",
    "bitsim_cycles",
)  # fmt: skip
BITFUSION = (
    "network", "layer", "N", "M", "pmax", "pmin", "K", "O", "S", "IC", "OC", "B", "act_bits",
    "wgt_bits", "if_width", "wbuf_bits", "obuf_bits", "ibuf_bits", "cycles", "compute",
)  # fmt: skip
DNNSIM = (
    "machine", "layer", "C", "groups", "M", "K", "S", "OH", "OW", "w_bits", "a_bits", "cycles",
)  # fmt: skip
MACHINES = {
    "stripes": stripes_cycles, "dadiannao": dadiannao_cycles, "loom": loom_cycles,
    "dpnn": dpnn_cycles,
}  # fmt: skip


def scalesim_table(
    report: Path | str, topology: Path | str, rows: int, cols: int, dataflow: str
) -> Comparison:
    """Compare the compute cycles of every layer with a report of SCALE-Sim.

    Parameters
    ----------
    report : path
        ``COMPUTE_REPORT.csv``; its total cycles less its stall cycles are compared.
    topology : path
        As `hwsim.topology.read_topology` reads it.
    rows, cols : int
        The array's height and width.
    dataflow : {"os", "ws", "is"}

    Returns
    -------
    Comparison
        A layer that the report leaves out counts as a row that differs, unless the report is
        empty.

    Raises
    ------
    ValueError
        If a file cannot be read, or the report has a layer twice or one that is not in the
        topology.
    """
    layers = [
        (line.name, shape) for line in read_topology(topology) for shape in line.shapes()
    ]
    theirs: dict[int, int] = {}
    for row in read_table(report, REPORT, same=str.casefold):
        number = row.integer("LayerID", 0)
        if number >= len(layers):
            raise row.error("LayerID", f"one of the topology's layers, below {len(layers)}")
        if number in theirs:
            raise row.error("LayerID", "every layer once")
        stall = row.integer("Stall Cycles", 0)
        theirs[number] = row.integer("Total Cycles", stall) - stall

    def pairs() -> Iterable[Pair]:
        for number, (name, shape) in enumerate(layers if theirs else ()):
            ours = systolic_cycles(shape, rows, cols, dataflow)
            there = theirs.get(number)
            yield Pair(f"row {number + 1}, layer {name}", ours, there, ours == there)

    where = f"SCALE-Sim, {dataflow}, {rows}x{cols}, {Path(topology).stem}"
    return compared(where, "compute cycles", pairs())


def bitsim_table(file: Path | str) -> Comparison:
    """Compare the cycles of every row with a table of BitSim, columns as in `BITSIM`.

    ``K = 0`` marks a linear layer.

    Raises
    ------
    ValueError
        If the file cannot be read.
    """

    def pairs() -> Iterable[Pair]:
        for number, row in enumerate(read_table(file, BITSIM), 1):
            kernel = row.integer("K", 0) or 1
            shape = LayerShape(
                row.integer("Cin"), row.integer("Cout"), kernel, kernel,
                out_height=row.integer("OH"), out_width=row.integer("OW"),
                weight_bits=row.integer("n_bits"),
            )  # fmt: skip
            array = (row.integer(column) for column in ("pe_rows", "pe_cols", "lanes"))
            ours, theirs = bitsim_cycles(shape, *array), row.integer("bitsim_cycles", 0)
            yield Pair(f"row {number}, layer {row.text('layer')}", ours, theirs, ours == theirs)

    return compared(f"BitSim, weight-serial, {Path(file).stem}", "compute cycles", pairs())


def bitfusion_table(file: Path | str) -> tuple[Comparison, Comparison]:
    """Compare compute and total cycles of every row with a table of Bit Fusion.

    Columns as in `BITFUSION`. A row's nest is the one that gives its compute cycles, channel by
    channel if both do; the total is that of the same nest.

    Returns
    -------
    (Comparison, Comparison)
        Of compute cycles, and of total cycles by the stall model, which is not required.

    Raises
    ------
    ValueError
        If the file cannot be read, or a row asks for more bits than the machine has.
    """
    compute, total = [], []
    for number, row in enumerate(read_table(file, BITFUSION), 1):
        name = f"row {number}, {row.text('network')} {row.text('layer')}"
        shape, machine = _bitfusion(row)
        theirs, all_of_theirs = row.integer("compute", 0), row.integer("cycles", 0)
        ours = {flat: bitfusion_cycles(shape, machine, flat=flat) for flat in (False, True)}
        flat = next((flat for flat, cycles in ours.items() if cycles == theirs), None)
        nearest = min(ours.values(), key=lambda cycles: abs(cycles - theirs))
        compute.append(Pair(name, nearest, theirs, nearest == theirs))
        try:
            cycles = bitfusion_total(shape, machine, flat=bool(flat))
        except ValueError:  # no tile fits, or far too large: there is no figure of ours
            total.append(Pair(name, None, all_of_theirs, False))
        else:
            total.append(Pair(name, cycles, all_of_theirs, cycles == all_of_theirs))
    where = f"Bit Fusion, {Path(file).stem}"
    return (
        compared(where, "compute cycles", compute),
        compared(where, "cycles with stalls", total, required=False),
    )


def dnnsim_table(file: Path | str) -> list[Comparison]:
    """Compare the cycles of every row with a table of DNNsim, columns as in `DNNSIM`.

    Channels and filters are those of all groups; ``K = 0`` marks a linear layer.

    Returns
    -------
    list of Comparison
        Of all rows but Loom's of layers with groups; and of these, if there are, which are not
        required: the program has the filters of several groups in one pass.

    Raises
    ------
    ValueError
        If the file cannot be read, a machine is unknown, or groups do not divide.
    """
    whole: list[Pair] = []
    grouped: list[Pair] = []
    for number, row in enumerate(read_table(file, DNNSIM), 1):
        machine = row.text("machine")
        known_name(f"{row.path}: line {row.line}: machine", machine, MACHINES)
        groups, kernel = row.integer("groups"), row.integer("K", 0) or 1
        for column in ("C", "M"):
            if row.integer(column) % groups:
                raise row.error(column, f"a multiple of groups = {groups}")
        shape = LayerShape(
            row.integer("C") // groups, row.integer("M") // groups, kernel, kernel,
            row.integer("S"), row.integer("OH"), row.integer("OW"), groups,
            weight_bits=row.integer("w_bits"), activation_bits=row.integer("a_bits"),
        )  # fmt: skip
        ours, theirs = MACHINES[machine](shape), row.integer("cycles")
        pairs = grouped if machine == "loom" and groups > 1 else whole
        name = f"row {number}, {machine}, layer {row.text('layer')}"
        pairs.append(Pair(name, ours, theirs, ours == theirs))
    where = f"DNNsim, {Path(file).stem}"
    found = [compared(where, "cycles of Stripes, Loom and their rivals", whole)]
    if grouped:
        what = "cycles of Loom, layers with groups"
        found.append(compared(where, what, grouped, required=False))
    return found


def _bitfusion(row: Row) -> tuple[LayerShape, BitFusion]:
    most = row.integer("pmax")
    for column in ("pmin", "act_bits", "wgt_bits"):
        if row.integer(column) > most:
            raise row.error(column, f"at most pmax = {most}")
    shape = LayerShape(
        row.integer("IC"), row.integer("OC"), row.integer("K"), row.integer("K"),
        stride=row.integer("S"), out_height=row.integer("O"), out_width=row.integer("O"),
        batch=row.integer("B"), weight_bits=row.integer("wgt_bits"),
        activation_bits=row.integer("act_bits"),
    )  # fmt: skip
    machine = BitFusion(
        *(row.integer(column) for column in (
            "N", "M", "pmax", "pmin", "if_width", "wbuf_bits", "ibuf_bits", "obuf_bits"
        ))
    )  # fmt: skip
    return shape, machine
