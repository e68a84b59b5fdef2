"""One layer's weights through the quantizer and back, against autograd [S1]-[S4]."""

import numpy as np
import pytest

from msq_ref import kernels, reference
from msq_ref.methods import QuantizedWeight
from msq_ref.methods.domains import DOMAINS, OFFSET, SIGNED
from msq_ref.nn import Linear
from tests.both import BACKENDS
from tests.methods.torch_weights import effective_of, regularizer_of
from tests.nn.networks import relative_error

PRECISIONS = pytest.mark.parametrize(("dtype", "bound"), [(np.float32, 2e-6), (np.float64, 1e-14)])
SHAPE = (15, 8)
STRENGTH = 0.3

# Every width of both domains with every k that is legal there, 0 for none: (domain, bits, k).
WIDTHS = [
    (name, bits, k)
    for name, space in DOMAINS.items()
    for bits in [*range(1 + space.sign_bits, 10), 16]
    for k in range(bits - space.sign_bits)
]


def made(domain, backend, dtype, bits, k=0, quantizer="roundclamp", seed=0):
    """A layer with weights of all sizes, some of them 0, two of them tied for the maximum."""
    rng = np.random.default_rng(seed)
    layer = Linear(*SHAPE, rng=rng, dtype=dtype, backend=backend)
    w = layer.parameters["weight"]
    w[0, :3] = 0
    w[1, 1], w[2, 2] = 1.5, -1.5
    layer.gradients["weight"] = rng.standard_normal(SHAPE).astype(dtype)
    weight = QuantizedWeight(layer, DOMAINS[domain], backend, bits, 0.75, k, quantizer)
    clear_edges(weight)
    return weight


def clear_edges(weight):
    """Shrink weights that are so near a bin's edge that another tanh would change their code."""
    levels = 2.0**weight.code_bits - (weight.quantizer == "dorefa")
    while True:
        u = weight.domain.unit(weight.latent.astype(np.float64), reference)
        # Edges of fine and coarse bins are multiples of 1/2; the maximum and 0 are there exactly.
        distance = np.abs(2 * levels * u - np.rint(2 * levels * u))
        near = (distance > 1e-9) & (distance < 2e-6 * levels)
        if not near.any():
            return
        weight.latent[near] *= weight.latent.dtype.type(0.97)


def autograd(torch, weight, strength):
    """Effective weights, regularizer and dL/dw of ``sum(grad w_eff) + strength R``."""
    w = torch.tensor(weight.latent, requires_grad=True)
    grad = torch.tensor(weight.layer.gradients["weight"])
    space, bits = weight.domain.name, weight.bits
    effective = effective_of(torch, w, space, bits, weight.scale, weight.quantizer)
    loss, penalty = (grad * effective).sum(), torch.zeros(())
    if weight.k:
        penalty = regularizer_of(torch, w, space, bits, weight.k)
        loss = loss + strength * penalty
    loss.backward()
    return effective.detach().numpy(), float(penalty.detach()), w.grad.numpy()


@BACKENDS
@PRECISIONS
@pytest.mark.parametrize(("domain", "bits", "k"), WIDTHS)
def test_quantize_and_backward_are_autograd_s(backend, dtype, bound, domain, bits, k):
    """[S4.3] Effective weights, R(B), and the gradient through the maximum, ties and all."""
    torch = pytest.importorskip("torch")
    weight = made(domain, backend, dtype, bits, k)
    effective, penalty, grad = autograd(torch, weight, STRENGTH)
    ours = weight.quantize(regularize=True)
    assert weight.layer.effective.dtype == dtype
    assert relative_error(weight.layer.effective, effective) <= bound
    assert ours == pytest.approx(penalty, rel=1e-6 if dtype == np.float32 else 1e-14)
    assert (ours > 0) == (k > 0)
    weight.backward(STRENGTH)
    assert weight.layer.gradients["weight"].dtype == dtype
    assert relative_error(weight.layer.gradients["weight"], grad) <= bound


@BACKENDS
@PRECISIONS
@pytest.mark.parametrize("bits", range(1, 17))
def test_dorefa_is_autograd_s(backend, dtype, bound, bits):
    """[S2.2], [S7.1] The other quantizer, in the offset domain."""
    torch = pytest.importorskip("torch")
    weight = made("offset", backend, dtype, bits, quantizer="dorefa")
    effective, _, grad = autograd(torch, weight, 0)
    assert weight.quantize(regularize=True) == 0
    weight.backward(STRENGTH)
    assert relative_error(weight.layer.effective, effective) <= bound
    assert relative_error(weight.layer.gradients["weight"], grad) <= bound
    np.testing.assert_array_equal(
        weight.codes(), backend.dorefa(backend.normalize(weight.latent), bits)
    )


