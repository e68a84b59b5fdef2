"""The definitions: one NumPy function per operation, and the truth for every other backend."""

from msq_ref.reference.activation import *
from msq_ref.reference.batchnorm import *
from msq_ref.reference.conv import *
from msq_ref.reference.dequantize import *
from msq_ref.reference.dorefa import *
from msq_ref.reference.fused import *
from msq_ref.reference.integer import *
from msq_ref.reference.linear import *
from msq_ref.reference.loss import *
from msq_ref.reference.normalize import *
from msq_ref.reference.planes import *
from msq_ref.reference.pooling import *
from msq_ref.reference.regularizer import *
from msq_ref.reference.requantize import *
from msq_ref.reference.roundclamp import *
from msq_ref.reference.schedule import *
from msq_ref.reference.sensitivity import *
from msq_ref.reference.sgd import *
from msq_ref.reference.slicing import *
from msq_ref.reference.sums import *
