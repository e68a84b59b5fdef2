"""MobileNetV3 against a transcription in PyTorch, in small sizes, and its structure."""

import numpy as np
import pytest
from safetensors.numpy import save_file

from msq_ref import kernels, models, reference
from msq_ref.models.mobilenetv3 import divisible, mobilenetv3
from msq_ref.nn import (
    BatchNorm2d,
    Conv2d,
    GlobalAvgPool,
    HardSigmoid,
    HardSwish,
    Identity,
    Linear,
    ReLU,
)
from tests.both import BACKENDS
from tests.models.pairs import pair_of
from tests.models.parity import demand_parity_of

BOTH = pytest.mark.parametrize("name", ["mobilenetv3-large", "mobilenetv3-small"])
TINY = {"width_mult": 0.1, "classes": 3, "input_size": 32}


@BACKENDS
@BOTH
def test_parity(name, backend):
    """[S11.1] Logits, every gradient and the running statistics, both modes and precisions."""
    demand_parity_of(pair_of(name), backend)


def unreachable_offsets(network):
    """Names of the last offsets of blocks that only 1x1 convolutions see.

    Behind those a constant is one, and the batch's mean takes it away; a padded convolution,
    first in a block without expansion, makes it none at the border.
    """
    weights = {k: v for k, v in network.parameters().items() if v.ndim == 4}
    first = {
        block: next(w for k, w in weights.items() if k.startswith(f"features.{block}."))
        for block in range(len(network.layers["features"].parts))
    }
    found = set()
    for block in list(first)[1:-1]:
        after = block + 1
        while first[after].shape[0] == 1 and f"features.{after}.shortcut" in network.operations:
            after += 1
        if first[after].shape[0] == 1:
            offsets = [k for k in network.parameters() if k.startswith(f"features.{block}.")]
            found.add(offsets[-1])
    return found


@BOTH
def test_gradients_that_batch_statistics_take_away(name):
    """[S11.1] What counts as 0 in the parity above is 0 by mathematics: in training only."""
    from tests.models.parity import twin_pass, zero_gradients

    pair = pair_of(name)
    network = pair.loaded()
    offsets = unreachable_offsets(network)
    assert 5 < len(offsets) < len(network.layers["features"].parts) - 2
    for training, expected in ((True, offsets), (False, set())):
        found = twin_pass(pair.twin, network, pair.table, *pair.batch(), training)
        assert zero_gradients(found) == expected


@BACKENDS
@BOTH
def test_hessian_products(name, backend):
    """[S5.2] ``H v`` of all layers at once is PyTorch's double backward."""
    from tests.models.parity import demand_hessian_parity

    pair = pair_of(name)
    network = pair.loaded(backend=backend)
    found = demand_hessian_parity(network, pair.twin, pair.table, *pair.batch())
    assert found.keys() == network.quantized_layers().keys()
    assert any(".fc1" in key for key in found)


# By hand, of tables 1 and 2 of the paper. A block has 3 convolutions, the first only 2, and with
# squeeze-and-excitation 2 more; stem and head have one each. A hard-swish block has 2 hard-swishes;
# stem, head and classifier have one each.
STRUCTURES = {
    "mobilenetv3-large": {
        Conv2d: 15 * 3 - 1 + 2 * 8 + 2, BatchNorm2d: 15 * 3 - 1 + 2, HardSwish: 2 * 9 + 3,
        ReLU: 2 * 6 - 1 + 8, HardSigmoid: 8, Identity: 10, Linear: 2, GlobalAvgPool: 1,
    },
    "mobilenetv3-small": {
        Conv2d: 11 * 3 - 1 + 2 * 9 + 2, BatchNorm2d: 11 * 3 - 1 + 2, HardSwish: 2 * 8 + 3,
        ReLU: 2 * 3 - 1 + 9, HardSigmoid: 9, Identity: 6, Linear: 2, GlobalAvgPool: 1,
    },
}  # fmt: skip
STRIDED = {
    "mobilenetv3-large": ["0.0", "2.block.1.0", "4.block.1.0", "7.block.1.0", "13.block.1.0"],
    "mobilenetv3-small": ["0.0", "1.block.0.0", "2.block.1.0", "4.block.1.0", "9.block.1.0"],
}


@BOTH
def test_structure(name):
    """Layers of each kind, strides, depthwise convolutions, the settings of the norms."""
    operations = models.build(name).operations
    kinds = [type(layer) for layer in operations.values()]
    assert {kind: kinds.count(kind) for kind in kinds} == STRUCTURES[name]
    convolutions = {k: layer for k, layer in operations.items() if isinstance(layer, Conv2d)}
    strided = [key for key, layer in convolutions.items() if layer.stride > 1]
    assert strided == [f"features.{place}" for place in STRIDED[name]]
    assert all(layer.stride <= 2 for layer in convolutions.values())
    depthwise = [layer for layer in convolutions.values() if layer.groups > 1]
    assert len(depthwise) == {"mobilenetv3-large": 15, "mobilenetv3-small": 11}[name]
    assert all(layer.weight.shape[2] == 1 for layer in depthwise)
    assert {layer.padding * 2 + 1 for layer in depthwise} == {3, 5}
    for layer in operations.values():
        if isinstance(layer, BatchNorm2d):
            assert (layer.eps, layer.momentum) == (0.001, 0.01)
    biased = {key for key, layer in convolutions.items() if "bias" in layer.parameters}
    assert biased == {key for key in convolutions if key.endswith((".fc1", ".fc2"))}