@BACKENDS
@pytest.mark.parametrize("domain", DOMAINS)
def test_the_gradient_of_the_regularizer_by_hand(backend, domain):
    """[S2.4], [S4.2], [S4.3] ``dL/du = dL/dq + lambda sign(B_k)``."""
    weight = made(domain, backend, np.float64, bits=5, k=2)
    width = weight.code_bits
    assert width == (4 if domain == "signed" else 5)
    u = weight.domain.unit(weight.latent, reference)
    signs = np.sign(reference.lsb(u, width, 2))
    grad = weight.layer.gradients["weight"].copy()
    slope = 0.75 * np.sign(weight.latent) if domain == "signed" else 1.5
    grad_u = grad * slope + STRENGTH * signs
    back = {
        "offset": reference.normalize_backward, "signed": reference.normalize_signed_backward
    }  # fmt: skip
    wanted = back[domain](grad_u, weight.latent)
    weight.quantize(regularize=True)
    weight.backward(STRENGTH)
    assert relative_error(weight.layer.gradients["weight"], wanted) <= 1e-15


@BACKENDS
@pytest.mark.parametrize("domain", DOMAINS)
def test_what_is_not_regularized(backend, domain):
    """[S6.1], [S6.2] No k, no wish or no strength: the gradient is the one without R."""
    plain = made(domain, backend, np.float64, bits=5)
    assert plain.quantize(regularize=True) == 0
    plain.backward(STRENGTH)
    wanted = plain.layer.gradients["weight"]
    for regularize, strength in ((False, STRENGTH), (True, 0.0)):
        weight = made(domain, backend, np.float64, bits=5, k=2)
        weight.quantize(regularize=True)
        assert (weight.quantize(regularize=regularize) > 0) == regularize
        weight.backward(strength)
        np.testing.assert_array_equal(weight.layer.gradients["weight"], wanted)
        np.testing.assert_array_equal(weight.layer.effective, plain.layer.effective)


@BACKENDS
@pytest.mark.parametrize("domain", DOMAINS)
def test_descent_on_the_regularizer_alone_zeroes_the_low_bits(backend, domain):
    """[S2.5], [S4.2] Small steps down lambda R alone bring beta from one half to almost 0."""
    weight = made(domain, backend, np.float64, bits=5, k=1)
    before = weight.nonzero_rate()
    assert before > 0.3
    for _ in range(300):
        weight.quantize(regularize=True)
        weight.layer.gradients["weight"] = np.zeros(SHAPE)
        weight.backward(1.0)
        step = weight.layer.gradients["weight"]
        weight.latent[...] -= 1e-3 * step
    assert weight.nonzero_rate() < before / 5


@BACKENDS
@pytest.mark.parametrize("domain", DOMAINS)
def test_rates_codes_and_sensitivity(backend, domain):
    """[S3.4], [S5.5] Of the weights as they are now, not as they were when last quantized."""
    weight = made(domain, backend, np.float64, bits=5, k=2)
    assert weight.size == 120
    weight.quantize(regularize=False)
    weight.latent[...] = np.random.default_rng(5).standard_normal(SHAPE)
    u, width = weight.domain.unit(weight.latent, backend), weight.code_bits
    np.testing.assert_array_equal(weight.codes(), reference.roundclamp(u, width))
    assert weight.nonzero_rate() == np.count_nonzero(reference.lsb(u, width, 2)) / 120
    q = reference.roundclamp(u, width) / (2**width - 1)
    factor = 0.75 if domain == "signed" else 1.5
    for trace in (2.5, -2.5, 0.0):
        wanted = trace * factor * np.linalg.norm(q - u)
        if domain == "signed":
            wanted = trace * factor * np.linalg.norm((q - u) * np.sign(weight.latent))
        assert weight.sensitivity(trace) == pytest.approx(wanted, rel=1e-12)
    weight.k = 0
    assert weight.nonzero_rate() == 1
    signs = weight.signs()
    assert signs is None if domain == "offset" else (signs == np.sign(weight.latent)).all()


def test_a_layer_of_zeros():
    """[S1.1], [S1.4] It stays as it is: u = 1/2 or 0, and no gradient."""
    for space in (OFFSET, SIGNED):
        layer = Linear(2, 3, rng=np.random.default_rng(0), dtype=np.float64, backend=reference)
        layer.parameters["weight"][...] = 0
        weight = QuantizedWeight(layer, space, reference, 4, 1.0, 1)
        weight.quantize(regularize=True)
        layer.gradients["weight"] = np.ones((2, 3))
        weight.backward(1.0)
        assert not layer.gradients["weight"].any()
        np.testing.assert_allclose(layer.effective, 0 if space is SIGNED else 1 / 15, rtol=1e-15)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_weights_and_gradients_that_are_no_numbers(bad):
    """[S0.3] Refused by name, before the layer is touched."""
    weight = made("signed", kernels, np.float32, bits=4, k=1)
    weight.layer.gradients["weight"][3, 3] = bad
    with pytest.raises(ValueError, match="grad_u contains"):
        weight.backward(0.0)
    weight.latent[3, 3] = bad
    with pytest.raises(ValueError, match="w contains"):
        weight.quantize(regularize=True)
    assert weight.layer.effective is None


@pytest.mark.parametrize(
    ("domain", "bits", "k"),
    [("offset", 0, 0), ("signed", 1, 0), ("offset", 17, 0), ("signed", 3, 2)],
)
def test_widths_without_a_code(domain, bits, k):
    """[S0.2], [S1.4] A signed bit is no weight; k stays below the width of the code."""
    weight = made(domain, kernels, np.float64, 8)
    weight.bits, weight.k = bits, k
    with pytest.raises(ValueError, match=r"(bits|k) = \d+"):
        weight.quantize(regularize=True)
