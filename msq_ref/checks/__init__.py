"""Checks of arguments, in one place, so that the definitions stay pure mathematics [S0.2]-[S0.4].

Every function takes the argument's name first and raises a ``ValueError`` or ``TypeError`` that
names the argument, its value and what was expected. Array checks return a native-endian,
C-contiguous array of the same dtype; the caller's array is never changed.
"""

from msq_ref.checks.arguments import *
from msq_ref.checks.arrays import *
from msq_ref.checks.images import *
from msq_ref.checks.scalars import *
from msq_ref.checks.tokens import *
from msq_ref.checks.updates import *
