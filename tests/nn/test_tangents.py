"""Tangents of forward and backward: the two halves of an exact Hessian product [S5.2]."""

import numpy as np
import pytest

from msq_ref import reference
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
    Tokens,
    WindowAttention,
    Windowing,
    WindowPartition,
    WindowReverse,
    ZeroPad2d,
)
from tests.both import BACKENDS
from tests.nn.networks import (
    channels_first,
    channels_last,
    from_torch,
    our_name,
    relative_error,
    squeeze,
    to_torch,
    torch_twin,
    unlike_fresh,
)

IMAGES = (2, 5, 6, 4)
STEP = 1e-6
SHIFTED = Windowing(5, 2, 1)
WIDE = (4, 10, 10, 4)
"""Enough values for -8 to 8, past every kink."""

# Every layer, each with a shape of its input.
LAYERS = {
    "conv": (lambda b, **m: Conv2d(4, 3, 3, bias=True, backend=b, **m), IMAGES),
    "strided conv": (lambda b, **m: Conv2d(4, 3, 2, stride=2, padding=1, backend=b, **m), IMAGES),
    "grouped conv": (lambda b, **m: Conv2d(4, 6, 3, padding=1, groups=2, backend=b, **m), IMAGES),
    "depthwise": (
        lambda b, **m: Conv2d(4, 4, 3, stride=2, padding=1, groups=4, backend=b, **m), IMAGES
    ),
    "linear": (lambda b, **m: Linear(6, 4, backend=b, **m), (3, 6)),
    "batchnorm": (lambda b, dtype, rng: BatchNorm2d(4, dtype=dtype, backend=b), IMAGES),
    "relu": (lambda b, **m: ReLU(b), IMAGES),
    "avgpool": (lambda b, **m: AvgPool2d(3, 2, backend=b), IMAGES),
    "maxpool": (lambda b, **m: MaxPool2d(3, 1, backend=b), IMAGES),
    "padded maxpool": (lambda b, **m: MaxPool2d(3, 2, padding=1, backend=b), IMAGES),
    "shortcut": (lambda b, **m: PadShortcut(2, 7, backend=b), IMAGES),
    "batchnorm, eps": (
        lambda b, dtype, rng: BatchNorm2d(4, dtype=dtype, backend=b, eps=0.3), IMAGES
    ),
    "hard swish": (lambda b, **m: HardSwish(b), WIDE),
    "hard sigmoid": (lambda b, **m: HardSigmoid(b), WIDE),
    "relu6": (lambda b, **m: ReLU6(b), WIDE),
    "zero pad": (lambda b, **m: ZeroPad2d(((0, 1), (2, 3)), backend=b), IMAGES),
    "squeeze": (squeeze, IMAGES),
    "global": (lambda b, **m: GlobalAvgPool(b), IMAGES),
    "flatten": (lambda b, **m: Flatten(b), IMAGES),
    "layernorm": (lambda b, dtype, rng: LayerNorm(4, eps=1e-3, dtype=dtype, backend=b), IMAGES),
    "gelu": (lambda b, **m: GELU(b), IMAGES),
    "tokens": (lambda b, **m: Tokens(), IMAGES),
    "class token": (lambda b, dtype, rng: ClassToken(5, 4, dtype=dtype), (3, 5, 4)),
    "first token": (lambda b, **m: FirstToken(), (3, 5, 4)),
    "attention": (lambda b, **m: SelfAttention(4, 2, backend=b), (3, 5, 12)),
    "window attention": (
        lambda b, dtype, rng: WindowAttention(
            4, 2, 2, mask=SHIFTED.mask(), dtype=dtype, backend=b
        ), (18, 4, 12),
    ),
    "partition": (lambda b, **m: WindowPartition(SHIFTED), (2, 5, 5, 3)),
    "reverse": (lambda b, **m: WindowReverse(SHIFTED), (18, 4, 3)),
    "merging": (lambda b, **m: PatchMerging(), IMAGES),
}  # fmt: skip
EVERY = pytest.mark.parametrize("name", LAYERS)


