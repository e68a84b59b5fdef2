"""ResNets for CIFAR against a transcription in PyTorch, and with trained weights."""

import os
from pathlib import Path

import numpy as np
import pytest

from msq_ref import kernels, models, reference
from msq_ref.nn import PadShortcut
from tests.both import BACKENDS
from tests.models.pairs import pair_of
from tests.models.parity import demand_hessian_parity_of, demand_parity_of
from tests.nn.networks import relative_error

DEPTHS = pytest.mark.parametrize("name", ["resnet20", "resnet32", "resnet56"])

MEAN, STD = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])


MARGIN = 2e-5
"""Of all activations to every kink, far more than what float32 is off."""


@BACKENDS
@DEPTHS
def test_parity(name, backend):
    """[S11.1] Logits, every gradient and the running statistics, both modes and precisions."""
    demand_parity_of(pair_of(name), backend, MARGIN)


@BACKENDS
@DEPTHS
def test_hessian_products(name, backend):
    """[S5.2] ``H v`` of all layers at once is PyTorch's double backward."""
    demand_hessian_parity_of(pair_of(name), backend)


@pytest.mark.parametrize("depth", [20, 32, 56])
def test_structure(depth):
    """One layer with a weight for each of the depth; the shortcuts have none."""
    network = models.build(f"resnet{depth}")
    assert len(network.quantized_layers()) == depth
    shortcuts = [op for op in network.operations.values() if isinstance(op, PadShortcut)]
    assert [(op.stride, op.channels) for op in shortcuts] == [(2, 32), (2, 64)]
    assert network.operations["linear"].weight.shape == (64, 10)


@pytest.mark.parametrize("depth", [2, 18, 21, 20.0, True])
def test_depths(depth):
    """Three stages of equal blocks of two layers, and two more."""
    from msq_ref.models.resnet_cifar import resnet_cifar

    with pytest.raises(ValueError, match=f"^depth = {depth}: expected"):
        resnet_cifar(seed=0, dtype=np.float32, backend=reference, depth=depth)


# --- trained weights --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained():
    """The published weights' file, the undamaged test images, normalized NHWC, and labels."""
    folder = Path(os.environ.get("MSQ_DATA", "MSQ_DATA is not set"))
    file, subset = folder / "resnet20-cifar10.safetensors", folder / "cifar10-subset.npz"
    if not (file.exists() and subset.exists()):
        pytest.skip(f"needs {file.name} and {subset.name} in $MSQ_DATA ({folder})")
    with np.load(subset, allow_pickle=False) as arrays:
        pixels, labels = arrays["xte"], arrays["yte"].astype(np.int64)
    images = (np.moveaxis(pixels, 1, -1).astype(np.float32) / 255 - MEAN) / STD
    return file, images, labels


@pytest.fixture(scope="module")
def logits(trained):
    file, images, _ = trained
    network = models.load("resnet20", file, backend=kernels)
    return np.concatenate([network.forward(images[i : i + 128]) for i in range(0, 1017, 128)])


def test_trained_weights_classify_cifar(trained, logits):
    """932 of the 1,017 undamaged images, as their authors' network does in PyTorch."""
    _, _, labels = trained
    assert len(labels) == 1017
    assert (logits.argmax(axis=1) == labels).sum() == 932


def test_trained_weights_as_in_pytorch(trained, logits):
    """[S11.1] The same prediction for every image; logits to 1e-4."""
    torch = pytest.importorskip("torch")
    from safetensors.torch import load_file

    from tests.models.torch_resnet import ResNetCifar

    file, images, _ = trained
    twin = ResNetCifar().eval()
    loaded = twin.load_state_dict(load_file(file), strict=False)
    assert not loaded.unexpected_keys
    assert {key.rpartition(".")[2] for key in loaded.missing_keys} <= {"num_batches_tracked"}
    with torch.no_grad():
        theirs = twin(torch.tensor(np.moveaxis(images, -1, 1).copy())).numpy()
    assert (logits.argmax(axis=1) == theirs.argmax(axis=1)).all()
    assert relative_error(logits, theirs) <= 1e-4


def test_definition_with_trained_weights(trained, logits):
    """[S11.1] The definition gives what the kernels give."""
    file, images, _ = trained
    network = models.load("resnet20", file, backend=reference)
    assert relative_error(network.forward(images[:64]), logits[:64]) <= 1e-4


@pytest.mark.parametrize("other", ["resnet32", "resnet18", "digits-cnn"])
def test_trained_weights_of_another_network(trained, other):
    """One line: what is missing, unexpected or of another shape."""
    file, _, _ = trained
    with pytest.raises(ValueError, match=r"does not fit the network: .*conv") as caught:
        models.load(other, file)
    assert str(caught.value).startswith(f"{file}: ")
    assert "\n" not in str(caught.value)
