"""Layers of transformers: windows, tokens, what their makers and passes refuse."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from msq_ref import kernels, reference
from msq_ref.nn import (
    GELU,
    Chain,
    ClassToken,
    LayerNorm,
    PatchMerging,
    SelfAttention,
    TransformerBlock,
    WindowAttention,
    Windowing,
    WindowPartition,
    WindowReverse,
)
from msq_ref.nn.windows import MASKED
from tests.nn.torch_tokens import hidden, relative_rows

REST = {"dtype": np.float64, "backend": reference}


@given(size=st.integers(1, 12), window=st.integers(1, 5), shift=st.integers(0, 4))
def test_windows_cover_the_image_once(size, window, shift):
    """Cutting and joining gives the image back; the transpose of one is the other."""
    windowing = Windowing(size, window, shift % window)
    x = np.arange(2 * size * size * 3.0).reshape(2, size, size, 3) + 1
    windows = windowing.partition(x)
    rows = -(-size // window)
    assert windows.shape == (2 * rows * rows, window * window, 3)
    np.testing.assert_array_equal(windowing.reverse(windows), x)
    # All else is padding.
    assert np.count_nonzero(windows) == x.size
    other = np.random.default_rng(0).integers(-9, 9, windows.shape).astype(float)
    assert (windows * other).sum() == (x * windowing.reverse(other)).sum()


def test_a_window_by_hand():
    """Row by row; shifted by one, the first window begins at (1, 1) and the last one wraps."""
    x = np.arange(16.0).reshape(1, 4, 4, 1)
    plain = Windowing(4, 2).partition(x)[..., 0]
    np.testing.assert_array_equal(plain, [[0, 1, 4, 5], [2, 3, 6, 7], [8, 9, 12, 13],
                                          [10, 11, 14, 15]])  # fmt: skip
    shifted = Windowing(4, 2, 1).partition(x)[..., 0]
    np.testing.assert_array_equal(shifted, [[5, 6, 9, 10], [7, 4, 11, 8], [13, 14, 1, 2],
                                            [15, 12, 3, 0]])  # fmt: skip


@pytest.mark.parametrize(
    ("size", "window", "shift"),
    [(4, 2, 1), (5, 2, 1), (6, 3, 1), (6, 3, 2), (14, 7, 3), (10, 4, 2)],
)
def test_masks_hide_what_were_no_neighbours(size, window, shift):
    """Two tokens of a window see each other if they were less than a window apart."""
    windowing = Windowing(size, window, shift)
    expected = np.where(hidden(windowing), MASKED, 0)
    np.testing.assert_array_equal(windowing.mask(), expected)
    assert expected.any()
    assert Windowing(size, window).mask() is None


@pytest.mark.parametrize("window", [1, 2, 3, 7])
def test_position_biases(window):
    """Each pair of a window takes the row of its offset; gradients are added up by offset."""
    layer = WindowAttention(2, 2, window, **REST)
    table = layer.parameters["relative_position_bias_table"]
    assert table.shape == ((2 * window - 1) ** 2, 2)
    table[...] = np.arange(table.size).reshape(table.shape)
    rows = np.array(relative_rows(window))
    bias, mask = layer.offsets()
    np.testing.assert_array_equal(bias, table[rows].transpose(2, 0, 1))
    assert mask is None
    assert {*rows.ravel()} == {*range(len(table))}
    grad_s = np.random.default_rng(0).integers(-9, 9, (3, *bias.shape)).astype(float)
    layer.take_bias_gradient(grad_s)
    expected = np.zeros_like(table)
    for query in range(window**2):
        for key in range(window**2):
            expected[rows[query, key]] += grad_s[:, :, query, key].sum(axis=0)
    np.testing.assert_array_equal(layer.gradients["relative_position_bias_table"], expected)


def test_merging_by_hand():
    """Upper left, lower left, upper right, lower right; odd sides are padded."""
    merged = PatchMerging().forward(np.arange(6.0).reshape(1, 2, 3, 1))
    np.testing.assert_array_equal(merged, [[[[0, 3, 1, 4], [2, 5, 0, 0]]]])


def test_the_class_token_is_first():
    """Positions are added to it too; its gradient is that of its position."""
    layer = ClassToken(2, 3, dtype=np.float64)
    layer.parameters["cls_token"][...] = 10
    layer.parameters["pos_embed"][...] = np.arange(9.0).reshape(1, 3, 3)
    x = np.full((2, 2, 3), 100.0)
    y = layer.forward(x)
    np.testing.assert_array_equal(y[1], [[10, 11, 12], [103, 104, 105], [106, 107, 108]])
    grad = np.arange(18.0).reshape(2, 3, 3)
    np.testing.assert_array_equal(layer.backward(grad), grad[:, 1:])
    np.testing.assert_array_equal(layer.gradients["pos_embed"], grad.sum(axis=0)[None])
    np.testing.assert_array_equal(layer.gradients["cls_token"], grad.sum(axis=0)[None, :1])


class Thrice(Chain):
    """Three times the input, to see a block by itself."""

    def __init__(self):
        super().__init__({})

    def forward(self, x, training=False):
        return 3 * x

    def backward(self, grad):
        return 3 * grad

    def forward_tangent(self, x_dot):
        return None if x_dot is None else 3 * x_dot

    def backward_tangent(self, grad_dot):
        return 3 * grad_dot


def test_a_block_adds_its_branches_in_turn():
    """Branches of 9 times the input each: ``(1 + 9) (1 + 9) x``, and so are all its passes."""
    block = TransformerBlock(*(Thrice() for _ in range(4)))
    assert list(block.parts) == ["norm1", "attn", "norm2", "mlp"]
    x = np.arange(3.0)
    for run in (block.forward, block.backward, block.forward_tangent, block.backward_tangent):
        np.testing.assert_array_equal(run(x), 100 * x)
    assert block.forward_tangent(None) is None


@pytest.mark.parametrize("backend", [reference, kernels], ids=["reference", "kernels"])
def test_attention_keeps_its_probabilities_once(backend):
    """And its input, whose views queries, keys and values are; in training no gradient."""
    layer = SelfAttention(8, 2, backend=backend)
    x = np.random.default_rng(0).standard_normal((2, 5, 24))
    y = layer.forward(x, training=True)
    kept = {id(a if a.base is None else a.base): a for a in layer._kept}
    sizes = sorted((a if a.base is None else a.base).size for a in kept.values())
    assert sizes == [2 * 2 * 5 * 5, x.size]
    assert [np.shares_memory(x, a) for a in layer._kept] == [True, True, True, False]
    layer.backward(y)
    assert (layer._kept, layer._grad) == (None, None)


LAYERS = {
    "norm": (lambda: LayerNorm(3, **REST), (2, 3)),
    "gelu": (lambda: GELU(reference), (2, 3)),
    "attention": (lambda: SelfAttention(2, 1, backend=reference), (1, 2, 6)),
    "class token": (lambda: ClassToken(2, 3, dtype=np.float64), (1, 2, 3)),
    "merging": (PatchMerging, (1, 2, 2, 1)),
    "partition": (lambda: WindowPartition(Windowing(2, 1)), (1, 2, 2, 1)),
}


@pytest.mark.parametrize(("make", "shape"), LAYERS.values(), ids=LAYERS.keys())
def test_passes_out_of_order(make, shape):
    """[S5.1] Nothing before a forward pass; no tangents after one in training."""
    layer = make()
    x = np.random.default_rng(0).standard_normal(shape)
    with pytest.raises(RuntimeError, match="a forward pass must come first"):
        layer.backward(x)
    y = layer.forward(x, training=True)
    for call in (lambda: layer.forward_tangent(x), lambda: layer.backward_tangent(y)):
        with pytest.raises(RuntimeError, match="inference mode"):
            call()
    layer.backward(y)
    with pytest.raises(RuntimeError, match="a forward pass must come first"):
        layer.backward(y)


REFUSED = {
    "features": (lambda: LayerNorm(0, **REST), ValueError, "features = 0"),
    "eps": (lambda: LayerNorm(3, eps=-1, **REST), ValueError, "eps = -1"),
    "integers": (
        lambda: LayerNorm(3, dtype=int, backend=reference), TypeError, "dtype = int64|dtype = .*int"
    ),
    "heads": (lambda: SelfAttention(6, 4, backend=reference), ValueError, "heads = 4: expected a"),
    "no heads": (lambda: SelfAttention(6, 0, backend=reference), ValueError, "heads = 0"),
    "window": (lambda: WindowAttention(6, 2, 0, **REST), ValueError, "window = 0"),
    "shift": (lambda: Windowing(6, 3, 3), ValueError, r"shift = 3: .* in \[0, 2\]"),
    "size": (lambda: Windowing(0, 3), ValueError, "size = 0"),
    "tokens": (lambda: ClassToken(0, 3, dtype=np.float64), ValueError, "tokens = 0"),
}


@pytest.mark.parametrize(("make", "error", "match"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_made(make, error, match):
    """The argument, its value, what was expected."""
    with pytest.raises(error, match=f"^{match}"):
        make()


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (SelfAttention(6, 2, backend=reference), (2, 5, 6)),
        (SelfAttention(6, 2, backend=reference), (5, 18)),
        (ClassToken(4, 3, dtype=np.float64), (2, 5, 3)),
        (ClassToken(4, 3, dtype=np.float64), (4, 3)),
        (WindowPartition(Windowing(4, 2)), (1, 5, 4, 3)),
        (WindowReverse(Windowing(4, 2)), (6, 4, 3)),
    ],
)
def test_inputs_that_do_not_fit(layer, shape):
    """The input's shape, and the one expected."""
    with pytest.raises(ValueError, match=r"^x has shape .*: expected"):
        layer.forward(np.zeros(shape))


def test_other_dtypes_are_refused():
    """[S0.3] Nothing is promoted."""
    with pytest.raises(TypeError, match="dtype float32"):
        ClassToken(4, 3, dtype=np.float32).forward(np.zeros((1, 4, 3)))