class Case:
    """A layer at a point, with tangents of its input, weight and output gradient."""

    def __init__(self, name, backend):
        rng = np.random.default_rng(7)
        make, shape = LAYERS[name]
        self.layer = make(backend, dtype=np.float64, rng=rng)
        unlike_fresh(Network({"layer": self.layer}), rng)
        # Distinct values, far from 0 and from each other: no kink and no tie is near.
        order = rng.permutation(int(np.prod(shape))).reshape(shape)
        self.x = (order - order.size / 2 + 0.25) * 0.01
        self.x_dot = rng.standard_normal(shape)
        self.w_dot = None
        if "weight" in self.layer.parameters:
            self.w_dot = rng.standard_normal(self.layer.weight.shape)
        y = self.layer.forward(self.x)
        self.grad, self.grad_dot = (rng.standard_normal(y.shape) for _ in range(2))

    def moved(self, e, x=True, w=True):
        """Output, and gradients of the moved output gradient, at a point e along the tangents."""
        layer = self.layer
        if w and self.w_dot is not None:
            layer.effective = layer.parameters["weight"] + e * self.w_dot
        y = layer.forward(self.x + e * self.x_dot if x else self.x)
        grad_x = layer.backward(self.grad + e * self.grad_dot)
        grad_w = layer.gradients.get("weight")
        layer.effective = None
        return y, grad_x, grad_w

    def slopes(self, **which):
        """Central differences of output and gradients."""
        ahead, behind = self.moved(STEP, **which), self.moved(-STEP, **which)
        self.layer.forward(self.x)
        return [
            None if a is None else (a - b) / (2 * STEP) for a, b in zip(ahead, behind, strict=True)
        ]


WHICH = pytest.mark.parametrize(
    "which", [{"x": True, "w": True}, {"x": True, "w": False}, {"x": False, "w": True}],
    ids=["both", "input", "weight"],
)  # fmt: skip


@BACKENDS
@EVERY
@WHICH
def test_tangents_are_the_derivatives(backend, name, which):
    """[S5.2] Of the output, of the input's gradient and of the weight's gradient, to 1e-7."""
    case = Case(name, backend)
    layer = case.layer
    y_dot, grad_x_dot, grad_w_dot = case.slopes(**which)
    layer.weight_dot = case.w_dot if which["w"] else None
    ours = layer.forward_tangent(case.x_dot if which["x"] else None)
    if not which["x"] and case.w_dot is None:
        assert ours is None
        assert not y_dot.any()
    else:
        assert relative_error(ours, y_dot) <= 1e-7
    layer.backward(case.grad)
    tangent = layer.backward_tangent(case.grad_dot)
    assert relative_error(tangent, grad_x_dot) <= 1e-7
    if case.w_dot is not None:
        assert relative_error(layer.weight_grad_dot, grad_w_dot) <= 1e-7


# PyTorch's forward mode warns of its own use of torch.jit.
@pytest.mark.filterwarnings("ignore:.torch.jit.script. is:DeprecationWarning")
@BACKENDS
@EVERY
def test_tangents_against_torch(backend, name):
    """[S5.2] forward: jvp; backward: jvp of vjp, which is PyTorch's Hessian product. To 1e-12."""
    torch = pytest.importorskip("torch")
    case = Case(name, backend)
    layer = case.layer
    network = Network({"layer": layer})
    twin = torch_twin(torch, network)
    rest = {**dict(twin.named_parameters()), **dict(twin.named_buffers())}
    weighted = case.w_dot is not None
    key = "layer.weight"

    def apply(x, *w):
        return torch.func.functional_call(twin, rest | ({key: w[0]} if w else {}), (x,))

    def gradients(grad, *point):
        return torch.func.vjp(apply, *point)[1](grad)

    point = [channels_first(torch, case.x)]
    dots = [channels_first(torch, case.x_dot)]
    if weighted:
        point.append(to_torch(torch, layer.weight))
        dots.append(to_torch(torch, case.w_dot))
        assert our_name(network, key) == key
    grads = [channels_first(torch, g) for g in (case.grad, case.grad_dot)]
    _, y_dot = torch.func.jvp(apply, tuple(point), tuple(dots))
    _, grads_dot = torch.func.jvp(gradients, (grads[0], *point), (grads[1], *dots))

    layer.weight_dot = case.w_dot
    assert relative_error(layer.forward_tangent(case.x_dot), channels_last(y_dot)) <= 1e-12
    layer.backward(case.grad)
    tangent = layer.backward_tangent(case.grad_dot)
    assert relative_error(tangent, channels_last(grads_dot[0])) <= 1e-12
    if weighted:
        assert relative_error(layer.weight_grad_dot, from_torch(grads_dot[1])) <= 1e-12


