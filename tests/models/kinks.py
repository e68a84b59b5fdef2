"""Batches on which float32 and float64 take the same side of every kink.

The gradient of a rectifier jumps at 0, that of a maximum where two values are equal. Where float64
lies within rounding of a jump, float32 may take the other side, in PyTorch as in ours, and the
gradients differ by far more than rounding. Parity in float32 is tested on batches that keep away.
"""

import numpy as np

JUMPS = {"ReLU": (0.0,), "ReLU6": (0.0, 6.0), "Hardswish": (-3.0, 3.0), "Hardsigmoid": (-3.0, 3.0)}
"""Where the gradients of PyTorch's modules jump."""


def distance(torch, twin, x):
    """Return how near any activation of a pass comes to a jump."""
    nearest = [np.inf]

    def watch(module, inputs, output):
        values = inputs[0] if inputs else None  # what has jumps has one input
        if isinstance(module, torch.nn.MaxPool2d):
            nearest.append(gap(torch, module, values))
        for jump in JUMPS.get(type(module).__name__, ()):
            nearest.append(float((values - jump).abs().min()))

    hooks = [module.register_forward_hook(watch) for module in twin.modules()]
    with torch.no_grad():
        twin(x)
    for hook in hooks:
        hook.remove()
    return min(nearest)


def gap(torch, pool, x):
    """Return the smallest difference, but 0, of the largest two values of a window."""
    around = [pool.padding] * 4
    padded = torch.nn.functional.pad(x, around, value=-torch.inf)
    windows = padded.unfold(2, pool.kernel_size, pool.stride)
    windows = windows.unfold(3, pool.kernel_size, pool.stride).flatten(4)
    first, second = windows.topk(2, dim=4).values.unbind(4)
    # Equal values are rectified zeros, in float32 too; no gradient passes those.
    differences = (first - second)[first > second]
    return float(differences.min()) if len(differences) else np.inf


def clear_images(twin, shape, size, margin, seeds=range(500)):
    """Return the first random batch, float64 NHWC, that stays `margin` away from every jump.

    In both modes; the twin's statistics are put back.
    """
    import torch

    twin.double()
    before = {name: value.clone() for name, value in twin.state_dict().items()}
    for seed in seeds:
        images = np.random.default_rng(seed).standard_normal((size, *shape))
        x = torch.tensor(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))
        found = min(distance(torch, twin.train(mode), x) for mode in (False, True))
        twin.load_state_dict(before)
        if found >= margin:
            twin.eval()
            return images
    raise ValueError(f"no batch of {len(seeds)} stays {margin} away from every jump")
