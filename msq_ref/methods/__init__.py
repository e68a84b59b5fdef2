"""What is trained and how it becomes weights: float, DoReFa and MSQ."""

from msq_ref.methods.dorefa import DoReFa
from msq_ref.methods.floating import Float
from msq_ref.methods.method import Method, Round
from msq_ref.methods.msq import MSQ
from msq_ref.methods.weight import QuantizedWeight

__all__ = ["MSQ", "DoReFa", "Float", "Method", "QuantizedWeight", "Round"]
