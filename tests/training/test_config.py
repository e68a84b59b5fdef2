"""Settings of a run: what is refused, in one line, and what comes back from a file [S6.4]."""

import math
import tomllib

import pytest

from msq_ref.settings import read_toml
from msq_ref.training.config import (
    FORMAT,
    AugmentationConfig,
    RunConfig,
    TrainingConfig,
    parse_config,
)

# Values, and what the error says after the source.
WRONG = {
    "unknown key": ({"modle": "x"}, "unknown key 'modle'; did you mean 'model'?"),
    "unknown nested key": (
        {"training": {"epoch": 1}}, "unknown key 'training.epoch'; did you mean 'training.epochs'?"
    ),
    "unknown key of msq": (
        {"msq": {"lamda": 1}}, "unknown key 'msq.lamda'; did you mean 'msq.lambda'?"
    ),
    "a key of another group": ({"dorefa": {"epochs": 1}}, "unknown key 'dorefa.epochs'"),
    "far from any": ({"zzzzz": 1}, "unknown key 'zzzzz'"),
    "a number for a name": ({"model": 3}, "model = 3: "),
    "a name for a number": ({"training": {"epochs": "3"}}, "training.epochs = '3': "),
    "a bool for an int": ({"training": {"epochs": True}}, "training.epochs = True: "),
    "a bool for a seed": ({"seed": False}, "seed = False: "),
    "a float for an int": ({"training": {"epochs": 3.0}}, "training.epochs = 3.0: "),
    "a bool for a float": ({"training": {"momentum": True}}, "training.momentum = True: "),
    "a name for a float": ({"msq": {"lambda": "1e-3"}}, "msq.lambda = '1e-3': "),
    "a list for a float": ({"msq": {"alpha": [0.3]}}, "msq.alpha = [0.3]: "),
    "a number for a group": ({"training": 3}, "training = 3: "),
    "a list for a group": ({"msq": []}, "msq = []: "),
    "nan": ({"training": {"learning_rate": math.nan}}, "training.learning_rate = nan: "),
    "nan target": ({"msq": {"target": math.nan}}, "msq.target = nan: "),
    "infinite": ({"training": {"weight_decay": math.inf}}, "training.weight_decay = inf: "),
    "an int beyond floats": (
        {"training": {"learning_rate": 10**400}}, "training.learning_rate = 1000"
    ),
    "no such method": ({"method": "bsq"}, "method = 'bsq': "),
    "no such domain": ({"msq": {"domain": "unsigned"}}, "msq.domain = 'unsigned': "),
    "negative seed": ({"seed": -1}, "seed = -1: "),
    "large seed": ({"seed": 2**63}, f"seed = {2**63}: "),
    "no epochs": ({"training": {"epochs": 0}}, "training.epochs = 0: "),
    "batches of one": ({"training": {"batch_size": 1}}, "training.batch_size = 1: "),
    "no rate": ({"training": {"learning_rate": 0}}, "training.learning_rate = 0: "),
    "momentum": ({"training": {"momentum": 1}}, "training.momentum = 1: "),
    "negative micro batches": (
        {"training": {"micro_batch_size": -1}}, "training.micro_batch_size = -1: "
    ),
    "no such optimizer": ({"training": {"optimizer": "adam"}}, "training.optimizer = 'adam': "),
    "no such schedule": ({"training": {"schedule": "linear"}}, "training.schedule = 'linear': "),
    "steps without milestones": (
        {"training": {"schedule": "step"}}, 'training: schedule = "step" needs milestones'
    ),
    "milestones that fall": (
        {"training": {"milestones": [3, 3]}}, "training: milestones = [3, 3]: expected rising"
    ),
    "a milestone at the start": (
        {"training": {"milestones": [0, 3]}}, "training: milestones = [0, 3]: expected rising"
    ),
    "a milestone in words": ({"training": {"milestones": ["3"]}}, "training.milestones.0 = '3': "),
    "one milestone": ({"training": {"milestones": 3}}, "training.milestones = 3: "),
    "a factor that raises": ({"training": {"factor": 1.5}}, "training.factor = 1.5: "),
    "beta1": ({"training": {"beta1": 1}}, "training.beta1 = 1: "),
    "beta2": ({"training": {"beta2": -0.1}}, "training.beta2 = -0.1: "),
    "no eps": ({"training": {"eps": 0}}, "training.eps = 0: "),
    "all smooth": ({"training": {"label_smoothing": 1}}, "training.label_smoothing = 1: "),
    "decay in words": ({"training": {"decay_norms": "no"}}, "training.decay_norms = 'no': "),
    "negative padding": (
        {"training": {"augmentation": {"pad": -1}}}, "training.augmentation.pad = -1: "
    ),
    "a number for a flip": (
        {"training": {"augmentation": {"flip": 1}}}, "training.augmentation.flip = 1: "
    ),
    "negative decay": ({"training": {"weight_decay": -1e-9}}, "training.weight_decay = -1e-09: "),
    "no bits": ({"dorefa": {"bits": 0}}, "dorefa.bits = 0: "),
    "many bits": ({"dorefa": {"bits": 17}}, "dorefa.bits = 17: "),
    "one bit to start": ({"msq": {"start_bits": 1}}, "msq.start_bits = 1: "),
    "one signed bit": ({"msq": {"domain": "signed", "n_min": 1}}, "n_min >= 2"),
    "a floor above the start": ({"msq": {"start_bits": 4, "n_min": 5}}, "above start_bits = 4"),
    "no target": ({"msq": {"target": 0}}, "msq.target = 0: "),
    "alpha": ({"msq": {"alpha": 1.5}}, "msq.alpha = 1.5: "),
    "one sample": ({"msq": {"hessian_samples": 1}}, "msq.hessian_samples = 1: "),
    "percentile": ({"integer": {"percentile": 101}}, "integer.percentile = 101: "),
    "newer": ({"format": FORMAT + 1}, f"format = {FORMAT + 1} is newer than this program's"),
    "newer, with keys of its own": ({"format": 99, "zzz": 1}, "format = 99 is newer"),
    "no format": ({"format": 0}, "format = 0: "),
    "format in words": ({"format": "1"}, "format = '1': "),
    "a bool for a format": ({"format": True}, "format = True: "),
    "a long value": ({"model": ["x" * 1000]}, "model = ['xxx"),
}  # fmt: skip


