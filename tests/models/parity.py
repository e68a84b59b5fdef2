"""Our networks against twins in PyTorch: outputs and all gradients, tensor by tensor [S11.1].

A twin is a ``torch.nn.Module`` from NCHW images to logits. `names` maps each of its parameters to
ours, with what takes its array to our layout; `msq_ref.models.published.from_torch` gives both.
"""

from dataclasses import dataclass

import numpy as np

from msq_ref.hessian import HessianProducts
from msq_ref.models.published import from_torch
from msq_ref.reference import cross_entropy
from tests.nn.networks import relative_error


@dataclass(frozen=True)
class Pass:
    """What one pass gives, as arrays in our names and layouts."""

    logits: np.ndarray
    gradients: dict[str, np.ndarray]
    """Of every parameter, and of the images under the name ``images``."""
    buffers: dict[str, np.ndarray]
    """After the pass."""

    def tensors(self):
        return {"logits": self.logits, **self.gradients, **self.buffers}


def our_pass(network, images, labels, training=False):
    """Forward and backward by hand."""
    logits = network.forward(images, training)
    _, grad = cross_entropy(logits, labels)
    images_grad = network.backward(grad)
    gradients = {**network.gradients(), "images": images_grad}
    return Pass(logits, gradients, {k: v.copy() for k, v in network.buffers().items()})


def logits_of(twin, images):
    """Logits of a plain module, or of one of the `transformers` package."""
    found = twin(images)
    return getattr(found, "logits", found)


def twin_pass(twin, network, table, images, labels, training=False, convert=from_torch):
    """The same by PyTorch, in the dtype of `images`.

    `network` is only asked for its names; buffers of the twin are put back afterwards.
    """
    import torch

    twin = twin.to(getattr(torch, str(images.dtype))).train(training)
    before = {name: value.clone() for name, value in twin.state_dict().items()}
    x = torch.tensor(np.ascontiguousarray(images.transpose(0, 3, 1, 2)), requires_grad=True)
    twin.zero_grad()
    logits = logits_of(twin, x)
    torch.nn.functional.cross_entropy(logits, torch.tensor(labels)).backward()
    gradients = {
        name: np.zeros(tuple(value.shape), images.dtype) if value.grad is None
        else value.grad.numpy().copy()
        for name, value in twin.named_parameters()
    }  # fmt: skip
    buffers = {name: value.numpy().copy() for name, value in twin.named_buffers()}
    twin.load_state_dict(before)
    found = convert(network, gradients, table)
    found["images"] = x.grad.numpy().transpose(0, 2, 3, 1)
    kept = {k: v for k, v in convert(network, buffers, table).items() if k in network.buffers()}
    return Pass(logits.detach().numpy(), found, kept)


ZERO = 1e-12
"""Share of the whole gradient below which a float64 gradient is rounding about an exact 0."""


def zero_gradients(found):
    """Names of a float64 pass's gradients that are 0 but for rounding.

    A constant added to every position of a channel, and so its gradient, is lost where the next
    normalization subtracts the batch's mean.
    """
    sizes = {name: np.linalg.norm(value) for name, value in found.gradients.items()}
    whole = np.linalg.norm(list(sizes.values()))
    return {name for name, size in sizes.items() if size <= ZERO * whole}


def errors(ours, theirs):
    """The error of each tensor as [S11.1] measures it; names must be the same.

    Theirs is of float64. Where it is 0 but for rounding, the error is absolute, in units of the
    whole gradient.
    """
    whole = np.linalg.norm([np.linalg.norm(value) for value in theirs.gradients.values()])
    zeros = zero_gradients(theirs)
    ours, theirs = ours.tensors(), theirs.tensors()
    assert ours.keys() == theirs.keys(), sorted(ours.keys() ^ theirs.keys())
    found = {name: float(relative_error(ours[name], theirs[name])) for name in theirs}
    return found | {
        name: float(np.linalg.norm(ours[name] - theirs[name]) / whole) for name in zeros
    }


