"""The array in Verilog, simulated by Verilator: cycles and outputs that nobody wrote in Python.

`verilog/` has the hardware and its C++ bench; `docs/hwsim-rtl.md` shows how a cycle goes.
"""

from hwsim.rtl.build import Shape, missing_tool
from hwsim.rtl.files import Case
from hwsim.rtl.run import RtlResult, simulate_batch, simulate_rtl, trace_rtl
from hwsim.rtl.validate import RtlValidation, rtl_comparison, validate_rtl

__all__ = [
    "Case",
    "RtlResult",
    "RtlValidation",
    "Shape",
    "missing_tool",
    "rtl_comparison",
    "simulate_batch",
    "simulate_rtl",
    "trace_rtl",
    "validate_rtl",
]
