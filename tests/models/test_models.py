"""Networks by name: their sizes, and the files they are read from."""

import json

import numpy as np
import pytest
from safetensors.numpy import save_file

from msq_ref import kernels, models, reference
from msq_ref.models.digits_cnn import INPUT_SHAPE
from msq_ref.nn import Conv2d, Linear
from tests.nn.networks import channels_first, relative_error, torch_twin


def digits(**options):
    return models.build("digits-cnn", **options)


def test_digits_cnn_is_small():
    """Three convolutions and one linear layer, under 40,000 parameters, as the README says."""
    network = digits()
    kinds = [type(layer) for layer in network.quantized_layers().values()]
    assert kinds == [Conv2d, Conv2d, Conv2d, Linear]
    sizes = {name: value.size for name, value in network.parameters().items()}
    assert sum(sizes.values()) == models.parameter_count("digits-cnn") == 24_058 < 40_000
    # By hand: 3x3 kernels of 1-16-32-64 channels, a 64 x 10 matrix; gamma, beta and bias.
    weights = 9 * (1 * 16 + 16 * 32 + 32 * 64) + 64 * 10
    assert sum(size for name, size in sizes.items() if name.endswith("weight")) == weights == 23_824
    assert sum(sizes.values()) - weights == 2 * (16 + 32 + 64) + 10
    assert {value.dtype for value in network.state().values()} == {np.dtype(np.float32)}


@pytest.mark.parametrize("width", [1, 3, 16])
@pytest.mark.parametrize("classes", [1, 10])
def test_shapes(width, classes):
    """Images of 8x8 become 4x4 and 2x2 on 1, 2 and 4 times the width, then logits."""
    network = digits(width=width, classes=classes)
    images = np.zeros((3, *models.input_shape("digits-cnn")), np.float32)
    shapes = []
    for name, layer in network.layers.items():
        images = layer.forward(images)
        if name.startswith("conv"):
            shapes.append(images.shape)
    assert shapes == [(3, 8, 8, width), (3, 4, 4, 2 * width), (3, 2, 2, 4 * width)]
    assert images.shape == (3, classes)


@pytest.mark.parametrize(("dtype", "bound"), [(np.float32, 1e-5), (np.float64, 1e-12)])
@pytest.mark.parametrize("backend", [reference, kernels], ids=["reference", "kernels"])
def test_the_same_function_as_in_pytorch(dtype, bound, backend):
    """[S11.1] At the default size, after its running statistics have moved."""
    torch = pytest.importorskip("torch")
    network = digits(dtype=dtype, backend=backend)
    images = np.random.default_rng(0).random((5, *INPUT_SHAPE)).astype(dtype)
    network.forward(images, training=True)
    logits = network.forward(images)
    twin = torch_twin(torch, network)
    assert logits.dtype == dtype
    theirs = twin(channels_first(torch, images)).detach().numpy()
    assert relative_error(logits, theirs) <= bound


def test_seeds():
    """The same seed gives the same weights in both backends; float32 is float64 rounded."""
    first = digits(seed=3)
    for name, value in digits(seed=3, backend=kernels).state().items():
        np.testing.assert_array_equal(value, first.state()[name])
    wide = digits(seed=3, dtype=np.float64)
    for name, value in wide.state().items():
        np.testing.assert_array_equal(value.astype(np.float32), first.state()[name])
    other = digits(seed=4)
    for name, layer in other.quantized_layers().items():
        assert (layer.weight != first.layers[name].weight).all()


WRONG = {
    "misspelt": ({"name": "digit-cnn"}, ValueError, "model = 'digit-cnn': did you mean 'digits-cn"),
    "no name": ({"name": None}, ValueError, "model = None: known: digits-cnn, "),
    "misspelt size": (
        {"widht": 3}, ValueError, "size = 'widht': did you mean 'width'. known: width, classes"
    ),
    "no such size": ({"zoom": 3}, ValueError, "size = 'zoom': known: width, classes"),
    "no width": ({"width": 0}, ValueError, r"width = 0: expected an integer in \[1"),
    "negative width": ({"width": -4}, ValueError, "width = -4"),
    "half a channel": ({"width": 2.5}, ValueError, r"width = 2\.5"),
    "width in words": ({"width": "16"}, ValueError, "width = '16'"),
    "bool": ({"width": True}, ValueError, "width = True"),
    "no classes": ({"classes": 0}, ValueError, "classes = 0"),
    "negative seed": ({"seed": -1}, ValueError, "seed = -1"),
    "no seed": ({"seed": None}, ValueError, "seed = None"),
    "integers": ({"dtype": np.int32}, TypeError, "dtype = int32: expected float32 or float64"),
    "half precision": ({"dtype": "float16"}, TypeError, "dtype = float16"),
    "no dtype": ({"dtype": "floaty"}, TypeError, "dtype = 'floaty'"),
}  # fmt: skip


