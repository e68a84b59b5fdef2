"""DoReFa: the same width for every layer, the quantizer of [S2.2] [S7.1]."""

from __future__ import annotations

from types import ModuleType

from msq_ref import checks
from msq_ref.methods.domains import OFFSET
from msq_ref.methods.method import Method
from msq_ref.methods.weight import QuantizedWeight
from msq_ref.nn import Network

__all__ = ["DoReFa"]


class DoReFa(Method):
    """Uniform quantization in the offset domain (Zhou et al. 2016, arXiv 1606.06160).

    Parameters
    ----------
    network : Network
    backend : module
        Where the operations come from.
    bits : int
        Width of every layer, 1 to 16.

    Raises
    ------
    ValueError
        If `bits` is out of range.
    """

    def __init__(self, network: Network, backend: ModuleType, bits: int) -> None:
        bits = checks.bit_width(bits)
        super().__init__(
            network,
            {
                name: QuantizedWeight(
                    layer,
                    OFFSET,
                    backend,
                    bits=bits,
                    scale=OFFSET.initial_scale(layer.parameters["weight"]),
                    quantizer="dorefa",
                )
                for name, layer in network.quantized_layers().items()
            },
        )
