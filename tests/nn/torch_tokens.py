"""Layers of transformers in PyTorch, written another way; channels second, as PyTorch has them.

Tokens are (batch, channels, tokens) here. Windows are cut and joined by unfolding and folding, and
what a shifted window hides follows from where its tokens were before the shift.
"""

import numpy as np

from msq_ref.nn import (
    GELU,
    ClassToken,
    FirstToken,
    LayerNorm,
    PatchMerging,
    SelfAttention,
    Tokens,
    WindowAttention,
    WindowPartition,
    WindowReverse,
)


def unfolded(torch, x, windowing):
    """Images to windows, (batch * windows, channels, window^2)."""
    side, channels = windowing.window, x.shape[1]
    extra = -windowing.size % side
    x = torch.nn.functional.pad(x, (0, extra, 0, extra))
    x = torch.roll(x, (-windowing.shift, -windowing.shift), (2, 3))
    columns = torch.nn.functional.unfold(x, side, stride=side)
    columns = columns.reshape(len(x), channels, side * side, -1)
    return columns.permute(0, 3, 1, 2).flatten(0, 1)


def folded(torch, windows, windowing):
    """Windows to images."""
    side, size = windowing.window, windowing.size
    length = size + -size % side
    count, channels = (length // side) ** 2, windows.shape[1]
    columns = windows.reshape(-1, count, channels * side * side).transpose(1, 2)
    x = torch.nn.functional.fold(columns, length, side, stride=side)
    x = torch.roll(x, (windowing.shift, windowing.shift), (2, 3))
    return x[:, :, :size, :size]


def hidden(windowing):
    """For each window, query and key, whether they were no neighbours before the shift."""
    side, length = windowing.window, windowing.size + -windowing.size % windowing.window
    found = []
    for top in range(0, length, side):
        for left in range(0, length, side):
            before = [
                ((top + i + windowing.shift) % length, (left + j + windowing.shift) % length)
                for i in range(side) for j in range(side)
            ]  # fmt: skip
            found.append([
                [max(abs(a - c), abs(b - d)) >= side for c, d in before] for a, b in before
            ])
    return np.array(found)


def relative_rows(window):
    """The row of the table for each query and key."""
    places = [(i, j) for i in range(window) for j in range(window)]
    width = 2 * window - 1
    return [[(a - c + window - 1) * width + (b - d + window - 1) for c, d in places]
            for a, b in places]  # fmt: skip


def token_layer(torch, layer):
    """One layer, without its arrays."""
    nn = torch.nn

    class Function(nn.Module):
        def __init__(self, function):
            super().__init__()
            self.function = function

        def forward(self, x):
            return self.function(x)

    class Norm(nn.LayerNorm):
        def forward(self, x):
            return super().forward(x.movedim(1, -1)).movedim(-1, 1)

    class Class(nn.Module):
        def __init__(self, positions, features):
            super().__init__()
            self.cls_token = nn.Parameter(torch.zeros(1, 1, features))
            self.pos_embed = nn.Parameter(torch.zeros(1, positions, features))

        def forward(self, x):
            first = self.cls_token.expand(len(x), -1, -1)
            joined = torch.cat([first, x.movedim(1, -1)], 1)
            return (joined + self.pos_embed).movedim(-1, 1)

    class Attention(nn.Module):
        def __init__(self, heads, size, window=0, mask=None):
            super().__init__()
            self.heads, self.size, self.mask = heads, size, mask
            if window:
                self.rows = torch.tensor(relative_rows(window))
                # Two axes, so stored the other way round, as all of ours are.
                table = torch.zeros(heads, (2 * window - 1) ** 2)
                self.relative_position_bias_table = nn.Parameter(table)

        def forward(self, x):
            q, k, v = x.reshape(len(x), 3, self.heads, self.size, -1).unbind(1)
            scores = torch.einsum("bhdq,bhdk->bhqk", q, k) / self.size**0.5
            if hasattr(self, "rows"):
                scores = scores + self.relative_position_bias_table[:, self.rows]
            if self.mask is not None:
                repeats = len(x) // len(self.mask)
                scores = scores + self.mask.to(scores).repeat(repeats, 1, 1)[:, None]
            return torch.einsum("bhqk,bhdk->bhdq", scores.softmax(-1), v).flatten(1, 2)

    match layer:
        case LayerNorm():
            return Norm(len(layer.parameters["gamma"]), eps=layer.eps)
        case GELU():
            return nn.GELU()
        case Tokens():
            return Function(lambda x: x.flatten(2))
        case ClassToken():
            return Class(*layer.parameters["pos_embed"].shape[1:])
        case FirstToken():
            return Function(lambda x: x[:, :, 0])
        case WindowAttention():
            _, mask = layer.offsets()
            mask = None if mask is None else torch.tensor(mask)
            return Attention(layer.heads, layer.features // layer.heads, layer.window, mask)
        case SelfAttention():
            return Attention(layer.heads, layer.features // layer.heads)
        case WindowPartition():
            return Function(lambda x: unfolded(torch, x, layer.windowing))
        case WindowReverse():
            return Function(lambda x: folded(torch, x, layer.windowing))
        case PatchMerging():
            def merge(x):
                x = nn.functional.pad(x, (0, x.shape[3] % 2, 0, x.shape[2] % 2))
                four = nn.functional.pixel_unshuffle(x, 2)
                return four.unflatten(1, (-1, 2, 2)).permute(0, 3, 2, 1, 4, 5).flatten(1, 3)

            return Function(merge)
    return None


def any_linear(torch, inputs, outputs, bias):
    """A linear layer of the second axis."""

    class Linear(torch.nn.Linear):
        def forward(self, x):
            return super().forward(x.movedim(1, -1)).movedim(-1, 1)

    return Linear(inputs, outputs, bias)
