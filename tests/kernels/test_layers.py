"""Layers of both backends: twins agree, any memory layout works, bad input is named [S0.4]."""

import inspect

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from msq_ref import kernels, reference
from msq_ref.kernels import activation, conv, excitation, hard, layers, loss, pooling
from msq_ref.kernels.attention import __all__ as ATTENTION
from msq_ref.kernels.batchnorm import __all__ as BATCHNORM
from msq_ref.kernels.gelu import __all__ as GELU
from msq_ref.kernels.layernorm import __all__ as LAYERNORM
from msq_ref.kernels.linear import __all__ as LINEAR

BACKENDS = pytest.mark.parametrize(
    "backend", [reference, kernels], ids=["reference", "kernels"]
)
GRAD, IMAGES, CHANNELS = {"grad_y": (2, 4, 4, 3)}, {"x": (2, 4, 4, 3)}, {"gamma": (3,)}
CONV = {"x": (2, 4, 5, 4), "w": (3, 3, 2, 6), "stride": 1, "padding": 1, "groups": 2}
PRODUCT = {"x": (2, 5), "w": (5, 3)}
POOL = {**IMAGES, "size": 2, "stride": 2}
POOLED, WHERE = {"grad_y": (2, 2, 2, 3)}, {"where": np.arange(24).reshape(2, 2, 2, 3) % 4}
GIVEN = {"mean": (3,), "variance": (3,)}
NORM = {"gamma": (3,), "eps": 1e-5}
HEADS = (2, 3, 4, 5)
QKV, PAIRS = {"q": HEADS, "k": HEADS, "v": HEADS}, {"p": (2, 3, 4, 4)}
QKV_DOT = {"q_dot": HEADS, "k_dot": HEADS, "v_dot": HEADS}
GATE = {**IMAGES, "factors": (2, 3)}
SIDES = {"sides": [[0, 1], [2, 0]]}

# Legal arguments of every layer function: a tuple is the shape of a random array.
ARGUMENTS = {
    "conv2d": CONV,
    "conv2d_backward": {"grad_y": (2, 4, 5, 6), **CONV},
    "linear": PRODUCT,
    "linear_backward": {"grad_y": (2, 3), **PRODUCT},
    "batchnorm": {**IMAGES, **CHANNELS, "beta": (3,), **GIVEN},
    "batchnorm_backward": {**GRAD, **IMAGES, **CHANNELS, **GIVEN},
    "batchnorm_train": {**IMAGES, **CHANNELS, "beta": (3,)},
    "batchnorm_train_backward": {**GRAD, **IMAGES, **CHANNELS, "statistics": None},
    "relu": IMAGES,
    "relu_backward": {**GRAD, **IMAGES},
    "avgpool2d": POOL,
    "avgpool2d_backward": {**POOLED, **POOL},
    "maxpool2d": POOL,
    "maxpool2d_take": {**WHERE, **POOL},
    "maxpool2d_backward": {**POOLED, **WHERE, **POOL},
    "pad_shortcut": {**IMAGES, "stride": 3, "channels": 6},
    "pad_shortcut_backward": {"grad_y": (2, 2, 2, 6), **IMAGES, "stride": 3, "channels": 6},
    "global_avgpool": IMAGES,
    "global_avgpool_backward": {"grad_y": (2, 3), **IMAGES},
    "relu6": IMAGES,
    "relu6_backward": {**GRAD, **IMAGES},
    "hard_sigmoid": IMAGES,
    "hard_sigmoid_backward": {**GRAD, **IMAGES},
    "hard_swish": IMAGES,
    "hard_swish_backward": {**GRAD, **IMAGES},
    "hard_swish_backward_tangent": {
        **GRAD, "grad_y_dot": (2, 4, 4, 3), **IMAGES, "x_dot": (2, 4, 4, 3)
    },
    "gate": GATE,
    "gate_backward": {**GRAD, **GATE},
    "gate_factors_gradient": {**GRAD, **IMAGES},
    "gate_input_gradient": {**GRAD, "factors": (2, 3), "grad_means": (2, 3)},
    "zero_pad": {**IMAGES, **SIDES},
    "zero_pad_backward": {"grad_y": (2, 5, 6, 3), **IMAGES, **SIDES},
    "layernorm": {**IMAGES, "gamma": (3,), "beta": (3,), "eps": 1e-5},
    "layernorm_backward": {**GRAD, **IMAGES, **NORM},
    "layernorm_tangent": {"x_dot": (2, 4, 4, 3), **IMAGES, **NORM},
    "layernorm_backward_tangent": {
        **GRAD, "grad_y_dot": (2, 4, 4, 3), **IMAGES, "x_dot": (2, 4, 4, 3), **NORM
    },
    "gelu": IMAGES,
    "gelu_backward": {**GRAD, **IMAGES},
    "gelu_backward_tangent": {
        **GRAD, "grad_y_dot": (2, 4, 4, 3), **IMAGES, "x_dot": (2, 4, 4, 3)
    },
    "attention": {**QKV, "scale": 0.5, "bias": (3, 4, 4), "mask": (2, 4, 4)},
    "attention_backward": {"grad_y": HEADS, **QKV, **PAIRS, "scale": 0.5},
    "attention_tangent": {**QKV_DOT, **QKV, **PAIRS, "scale": 0.5},
    "attention_backward_tangent": {
        "grad_y": HEADS, "grad_y_dot": HEADS, "grad_s": (2, 3, 4, 4), **QKV, **PAIRS, **QKV_DOT,
        "p_rel": (2, 3, 4, 4), "scale": 0.5,
    },
    "cross_entropy": {"logits": (4, 3), "labels": np.array([0, 2, 1, 1])},
    "cross_entropy_tangent": {"logits": (4, 3), "logits_dot": (4, 3)},
}
FUNCTIONS = list(ARGUMENTS)
NO_TWINS = {"BatchStatistics", "patches", "conv2d_input_gradient", "conv2d_weight_gradient"}


