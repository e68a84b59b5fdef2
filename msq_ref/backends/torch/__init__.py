"""The contract's operations in PyTorch, as a training loop in PyTorch would have them.

Arrays are NumPy arrays in and out and live on the CPU; gradients come from autograd, with
straight-through estimators where the spec wants them. PyTorch's settings (threads, default dtype,
gradient mode, deterministic algorithms) are neither changed nor relied on.
"""

try:
    import torch as _torch  # noqa: F401
except ModuleNotFoundError as error:
    if error.name != "torch":
        raise
    raise ImportError(
        "msq_ref.backends.torch needs PyTorch: pip install 'msq-ref[torch]'"
    ) from None

from msq_ref.backends.torch.integer import *
from msq_ref.backends.torch.normalize import *
from msq_ref.backends.torch.planes import *
from msq_ref.backends.torch.quantizers import *
from msq_ref.backends.torch.requantize import *
from msq_ref.backends.torch.schedule import *
from msq_ref.backends.torch.sensitivity import *
from msq_ref.backends.torch.sgd import *
from msq_ref.backends.torch.slicing import *
