"""Wrong kernels, strides, paddings and output sizes of convolutions [S11.1]."""

import numpy as np

from tests.mutants.convolution import conv, filters, images, same, wrong
from tests.mutants.registry import at

X, C = images(2, 6, 5, 4), filters(3, 3, 4, 4)
XG, XD = images(1, 4, 4, 4), images(1, 4, 4, 3)
PLAIN, PADDED, STRIDED = at(X, C, 3), at(X, C, 3, padding=1), at(X, C, 3, stride=2)

wrong(
    "flipped",
    "kernel flipped: a true convolution",
    PLAIN,
    lambda x, v, s, p, g: conv(x, v[::-1, ::-1], s, p, g),
)
wrong(
    "flipped_vertically",
    "kernel flipped along its height",
    PLAIN,
    lambda x, v, s, p, g: conv(x, v[::-1], s, p, g),
)
wrong(
    "kernel_transposed",
    "height and width of a square kernel swapped",
    PLAIN,
    lambda x, v, s, p, g: conv(x, v.swapaxes(0, 1) if v.shape[0] == v.shape[1] else v, s, p, g),
)
wrong(
    "image_transposed",
    "height and width of a square image swapped",
    at(XG, C, 3),
    lambda x, v, s, p, g: conv(x.swapaxes(1, 2) if x.shape[1] == x.shape[2] else x, v, s, p, g),
)
wrong(
    "channels_first",
    "NCHW where all axes are equal",
    at(images(4, 4, 4, 4), C, 3),
    lambda x, v, s, p, g: conv(
        np.moveaxis(x, 1, -1) if len(set(x.shape[1:])) == 1 else x, v, s, p, g
    ),
)
wrong(
    "filters_oihw",
    "OIHW where all axes are equal",
    at(X, filters(4, 4, 4, 4), 3),
    lambda x, v, s, p, g: conv(
        x, v.transpose(2, 3, 1, 0) if len(set(v.shape)) == 1 else v, s, p, g
    ),
)
wrong(
    "inputs_outputs_swapped",
    "HWOI where inputs and outputs are equal",
    PLAIN,
    lambda x, v, s, p, g: conv(x, v.swapaxes(2, 3) if v.shape[2] == v.shape[3] else v, s, p, g),
)
wrong(
    "stride_of_rows_only",
    "stride only along the height",
    STRIDED,
    lambda x, v, s, p, g: conv(x, v, s, p, g, strides=(s, 1)),
)
wrong(
    "stride_of_columns_only",
    "stride only along the width",
    STRIDED,
    lambda x, v, s, p, g: conv(x, v, s, p, g, strides=(1, s)),
)
wrong("stride_ignored", "stride ignored", STRIDED, lambda x, v, s, p, g: conv(x, v, 1, p, g))
wrong(
    "stride_ignored_for_1x1",
    "stride ignored for 1 x 1 kernels",
    at(X, filters(1, 1, 4, 2), 3, stride=2),
    lambda x, v, s, p, g: conv(x, v, 1 if v.shape[:2] == (1, 1) else s, p, g),
)
wrong(
    "stride_at_most_two",
    "strides above 2 are taken for 2",
    at(images(1, 9, 9, 1), filters(2, 2, 1, 1), 3, stride=3),
    lambda x, v, s, p, g: conv(x, v, min(s, 2), p, g),
)
wrong(
    "starts_late",
    "the first window at stride - 1",
    STRIDED,
    lambda x, v, s, p, g: conv(x, v, s, p, g, start=s - 1),
)
wrong(
    "thinned",
    "the image thinned by the stride before the kernel",
    at(images(1, 8, 8, 4), C, 3, stride=2),
    lambda x, v, s, p, g: (
        conv(x[:, ::s, ::s], v, 1, p, g)
        if min(x.shape[1:3]) >= s * max(v.shape[:2])
        else same(x, v, s, p, g)
    ),
)
wrong("padding_ignored", "padding ignored", PADDED, lambda x, v, s, p, g: conv(x, v, s, 0, g))
wrong(
    "padding_with_one", "padded with 1", PADDED, lambda x, v, s, p, g: conv(x, v, s, p, g, value=1)
)
wrong(
    "padding_with_minus_one",
    "padded with -1, the code of all ones",
    PADDED,
    lambda x, v, s, p, g: conv(x, v, s, p, g, value=-1),
)
wrong(
    "padding_with_minimum",
    "padded with the smallest activation",
    PADDED,
    lambda x, v, s, p, g: conv(x, v, s, p, g, value=int(x.min(initial=0))),
)
wrong(
    "padding_repeats_edge",
    "padded with the edge",
    PADDED,
    lambda x, v, s, p, g: conv(
        np.pad(x, ((0, 0), (p, p), (p, p), (0, 0)), "edge")
        if x.size
        else np.zeros((x.shape[0], x.shape[1] + 2 * p, x.shape[2] + 2 * p, x.shape[3]), np.int64),
        v,
        s,
        0,
        g,
    ),
)
wrong(
    "padding_before_only",
    "padded before only",
    PADDED,
    lambda x, v, s, p, g: conv(x, v, s, p, g, after=(0, 0)),
)
wrong(
    "padding_after",
    "all the padding behind",
    PADDED,
    lambda x, v, s, p, g: conv(x, v, s, p, g, before=(0, 0), after=(2 * p, 2 * p)),
)
wrong(
    "padding_before",
    "all the padding in front",
    PADDED,
    lambda x, v, s, p, g: conv(x, v, s, p, g, before=(2 * p, 2 * p), after=(0, 0)),
)
wrong(
    "padding_same",
    "SAME padding under a stride: one less in front",
    at(XG, C, 3, stride=2, padding=1),
    lambda x, v, s, p, g: (
        conv(x, v, s, p, g, before=(p - 1, p - 1), after=(p + 1, p + 1))
        if s > 1 and p
        else same(x, v, s, p, g)
    ),
)
wrong(
    "padding_of_rows_only",
    "only the height is padded",
    PADDED,
    lambda x, v, s, p, g: conv(x, v, s, p, g, before=(p, 0), after=(p, 0)),
)
wrong(
    "padding_at_most_one",
    "a padding above 1 is taken for 1",
    at(X, C, 3, padding=2),
    lambda x, v, s, p, g: conv(x, v, s, min(p, 1), g),
)
wrong(
    "padding_ignored_for_1x1",
    "no padding for 1 x 1 kernels",
    at(X, filters(1, 1, 4, 2), 3, padding=1),
    lambda x, v, s, p, g: conv(x, v, s, 0 if v.shape[:2] == (1, 1) else p, g),
)
wrong(
    "output_rounded_up",
    "output size rounded up (ceil mode)",
    at(X, C, 3, stride=2),
    lambda x, v, s, p, g: conv(x, v, s, p, g, rows=lambda n, k, t: -(-(n - k) // t) + 1),
)
wrong(
    "output_too_small",
    "output size (n - k + 1) // s",
    at(X, C, 3, stride=2),
    lambda x, v, s, p, g: conv(x, v, s, p, g, rows=lambda n, k, t: max((n - k + 1) // t, 1)),
)
wrong(
    "output_of_halved_input",
    "output size n // s, as for padded 3 x 3",
    at(X, filters(2, 2, 4, 4), 3),
    lambda x, v, s, p, g: conv(x, v, s, p, g, rows=lambda n, k, t: (n - 2 * p) // t or 1),
)
wrong(
    "square_output",
    "as many columns as rows",
    at(X, C, 3),
    lambda x, v, s, p, g: (
        lambda y: (
            y[:, :, : y.shape[1]]
            if y.shape[2] > y.shape[1]
            else np.pad(y, ((0, 0), (0, 0), (0, y.shape[1] - y.shape[2]), (0, 0)))
        )
    )(same(x, v, s, p, g)),
)
wrong(
    "square_kernel",
    "the width of the kernel taken for its height",
    at(X, filters(1, 3, 4, 2), 3),
    lambda x, v, s, p, g: conv(
        x, np.concatenate([v[:, : v.shape[0]], 0 * v[:, v.shape[0] :]], axis=1), s, p, g
    ),
)
wrong(
    "first_image_only",
    "the first image of the batch for all",
    PLAIN,
    lambda x, v, s, p, g: same(np.broadcast_to(x[:1], x.shape), v, s, p, g),
)
wrong(
    "last_tap_missing",
    "the last tap of the kernel is left out",
    PLAIN,
    lambda x, v, s, p, g: conv(
        x,
        np.where(
            np.arange(v[..., 0, 0].size).reshape(*v.shape[:2], 1, 1) < v.shape[0] * v.shape[1] - 1,
            v,
            0,
        ),
        s,
        p,
        g,
    ),
)
wrong(
    "odd_channel_missing",
    "the last of an odd number of channels is left out",
    at(XD, filters(3, 3, 3, 2), 3),
    lambda x, v, s, p, g: (
        conv(x, np.where(np.arange(v.shape[2])[:, None] < v.shape[2] // 2 * 2, v, 0), s, p, g)
        if v.shape[2] > 1
        else same(x, v, s, p, g)
    ),
)