def arguments(name, dtype=np.float64):
    """Legal arguments of a layer function, by name."""
    rng = np.random.default_rng(0)
    result = {
        key: np.abs(rng.standard_normal(value)).astype(dtype) if type(value) is tuple else value
        for key, value in ARGUMENTS[name].items()
    }
    if "statistics" in result:
        zero = np.zeros(3, dtype)
        result["statistics"] = reference.batchnorm_train(result["x"], result["gamma"], zero)[1]
    return result


def floats(name):
    """Names of the arguments that are arrays of floats."""
    return [key for key, value in ARGUMENTS[name].items() if type(value) is tuple]


def test_every_layer_function_is_tested():
    """A function added to the twins must be added to the table above."""
    modules = (activation, conv, excitation, hard, layers, loss, pooling)
    found = {name for module in modules for name in module.__all__}
    found |= {*ATTENTION, *BATCHNORM, *GELU, *LAYERNORM, *LINEAR}
    assert {*FUNCTIONS} == found - NO_TWINS


def arrays_of(result):
    """Arrays within a result, in order."""
    if isinstance(result, np.ndarray):
        return [result]
    return [a for part in result for a in arrays_of(part)] if isinstance(result, tuple) else []


def relative_error(ours, theirs):
    assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype)
    scale = np.linalg.norm(theirs)
    return np.linalg.norm(ours - theirs) / (scale if scale else 1)


def strided(array):
    """Lay the values out backwards and apart, so that no axis is contiguous."""
    wide = np.zeros(tuple(2 * length for length in array.shape), array.dtype)
    step = tuple(slice(None, None, -2) for _ in array.shape)
    wide[step] = array
    return wide[step]


def read_only(array):
    copy = array.copy()
    copy.flags.writeable = False
    return copy


LAYOUTS = {
    "strided": strided,
    "Fortran order": np.asfortranarray,
    "read-only": read_only,
    "big-endian": lambda array: array.astype(array.dtype.newbyteorder(">")),
    "little-endian": lambda array: array.astype(array.dtype.newbyteorder("<")),
}


def with_layout(value, layout):
    """Lay out an array, or each array of the batch's statistics."""
    if isinstance(value, tuple):
        return type(value)(*(with_layout(part, layout) for part in value))
    return layout(value) if isinstance(value, np.ndarray) else value


@BACKENDS
@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_memory_layout_does_not_matter(backend, name, dtype, layout):
    """[S0.4] The same bits as from plain arrays, new and C-contiguous, inputs unchanged."""
    plain = arguments(name, dtype)
    awkward = {key: with_layout(value, layout) for key, value in plain.items()}
    before = [a.tobytes() for value in awkward.values() for a in arrays_of(value)]
    expected = arrays_of(getattr(backend, name)(**plain))
    result = arrays_of(getattr(backend, name)(**awkward))
    assert [a.tobytes() for value in awkward.values() for a in arrays_of(value)] == before
    assert expected
    for ours, theirs in zip(result, expected, strict=True):
        assert ours.dtype == theirs.dtype
        assert ours.dtype.isnative
        assert ours.flags.c_contiguous
        assert ours.flags.writeable
        assert ours.tobytes() == theirs.tobytes()
        for value in awkward.values():
            assert not any(np.shares_memory(ours, a) for a in arrays_of(value))


