"""MobileNetV3 in PyTorch: a transcription of Howard et al. (2019), tables 1 and 2.

Written from the tables, not from our code: what differs between blocks is spelt out in words.
PyTorch's own ``hardsigmoid`` is not used: its double gradient is rounded to float32 (1/6 is
0.1666666716), and it has no second derivative.
"""

import torch
from torch import nn
from torch.nn import functional

# kernel, expansion, outputs, SE, nonlinearity, stride
TABLES = {
    "large": """
        3 16 16 - RE 1 / 3 64 24 - RE 2 / 3 72 24 - RE 1 / 5 72 40 SE RE 2 / 5 120 40 SE RE 1
        / 5 120 40 SE RE 1 / 3 240 80 - HS 2 / 3 200 80 - HS 1 / 3 184 80 - HS 1 / 3 184 80 - HS 1
        / 3 480 112 SE HS 1 / 3 672 112 SE HS 1 / 5 672 160 SE HS 2 / 5 960 160 SE HS 1
        / 5 960 160 SE HS 1
    """,
    "small": """
        3 16 16 SE RE 2 / 3 72 24 - RE 2 / 3 88 24 - RE 1 / 5 96 40 SE HS 2 / 5 240 40 SE HS 1
        / 5 240 40 SE HS 1 / 5 120 48 SE HS 1 / 5 144 48 SE HS 1 / 5 288 96 SE HS 2
        / 5 576 96 SE HS 1 / 5 576 96 SE HS 1
    """,
}
LAST = {"large": 1280, "small": 1024}


def multiple_of_8(channels):
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded


def conv_norm(inputs, outputs, kernel, act=None, stride=1, groups=1):
    conv = nn.Conv2d(
        inputs, outputs, kernel, stride, (kernel - 1) // 2, groups=groups, bias=False
    )
    rest = [] if act is None else [act()]
    return nn.Sequential(conv, nn.BatchNorm2d(outputs, eps=0.001, momentum=0.01), *rest)


class Hardsigmoid(nn.Module):
    def forward(self, x):
        return functional.relu6(x + 3) / 6


class Squeeze(nn.Module):
    def __init__(self, channels):
        super().__init__()
        inner = multiple_of_8(channels // 4)
        self.fc1 = nn.Conv2d(channels, inner, 1)
        self.activation = nn.ReLU()
        self.fc2 = nn.Conv2d(inner, channels, 1)
        self.scale_activation = Hardsigmoid()

    def forward(self, x):
        inner = self.activation(self.fc1(x.mean((2, 3), keepdim=True)))
        return x * self.scale_activation(self.fc2(inner))


class Bottleneck(nn.Module):
    def __init__(self, inputs, kernel, inner, outputs, squeezes, act, stride):
        super().__init__()
        layers = [conv_norm(inputs, inner, 1, act)] if inner != inputs else []
        layers.append(conv_norm(inner, inner, kernel, act, stride, inner))
        if squeezes:
            layers.append(Squeeze(inner))
        layers.append(conv_norm(inner, outputs, 1))
        self.block = nn.Sequential(*layers)
        self.adds = stride == 1 and inputs == outputs

    def forward(self, x):
        return x + self.block(x) if self.adds else self.block(x)


class MobileNetV3(nn.Module):
    def __init__(self, variant, width_mult=1.0, classes=1000, stem_stride=2):
        super().__init__()
        inputs = multiple_of_8(16 * width_mult)
        features = [conv_norm(3, inputs, 3, nn.Hardswish, stem_stride)]
        for row in TABLES[variant].split("/"):
            kernel, inner, outputs, squeezes, act, stride = row.split()
            outputs = multiple_of_8(int(outputs) * width_mult)
            features.append(
                Bottleneck(
                    inputs, int(kernel), multiple_of_8(int(inner) * width_mult), outputs,
                    squeezes == "SE", {"RE": nn.ReLU, "HS": nn.Hardswish}[act], int(stride),
                )
            )  # fmt: skip
            inputs = outputs
        features.append(conv_norm(inputs, 6 * inputs, 1, nn.Hardswish))
        hidden = multiple_of_8(LAST[variant] * width_mult)
        self.features = nn.Sequential(*features)
        self.classifier = nn.Sequential(
            nn.Linear(6 * inputs, hidden), nn.Hardswish(), nn.Identity(), nn.Linear(hidden, classes)
        )

    def forward(self, x):
        return self.classifier(torch.flatten(self.features(x).mean((2, 3)), 1))
