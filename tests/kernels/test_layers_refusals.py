"""Twins of layers refuse what does not fit, and name it."""

import numpy as np
import pytest

from tests.both import BACKENDS
from tests.kernels.layer_arguments import ARGUMENTS, FUNCTIONS, arguments, floats


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