@BACKENDS
@pytest.mark.parametrize("name", FUNCTIONS)
def test_dtype_is_kept(backend, name):
    """[S0.3] float32 in, float32 out."""
    for dtype in (np.float32, np.float64):
        for array in arrays_of(getattr(backend, name)(**arguments(name, dtype))):
            assert array.dtype in (dtype, np.int64)


@BACKENDS
@pytest.mark.parametrize(("name", "key"), [(n, k) for n in FUNCTIONS for k in floats(n)])
@pytest.mark.parametrize("wrong", ["int64", "float16", "complex128", "bool"])
def test_other_dtypes_are_refused(backend, name, key, wrong):
    """[S0.3] Each array argument by name; integers are never promoted silently."""
    legal = arguments(name)
    with pytest.raises(TypeError, match=rf"^{key} has dtype {wrong}: expected float32 or float64"):
        getattr(backend, name)(**{**legal, key: legal[key].astype(wrong)})


@BACKENDS
@pytest.mark.parametrize(
    ("name", "key"), [(n, k) for n in FUNCTIONS for k in floats(n) if len(floats(n)) > 1]
)
def test_mixed_dtypes_are_refused(backend, name, key):
    """[S0.3] float32 beside float64 is an error that names an argument, not a promotion."""
    legal = arguments(name)
    with pytest.raises(TypeError, match=r"^\w+ has dtype float(32|64): expected float(32|64)"):
        getattr(backend, name)(**{**legal, key: legal[key].astype(np.float32)})


@BACKENDS
@pytest.mark.parametrize("name", [n for n in FUNCTIONS if "grad_y" in ARGUMENTS[n]])
@pytest.mark.parametrize("change", [np.s_[:1], np.s_[..., :1], np.s_[None], np.s_[0]])
def test_gradients_do_not_broadcast(backend, name, change):
    """[S11.1] A gradient has the shape of the result, and nothing that broadcasts to it."""
    legal = arguments(name)
    with pytest.raises(ValueError, match=r"^grad_y has shape .*: expected \("):
        getattr(backend, name)(**{**legal, "grad_y": legal["grad_y"][change]})


@BACKENDS
@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("linear", {"x": np.ones((2, 4))}, r"^x has shape \(2, 4\), w has shape \(5, 3\)"),
        ("linear", {"x": np.ones(())}, r"^x has shape \(\)"),
        ("linear", {"w": np.ones((2, 5, 3))}, r"^x has shape .* w has shape"),
        ("linear_backward", {"x": np.ones((2, 4))}, r"^x has shape"),
        ("batchnorm", {"x": np.ones(())}, r"^x has shape \(\)"),
        ("batchnorm", {"gamma": np.ones(1)}, r"^gamma has shape \(1,\): expected \(3,\)"),
        ("batchnorm", {"variance": np.ones((1, 3))}, r"^variance has shape"),
        ("batchnorm_backward", {"mean": np.ones(4)}, r"^mean has shape"),
        ("batchnorm_train", {"beta": np.ones(())}, r"^beta has shape"),
        ("batchnorm_train_backward", {"gamma": np.ones(1)}, r"^gamma has shape"),
        ("global_avgpool", {"x": np.ones((2, 3))}, r"^x has shape"),
        ("global_avgpool", {"x": np.ones((2, 0, 3, 1))}, r"larger than x of shape"),
        ("maxpool2d_take", {"where": np.zeros((1, 2, 2, 3), int)}, r"^where has shape"),
        ("maxpool2d_backward", {"where": np.zeros((2, 2, 2, 1), int)}, r"^where has shape"),
        ("hard_swish_backward_tangent", {"x_dot": np.ones((2, 4, 4, 1))}, r"^x_dot has shape"),
        ("hard_swish_backward_tangent", {"grad_y_dot": np.ones(3)}, r"^grad_y_dot has shape"),
        ("gate", {"factors": np.ones((2, 1))}, r"^factors has shape \(2, 1\): expected \(2, 3\)"),
        ("gate", {"factors": np.ones((2, 1, 1, 3))}, r"^factors has shape"),
        ("gate", {"x": np.ones((2, 3))}, r"^x has shape \(2, 3\)"),
        ("gate_backward", {"factors": np.ones(3)}, r"^factors has shape"),
        ("gate_input_gradient", {"grad_means": np.ones((2, 1))}, r"^grad_means has shape"),
        ("gate_input_gradient", {"factors": np.ones(3)}, r"^factors has shape"),
        ("zero_pad", {"x": np.ones((4, 4, 3))}, r"^x has shape \(4, 4, 3\)"),
        ("zero_pad", {"sides": 1}, r"^sides = 1: expected \(\(above, below\), \(left, right\)\)"),
        ("zero_pad", {"sides": ((1, 1), (1, -1))}, r"^sides = -1: expected an integer in \[0"),
        ("zero_pad_backward", {"sides": ((1, 1), (1, 0.5))}, r"^sides = 0.5"),
        ("pad_shortcut", {"channels": 2}, r"^channels = 2: expected an integer in \[3"),
        ("pad_shortcut", {"stride": 0}, "^stride = 0"),
        ("pad_shortcut", {"x": np.ones((4, 4, 3))}, "^x has shape"),
        ("pad_shortcut_backward", {"grad_y": np.ones((2, 2, 2, 3))}, "^grad_y has shape"),
        ("maxpool2d", {"padding": 2}, r"^padding = 2: expected an integer in \[0, 1\]"),
        ("maxpool2d", {"padding": -1}, "^padding = -1"),
        ("maxpool2d", {"padding": 0.5}, "^padding = 0.5"),
        ("maxpool2d", {"size": 7, "padding": 1}, "^size = 7: larger than x .* with padding 1"),
        ("cross_entropy", {"logits": np.ones(4)}, r"^logits has shape"),
        ("cross_entropy", {"logits": np.ones((4, 0))}, r"^logits has shape"),
        ("cross_entropy_tangent", {"logits_dot": np.ones((1, 3))}, r"^logits_dot has shape"),
    ],
)
def test_other_shapes_are_refused(backend, name, change, message):
    """[S11.1] Nothing broadcasts."""
    with pytest.raises(ValueError, match=message):
        getattr(backend, name)(**{**arguments(name), **change})


