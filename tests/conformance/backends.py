"""Names of operations, and backends that are the reference but for some."""

from types import SimpleNamespace

from msq_ref import reference
from msq_ref.contract import OPERATIONS

NAMES = [entry.name for entry in OPERATIONS]
OF_UNIT = ("roundclamp", "dorefa", "lsb", "lsb_l1", "lsb_l1_codes", "lsb_l1_grad",
           "lsb_nonzero_rate")  # fmt: skip
SLICED = OF_UNIT[2:]


def but(**wrong):
    """The reference, but for some operations."""
    right = {name: getattr(reference, name) for name in NAMES}
    return SimpleNamespace(**{**right, **wrong})