@pytest.mark.parametrize(("options", "error", "match"), WRONG.values(), ids=WRONG.keys())
def test_what_cannot_be_built(options, error, match, tmp_path):
    """The argument, its value, what was expected; loading refuses the same before it reads."""
    arguments = {"name": "digits-cnn", **options}
    with pytest.raises(error, match=match):
        models.build(**arguments)
    with pytest.raises(error, match=match):
        models.load(file=tmp_path / "missing", **arguments)


@pytest.mark.parametrize("ask", [models.parameter_count, models.input_shape])
def test_questions_about_unknown_models(ask):
    """The error lists the known ones."""
    with pytest.raises(ValueError, match="model = 'vgg': known: digits-cnn, resnet20, "):
        ask("vgg")


# --- files ------------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "model.safetensors"
    save_file(digits(seed=5, width=2).state(), path)
    return path


@pytest.mark.parametrize("kind", [str, lambda path: path], ids=["str", "Path"])
def test_loading_gives_the_network_back(file, kind):
    """Parameters and running statistics, whatever the seed of the network they go into."""
    network = models.load("digits-cnn", kind(file), width=2, backend=kernels)
    for name, value in digits(seed=5, width=2).state().items():
        np.testing.assert_array_equal(network.state()[name], value, strict=True)
    file.unlink()
    network.parameters()["fc.bias"][...] = 1
    assert all(layer.effective is None for layer in network.layers.values())


def refused(path, match, **options):
    with pytest.raises(ValueError, match=match) as caught:
        models.load("digits-cnn", path, **{"width": 2, **options})
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message


def test_every_mismatch_is_listed(file):
    """Another width, missing and unexpected arrays, NaN: all in one line."""
    message = refused(file, "does not fit", width=3)
    for name in ("conv1.weight", "bn2.gamma", "bn3.running_variance", "fc.weight"):
        assert f"{name} is float32" in message
    assert "fc.bias" not in message
    state = digits(width=2).state()
    del state["bn1.beta"], state["fc.bias"]
    state |= {"extra": np.zeros(1), "fc.weight": np.full((8, 10), np.nan, np.float32)}
    save_file(state, file)
    assert refused(file, "does not fit").partition("network: ")[2].split("; ") == [
        "fc.weight contains NaN or infinities", "missing bn1.beta", "missing fc.bias",
        "unexpected extra",
    ]  # fmt: skip


def test_truncated_files(file):
    """At every length of the header and many of the arrays."""
    whole = file.read_bytes()
    header = 8 + int.from_bytes(whole[:8], "little")
    for length in [*range(header + 2), *range(header + 2, len(whole), 37), len(whole) - 1]:
        file.write_bytes(whole[:length])
        refused(file, "not a readable safetensors file")


@pytest.mark.parametrize("dtype", ["BF16", "F8_E4M3", "F16", "BOOL", "I64", "F128"])
def test_foreign_files(tmp_path, dtype):
    """Arrays of other programs, in dtypes that NumPy may not have."""
    size = {"BF16": 4, "F8_E4M3": 2, "F16": 4, "BOOL": 2, "I64": 16, "F128": 32}[dtype]
    header = {"w": {"dtype": dtype, "shape": [2], "data_offsets": [0, size]}}
    text = json.dumps(header).encode()
    path = tmp_path / "foreign.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(size))
    refused(path, "unexpected w|not a readable safetensors file")


@pytest.mark.parametrize("content", [b"", b"PK\3\4 a zip file, say", b"\xff" * 64])
def test_files_of_another_kind(tmp_path, content):
    """Empty, another format, a header longer than the file."""
    path = tmp_path / "other.safetensors"
    path.write_bytes(content)
    refused(path, "not a readable safetensors file")


def test_no_file(tmp_path):
    """A missing file, and a folder."""
    refused(tmp_path / "missing.safetensors", "not a readable safetensors file")
    refused(tmp_path, "not a readable safetensors file")
