"""Numba twins of the definitions: the same names and arguments, bit-identical where specified."""

from msq_ref.kernels.conv import *
from msq_ref.kernels.dequantize import *
from msq_ref.kernels.dorefa import *
from msq_ref.kernels.fused import *
from msq_ref.kernels.integer import *
from msq_ref.kernels.layers import *
from msq_ref.kernels.normalize import *
from msq_ref.kernels.planes import *
from msq_ref.kernels.regularizer import *
from msq_ref.kernels.requantize import *
from msq_ref.kernels.roundclamp import *
from msq_ref.kernels.schedule import *
from msq_ref.kernels.sensitivity import *
from msq_ref.kernels.sgd import *
from msq_ref.kernels.slicing import *
from msq_ref.kernels.sums import *
