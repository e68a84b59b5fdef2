"""The kernels' name for `msq_ref.memory`, which stands on the ground so that layers use it too."""

from msq_ref.memory import ALIGNMENT, SMALLEST, Pool, empty, scratch, use_pool

__all__ = ["ALIGNMENT", "SMALLEST", "Pool", "empty", "scratch", "use_pool"]
