"""Files as others publish them: PyTorch's names, layouts and precisions [S11.1]."""

import re

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from msq_ref import models
from msq_ref.models.published import fitting_state, from_torch
from tests.nn.networks import unlike_fresh

SIZES = {"width": 3, "classes": 5, "input_size": 16}
WORDS = {"gamma": "weight", "beta": "bias", "running_variance": "running_var"}


def lively(name="resnet18", dtype=np.float32, **sizes):
    network = models.build(name, seed=1, dtype=dtype, **{**SIZES, **sizes})
    return unlike_fresh(network, np.random.default_rng(2))


def published(network, prefix=""):
    """Our arrays as PyTorch would save them: OIHW, (outputs, inputs), its words, its counters."""
    tensors = {}
    for name, array in network.state().items():
        layer, _, word = name.rpartition(".")
        order = {4: (3, 2, 0, 1), 2: (1, 0)}.get(array.ndim, (0,))
        tensors[f"{prefix}{layer}.{WORDS.get(word, word)}"] = array.transpose(order).copy()
        if word == "running_mean":
            tensors[f"{prefix}{layer}.num_batches_tracked"] = np.array(7)
    return tensors


@pytest.fixture
def path(tmp_path):
    return tmp_path / "published.safetensors"


def assert_same(network, expected, dtype=None):
    assert network.state().keys() == expected.keys()
    for name, value in network.state().items():
        assert value.dtype == (dtype or expected[name].dtype)
        np.testing.assert_array_equal(value, expected[name])


@pytest.mark.parametrize("name", ["resnet18", "resnet50", "resnet20"])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_pytorch_files(path, name, prefix):
    """The names of torchvision and of CIFAR's authors; what DataParallel puts before them."""
    network = lively(name)
    save_file(published(network, prefix), path)
    assert_same(models.load(name, path, seed=9, **SIZES), network.state())


@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
def test_files_of_the_transformers_package(path, name):
    """As it saves them itself: the same network, the same numbers."""
    pytest.importorskip("transformers")
    from tests.models.pairs import PAIRS

    pair = PAIRS[name](False)
    tensors = {key: value.numpy() for key, value in pair.twin.state_dict().items()}
    assert any(key.startswith("resnet.encoder.stages.3.layers.1.") for key in tensors)
    save_file(tensors, path)
    network = models.load(name, path, dtype=np.float64, **pair.sizes)
    assert_same(network, pair.loaded().state())


@pytest.mark.parametrize("theirs", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("ours", [np.float32, np.float64])
@pytest.mark.parametrize("naming", ["own", "published"])
def test_precisions_are_converted(path, theirs, ours, naming):
    """To the network's, by the nearest value."""
    network = lively(dtype=np.float64)
    tensors = network.state() if naming == "own" else published(network)
    save_file(
        {k: v.astype(theirs) if v.dtype.kind == "f" else v for k, v in tensors.items()}, path
    )
    loaded = models.load("resnet18", path, dtype=ours, **SIZES)
    expected = {k: v.astype(theirs).astype(ours) for k, v in network.state().items()}
    assert_same(loaded, expected, ours)


def test_square_layers_are_told_apart_by_names(path):
    """[S11.1] Nothing is transposed in a file of our own, though its shapes would allow it."""
    network = lively("resnet20", width=4, classes=16)
    weight = network.operations["linear"].weight
    assert weight.shape[0] == weight.shape[1]
    for tensors in (network.state(), published(network)):
        save_file(tensors, path)
        loaded = models.load("resnet20", path, **{**SIZES, "width": 4, "classes": 16})
        np.testing.assert_array_equal(loaded.operations["linear"].weight, weight)


def refused(path, match, name="resnet18", **options):
    with pytest.raises(ValueError, match=match) as caught:
        models.load(name, path, **{**SIZES, **options})
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message


def test_what_does_not_fit_is_listed(path):
    """By our names: missing, unexpected, of another shape, not a float, not finite."""
    tensors = published(lively())
    del tensors["fc.bias"], tensors["layer1.0.bn1.weight"]
    tensors["extra.weight"] = np.zeros((2, 3), np.float32)
    tensors["bn1.bias"] = np.zeros(4, np.float32)
    tensors["layer2.0.downsample.1.running_var"] = np.zeros(6, np.int32)
    tensors["layer2.0.bn1.bias"] = np.full(6, np.inf, np.float32)
    save_file(tensors, path)
    assert refused(path, "does not fit").partition("network: ")[2].split("; ") == [
        "bn1.beta is float32 (4,), not float32 (3,)",
        "layer2.0.bn1.beta contains NaN or infinities",
        "layer2.0.downsample.1.running_variance is int32 (6,), not float32 (6,)",
        "missing fc.bias",
        "missing layer1.0.bn1.gamma",
        "unexpected extra.weight",
    ]


def test_values_too_large_for_the_network(path):
    """float64 that float32 cannot hold is refused, without a warning."""
    network = lively(dtype=np.float64)
    network.parameters()["fc.bias"][0] = 1e39
    save_file(network.state(), path)
    refused(path, "network: fc.bias contains NaN or infinities$")
    models.load("resnet18", path, dtype=np.float64, **SIZES)


def test_another_network(path):
    """Hundreds of names: the first ten of each kind, and how many more."""
    network = lively("resnet50")
    save_file(published(network), path)
    message = refused(path, "does not fit the network: ")
    listed = message.partition("network: ")[2].split("; ")
    more = [entry for entry in listed if re.fullmatch(r"and \d+ more of these", entry)]
    assert len(more) == 2
    unexpected = [entry for entry in listed if entry.startswith("unexpected ")]
    assert len(unexpected) == 10
    extra = len(network.state().keys() - lively().state().keys()) - 10
    assert more[-1] == f"and {extra} more of these"
    assert len(message) < 4000


@pytest.mark.parametrize("change", [{"width": 4}, {"classes": 6}])
def test_another_size(path, change):
    """The shapes that are in the file, and those that are wanted."""
    save_file(published(lively()), path)
    assert "fc.weight is float32 (24, 5), not float32 (" in refused(path, "does not fit", **change)


def test_names_that_become_one(path):
    """Two arrays of the file for one of ours: neither is dropped in silence."""
    tensors = published(lively())
    tensors["module.fc.weight"] = tensors["fc.weight"]
    save_file(tensors, path)
    refused(path, r"fc\.weight and (module\.)?fc\.weight are both fc\.weight")


def test_an_empty_file(path):
    """Everything is missing."""
    save_file({}, path)
    rest = len(lively().state()) - 10
    refused(path, f"network: missing bn1.beta; .*; and {rest} more of these$")


def test_inputs_stay(path):
    """[S0.4] Converting copies; the caller's arrays, read-only or not, are left alone."""
    network = lively()
    tensors = published(network)
    for value in tensors.values():
        value.flags.writeable = False
    before = {name: value.copy() for name, value in tensors.items()}
    network.load_state(fitting_state(network, tensors))
    network.parameters()["fc.weight"][...] = 0
    for name, value in tensors.items():
        np.testing.assert_array_equal(value, before[name])
    state = from_torch(network, tensors)
    assert all(value.flags.c_contiguous for value in state.values())
    assert state.keys() == network.state().keys()
    save_file(network.state(), path)
    assert load_file(path).keys() == state.keys()