@BACKENDS
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stride": 0}, r"^stride = 0: expected an integer in \[1"),
        ({"stride": -1}, "^stride = -1"),
        ({"stride": 1.0}, "^stride = 1.0"),
        ({"stride": True}, "^stride = True"),
        ({"stride": (1, 1)}, r"^stride = \(1, 1\)"),
        ({"padding": -1}, r"^padding = -1: expected an integer in \[0"),
        ({"padding": "same"}, "^padding = 'same'"),
        ({"groups": 0}, "^groups = 0"),
        ({"groups": 3}, "^w has shape"),
        ({"x": np.ones((4, 5, 4))}, "^x has shape"),
        ({"x": np.ones((2, 4, 5, 3))}, "^w has shape"),
        ({"w": np.ones((7, 3, 2, 6))}, "^w has shape .*: larger than x"),
        ({"w": np.ones((3, 8, 2, 6))}, "^w has shape .*: larger than x"),
        ({"w": np.ones((3, 3, 2, 5))}, "^w has shape"),
        ({"w": np.ones((3, 3, 4, 6))}, "^w has shape"),
        ({"w": np.ones((0, 3, 2, 6))}, "^w has shape"),
        ({"w": np.ones((3, 3, 2))}, "^w has shape"),
    ],
)
@pytest.mark.parametrize("name", ["conv2d", "conv2d_backward"])
def test_convolution_names_what_is_wrong(backend, name, change, message):
    """[S0.2] [S11.1]"""
    with pytest.raises(ValueError, match=message):
        getattr(backend, name)(**{**arguments(name), **change})


@BACKENDS
@pytest.mark.parametrize("name", [n for n in FUNCTIONS if "pool2d" in n])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"size": 0}, "^size = 0"),
        ({"size": 5}, "^size = 5: larger than x"),
        ({"size": 2.0}, "^size = 2.0"),
        ({"stride": 0}, "^stride = 0"),
        ({"stride": -2}, "^stride = -2"),
        ({"x": np.ones((4, 4, 3))}, "^x has shape"),
    ],
)
def test_pooling_names_what_is_wrong(backend, name, change, message):
    """[S0.2]"""
    with pytest.raises(ValueError, match=message):
        getattr(backend, name)(**{**arguments(name), **change})


@BACKENDS
def test_pooling_refuses_positions_outside_the_window(backend):
    """[S5.2]"""
    legal = arguments("maxpool2d_take")
    for wrong in (-1, 4):
        with pytest.raises(ValueError, match=f"^where contains {wrong}"):
            backend.maxpool2d_take(**{**legal, "where": np.full((2, 2, 2, 3), wrong)})