@pytest.mark.parametrize(("values", "text"), WRONG.values(), ids=WRONG.keys())
def test_what_is_refused(values, text):
    """One line: the source, the key, its value, what was expected, the nearest known key."""
    with pytest.raises(ValueError, match=r"^run\.toml: ") as caught:
        parse_config(values, "run.toml")
    message = str(caught.value)
    assert text in message
    assert "\n" not in message
    assert len(message) < 250


def test_no_hint_where_nothing_is_near():
    """A guess that helps nobody is left out."""
    with pytest.raises(ValueError, match=r"unknown key 'zzzzz'$"):
        parse_config({"zzzzz": 1}, "run.toml")


def test_whole_numbers_may_stand_for_floats():
    """TOML writes 1 where a float is meant; it becomes a float."""
    config = parse_config(
        {"training": {"learning_rate": 1, "momentum": 0}, "msq": {"lambda": 0, "target": 12}}, "x"
    )
    values = [config.training.learning_rate, config.training.momentum, config.msq.lambda_,
              config.msq.target]  # fmt: skip
    assert values == [1, 0, 0, 12]
    assert {type(value) for value in values} == {float}


CONFIGS = {
    "defaults": {},
    "float": {"method": "float", "seed": 2**63 - 1, "training": {"epochs": 1, "batch_size": 2}},
    "dorefa": {"method": "dorefa", "dorefa": {"bits": 16}, "training": {"learning_rate": 1e-300}},
    "msq": {
        "msq": {"domain": "offset", "lambda": 0.1 + 0.2, "n_min": 1, "target": math.inf,
                "interval": 3, "alpha": 1, "alpha_low": 0, "prune_until": 0, "start_bits": 16}
    },
    "training": {
        "training": {"optimizer": "adamw", "schedule": "step", "milestones": [3, 9], "factor": 0.5,
                     "warmup_steps": 7, "beta2": 0.95, "label_smoothing": 0.1, "eps": 1e-6,
                     "decay_norms": False, "decay_embeddings": True, "micro_batch_size": 16,
                     "checkpoint_every": 100,
                     "augmentation": {"pad": 4, "flip": True}}
    },
    "integer": {"integer": {"activation_bits": 4, "percentile": 99.9}, "format": FORMAT},
}  # fmt: skip


@pytest.mark.parametrize("values", CONFIGS.values(), ids=CONFIGS.keys())
def test_round_trip_through_toml(values, tmp_path):
    """The file gives the object back, to the bits of every float, and the same text again."""
    config = parse_config(values, "values")
    path = tmp_path / "config.toml"
    path.write_text(config.to_toml(), encoding="utf-8")
    again = parse_config(read_toml(path), str(path))
    assert again == config
    assert again.to_toml() == config.to_toml()
    written = tomllib.loads(config.to_toml())
    assert written["format"] == FORMAT
    # All of it is written down: later defaults change no old run.
    assert written.keys() == RunConfig.model_fields.keys()
    for group in ("training", "msq", "dorefa", "integer"):
        fields = type(getattr(config, group)).model_fields
        assert written[group].keys() == {info.alias or name for name, info in fields.items()}


OLD = """
format = 1
model = "digits-cnn"
data = "digits"
method = "msq"
seed = 3

[training]
epochs = 12
batch_size = 64
learning_rate = 0.05
momentum = 0.9
weight_decay = 0.0001

[msq]
domain = "signed"
lambda = 0.0003

[integer]
activation_bits = 8
"""


def test_a_file_from_before(tmp_path):
    """Written when there was momentum descent along a cosine only: that is what it still means."""
    path = tmp_path / "config.toml"
    path.write_text(OLD, encoding="utf-8")
    training = parse_config(read_toml(path), str(path)).training
    assert training == TrainingConfig(epochs=12)
    assert (training.optimizer, training.schedule, training.warmup_steps) == ("sgd", "cosine", 0)
    assert training.label_smoothing == training.micro_batch_size == training.checkpoint_every == 0
    assert training.decay_norms
    assert training.decay_biases
    assert training.augmentation == AugmentationConfig(pad=0, flip=False)


def test_settings_are_frozen():
    """What was validated stays so."""
    config = RunConfig()
    with pytest.raises(ValueError, match="frozen"):
        config.seed = 3
    with pytest.raises(ValueError, match="frozen"):
        config.training.epochs = 0


TOML = {
    "syntax": b"seed = ",
    "a key twice": b"seed = 1\nseed = 2\n",
    "not UTF-8": b"model = '\xff'",
    "a number of 5000 digits": b"seed = " + b"9" * 5000,
    "deep": b"seed = " + b"[" * 100_000,
    "binary": bytes(range(256)),
}


@pytest.mark.parametrize("content", TOML.values(), ids=TOML.keys())
def test_files_that_are_no_toml(content, tmp_path):
    """One line that names the file; never another exception."""
    path = tmp_path / "config.toml"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="not a TOML file") as caught:
        read_toml(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_files_that_cannot_be_read(tmp_path):
    """Missing, or a folder."""
    for path in (tmp_path / "missing.toml", tmp_path):
        with pytest.raises(ValueError, match="cannot read it"):
            read_toml(path)