@BACKENDS
@EVERY
def test_backward_is_the_transpose_of_the_tangent(backend, name):
    """[S5.2] ``grad . (J x_dot) = (J' grad) . x_dot``, so that one proves the other."""
    case = Case(name, backend)
    left = (case.grad * case.layer.forward_tangent(case.x_dot)).sum()
    right = (case.layer.backward(case.grad) * case.x_dot).sum()
    assert abs(left - right) <= 1e-12 * np.linalg.norm(case.grad) * np.linalg.norm(case.x_dot)


@BACKENDS
@EVERY
def test_tangents_keep_float32(backend, name):
    """[S0.3] Nothing is promoted on the way."""
    make, shape = LAYERS[name]
    rng = np.random.default_rng(0)
    layer = make(backend, dtype=np.float32, rng=rng)
    x, x_dot = (rng.standard_normal(shape).astype(np.float32) for _ in range(2))
    y = layer.forward(x)
    if "weight" in layer.parameters:
        layer.weight_dot = np.ones_like(layer.weight)
    y_dot = layer.forward_tangent(x_dot)
    results = [y, layer.backward(y), y_dot, layer.backward_tangent(y_dot)]
    results += layer.gradients.values()
    if "weight" in layer.parameters:
        results.append(layer.weight_grad_dot)
    assert {result.dtype for result in results} == {np.dtype(np.float32)}


@BACKENDS
def test_rectification_at_zero_and_tied_maxima(backend):
    """[S5.2] ``ReLU'(0) = 0``; a maximum routes to the first that attains it."""
    relu = ReLU(backend)
    x = np.array([[-1.0, -0.0, 0.0, 2.0]])
    np.testing.assert_array_equal(relu.forward(x), [[0, 0, 0, 2]])
    np.testing.assert_array_equal(relu.forward_tangent(np.ones((1, 4))), [[0, 0, 0, 1]])
    grad = relu.backward(np.full((1, 4), 3.0))
    grad_dot = relu.backward_tangent(np.full((1, 4), 5.0))
    np.testing.assert_array_equal(grad, [[0, 0, 0, 3]])
    np.testing.assert_array_equal(grad_dot, [[0, 0, 0, 5]])
    pool = MaxPool2d(2, 2, backend=backend)
    tied = np.array([[1.0, 7.0], [7.0, 7.0]]).reshape(1, 2, 2, 1)
    pool.forward(tied)
    tangent = np.arange(4.0).reshape(1, 2, 2, 1)
    assert pool.forward_tangent(tangent).item() == 1
    grad = pool.backward(np.full((1, 1, 1, 1), 3.0))
    grad_dot = pool.backward_tangent(np.full((1, 1, 1, 1), 5.0))
    np.testing.assert_array_equal(grad.ravel(), [0, 3, 0, 0])
    np.testing.assert_array_equal(grad_dot.ravel(), [0, 5, 0, 0])


def test_batch_statistics_have_no_tangents():
    """[S5.1] Tangents are those of inference; after a training pass they are refused."""
    layer = BatchNorm2d(4, dtype=np.float64, backend=reference)
    x = np.random.default_rng(0).standard_normal(IMAGES)
    layer.forward(x, training=True)
    for call in (lambda: layer.forward_tangent(x), lambda: layer.backward_tangent(x)):
        with pytest.raises(RuntimeError, match="inference mode"):
            call()
    layer.forward(x)
    assert layer.forward_tangent(x).shape == x.shape
