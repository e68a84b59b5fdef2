"""Small networks that have every layer between them, and the same networks in PyTorch."""

import numpy as np

from msq_ref.nn import (
    GELU,
    AvgPool2d,
    BatchNorm2d,
    ClassToken,
    Conv2d,
    FirstToken,
    Flatten,
    GlobalAvgPool,
    HardSigmoid,
    HardSwish,
    LayerNorm,
    Linear,
    MaxPool2d,
    Network,
    PadShortcut,
    PatchMerging,
    ReLU,
    ReLU6,
    SelfAttention,
    SqueezeExcitation,
    Tokens,
    WindowAttention,
    Windowing,
    WindowPartition,
    WindowReverse,
    ZeroPad2d,
)
from tests.nn.torch_mobile import mobile_layer
from tests.nn.torch_tokens import any_linear, token_layer

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


def padded(dtype, backend, seed=0):
    """Maxima of padded windows, and the shortcut that makes new channels."""
    rng = np.random.default_rng(seed)
    make = {"rng": rng, "dtype": dtype, "backend": backend}
    layers = {
        "conv1": Conv2d(3, 4, 3, padding=1, **make),
        "bn": BatchNorm2d(4, dtype=dtype, backend=backend),
        "maxpool": MaxPool2d(3, 1, padding=1, backend=backend),
        "shortcut": PadShortcut(2, 7, backend=backend),
        "conv2": Conv2d(7, 6, 3, padding=1, **make),
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


def tokens(dtype, backend, seed=0):
    """Patches, a class token, attention in two heads. Smooth."""
    rng = np.random.default_rng(seed)
    make = {"rng": rng, "dtype": dtype, "backend": backend}
    layers = {
        "patches": Conv2d(3, 4, 2, stride=2, bias=True, **make),
        "tokens": Tokens(),
        "embed": ClassToken(9, 4, dtype=dtype),
        "norm": LayerNorm(4, eps=1e-3, dtype=dtype, backend=backend),
        "qkv": Linear(4, 12, **make),
        "attention": SelfAttention(4, 2, backend=backend),
        "fc1": Linear(4, 6, **make),
        "gelu": GELU(backend),
        "first": FirstToken(),
        "fc2": Linear(6, CLASSES, **make),
    }
    return unlike_fresh(Network(layers), rng)


def windows(dtype, backend, seed=0):
    """Shifted windows over a padded image, masks, relative positions, merging. Smooth."""
    rng = np.random.default_rng(seed)
    make = {"rng": rng, "dtype": dtype, "backend": backend}
    rest = {"dtype": dtype, "backend": backend}
    windowing = Windowing(5, 2, 1)
    layers = {
        "conv": Conv2d(3, 4, 2, **make),
        "partition": WindowPartition(windowing),
        "qkv": Linear(4, 12, **make),
        "attention": WindowAttention(4, 2, 2, mask=windowing.mask(), **rest),
        "reverse": WindowReverse(windowing),
        "merging": PatchMerging(),
        "norm": LayerNorm(16, **rest),
        "pool": GlobalAvgPool(backend),
        "fc": Linear(16, CLASSES, **make),
    }
    return unlike_fresh(Network(layers), rng)


def squeeze(backend, dtype, rng, channels=4):
    """A squeeze-and-excitation layer."""
    make = {"bias": True, "rng": rng, "dtype": dtype, "backend": backend}
    parts = {
        "fc1": Conv2d(channels, 3, 1, **make),
        "activation": ReLU(backend),
        "fc2": Conv2d(3, channels, 1, **make),
        "scale_activation": HardSigmoid(backend),
    }
    return SqueezeExcitation(parts, backend)


def hard(dtype, backend, seed=0):
    """Uneven padding, squeeze-and-excitation, every hard activation, another eps and momentum."""
    rng = np.random.default_rng(seed)
    make = {"rng": rng, "dtype": dtype, "backend": backend}
    norm = {"dtype": dtype, "backend": backend, "eps": 0.01, "momentum": 0.3}
    layers = {
        "pad": ZeroPad2d(((0, 1), (1, 2)), backend=backend),
        "conv1": Conv2d(3, 4, 3, stride=2, **make),
        "bn1": BatchNorm2d(4, **norm),
        "swish1": HardSwish(backend),
        "squeeze": squeeze(backend, dtype, rng),
        "conv2": Conv2d(4, 6, 1, **make),
        "bn2": BatchNorm2d(6, **norm),
        "relu6": ReLU6(backend),
        "sigmoid": HardSigmoid(backend),
        "pool": GlobalAvgPool(backend),
        "fc1": Linear(6, 8, **make),
        "swish2": HardSwish(backend),
        "fc2": Linear(8, CLASSES, **make),
    }
    network = unlike_fresh(Network(layers), rng)
    for name in ("bn1", "bn2"):  # inputs of the activations on all their pieces
        network.operations[name].parameters["gamma"] *= 3
    return network


NETWORKS = {"flattened": flattened, "pooled": pooled, "padded": padded, "smooth": smooth,
            "tokens": tokens, "windows": windows, "hard": hard}  # fmt: skip


def unlike_fresh(network, rng):
    """Give biases, scales and running statistics values that hide nothing."""
    moved = ("bias", "beta", "running_mean", "cls_token", "pos_embed",
             "relative_position_bias_table")  # fmt: skip
    for name, value in network.state().items():
        kind = name.rpartition(".")[2]
        noise = rng.standard_normal(value.shape)
        if kind in moved:
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
    order = {4: (3, 2, 0, 1), 3: (0, 1, 2), 2: (1, 0), 1: (0,)}[w.ndim]
    return torch.tensor(np.ascontiguousarray(w.transpose(order)))


def from_torch(tensor):
    array = tensor.detach().numpy()
    return array.transpose(
        {4: (2, 3, 1, 0), 3: (0, 1, 2), 2: (1, 0), 1: (0,), 0: ()}[array.ndim]
    )


OUR_NAMES = {"weight": "gamma", "bias": "beta", "running_mean": "running_mean",
             "running_var": "running_variance"}  # fmt: skip


def our_name(network, name):
    """PyTorch's name of a parameter or buffer in ours."""
    layer, _, part = name.rpartition(".")
    normalizes = isinstance(network.operations[layer], BatchNorm2d | LayerNorm)
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
            return any_linear(torch, *layer.weight.shape, bias="bias" in layer.parameters)
        case BatchNorm2d():
            size = len(layer.parameters["gamma"])
            return nn.BatchNorm2d(size, eps=layer.eps, momentum=layer.momentum)
        case ReLU():
            return nn.ReLU()
        case HardSwish() | HardSigmoid() | ReLU6() | ZeroPad2d() | SqueezeExcitation():
            return mobile_layer(torch, layer)
        case MaxPool2d():
            return nn.MaxPool2d(layer.size, layer.stride, layer.padding)
        case AvgPool2d():
            return nn.AvgPool2d(layer.size, layer.stride)
        case GlobalAvgPool():
            return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        case PadShortcut():
            class Thinned(nn.Module):
                def forward(self, x):
                    kept = x[:, :, :: layer.stride, :: layer.stride]
                    new = layer.channels - x.shape[1]
                    around = (0, 0, 0, 0, new // 2, new - new // 2)
                    return nn.functional.pad(kept, around)

            return Thinned()
        case Flatten():
            # Ours flattens NHWC.
            class InOurOrder(nn.Module):
                def forward(self, x):
                    return x.movedim(1, -1).flatten(1)

            return InOurOrder()
        case _:
            return token_layer(torch, layer)


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
