"""Random arrays, and images as PyTorch lays them out."""

import numpy as np


def normal(*shape, seed=0, dtype=np.float64):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def several(count, *shape, seed=0, dtype=np.float64):
    return [normal(*shape, seed=seed + i, dtype=dtype) for i in range(count)]


def channel_first(torch, x):
    return torch.tensor(np.moveaxis(x, -1, 1).copy(), requires_grad=True)


def channel_last(tensor):
    return np.moveaxis(tensor.detach().numpy(), 1, -1)
