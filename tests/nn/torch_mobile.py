"""Layers of networks for small devices in PyTorch, without their arrays."""

from msq_ref.nn import HardSigmoid, HardSwish, ReLU6, SqueezeExcitation, ZeroPad2d


def hard_sigmoid(torch, x):
    """Not PyTorch's own: its double gradient is rounded to float32, and has no derivative."""
    return torch.nn.functional.relu6(x + 3) / 6


def mobile_layer(torch, layer):
    """One layer in PyTorch."""
    nn = torch.nn

    class Squeeze(nn.Module):
        def __init__(self, channels, inner):
            super().__init__()
            self.fc1 = nn.Conv2d(channels, inner, 1)
            self.fc2 = nn.Conv2d(inner, channels, 1)

        def forward(self, x):
            inner = nn.functional.relu(self.fc1(x.mean((2, 3), keepdim=True)))
            return x * hard_sigmoid(torch, self.fc2(inner))

    class Sigmoid(nn.Module):
        def forward(self, x):
            return hard_sigmoid(torch, x)

    match layer:
        case HardSwish():
            return nn.Hardswish()
        case HardSigmoid():
            return Sigmoid()
        case ReLU6():
            return nn.ReLU6()
        case ZeroPad2d():
            (above, below), (left, right) = layer.sides
            return nn.ZeroPad2d((left, right, above, below))
        case SqueezeExcitation():
            return Squeeze(*layer.parts["fc1"].weight.shape[2:])
