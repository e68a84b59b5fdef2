"""Small networks that have every layer between them, and the same networks in PyTorch."""

import numpy as np

from msq_ref.nn import (
    AvgPool2d,
    BatchNorm2d,
    Conv2d,
    Flatten,
    GlobalAvgPool,
    Linear,
    MaxPool2d,
    Network,
    ReLU,
)

IMAGE = (6, 6, 3)
CLASSES = 5


def flattened(dtype, backend, seed=0):
    """Grouped and depthwise convolutions, strides, biases, both poolings, flattening."""
    rng = np.random.default_rng(seed)
    make = {"rng": rng, "dtype": dtype, "backend": backend}
    rest = {"dtype": dtype, "backend": backend}
    layers = {
        "conv1": Conv2d(3, 4, 3, padding=1, **make),
        "bn1": BatchNorm2d(4, **rest),
        "relu1": ReLU(backend),
        "conv2": Conv2d(4, 6, 3, stride=2, padding=1, groups=2, **make),
        "bn2": BatchNorm2d(6, **rest),
        "depthwise": Conv2d(6, 6, 3, padding=2, groups=6, bias=True, **make),
        "maxpool": MaxPool2d(2, 1, backend=backend),
        "relu2": ReLU(backend),
        "avgpool": AvgPool2d(2, 2, backend=backend),
        "flatten": Flatten(backend),
        "fc1": Linear(24, 7, **make),
        "relu3": ReLU(backend),
        "fc2": Linear(7, CLASSES, bias=False, **make),
    }
    return unlike_fresh(Network(layers), rng)


def pooled(dtype, backend, seed=0):
    """A convolution without padding, overlapping maxima, global pooling."""
    rng = np.random.default_rng(seed)
    make = {"rng": rng, "dtype": dtype, "backend": backend}
    layers = {
        "conv": Conv2d(3, 6, 2, groups=3, **make),
        "bn": BatchNorm2d(6, dtype=dtype, backend=backend),
        "maxpool": MaxPool2d(3, 2, backend=backend),
        "relu": ReLU(backend),
        "pool": GlobalAvgPool(backend),
        "fc": Linear(6, CLASSES, **make),
    }
    return unlike_fresh(Network(layers), rng)


def smooth(dtype, backend, seed=0):
    """No kink anywhere: neither ReLU nor a maximum [S5.3]. 228 weights."""
    rng = np.random.default_rng(seed)
    make = {"rng": rng, "dtype": dtype, "backend": backend}
    layers = {
        "conv1": Conv2d(3, 4, 3, padding=1, **make),
        "bn1": BatchNorm2d(4, dtype=dtype, backend=backend),
        "conv2": Conv2d(4, 4, 2, stride=2, groups=2, bias=True, **make),
        "depthwise": Conv2d(4, 4, 2, groups=4, **make),
        "avgpool": AvgPool2d(2, 1, backend=backend),
        "flatten": Flatten(backend),
        "fc1": Linear(4, 8, **make),
        "fc2": Linear(8, CLASSES, **make),
    }
    return unlike_fresh(Network(layers), rng)


NETWORKS = {"flattened": flattened, "pooled": pooled, "smooth": smooth}


def unlike_fresh(network, rng):
    """Give biases, scales and running statistics values that hide nothing."""
    for name, value in network.state().items():
        kind = name.rpartition(".")[2]
        noise = rng.standard_normal(value.shape)
        if kind in ("bias", "beta", "running_mean"):
            value[...] = 0.3 * noise
        elif kind in ("gamma", "running_variance"):
            value[...] = np.exp(0.3 * noise)
    return network


def batch(dtype, seed=1, size=4):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((size, *IMAGE)).astype(dtype), rng.integers(0, CLASSES, size)


def relative_error(ours, theirs):
    """Distance as [S11.1] measures it; shapes must agree."""
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    assert ours.shape == theirs.shape
    scale = np.linalg.norm(theirs)
    return np.linalg.norm(ours - theirs) / (scale if scale else 1)


def channels_first(torch, x):
    """NHWC, or (batch, features), to a tensor of PyTorch's layout."""
    return torch.tensor(np.moveaxis(x, -1, 1).copy())


def channels_last(tensor):
    return np.moveaxis(tensor.detach().numpy(), 1, -1)


def to_torch(torch, w):
    """HWIO to OIHW, (inputs, outputs) to its transpose, a vector to itself."""
    order = {4: (3, 2, 0, 1), 2: (1, 0), 1: (0,)}[w.ndim]
    return torch.tensor(np.ascontiguousarray(w.transpose(order)))


def from_torch(tensor):
    array = tensor.detach().numpy()
    return array.transpose({4: (2, 3, 1, 0), 2: (1, 0), 1: (0,), 0: ()}[array.ndim])


OUR_NAMES = {"weight": "gamma", "bias": "beta", "running_mean": "running_mean",
             "running_var": "running_variance"}  # fmt: skip


def our_name(network, name):
    """PyTorch's name of a parameter or buffer in ours."""
    layer, _, part = name.rpartition(".")
    normalizes = isinstance(network.layers[layer], BatchNorm2d)
    return f"{layer}.{OUR_NAMES[part] if normalizes else part}"


def torch_layer(torch, layer):
    """One layer in PyTorch, without its arrays."""
    nn = torch.nn
    match layer:
        case Conv2d():
            height, width, inputs, outputs = layer.weight.shape
            return nn.Conv2d(
                inputs * layer.groups, outputs, (height, width), stride=layer.stride,
                padding=layer.padding, groups=layer.groups, bias="bias" in layer.parameters,
            )  # fmt: skip
        case Linear():
            return nn.Linear(*layer.weight.shape, bias="bias" in layer.parameters)
        case BatchNorm2d():
            return nn.BatchNorm2d(len(layer.parameters["gamma"]))
        case ReLU():
            return nn.ReLU()
        case MaxPool2d():
            return nn.MaxPool2d(layer.size, layer.stride)
        case AvgPool2d():
            return nn.AvgPool2d(layer.size, layer.stride)
        case GlobalAvgPool():
            return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        case Flatten():
            # Ours flattens NHWC.
            class InOurOrder(nn.Module):
                def forward(self, x):
                    return x.movedim(1, -1).flatten(1)

            return InOurOrder()


def torch_twin(torch, network, training=False):
    """The same network with the same arrays, effective weights where they are set."""
    twin = torch.nn.Sequential()
    for name, layer in network.layers.items():
        twin.add_module(name, torch_layer(torch, layer))
    ours = network.state() | {
        f"{name}.weight": layer.weight for name, layer in network.quantized_layers().items()
    }
    narrow = any(value.dtype == np.float32 for value in ours.values())
    twin.to(torch.float32 if narrow else torch.float64)
    with torch.no_grad():
        for name, tensor in twin.state_dict().items():
            if not name.endswith("num_batches_tracked"):
                tensor.copy_(to_torch(torch, ours[our_name(network, name)]))
    return twin.train(training)