def demand_parity(build, twin, table, images, labels, convert=from_torch):
    """Assert the bounds of [S11.1] in both precisions and both modes; return the worst errors.

    Parameters
    ----------
    build : callable
        From a dtype to our network.
    twin : torch.nn.Module
        Its weights are taken over by ours.
    images, labels : ndarray
        float64 NHWC and int64.
    """
    import torch

    worst = {}
    wide = {}
    state = {name: value.double().numpy().copy() for name, value in twin.state_dict().items()}
    for training in (False, True):
        for kind, limit in ((np.float64, 1e-9), (np.float32, 1e-4)):
            network = build(kind)
            network.load_state(
                {k: v for k, v in convert(network, state, table).items() if k in network.state()}
            )
            twin.double()  # or the weights would be rounded to the last pass's float32
            twin.load_state_dict({name: torch.tensor(value) for name, value in state.items()})
            x = images.astype(kind)
            ours = our_pass(network, x, labels, training)
            theirs = twin_pass(twin, network, table, x, labels, training, convert)
            mode = "training" if training else "inference"
            if kind is np.float64:
                wide[training] = theirs
            found = errors(ours, wide[training])
            if kind is np.float32:
                peer = errors(theirs, wide[training])
                worst[mode, "peer float32"] = max(peer.values())
                if training and network.buffers():
                    # Batch statistics amplify rounding: PyTorch's own error is the measure.
                    limit = max(3 * max(peer.values()), limit)
            worst[mode, np.dtype(kind).name] = max(found.values())
            name = max(found, key=found.__getitem__)
            assert found[name] <= limit, (mode, np.dtype(kind).name, name, found[name], limit)
    for key, value in worst.items():
        print(*key, f"{value:.2e}")
    return worst


def demand_hessian_parity(network, twin, table, images, labels, convert=from_torch, seed=0):
    """[S5.2] ``H v`` of all quantized layers at once against PyTorch's double backward, <= 1e-8.

    `network` and `twin` have the same float64 weights; both run in inference mode.
    """
    import torch

    products = HessianProducts(network, images, labels)
    rng = np.random.default_rng(seed)
    vectors = {name: rng.standard_normal(shape) for name, shape in products.shapes().items()}
    ours = products(vectors)

    twin = twin.double().eval()
    named = dict(twin.named_parameters())
    # Which of their tensors holds which of our weights: their numbers, sent through the table.
    back = _their_vectors(network, named, table, vectors, convert)
    x = torch.tensor(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))
    loss = torch.nn.functional.cross_entropy(logits_of(twin, x), torch.tensor(labels))
    weights = [named[name] for name in back]
    first = torch.autograd.grad(loss, weights, create_graph=True)
    inner = sum((g * torch.tensor(back[name])).sum() for g, name in zip(first, back, strict=True))
    second = torch.autograd.grad(inner, weights)
    full = {name: np.zeros(tuple(value.shape)) for name, value in named.items()}
    full |= {name: value.numpy() for name, value in zip(back, second, strict=True)}
    theirs = convert(network, full, table)
    found = {name: float(relative_error(ours[name], theirs[f"{name}.weight"])) for name in ours}
    name = max(found, key=found.__getitem__)
    print(f"H v: worst {name} {found[name]:.2e}")
    assert found[name] <= 1e-8, (name, found[name])
    return found


def _their_vectors(network, named, table, vectors, convert):
    """Take vectors in our layout to theirs: the conversion only moves entries, so invert it."""
    sizes = np.cumsum([0, *(value.numel() for value in named.values())])
    numbers = {
        name: np.arange(start, end, dtype=np.float64).reshape(tuple(value.shape))
        for (name, value), start, end in zip(named.items(), sizes[:-1], sizes[1:], strict=True)
    }
    moved = convert(network, numbers, table)
    flat = np.zeros(sizes[-1])
    wanted = np.zeros(sizes[-1], bool)
    for name, vector in vectors.items():
        places = moved[f"{name}.weight"].astype(np.int64)
        flat[places] = vector
        wanted[places] = True
    return {
        name: flat[start:end].reshape(tuple(value.shape))
        for (name, value), start, end in zip(named.items(), sizes[:-1], sizes[1:], strict=True)
        if wanted[start:end].any()
    }


def demand_parity_of(pair, backend, margin=0.0):
    """`demand_parity` of a pair, in both modes and precisions."""
    worst = demand_parity(
        lambda dtype: pair.build(dtype, backend), pair.twin, pair.table, *pair.batch(margin=margin)
    )
    assert worst.keys() >= {
        (mode, kind) for mode in ("inference", "training") for kind in ("float32", "float64")
    }


def demand_hessian_parity_of(pair, backend):
    """`demand_hessian_parity` of a pair: of every quantized layer."""
    network = pair.loaded(backend=backend)
    found = demand_hessian_parity(network, pair.twin, pair.table, *pair.batch())
    assert found.keys() == network.quantized_layers().keys()
