"""Hard activations, the gate of squeeze-and-excitation and uneven padding, in both backends."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from msq_ref import kernels, reference
from tests.both import BACKENDS

DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])
KINKS = (-3.0, 0.0, 3.0, 6.0)
INSIDE = {"relu6": (0, 6), "hard_sigmoid": (-3, 3), "hard_swish": (-3, 3)}


def exact(name, x):
    """A value by its definition, in fractions."""
    def relu6(value):
        return min(max(value, Fraction(0)), Fraction(6))

    return {
        "relu6": relu6(x),
        "hard_sigmoid": relu6(x + 3) / 6,
        "hard_swish": x * relu6(x + 3) / 6,
    }[name]


def slope(name, x):
    """A derivative by hand; at a kink it is that of the straight piece."""
    low, high = INSIDE[name]
    if low < x < high:
        steady = {"relu6": Fraction(1), "hard_sigmoid": Fraction(1, 6)}
        return steady.get(name, x / 3 + Fraction(1, 2))
    return Fraction(int(name == "hard_swish" and x >= high))


def points(dtype):
    """The kinks, the floats next to them, and others."""
    kind = np.dtype(dtype).type
    near = [np.nextafter(kind(k), kind(way)) for k in KINKS for way in (-np.inf, np.inf)]
    rest = np.random.default_rng(0).uniform(-9, 9, 200).astype(dtype)
    return np.concatenate([np.array([*KINKS, *near], dtype), rest])


@BACKENDS
@DTYPES
@pytest.mark.parametrize("name", INSIDE)
def test_values_and_derivatives(name, dtype, backend):
    """[S11.1] [S5.2] Against fractions, to a few roundings; at the kinks exactly."""
    x = points(dtype)
    grad = np.random.default_rng(1).standard_normal(x.shape).astype(dtype)
    y = getattr(backend, name)(x)
    slopes = getattr(backend, f"{name}_backward")(np.ones_like(x), x)
    grads = getattr(backend, f"{name}_backward")(grad, x)
    eps = float(np.finfo(dtype).eps)
    for i, value in enumerate(map(float, x)):
        wanted = exact(name, Fraction(value)), slope(name, Fraction(value))
        assert abs(Fraction(float(y[i])) - wanted[0]) <= 4 * eps * max(1, abs(wanted[0]))
        assert abs(Fraction(float(slopes[i])) - wanted[1]) <= 2 * eps
        assert abs(float(grads[i]) - float(grad[i] * wanted[1])) <= 4 * eps * abs(grad[i])
    kinks = slopes[: len(KINKS)].tolist()
    assert kinks == pytest.approx([float(slope(name, Fraction(k))) for k in KINKS], abs=eps)


@BACKENDS
def test_derivatives_at_the_kinks_are_those_of_pytorch(backend):
    """[S5.2] The first and the second of hard-swish, the first of the others."""
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    x = points(np.float64)
    ones = np.ones_like(x)
    for name, theirs in (
        ("relu6", functional.relu6), ("hard_sigmoid", functional.hardsigmoid),
        ("hard_swish", functional.hardswish),
    ):  # fmt: skip
        point = torch.tensor(x, requires_grad=True)
        (first,) = torch.autograd.grad(theirs(point).sum(), point, create_graph=True)
        ours = getattr(backend, f"{name}_backward")(ones, x)
        # PyTorch's 1/6 is a float32.
        np.testing.assert_allclose(ours, first.detach().numpy(), rtol=0, atol=1e-8)
        if name == "hard_swish":
            (second,) = torch.autograd.grad(first.sum(), point)
            bent = backend.hard_swish_backward_tangent(ones, 0 * ones, x, ones)
            np.testing.assert_allclose(bent, second.numpy(), rtol=0, atol=1e-15)
            assert set(np.round(bent * 3)) == {0, 1}


@BACKENDS
@DTYPES
def test_tangent_of_the_derivative(dtype, backend):
    """[S5.2] ``grad_dot slope + grad x_dot / 3``, the second term between the kinks only."""
    rng = np.random.default_rng(2)
    x = points(dtype)
    grad, grad_dot, x_dot = rng.standard_normal((3, *x.shape)).astype(dtype)
    ours = backend.hard_swish_backward_tangent(grad, grad_dot, x, x_dot)
    bent = np.where((x > -3) & (x < 3), grad.astype(np.float64) * x_dot / 3, 0)
    wanted = bent + backend.hard_swish_backward(grad_dot, x)
    np.testing.assert_allclose(ours, wanted, rtol=0, atol=8 * np.finfo(dtype).eps * 9)


@BACKENDS
@pytest.mark.parametrize("name", INSIDE)
def test_what_is_not_finite(name, backend):
    """[S0.3] NaN goes through the values; large numbers stay in range."""
    x = np.array([np.nan, 3e38, -3e38], np.float32)
    y = getattr(backend, name)(x)
    assert np.isnan(y[0])
    high = {"relu6": 6, "hard_sigmoid": 1, "hard_swish": np.float32(3e38)}[name]
    assert y[1:].tolist() == [high, 0]


@given(
    size=st.sampled_from([0, 1, 7, 8192, 8193, 70_000]),
    dtype=st.sampled_from([np.float32, np.float64]),
    seed=st.integers(0, 2**32 - 1),
)
def test_twins_are_equal(size, dtype, seed):
    """[S11.1] The same operations in the same order, whatever the chunks."""
    rng = np.random.default_rng(seed)
    x, grad, grad_dot, x_dot = (4 * rng.standard_normal((4, size))).astype(dtype)
    for name in INSIDE:
        for function, arguments in ((name, (x,)), (f"{name}_backward", (grad, x))):
            np.testing.assert_array_equal(
                getattr(kernels, function)(*arguments), getattr(reference, function)(*arguments)
            )
    arguments = (grad, grad_dot, x, x_dot)
    np.testing.assert_array_equal(
        kernels.hard_swish_backward_tangent(*arguments),
        reference.hard_swish_backward_tangent(*arguments),
    )


def test_threads_change_nothing():
    """[S0.5] Numbers are each on their own."""
    from msq_ref.kernels.threads import use_threads

    x = np.random.default_rng(3).standard_normal(200_000)
    found = []
    for count in (1, 2, 5):
        with use_threads(count):
            found.append(kernels.hard_swish(x).tobytes())
    assert len(set(found)) == 1


# --- the gate, and padding ------------------------------------------------------------------------


@BACKENDS
@DTYPES
def test_gate(dtype, backend):
    """[S11.1] By loops; its gradients are the transposes of its two linear maps."""
    rng = np.random.default_rng(4)
    x, grad = rng.standard_normal((2, 2, 3, 4, 5)).astype(dtype)
    factors = rng.standard_normal((2, 5)).astype(dtype)
    y = backend.gate(x, factors)
    for index in np.ndindex(*x.shape):
        assert y[index] == x[index] * factors[index[0], index[-1]]
    grad_x, grad_factors = backend.gate_backward(grad, x, factors)
    np.testing.assert_array_equal(grad_x, backend.gate(grad, factors))
    wide = np.einsum("bpqc,bpqc->bc", grad.astype(np.float64), x.astype(np.float64))
    np.testing.assert_allclose(grad_factors, wide, rtol=0, atol=30 * np.finfo(dtype).eps)
    np.testing.assert_array_equal(backend.gate_factors_gradient(grad, x), grad_factors)


@BACKENDS
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gradient_through_a_gate_and_the_means_it_is_of(dtype, backend):
    """[S11.1] The sum of the two ways, to the bit: by the product, and by the mean."""
    rng = np.random.default_rng(5)
    grad = rng.standard_normal((3, 2, 3, 5)).astype(dtype)
    factors, grad_means = rng.standard_normal((2, 3, 5)).astype(dtype)
    found = backend.gate_input_gradient(grad, factors, grad_means)
    assert found.dtype == dtype
    for b, p, q, c in np.ndindex(*grad.shape):
        expected = grad[b, p, q, c] * factors[b, c] + grad_means[b, c] / dtype(6)
        assert found[b, p, q, c] == expected
    with pytest.raises(ValueError, match=r"^grad_y has shape \(3, 0, 3, 5\): expected"):
        backend.gate_input_gradient(grad[:, :0], factors, grad_means)


@BACKENDS
@given(
    shape=st.tuples(*[st.integers(1, 4)] * 4),
    sides=st.tuples(*[st.tuples(st.integers(0, 3), st.integers(0, 3))] * 2),
)
def test_padding(backend, shape, sides):
    """[S11.1] Zeros around, the image inside, and the gradient is the transpose."""
    rng = np.random.default_rng(5)
    x = rng.standard_normal(shape)
    y = backend.zero_pad(x, sides)
    (above, below), (left, right) = sides
    assert y.shape == (shape[0], above + shape[1] + below, left + shape[2] + right, shape[3])
    assert np.count_nonzero(y) == x.size
    np.testing.assert_array_equal(y[:, above : above + shape[1], left : left + shape[2]], x)
    grad = rng.standard_normal(y.shape)
    assert (grad * y).sum() == pytest.approx((backend.zero_pad_backward(grad, x, sides) * x).sum())


@pytest.mark.parametrize(
    "sides", [None, 1, (1, 1), ((1, 1),), ((1, 1, 1), (1, 1)), ((1, 1), (1, True)), "ab"]
)
def test_sides_that_are_none(sides):
    """[S0.2] Two pairs of integers."""
    from msq_ref.nn import ZeroPad2d

    with pytest.raises(ValueError, match=r"^sides = "):
        ZeroPad2d(sides, backend=reference)