@BACKENDS
@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        ([0, 1, 2, 3], ValueError, "^labels contains 3"),
        ([0, -1, 2, 1], ValueError, "^labels contains -1"),
        ([0, 1, 2], ValueError, "^labels has shape"),
        ([0.0, 1.0, 2.0, 1.0], TypeError, "^labels has dtype float64"),
        ([True, False, True, True], TypeError, "^labels has dtype bool"),
    ],
)
def test_loss_names_wrong_labels(backend, labels, error, message):
    """[S11.1]"""
    with pytest.raises(error, match=message):
        backend.cross_entropy(np.ones((4, 3)), np.array(labels))


@BACKENDS
@pytest.mark.parametrize("eps", [-1e-5, np.nan, np.inf])
@pytest.mark.parametrize("name", [n for n in FUNCTIONS if "batchnorm" in n])
def test_batchnorm_names_a_wrong_eps(backend, name, eps):
    """[S11.1]"""
    with pytest.raises(ValueError, match=r"^eps = "):
        getattr(backend, name)(**arguments(name), eps=eps)


NEEDS_IMAGES = {"batchnorm_train", "batchnorm_train_backward", "cross_entropy"}


@BACKENDS
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_batch_of_no_images(backend, name):
    """[S0.3] Legal wherever the mathematics is: a mean over nothing is an error, a sum is 0."""
    legal = arguments(name)
    per_image = {"x", "x_dot", "grad_y", "grad_y_dot", "factors", "grad_means", "logits",
                 "logits_dot", "labels", "where", *QKV, *QKV_DOT, "p", "p_rel",
                 "grad_s"}  # fmt: skip
    empty = {k: v[:0] if k in per_image else v for k, v in legal.items()}
    if name in NEEDS_IMAGES:
        with pytest.raises(ValueError, match=r"^(x|logits) has shape \(0, "):
            getattr(backend, name)(**empty)
        return
    whole = arrays_of(getattr(backend, name)(**legal))
    for ours, theirs in zip(arrays_of(getattr(backend, name)(**empty)), whole, strict=True):
        of_images = ours.shape[:1] == (0,)
        assert ours.shape == ((0, *theirs.shape[1:]) if of_images else theirs.shape)
        assert ours.dtype == theirs.dtype
        assert of_images or not ours.any()


@BACKENDS
def test_no_output_channels(backend):
    """[S0.3] Empty weights give empty results and a zero gradient of the input."""
    x, w = np.ones((2, 4, 4, 3)), np.ones((3, 3, 3, 0))
    y = backend.conv2d(x, w)
    assert y.shape == (2, 2, 2, 0)
    grad_x, grad_w = backend.conv2d_backward(y, x, w)
    assert not grad_x.any()
    assert grad_w.shape == w.shape
    flat = np.ones((2, 0))
    grad_x, grad_w = backend.linear_backward(flat, np.ones((2, 5)), np.ones((5, 0)))
    assert grad_x.tolist() == [[0] * 5] * 2
    assert grad_w.shape == (5, 0)


@given(
    data=st.data(),
    batch=st.integers(1, 3),
    stride=st.integers(1, 3),
    padding=st.integers(0, 2),
    groups=st.integers(1, 3),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_convolutions_of_any_size_agree(data, batch, stride, padding, groups, dtype):
    """[S11.1] The twin gathers patches; the definition adds taps. Depthwise comes up too."""
    kernel = [data.draw(st.integers(1, 4)) for _ in range(2)]
    image = [data.draw(st.integers(max(1, k - 2 * padding), 7)) for k in kernel]
    inputs, outputs = (data.draw(st.integers(1, 3)) for _ in range(2))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    x = rng.standard_normal((batch, *image, inputs * groups)).astype(dtype)
    w = rng.standard_normal((*kernel, inputs, outputs * groups)).astype(dtype)
    y = reference.conv2d(x, w, stride, padding, groups)
    grad = rng.standard_normal(y.shape).astype(dtype)
    bound = 1e-5 if dtype == np.float32 else 1e-13
    assert relative_error(kernels.conv2d(x, w, stride, padding, groups), y) <= bound
    ours = kernels.conv2d_backward(grad, x, w, stride, padding, groups)
    theirs = reference.conv2d_backward(grad, x, w, stride, padding, groups)
    for mine, definition in zip(ours, theirs, strict=True):
        assert relative_error(mine, definition) <= bound


@pytest.mark.parametrize("name", FUNCTIONS)
def test_twins_have_the_same_arguments(name):
    """Same name, same arguments, same defaults."""
    ours, theirs = (inspect.signature(getattr(m, name)) for m in (kernels, reference))
    assert list(ours.parameters.values()) == list(theirs.parameters.values())
