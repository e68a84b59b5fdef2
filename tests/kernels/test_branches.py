"""Residual branches in one region: the values of the layers one after the other [S11.1]."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msq_ref import kernels, models, nn, reference
from msq_ref.kernels.memory import Pool, use_pool
from msq_ref.kernels.threads import use_threads
from msq_ref.kernels.tiles import use_tile

BOUND = {np.float32: 2e-6, np.float64: 1e-13}
"""Relative error in the 2-norm, against the definition in float64."""

EPS, SCALE = 1e-3, 0.3
LANES = {np.float32: 16, np.float64: 8}
TILES = ["wide", "narrow", "plain"]


def draw(dtype, batch=3, tokens=11, heads=2, seed=0, expansion=2):
    """Draw a gradient, x, and the pairs of parameters of both branches."""
    rng = np.random.default_rng(seed)
    features = heads * LANES[dtype]
    hidden = expansion * features

    def normal(*shape):
        return rng.standard_normal(shape).astype(dtype)

    def linear(inputs, outputs):
        return normal(inputs, outputs) / dtype(inputs**0.5), normal(outputs)

    return {
        "grad": normal(batch, tokens, features), "x": normal(batch, tokens, features),
        "norm": (1 + normal(features) / 4, normal(features)),
        "qkv": linear(features, 3 * features), "proj": linear(features, features),
        "fc1": linear(features, hidden), "fc2": linear(hidden, features), "heads": heads,
    }  # fmt: skip


def joined(given):
    """Return the sums, gradients of x and of parameters: attention's, then the network's."""
    x, grad, norm, heads = (given[name] for name in ("x", "grad", "norm", "heads"))
    attention, mlp = (given["qkv"], given["proj"]), (given["fc1"], given["fc2"])
    y, kept = kernels.attention_branch(x, norm, *attention, heads, SCALE, EPS)
    grad_x, grads = kernels.attention_branch_backward(grad, kept, norm, *attention, SCALE)
    z, kept = kernels.mlp_branch(x, norm, *mlp, EPS)
    grad_z, others = kernels.mlp_branch_backward(grad, kept, norm, *mlp)
    return [y, grad_x, *grads, z, grad_z, *others]


def defined(given):
    """Compose the definitions, in float64."""
    wide = {
        key: tuple(a.astype(np.float64) for a in value) if isinstance(value, tuple) else value
        for key, value in given.items()
    }
    x, grad, heads = given["x"].astype(np.float64), given["grad"].astype(np.float64), given["heads"]
    batch, tokens, features = x.shape

    def split(values):
        by_head = values.reshape(batch, tokens, -1, heads, features // heads)
        return [np.ascontiguousarray(part) for part in by_head.transpose(2, 0, 3, 1, 4)]

    def joined_heads(y):
        return y.swapaxes(1, 2).reshape(batch, tokens, features)

    def backward(grad_y, x, name):
        grad_x, grad_w = reference.linear_backward(grad_y, x, wide[name][0])
        return grad_x, [grad_w, grad_y.sum(axis=(0, 1))]

    def normalized_backward(grad_n):
        grad_x, *others = reference.layernorm_backward(grad_n, x, wide["norm"][0], EPS)
        return grad + grad_x, others

    n = reference.layernorm(x, *wide["norm"], EPS)
    q, k, v = split(reference.linear(n, wide["qkv"][0]) + wide["qkv"][1])
    heads_y, p = reference.attention(q, k, v, SCALE)
    attended = joined_heads(heads_y)
    y = x + (reference.linear(attended, wide["proj"][0]) + wide["proj"][1])
    grad_attended, proj = backward(grad, attended, "proj")
    *grads, _ = reference.attention_backward(split(grad_attended)[0], q, k, v, p, SCALE)
    grad_n, qkv = backward(np.concatenate([joined_heads(g) for g in grads], axis=2), n, "qkv")
    grad_x, norm = normalized_backward(grad_n)
    results = [y, grad_x, *norm, *qkv, *proj]

    h = reference.linear(n, wide["fc1"][0]) + wide["fc1"][1]
    a = reference.gelu(h)
    z = x + (reference.linear(a, wide["fc2"][0]) + wide["fc2"][1])
    grad_a, fc2 = backward(grad, a, "fc2")
    grad_n, fc1 = backward(reference.gelu_backward(grad_a, h), n, "fc1")
    grad_x, norm = normalized_backward(grad_n)
    return [*results, z, grad_x, *norm, *fc1, *fc2]


def close(ours, exact, dtype):
    assert len(ours) == len(exact) == 16
    for mine, definition in zip(ours, exact, strict=True):
        assert (mine.shape, mine.dtype) == (definition.shape, dtype)
        assert np.linalg.norm(mine - definition) <= BOUND[dtype] * np.linalg.norm(definition)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", TILES)
def test_values_with_any_tile(name, dtype):
    """[S11.1] And with none, as where the processor has no registers for them."""
    given = draw(dtype, batch=9, tokens=17)
    with use_tile(name):
        close(joined(given), defined(given), dtype)


@settings(max_examples=30)
@given(
    batch=st.integers(1, 40), tokens=st.integers(8, 40), heads=st.integers(1, 3),
    expansion=st.integers(1, 3), seed=st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_any_size(batch, tokens, heads, expansion, seed):
    """[S11.1] Rows that fill no tile, slice or part."""
    given = draw(np.float32, batch, tokens, heads, seed, expansion)
    close(joined(given), defined(given), np.float32)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_same_bits_with_any_number_of_threads(dtype):
    """[S0.5] Parts are cut by shape."""
    given, found = draw(dtype, batch=33, tokens=17), []
    for count in (1, 2, 4):
        with use_threads(count):
            found.append([result.tobytes() for result in joined(given)])
    assert found[0] == found[1] == found[2]


def test_forward_gives_the_bits_of_slices():
    """[S11.1] How rows are cut changes nothing: an image alone gives what it gives in a batch."""
    given = draw(np.float32, batch=21, tokens=17)
    alone = {**given, "x": given["x"][13:14].copy(), "grad": given["grad"][13:14].copy()}
    for place in (0, 1, 8, 9):  # sums and gradients of x
        np.testing.assert_array_equal(joined(alone)[place][0], joined(given)[place][13])


def test_nothing_is_allocated_the_second_time():
    """Large results are taken from the pool."""
    given, pool = draw(np.float32, batch=33, tokens=17), Pool()
    with use_pool(pool), use_threads(1):
        joined(given)
        first = pool.fresh
        joined(given)
    assert pool.fresh == first >= 3


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_none(value):
    """[S0.4] NaN appears where it does in the definition."""
    given = draw(np.float32)
    given["x"][1, 3, 5] = value
    with np.errstate(all="ignore"):
        ours, exact = joined(given), defined(given)
    for mine, definition in zip(ours, exact, strict=True):
        np.testing.assert_array_equal(np.isnan(mine), np.isnan(definition))
    assert np.isnan(ours[0][1]).all()
    assert not np.isnan(ours[0][0]).any()


def test_what_does_not_suit():
    """Lengths that fill no blocks, few rows, other dtypes and layouts go by the layers."""
    x, w = np.zeros((2, 8, 32), np.float32), np.zeros((32, 32), np.float32)
    assert kernels.branch_suits(x, w, w, heads=2)
    for other, weight, heads in (
        (x[:, :7].copy(), w, 2), (x[:, ::-1], w, 2), (x, w[:, :20].copy(), 2), (x, w.T[::-1], 2),
        (x, w.astype(np.float64), 2), (x, w, 4), (x[:0], w, 2), (x[0], w, 1),
        (x[..., :16].copy(), w, 1), (x, np.zeros((32, 2**14), np.float32), 2),
    ):  # fmt: skip
        assert not kernels.branch_suits(other, weight, heads=heads)


def network(backend, dtype=np.float64):
    built = models.build(
        "deit-ti", width=32, depth=2, heads=2, patch=8, input_size=24, classes=5, seed=0,
        backend=backend, dtype=dtype,
    )  # fmt: skip
    rng = np.random.default_rng(0)
    for array in built.parameters().values():
        array += rng.standard_normal(array.shape) / 8
    return built


def test_a_network_trains_as_by_its_layers(monkeypatch):
    """[S11.1] The block takes the branches, and every layer gets its gradients."""
    rng, calls = np.random.default_rng(1), []
    for name in ("attention_branch", "mlp_branch", "attention_branch_backward",
                 "mlp_branch_backward"):  # fmt: skip
        plain = getattr(kernels, name)
        monkeypatch.setattr(
            kernels, name, lambda *a, plain=plain, name=name: (calls.append(name), plain(*a))[1]
        )
    images, grad = rng.standard_normal((3, 24, 24, 3)), rng.standard_normal((3, 5))
    ours, exact = network(kernels), network(reference)
    for one in (ours, exact):
        for layer in one.quantized_layers().values():  # effective weights are those in use
            layer.effective = np.round(layer.weight * 16) / 16
    results = [(one.forward(images, training=True), one.backward(grad)) for one in (ours, exact)]
    assert len(calls) == 8
    for mine, definition in zip(*results, strict=True):
        np.testing.assert_allclose(mine, definition, rtol=0, atol=1e-12)
    assert ours.gradients().keys() == exact.gradients().keys()
    for name, definition in exact.gradients().items():
        np.testing.assert_allclose(ours.gradients()[name], definition, atol=1e-11, err_msg=name)


def test_a_layer_with_another_forward_is_called():
    """What watches a layer, by another `forward` in its place, sees every pass in training."""
    ours, seen = network(kernels), []
    layer = ours.operations["blocks.1.mlp.fc1"]
    plain = layer.forward
    layer.forward = lambda x, training: (seen.append(x), plain(x, training))[1]
    images = np.random.default_rng(1).standard_normal((2, 24, 24, 3))
    expected = ours.forward(images)
    np.testing.assert_allclose(ours.forward(images, training=True), expected, atol=1e-12)
    assert len(seen) == 2
    ours.backward(np.ones((2, 5)))
    assert "weight" in layer.gradients


def test_layers_know_of_passes_in_training():
    """[S5.1] Tangents refer to the last pass, and need one in inference mode."""
    ours, images = network(kernels), np.random.default_rng(1).standard_normal((2, 24, 24, 3))
    ours.forward(images)
    ours.forward(images, training=True)
    for name, layer in ours.operations.items():
        if name.startswith("blocks."):
            with pytest.raises(RuntimeError, match="inference mode"):
                layer.forward_tangent(None)
    ours.backward(np.ones((2, 5)))
    for layer in ours.operations.values():
        assert (layer._kept, layer._grad) == (None, None)
    with pytest.raises(RuntimeError, match="a forward pass must come first"):
        ours.backward(np.ones((2, 5)))


def test_layers_without_a_bias_are_not_joined():
    """A branch is of the usual layers only."""
    rng = np.random.default_rng(0)
    rest = {"dtype": np.float32, "backend": kernels}
    parts = {
        "fc1": nn.Linear(32, 32, rng=rng, bias=False, **rest), "act": nn.GELU(kernels),
        "fc2": nn.Linear(32, 32, rng=rng, **rest),
    }  # fmt: skip
    norm = nn.LayerNorm(32, **rest)
    block = nn.TransformerBlock(norm, nn.Chain(parts), norm, nn.Chain(parts))
    x = rng.standard_normal((2, 8, 32)).astype(np.float32)
    assert block.forward(x, training=True).shape == x.shape
    assert parts["fc1"]._kept is not None
