"""What functions return, taken apart."""

import numpy as np


def arrays_of(result):
    """Arrays within a result, in order."""
    if isinstance(result, np.ndarray):
        return [result]
    return [a for part in result for a in arrays_of(part)] if isinstance(result, tuple) else []
