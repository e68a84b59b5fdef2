"""``msq train`` of the paper's networks on images of 32x32, from scratch and from weights."""

import json

import numpy as np
import pytest
from PIL import Image

from msq_ref import models
from msq_ref.cli import app
from msq_ref.formats.console import run_app
from msq_ref.training.checkpoint import load_checkpoint, save_checkpoint

SMALL = {
    "resnet20": ["sizes.width=4"],
    "mobilenetv3-small": ["sizes.width_mult=0.25"],
    "deit-ti": ["sizes.patch=8", "sizes.width=24", "sizes.depth=2", "training.optimizer=adamw",
                "training.learning_rate=1e-3"],
}  # fmt: skip
SHORT = [
    "training.batch_size=16", "msq.hessian_images=8", "msq.hessian_samples=2", "msq.interval=1",
    "msq.alpha=0.9", "training.augmentation.flip=true", "training.augmentation.pad=2",
]  # fmt: skip


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    """Two classes, one bright and one dark."""
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    for name, low in (("bright", 120), ("dark", 0)):
        (folder / name).mkdir()
        for number in range(24):
            pixels = rng.integers(low, low + 100, (32, 32, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number:02}.png")
    return folder


def train(data, out, model, *flags, settings=()):
    words = [word for text in (*SHORT, *SMALL[model], *settings) for word in ("--set", text)]
    return run_app(app, "msq", [
        "train", "--model", model, "--data", f"folder:{data}", "--out", str(out), *flags, *words,
    ])  # fmt: skip


@pytest.mark.parametrize("model", SMALL)
def test_msq_of_a_network(model, photographs, tmp_path, capsys):
    """[S6] Bits fall in each; the report says what has no integer form; traces go on from there."""
    out = tmp_path / "run"
    assert train(photographs, out, model, "--epochs", "3") == 0
    assert "have no integer form yet" in capsys.readouterr().out
    report = json.loads((out / "report.json").read_text())
    assert report["compression"] > 4
    assert report["bits"].keys() == report["weights"].keys()
    assert "integer_accuracy" not in report
    assert not (out / "integer.safetensors").exists()
    assert run_app(app, "msq", ["eval", str(out), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["accuracy"] == report["accuracy"]


def test_from_weights(photographs, tmp_path, capsys):
    """A run begins with a file's weights, whose hash it keeps, and no longer needs them after."""
    network = models.build("resnet20", seed=5, width=4, classes=2)
    file = tmp_path / "first.safetensors"
    save_checkpoint(file, network.state(), {})
    out = tmp_path / "run"
    flags = "--epochs", "1", "--method", "float", "--init", str(file)
    still = ["training.learning_rate=1e-30", "training.weight_decay=0"]
    assert train(photographs, out, "resnet20", *flags, settings=still) == 0
    report = json.loads((out / "report.json").read_text())
    assert len(report["init_sha256"]) == 64
    arrays, _ = load_checkpoint(out / "model.safetensors")
    for name, value in network.parameters().items():
        assert np.abs(arrays[name] - value).max() <= 1e-25, name
    file.unlink()
    assert run_app(app, "msq", ["eval", str(out)]) == 0
    capsys.readouterr()


@pytest.mark.parametrize(
    ("flags", "settings", "says"),
    [
        (["--model", "resnet20", "--init", "none.safetensors"], [], "none.safetensors"),
        (["--model", "resnet20"], ["sizes.classes=1"], "sizes.classes = 1"),
        (["--model", "resnet20"], ["sizes.widht=4"], "did you mean"),
        (["--model", "digits-cnn"], [], "images of (32, 32, 3)"),
        (["--model", "resnet20"], ["training"], "expected KEY=VALUE"),
        (["--model", "resnet20"], ["msq.taget=8"], "msq.target"),
    ],
)
def test_mistakes(flags, settings, says, photographs, tmp_path, capsys):
    """One line that names what is wrong, and no folder."""
    words = [word for text in settings for word in ("--set", text)]
    out = tmp_path / "run"
    code = run_app(app, "msq", [
        "train", "--data", f"folder:{photographs}", "--out", str(out), *flags, *words,
    ])  # fmt: skip
    error = capsys.readouterr().err
    assert code == 2
    assert says in error
    assert error.count("\n") == 1
    assert not out.exists()


def test_weights_of_another_network(photographs, tmp_path, capsys):
    """Everything that does not fit is listed."""
    file = tmp_path / "other.safetensors"
    save_checkpoint(file, models.build("resnet20", width=8, classes=2).state(), {})
    assert train(photographs, tmp_path / "run", "resnet20", "--init", str(file)) == 2
    error = capsys.readouterr().err
    assert "conv1.weight is float32 (3, 3, 3, 8), not float32 (3, 3, 3, 4)" in error
