"""The loss of a training step, cross-entropy and regularizer, differentiated by PyTorch [S4.3]."""

import numpy as np
import pytest

from msq_ref import models
from msq_ref.methods import MSQ, DoReFa
from msq_ref.methods.config import MSQConfig
from msq_ref.methods.domains import DOMAINS
from tests.both import BACKENDS
from tests.methods.torch_weights import effective_of, regularizer_of
from tests.nn.networks import (
    channels_first,
    from_torch,
    our_name,
    relative_error,
    to_torch,
    torch_twin,
)

torch = pytest.importorskip("torch")


def small(backend):
    """The digits network at width 4, its normalization unlike fresh, and a batch of noise."""
    network = models.build("digits-cnn", width=4, dtype=np.float64, backend=backend)
    rng = np.random.default_rng(8)
    for name, value in network.parameters().items():
        if "bn" in name:
            value += 0.2 * rng.standard_normal(value.shape)
    return network, rng.standard_normal((6, 8, 8, 1)), rng.integers(0, 10, 6)


def autograd(network, method, images, labels, strength):
    """Loss and gradients of every latent weight and other parameter, by our names."""
    twin = torch_twin(torch, network, training=True)
    latent = {
        f"{name}.weight": to_torch(torch, weight.latent).requires_grad_()
        for name, weight in method.weights.items()
    }
    used, penalty = {}, torch.zeros((), dtype=torch.float64)
    for name, weight in method.weights.items():
        w = latent[f"{name}.weight"]
        space, bits = weight.domain.name, weight.bits
        used[f"{name}.weight"] = effective_of(torch, w, space, bits, weight.scale, weight.quantizer)
        if weight.k:
            penalty = penalty + regularizer_of(torch, w, space, bits, weight.k)
    rest = {name: p for name, p in twin.named_parameters() if name not in latent}
    logits = torch.func.functional_call(twin, rest | used, (channels_first(torch, images),))
    loss = torch.nn.functional.cross_entropy(logits, torch.tensor(labels)) + strength * penalty
    loss.backward()
    return float(loss.detach()), {
        our_name(network, name): from_torch(tensor.grad) for name, tensor in (rest | latent).items()
    }


def assert_same_step(network, method, backend, images, labels, strength):
    penalty = method.quantize()
    loss, grad = backend.cross_entropy(network.forward(images, training=True), labels)
    network.backward(grad)
    method.backward()
    theirs_loss, theirs = autograd(network, method, images, labels, strength)
    assert loss + strength * penalty == pytest.approx(theirs_loss, rel=1e-12)
    ours = network.gradients()
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():
        assert relative_error(value, theirs[name]) <= 1e-10, name


@BACKENDS
@pytest.mark.parametrize("domain", DOMAINS)
def test_the_gradient_of_a_step_of_msq(backend, domain):
    """[S4.3] ``L = L_ce + lambda sum R(B)`` with layers of 8, 4, 3 and 2 bits, to 1e-10."""
    network, images, labels = small(backend)
    config = MSQConfig.model_validate({"domain": domain, "n_min": 2, "lambda": 0.05})
    method = MSQ(network, DOMAINS[domain], backend, config, dict.get)
    for weight, bits, k in zip(method.weights.values(), (8, 4, 3, 2), (2, 1, 1, 0), strict=True):
        weight.bits, weight.k = bits, k
    assert_same_step(network, method, backend, images, labels, 0.05)
    assert method.quantize() > 0


@BACKENDS
@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_the_gradient_of_a_step_of_dorefa(backend, bits):
    """[S7.1] The same with DoReFa's quantizer, to 1e-10."""
    network, images, labels = small(backend)
    method = DoReFa(network, backend, bits)
    assert_same_step(network, method, backend, images, labels, 0.0)