def test_rounding_of_channels():
    """Multiples of 8, the nearest, never less than nine tenths nor than 8."""
    for channels in np.arange(0.25, 2000, 0.25):
        found = divisible(channels)
        assert found % 8 == 0
        assert found >= max(8, 0.9 * channels)
        assert abs(found - channels) <= 4 or found == 8 or found - 8 < 0.9 * channels
    assert [divisible(c) for c in (3, 11.9, 12, 18, 20)] == [8, 16, 16, 24, 24]


@BOTH
def test_published_files(name, tmp_path):
    """PyTorch's names are ours: ``torch.save``'s two forms and safetensors give its function."""
    torch = pytest.importorskip("torch")
    pair = pair_of(name)
    images, _ = pair.batch()
    theirs = pair.twin(torch.tensor(images.transpose(0, 3, 1, 2))).detach().numpy()
    state = pair.twin.state_dict()
    assert {"features.0.0.weight", "features.1.block.0.0.weight", "classifier.3.bias"} <= {*state}
    files = [tmp_path / name for name in ("new.pth", "old.pth", "parallel.pt", "it.safetensors")]
    torch.save(state, files[0])
    torch.save(state, files[1], _use_new_zipfile_serialization=False)
    torch.save({f"module.{key}": value for key, value in state.items()}, files[2])
    save_file({key: value.numpy() for key, value in state.items()}, files[3])
    for file in files:
        network = models.load(name, file, dtype=np.float64, backend=kernels, **pair.sizes)
        assert np.linalg.norm(network.forward(images) - theirs) <= 1e-9 * np.linalg.norm(theirs)


@BOTH
@pytest.mark.parametrize("size", [1, 31, 33, 97])
def test_any_image_size(name, size):
    """[S11.1] Down to one pixel, odd and even; the stem halves images from 96x96 on."""
    network = models.build(name, **TINY | {"input_size": size}, dtype=np.float64)
    images = np.random.default_rng(0).standard_normal((1, size, size, 3))
    logits = network.forward(images)
    assert logits.shape == (1, 3)
    assert network.backward(np.ones_like(logits)).shape == images.shape
    assert network.operations["features.0.0"].stride == (1 if size < 96 else 2)


def test_small_images_keep_positions():
    """At 32x32 the last blocks see 2x2 positions, and 1x1 with the published stride."""
    for stride, positions in ((None, 2), (1, 2), (2, 1)):
        network = models.build("mobilenetv3-large", **TINY, stem_stride=stride)
        x = np.zeros((1, 32, 32, 3), np.float32)
        assert network.layers["features"].forward(x).shape[1:3] == (positions, positions)


@BOTH
def test_training_at_32x32(name):
    """[S12.1] Twelve images of three kinds are learnt by heart, with batch statistics."""
    rng = np.random.default_rng(0)
    network = models.build(name, **TINY, backend=kernels)
    labels = np.arange(12) % 3
    images = rng.standard_normal((12, 32, 32, 3)).astype(np.float32)
    losses = []
    speeds = {key: np.zeros_like(value) for key, value in network.parameters().items()}
    for _ in range(30):
        loss, grad = kernels.cross_entropy(network.forward(images, training=True), labels)
        losses.append(loss)
        network.backward(grad)
        for key, gradient in network.gradients().items():
            value = network.parameters()[key]
            value[...], speeds[key] = kernels.sgd_step(
                value, gradient, speeds[key], 0.02, 0.9, 0.0
            )
    assert losses[0] > 1
    assert losses[-1] < 0.2 * losses[0]
    assert all(np.isfinite(value).all() for value in network.state().values())


WRONG = {
    "no width": ({"width_mult": 0}, ValueError, r"^width_mult = 0\.0: expected a real number"),
    "negative width": ({"width_mult": -1.0}, ValueError, "^width_mult = -1"),
    "width in words": ({"width_mult": "1"}, TypeError, "^width_mult = '1'"),
    "no classes": ({"classes": 0}, ValueError, "^classes = 0"),
    "no image": ({"input_size": 0}, ValueError, "^input_size = 0"),
    "no stride": ({"stem_stride": 0}, ValueError, "^stem_stride = 0"),
    "variant": ({"variant": "large"}, ValueError, "^size = 'variant': known: width_mult, classes"),
}


@pytest.mark.parametrize(("options", "error", "match"), WRONG.values(), ids=WRONG.keys())
def test_what_cannot_be_built(options, error, match):
    """The argument, its value, what was expected."""
    with pytest.raises(error, match=match):
        models.build("mobilenetv3-small", **TINY | options)


def test_variants():
    """Two of them."""
    with pytest.raises(ValueError, match=r"^variant = 'medium': expected large or small"):
        mobilenetv3(seed=0, dtype=np.float32, backend=reference, variant="medium")


@pytest.mark.parametrize("shape", [(2, 33, 32, 3), (2, 32, 32, 1), (2, 3, 32, 32), (32, 32, 3)])
def test_images_that_do_not_fit(shape):
    """One line: their shape, and the one that was expected."""
    network = models.build("mobilenetv3-small", **TINY)
    with pytest.raises(ValueError, match=r"^x has shape .*: expected \(batch, 32, 32, 3\)$"):
        network.forward(np.zeros(shape, np.float32))
