"""No quantization: the float run that the others are compared with."""

from __future__ import annotations

from msq_ref.methods.method import Method
from msq_ref.nn import Network

__all__ = ["Float"]


class Float(Method):
    """Train the weights as they are."""

    def __init__(self, network: Network) -> None:
        super().__init__(network, {})
