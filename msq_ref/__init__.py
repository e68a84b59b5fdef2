"""Ground truth for MSQ, memory-efficient bit sparsification quantization (arXiv 2507.22349).

The functions here are the definitions, in NumPy; ``docs/spec.md`` gives their meaning by clause.
"""

from msq_ref.contract import SPEC_VERSION as SPEC_VERSION
from msq_ref.reference import *

__version__ = "0.1.0"
