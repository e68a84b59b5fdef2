"""The contract's operations in JAX, each compiled by XLA.

Arrays are NumPy arrays in and out and are computed on the CPU. Widths are data of the compiled
functions, and arrays are padded to a few sizes, so that neither makes XLA compile anew; 64-bit
numbers are a setting in force inside the calls alone. What XLA's code generator does to the last
bit, and how it is kept from it, is in `msq_ref.backends.jax.exact`.
"""

try:
    import jax as _jax  # noqa: F401
except ModuleNotFoundError as error:
    if error.name != "jax":
        raise
    raise ImportError("msq_ref.backends.jax needs JAX: pip install 'msq-ref[jax]'") from None

from msq_ref.backends.jax.integer import *
from msq_ref.backends.jax.normalize import *
from msq_ref.backends.jax.planes import *
from msq_ref.backends.jax.quantizers import *
from msq_ref.backends.jax.requantize import *
from msq_ref.backends.jax.schedule import *
from msq_ref.backends.jax.sensitivity import *
from msq_ref.backends.jax.sgd import *
from msq_ref.backends.jax.slicing import *

flushes_subnormals = True
"""XLA runs its code on the CPU with subnormal inputs and results taken for zero [S0.3]."""
