"""The outputs of a layer by the definition [S9.1]."""

import msq_ref as msq


def definition(layer, x, codes, signs):
    if layer.kind == "linear":
        return msq.integer_linear(x, codes, layer.bits, signs)
    return msq.integer_conv2d(
        x[None], codes, layer.bits, layer.stride, layer.padding, layer.groups, signs
    )[0]
