"""The contract's operations in C99, compiled on first use with the system's compiler.

The sources in ``csrc`` do the mathematics and can be used from C as they are (``msq.h``); the
functions here check arguments and hand arrays over with ctypes. The first call of any of them
compiles the library into a cache, see `msq_ref.backends.c.build`.
"""

from msq_ref.backends.c.integer import *
from msq_ref.backends.c.library import prepare as prepare
from msq_ref.backends.c.normalize import *
from msq_ref.backends.c.planes import *
from msq_ref.backends.c.quantizers import *
from msq_ref.backends.c.requantize import *
from msq_ref.backends.c.schedule import *
from msq_ref.backends.c.sensitivity import *
from msq_ref.backends.c.sgd import *
from msq_ref.backends.c.slicing import *
