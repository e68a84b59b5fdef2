"""Legal arguments of every function of layers."""

import numpy as np

from msq_ref import reference

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
