"""Topologies in SCALE-Sim's format: a layer a line, of convolutions or of matrix products."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hwsim.csv_table import Row, lines_of
from hwsim.layer import Layer
from hwsim.peers.shape import LayerShape
from hwsim.rounding import ceil_div
from hwsim.workload import Workload

__all__ = ["TopologyLayer", "read_topology", "topology_workload"]

COLUMNS = {
    "Layer name": ("layername", "layer", "name", "l"),
    "IFMAP Height": ("ifmapheight", "ifmaph", "ifmapwidth"),  # some of its files write width twice
    "IFMAP Width": ("ifmapwidth", "ifmapw"),
    "Filter Height": ("filterheight", "filterh"),
    "Filter Width": ("filterwidth", "filterw"),
    "Channels": ("channels", "channel", "numchannels"),
    "Num Filter": ("numfilter", "numfilters", "filters"),
    "Strides": ("strides", "stride", "strideheight"),
}
"""SCALE-Sim goes by the place of a column; its name, in any spelling of these, must agree."""

PRODUCTS = {"Layer": COLUMNS["Layer name"], "M": ("m",), "N": ("n",), "K": ("k",)}
SPARSITY = "sparsity"
DEPTHWISE = "DP"
"""In the name of a layer: its channels are filtered one by one."""

MOST_CHANNELS = 2**16
"""Of a depthwise layer, which is as many layers to SCALE-Sim."""


@dataclass(frozen=True)
class TopologyLayer:
    """A line of a topology.

    Attributes
    ----------
    name : str
    height, width, channels, filters, kernel_height, kernel_width, stride : int
        As in the file; a matrix product of M x K by K x N is a 1 x K kernel over an M x K image.
    depthwise : bool
        Every channel has its own `filters`.
    product : bool
        The line is a matrix product.
    """

    name: str
    height: int
    width: int
    kernel_height: int
    kernel_width: int
    channels: int
    filters: int
    stride: int
    depthwise: bool = False
    product: bool = False

    @property
    def out_height(self) -> int:
        """Rows of outputs, ``ceil((H - kh + stride) / stride)``: a ragged last window counts."""
        return ceil_div(self.height - self.kernel_height + self.stride, self.stride)

    @property
    def out_width(self) -> int:
        """Outputs of a row, as `out_height`."""
        return ceil_div(self.width - self.kernel_width + self.stride, self.stride)

    def shapes(self) -> list[LayerShape]:
        """Return what SCALE-Sim runs: the layer, or one for each channel of a depthwise one."""
        one = LayerShape(
            channels=1 if self.depthwise else self.channels,
            outputs=self.filters,
            kernel_height=self.kernel_height,
            kernel_width=self.kernel_width,
            stride=self.stride,
            out_height=self.out_height,
            out_width=self.out_width,
        )
        return [one] * (self.channels if self.depthwise else 1)

    def layer(self, name: str, bits: int, in_bits: int) -> Layer:
        """Return the layer of a workload with the same positions.

        Where the last window is ragged, the image is taken as large as that window needs.
        """
        if self.product or self.height == self.width == self.kernel_height == 1:
            reduction = self.kernel_width * self.channels
            if not self.depthwise and self.width == self.kernel_width:
                return Layer.linear(
                    name, reduction, self.filters, bits, positions=self.out_height, in_bits=in_bits
                )
        last = (self.out_height - 1) * self.stride, (self.out_width - 1) * self.stride
        return Layer(
            name, "conv", max(self.height, last[0] + self.kernel_height),
            max(self.width, last[1] + self.kernel_width), self.channels,
            self.filters * (self.channels if self.depthwise else 1), bits,
            kernel_height=self.kernel_height, kernel_width=self.kernel_width, stride=self.stride,
            groups=self.channels if self.depthwise else 1, in_bits=in_bits,
        )  # fmt: skip


def read_topology(path: Path | str) -> list[TopologyLayer]:
    """Read a topology; blank lines, Windows line ends and trailing commas do no harm.

    Returns
    -------
    list of TopologyLayer
        May be empty.

    Raises
    ------
    ValueError
        In one line, naming file, line and column: a column is missing, a value is no positive
        integer, a filter is larger than its image, or weights are sparse.
    """
    path = Path(path)
    (first, names), *rest = lines_of(path)
    spelled = [_plain(name) for name in names]
    product = spelled[1:4] == ["m", "n", "k"]
    expected = PRODUCTS if product else COLUMNS
    for place, (column, spellings) in enumerate(expected.items()):
        if place >= len(spelled) or spelled[place] not in spellings:
            found = names[place] if place < len(names) and names[place] else "nothing"
            raise ValueError(
                f"{path}: line {first}: column {column!r} is missing: in its place, "
                f"{place + 1}, is {found}"
            )
    layers = []
    for line, cells in rest:
        for place, column in enumerate(expected):
            if place >= len(cells) or not cells[place]:
                raise ValueError(f"{path}: line {line}: column {column!r} is missing")
        row = Row(path, line, dict(zip(expected, cells, strict=False)))
        _dense(row, spelled, cells)
        layers.append(_product(row) if product else _convolution(row))
    return layers


def topology_workload(path: Path | str, *, bits: int = 8, in_bits: int = 8) -> Workload:
    """Return a topology as a workload for one image, all weights and activations of one width.

    Layers of the same name are told apart by a number.

    Raises
    ------
    ValueError
        As `read_topology`; if there is no layer.
    """
    counts: dict[str, int] = {}
    layers = []
    for line in read_topology(path):
        counts[line.name] = counts.get(line.name, 0) + 1
        number = f" ({counts[line.name]})" if counts[line.name] > 1 else ""
        layers.append(line.layer(f"{line.name}{number}", bits, in_bits))
    if not layers:
        raise ValueError(f"{path}: no layers below the names of the columns")
    return Workload(Path(path).stem, tuple(layers))


def _convolution(row: Row) -> TopologyLayer:
    name, *sizes = COLUMNS
    height, width, kernel_height, kernel_width, channels, filters, stride = (
        row.integer(column) for column in sizes
    )
    for column, kernel, image in (
        ("Filter Height", kernel_height, height), ("Filter Width", kernel_width, width)
    ):  # fmt: skip
        if kernel > image:
            raise row.error(column, f"at most the image's {image}")
    layer = row.text(name)
    if DEPTHWISE in layer and channels > MOST_CHANNELS:
        raise row.error("Channels", f"at most {MOST_CHANNELS} in a depthwise (DP) layer")
    return TopologyLayer(
        layer, height, width, kernel_height, kernel_width, channels, filters, stride,
        depthwise=DEPTHWISE in layer,
    )  # fmt: skip


def _product(row: Row) -> TopologyLayer:
    m, n, k = (row.integer(column) for column in ("M", "N", "K"))
    return TopologyLayer(row.text("Layer"), m, k, 1, k, 1, n, 1, product=True)


def _dense(row: Row, spelled: list[str], cells: list[str]) -> None:
    """Refuse a line whose weights are sparse N:M."""
    place = spelled.index(SPARSITY) if SPARSITY in spelled else len(cells)
    if place < len(cells) and cells[place]:
        kept, _, of = cells[place].partition(":")
        if kept != of:
            raise ValueError(
                f"{row.path}: line {row.line}: column 'Sparsity' = {cells[place]!r}: expected "
                "1:1; sparse weights are not modelled"
            )


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())
