"""EfficientNet-lite0 against a transcription in PyTorch, and with the weights of ImageNet."""

import numpy as np
import pytest

from msq_ref import kernels, models, reference
from msq_ref.models.efficientnet_lite import same_padding, scaled_pixels
from msq_ref.models.torch_file import read_torch
from msq_ref.nn import BatchNorm2d, Conv2d, GlobalAvgPool, Identity, Linear, ReLU6, ZeroPad2d
from tests.models.imagenet import photographs, weights_file

NAME = "efficientnet-lite0"
TINY = {"width_mult": 0.1, "classes": 3}
TOP = {"china.jpg": 698, "flower.jpg": 985}
"""Numbers of ImageNet's classes: palace, daisy."""


def pair():
    pytest.importorskip("torch")
    from tests.models.pairs import PAIRS

    return PAIRS[NAME](False)


def test_parity():
    """[S11.1] Logits, every gradient and the running statistics, both modes and precisions."""
    from tests.models.parity import demand_parity

    ours = pair()
    worst = demand_parity(ours.build, ours.twin, ours.table, *ours.batch())
    assert worst.keys() >= {
        (mode, kind) for mode in ("inference", "training") for kind in ("float32", "float64")
    }


def test_gradients_that_batch_statistics_take_away():
    """[S11.1] What counts as 0 in the parity above: a block's last offset, in training.

    It reaches only 1x1 convolutions, and behind them the batch's mean is taken away.
    """
    from tests.models.parity import twin_pass, zero_gradients

    ours = pair()
    offsets = {f"blocks.{block}.bn2.beta" for block in range(16)}
    for training, expected in ((True, offsets), (False, set())):
        found = twin_pass(ours.twin, ours.loaded(), ours.table, *ours.batch(), training)
        assert zero_gradients(found) == expected


def test_hessian_products():
    """[S5.2] ``H v`` of all layers at once is PyTorch's double backward."""
    from tests.models.parity import demand_hessian_parity

    ours = pair()
    network = ours.loaded()
    found = demand_hessian_parity(network, ours.twin, ours.table, *ours.batch())
    assert found.keys() == network.quantized_layers().keys()


def test_structure():
    """16 blocks, the first without expansion; 5 strides, all of them padded unevenly at 224x224."""
    operations = models.build(NAME).operations
    kinds = [type(layer) for layer in operations.values()]
    assert {kind: kinds.count(kind) for kind in kinds} == {
        Conv2d: 16 * 3 - 1 + 2, BatchNorm2d: 16 * 3 - 1 + 2, ReLU6: 16 * 2 - 1 + 2, ZeroPad2d: 5,
        Identity: 9, GlobalAvgPool: 1, Linear: 1,
    }  # fmt: skip
    strided = [k for k, layer in operations.items() if getattr(layer, "stride", 1) > 1]
    assert strided == ["conv_stem", *(f"blocks.{b}.depthwise_conv" for b in (1, 3, 5, 11))]
    sides = {k: layer.sides for k, layer in operations.items() if isinstance(layer, ZeroPad2d)}
    assert [*sides] == [f"{key}_pad" for key in strided]
    assert [*sides.values()] == [((p, p + 1), (p, p + 1)) for p in (0, 0, 1, 0, 1)]
    for layer in operations.values():
        if isinstance(layer, BatchNorm2d):
            assert (layer.eps, layer.momentum) == (0.001, 0.01)


@pytest.mark.parametrize("kernel", [1, 3, 5])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_same_padding(kernel, stride):
    """As TensorFlow's: ``ceil(length / stride)`` windows, no zero too many, the odd one after."""
    for length in range(1, 40):
        before, after = same_padding(length, kernel, stride)
        positions = -(-length // stride)
        padded = length + before + after
        assert (padded - kernel) // stride + 1 == positions
        assert 0 <= after - before <= 1
        assert after == 0 or (padded - 1 - kernel) // stride + 1 < positions


@pytest.mark.parametrize("size", [1, 2, 31, 32, 33])
def test_any_image_size(size):
    """[S11.1] Down to one pixel, odd and even."""
    network = models.build(NAME, **TINY, input_size=size, dtype=np.float64)
    images = np.random.default_rng(0).standard_normal((1, size, size, 3))
    logits = network.forward(images)
    assert logits.shape == (1, 3)
    assert network.backward(np.ones_like(logits)).shape == images.shape


# --- real weights -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained():
    return models.load(NAME, weights_file(), backend=kernels)


def test_every_tensor_is_taken_over():
    """The file's numbers, bit for bit as PyTorch reads them."""
    torch = pytest.importorskip("torch")
    theirs = torch.load(weights_file(), weights_only=True)
    ours = read_torch(weights_file())
    assert ours.keys() == theirs.keys()
    for name, tensor in theirs.items():
        np.testing.assert_array_equal(ours[name], tensor.numpy(), strict=True)
    assert len(ours) == 296


def test_photographs_are_seen_like_the_original(trained):
    """[S11.1] A palace and a daisy; the same five likeliest classes, logits within 1e-3."""
    torch = pytest.importorskip("torch")
    from tests.models.torch_efficientnet_lite import EfficientNetLite

    images = scaled_pixels(photographs())
    ours = trained.forward(images)
    twin = EfficientNetLite().eval()
    twin.load_state_dict(torch.load(weights_file(), weights_only=True))
    with torch.no_grad():
        theirs = twin(torch.tensor(images.transpose(0, 3, 1, 2))).numpy()
    print(f"logits differ by {np.abs(ours - theirs).max():.1e} of {np.abs(theirs).max():.1f}")
    assert ours.argmax(axis=1).tolist() == [*TOP.values()]
    for mine, original in zip(ours, theirs, strict=True):
        assert np.linalg.norm(mine - original) <= 1e-3 * np.linalg.norm(original)
        np.testing.assert_array_equal(np.argsort(-mine)[:5], np.argsort(-original)[:5])


def test_photographs_need_no_pytorch(trained):
    """The definitions see in the weights what the twins see."""
    images = scaled_pixels(photographs()[:1])
    definition = models.load(NAME, weights_file(), backend=reference)
    logits = definition.forward(images)
    assert logits.argmax(axis=1).tolist() == [TOP["china.jpg"]]
    assert np.linalg.norm(trained.forward(images) - logits) <= 1e-4 * np.linalg.norm(logits)


def test_pixels():
    """0, 127 and 255 of a byte; other numbers are no pixels."""
    pixels = np.array([0, 127, 255], np.uint8).reshape(1, 1, 1, 3)
    for dtype in (np.float32, np.float64):
        found = scaled_pixels(pixels, dtype)
        assert found.dtype == dtype
        assert found.ravel().tolist() == [-127 / 128, 0, 1]
    with pytest.raises(TypeError, match=r"^images has dtype float64: expected uint8$"):
        scaled_pixels(pixels / 255)


def test_weights_of_another_network():
    """What does not fit is listed, in one line with the file."""
    with pytest.raises(ValueError, match="does not fit the network") as caught:
        models.load("mobilenetv3-small", weights_file())
    message = str(caught.value)
    assert message.startswith(str(weights_file()))
    assert "missing features.0.0.weight" in message
    assert "more of these" in message
    assert "\n" not in message
    with pytest.raises(ValueError, match=r"fc\.weight is float32 \(1280, 1000\)"):
        models.load(NAME, weights_file(), classes=10)
