"""Integer weights of a workload: as a run has them, and rounded anew to other widths."""

import numpy as np
import pytest

from hwsim import Layer, Workload, workload_of
from hwsim.values import IntegerWeights, WeightSource
from msq_ref.reference import bit_planes, integer_weights, roundclamp


def test_of_a_run(integer_network):
    """[S9.1] At the trained width they are ``signs * codes``."""
    work = workload_of(integer_network, "digits")
    assert list(work.values) == [layer.name for layer in work.layers]
    for layer, product in zip(work.layers, integer_network.products(), strict=True):
        values = work.values[layer.name]
        expected = integer_weights(product.codes, product.bits, product.signs)
        assert (values.dtype, values.flags.writeable) == (np.int32, False)
        assert values.shape == (
            layer.kernel_height, layer.kernel_width, layer.group_channels, layer.outputs
        )  # fmt: skip
        assert np.array_equal(values.reshape(expected.shape), expected)
        planes = bit_planes(values, layer.bits, signed=True)
        assert len(planes) == layer.bits


def test_at_another_width(integer_network):
    """[S1.4] [S2.1] `roundclamp` of the magnitudes over the largest, with their signs."""
    work = workload_of(integer_network, "digits").at_bits(4)
    for product in integer_network.products():
        v = integer_weights(product.codes, product.bits, product.signs).astype(np.float64)
        expected = np.sign(v) * roundclamp(np.abs(v) / np.abs(v).max(), 3)
        assert np.array_equal(work.values[product.name].ravel(), expected.ravel())
    back = work.with_bits({p.name: p.bits for p in integer_network.products()})
    for product in integer_network.products():
        known = integer_weights(product.codes, product.bits, product.signs)
        assert np.array_equal(back.values[product.name].ravel(), known.ravel())


def test_offset_domain():
    """[S2.1] Codes, and from the unit interval those of another width."""
    codes = np.array([0, 3, 7, 5], np.int32).reshape(1, 1, 2, 2)
    source = WeightSource(codes / 7, codes, 3)
    layer = Layer.linear("a", 2, 2, 3, domain="offset")
    weights = IntegerWeights({"a": source}, [layer])
    assert np.array_equal(weights["a"], codes)
    one = weights.of([Layer.linear("a", 2, 2, 1, domain="offset")])
    assert np.array_equal(one["a"].ravel(), [0, 1, 1, 1])
    work = Workload("w", (layer,), values=weights)
    assert work == Workload("w", (layer,))
    assert hash(work) == hash(Workload("w", (layer,)))


def test_plain_mappings():
    """Kept at their width; at another nothing is known of them."""
    layers = Layer.linear("a", 2, 2, 3), Layer.linear("b", 2, 1, 3)
    values = {"a": np.array([[[[1, -4], [3, 0]]]]), "b": np.array([[[[1], [2]]]])}
    work = Workload("w", layers, values=values)
    narrower = work.with_bits({"a": 2})
    assert list(narrower.values) == ["b"]
    assert narrower.values["b"] is values["b"]


@pytest.mark.parametrize(
    ("name", "array", "error", "message"),
    [
        ("c", np.zeros((1, 1, 2, 2), int), ValueError, "values = 'c': .*known: a"),
        ("a", np.zeros((2, 2), int), ValueError, r"values\['a'\] has shape \(2, 2\): .*1, 1, 2, 2"),
        ("a", np.zeros((1, 1, 2, 2)), TypeError, r"values\['a'\] has dtype float64: expected int"),
        ("a", np.full((1, 1, 2, 2), 4), ValueError, r"are in \[4, 4\]: expected \[-4, 3\], 3 bits"),
        ("a", np.full((1, 1, 2, 2), -5), ValueError, r"are in \[-5, -5\]: expected \[-4, 3\]"),
    ],
)
def test_values_that_fit_no_layer(name, array, error, message):
    with pytest.raises(error, match=message):
        Workload("w", (Layer.linear("a", 2, 2, 3),), values={name: array})
