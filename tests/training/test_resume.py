"""The same seed gives the same bits: twice, on any number of threads, stopped and resumed."""

import json

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from msq_ref.kernels.threads import SERIAL_CHUNKS, use_threads
from msq_ref.reference.sums import CHUNK
from msq_ref.training.batches import Arrays
from msq_ref.training.checkpoint import load_checkpoint, save_checkpoint
from tests.training.runs import EPOCHS, METHODS, digits, outcome, run, trainer

EVERY = pytest.mark.parametrize("method", METHODS)


@pytest.fixture(scope="module")
def whole():
    """The uninterrupted run of each method, made once."""
    made = {}

    def of(method):
        if method not in made:
            made[method] = outcome(run(trainer(method)))
        return made[method]

    return of


@EVERY
def test_the_same_seed_gives_the_same_bits(method, whole):
    """[S12.1] Twice in one process; another seed gives other ones."""
    assert outcome(run(trainer(method))) == whole(method)
    assert outcome(run(trainer(method, seed=1)))[0] != whole(method)[0]


@EVERY
def test_these_runs_are_worth_resuming(method, whole):
    """The loss falls, and MSQ drops bits on the way and ends it before the end."""
    _, rows, state = whole(method)
    assert [row["epoch"] for row in rows] == list(range(EPOCHS))
    assert rows[-1]["loss"] < rows[0]["loss"]
    if method.startswith("msq"):
        bits = [[row[f"bits.{layer}"] for layer in state["bits"]] for row in rows]
        assert bits[0] != bits[1] != bits[2]
        assert rows[-1]["lambda"] == 0 != rows[0]["lambda"]
        assert state["frozen"]


@EVERY
@pytest.mark.parametrize("threads", [1, 2, 4])
def test_threads_do_not_show(method, threads, whole):
    """[S0.5] The number of threads changes no bit."""
    with use_threads(threads):
        assert outcome(run(trainer(method))) == whole(method)


@pytest.mark.parametrize("method", ["dorefa", "msq offset", "msq signed"])
def test_threads_do_not_show_where_they_are_used(method):
    """[S0.5] Layers large enough to be spread over four threads: two steps, the same bits."""
    images, labels = digits()
    found = []
    for threads in (1, 2, 4):
        state = trainer(method, width=64, epochs=1, batch_size=4)
        largest = max(value.size for value in state.network.parameters().values())
        assert largest // CHUNK // SERIAL_CHUNKS >= 4
        with use_threads(threads):
            state.run(Arrays(images[:8], labels[:8]), lambda: 0.0, lambda state: None)
        found.append(outcome(state))
    assert found[0] == found[1] == found[2]


@EVERY
@pytest.mark.parametrize("stop", range(EPOCHS + 1))
def test_a_run_resumes_to_the_same_bits(method, stop, whole, tmp_path):
    """Stopped after any epoch, before the first too, through a file, all else built anew."""
    path = tmp_path / "checkpoint.safetensors"

    class Killed(BaseException):
        pass

    def on_epoch(state):
        if state.epoch == stop:
            save_checkpoint(path, state.arrays(), state.state())
            raise Killed

    first = trainer(method)
    if stop:
        with pytest.raises(Killed):
            run(first, on_epoch)
    else:
        save_checkpoint(path, first.arrays(), first.state())
    second = trainer(method, start=False)
    second.load(*load_checkpoint(path))
    assert second.epoch == len(second.rows) == stop
    seen = []
    run(second, lambda state: seen.append(state.epoch))
    assert seen == list(range(stop + 1, EPOCHS + 1))
    assert outcome(second) == whole(method)


def test_state_is_plain_json():
    """A checkpoint's state survives JSON to the same bits, and lists what decides the rest."""
    state = run(trainer("msq signed", epochs=2)).state()
    assert json.loads(json.dumps(state)) == state
    assert state.keys() == {
        "epoch", "step", "images", "sums", "rows", "method", "optimizer", "settings"
    }  # fmt: skip


SETTINGS = {
    "sgd": {},
    "adamw": {"optimizer": "adamw", "learning_rate": 0.01, "warmup_steps": 8,
              "label_smoothing": 0.1},
    "micro batches": {"micro_batch_size": 7, "schedule": "step", "milestones": [1, 2],
                      "augmentation": {"pad": 1, "flip": True}},
}  # fmt: skip


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS.keys())
@pytest.mark.parametrize("every", [1, 4])
def test_a_run_resumes_from_inside_an_epoch(settings, every, tmp_path):
    """[S12.1] [S12.2] From every checkpoint of a run, within epochs and after them: the same bits.

    Sums of the log included; on the way checkpoints change nothing.
    """
    settings = {"epochs": 3, "checkpoint_every": every, **settings}
    files = []

    def save(state):
        files.append((state.epoch, state.step, tmp_path / f"{len(files)}.safetensors"))
        save_checkpoint(files[-1][2], state.arrays(), state.state())

    whole = outcome(run(trainer("msq signed", **settings), save, save))
    places = [(epoch, step) for epoch in range(3) for step in range(every, 6, every)]
    assert [place[:2] for place in files] == sorted([*places, (1, 0), (2, 0), (3, 0)])
    for epoch, step, path in files:
        again = trainer("msq signed", start=False, **settings)
        again.load(*load_checkpoint(path))
        assert (again.epoch, again.step) == (epoch, step)
        assert outcome(run(again)) == whole


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS.keys())
@pytest.mark.parametrize("batches_ahead", [0, 2])
def test_preparing_ahead_changes_no_bit(settings, batches_ahead):
    """[S12.1] Batches made beside the computation, when asked for, or two ahead."""
    one = run(trainer("msq signed", epochs=2, **settings))
    other = run(trainer("msq signed", epochs=2, batches_ahead=batches_ahead, **settings))
    assert outcome(one) == outcome(other)


def test_threads_do_not_show_in_all_settings():
    """[S0.5] A network wide enough to be spread: one thread and two, all that training has."""
    images, labels = digits()
    found = []
    for threads in (1, 2):
        state = trainer("msq signed", width=32, epochs=2, batch_size=20, **SETTINGS["adamw"])
        with use_threads(threads), threadpool_limits(limits=1):
            state.run(Arrays(images[:40], labels[:40]), lambda: 0.0, lambda state: None)
        found.append(outcome(state))
    assert found[0] == found[1]


OTHER_RUNS = {
    "rate": ({"learning_rate": 0.2}, {}, "learning_rate = 0.1, here 0.2"),
    "optimizer": ({"optimizer": "adamw"}, {}, "optimizer = 'sgd', here 'adamw'"),
    "seed": ({}, {"seed": 1}, "seed = 0, here 1"),
    "several": ({"epochs": 4, "batch_size": 8}, {}, "epochs = 3, here 4; batch_size = 16, here 8"),
    "nested": ({"augmentation": {"pad": 2}}, {}, "augmentation = "),
    "method": ({}, {"method": "float"}, "method = 'MSQ', here 'Float'"),
    "domain": ({}, {"method": "msq offset"}, "sign_bits = 1, here 0"),
}


@pytest.mark.parametrize(("settings", "how", "match"), OTHER_RUNS.values(), ids=OTHER_RUNS.keys())
def test_a_checkpoint_of_another_run(settings, how, match):
    """One line that names every setting that differs; how often checkpoints come may differ."""
    saved = run(trainer("msq signed", epochs=3, checkpoint_every=2))
    arrays, state = saved.arrays(), json.loads(json.dumps(saved.state()))
    method = how.get("method", "msq signed")
    other = trainer(method, seed=how.get("seed", 0), start=False, **{"epochs": 3, **settings})
    before = [value.copy() for value in other.arrays().values()]
    with pytest.raises(ValueError, match="the checkpoint is of a run with other settings: ") as err:
        other.load(arrays, state)
    assert match in str(err.value)
    assert "\n" not in str(err.value)
    for value, old in zip(other.arrays().values(), before, strict=True):
        np.testing.assert_array_equal(value, old)
    trainer("msq signed", epochs=3, checkpoint_every=1, start=False).load(arrays, state)


def test_a_checkpoint_of_other_data():
    """[S12.1] The order of the batches would be another one."""
    images, labels = digits()
    saved = run(trainer("float", epochs=2))
    again = trainer("float", epochs=2)
    again.load(saved.arrays(), saved.state())
    with pytest.raises(ValueError, match="source has 80 images: expected 90, as in the checkpoint"):
        again.run(Arrays(images[:80], labels[:80]), lambda: 0.0, lambda state: None)


def test_loading_is_all_or_nothing():
    """Arrays that do not fit leave the method and the count of updates as they were."""
    saved = run(trainer("msq signed", epochs=2))
    arrays = dict(saved.arrays())
    arrays.pop("fc.bias")
    other = trainer("msq signed", epochs=2, start=False)
    before = outcome(other), json.dumps(other.state())
    with pytest.raises(ValueError, match=r"missing fc\.bias"):
        other.load(arrays, saved.state())
    assert (outcome(other), json.dumps(other.state())) == before


FAULTS = {
    "no epoch": (lambda a, s: s.pop("epoch"), "epoch = None"),
    "epoch in words": (lambda a, s: s.update(epoch="2"), "epoch = '2'"),
    "too many epochs": (lambda a, s: s.update(epoch=3), r"epoch = 3: expected an integer in"),
    "no rows": (lambda a, s: s.pop("rows"), "epoch = 2: expected as many rows"),
    "fewer rows": (lambda a, s: s["rows"].pop(), "epoch = 2: expected as many rows"),
    "rows of something": (lambda a, s: s.update(rows=[1, 2]), "epoch = 2: expected as many rows"),
    "no method": (lambda a, s: s.pop("method"), "state has no bits"),
    "another method": (lambda a, s: s.update(method={"bits": {}}), "state has no bits"),
    "a method in words": (lambda a, s: s.update(method="msq"), "state has no bits"),
    "no step": (lambda a, s: s.pop("step"), "step = None"),
    "a step of the next run": (lambda a, s: s.update(step=1), r"step = 1: expected .* \[0, 0\]"),
    "a step too many": (
        lambda a, s: (s.update(epoch=1, step=6), s["rows"].pop()), r"step = 6: .* \[0, 5\]"
    ),
    "no images": (lambda a, s: s.pop("images"), "images = None"),
    "no sums": (lambda a, s: s.pop("sums"), r"sums\.loss = None"),
    "sums in words": (lambda a, s: s["sums"].update(penalty="0"), r"sums\.penalty = '0'"),
    "sums without end": (lambda a, s: s["sums"].update(loss=np.inf), r"sums\.loss = inf"),
    "no optimizer": (lambda a, s: s.pop("optimizer"), r"optimizer\.updates = None"),
    "a negative count": (lambda a, s: s["optimizer"].update(updates=-1), "updates = -1"),
    "no settings": (lambda a, s: s.pop("settings"), "settings = None"),
    "no setting": (lambda a, s: s["settings"].pop("seed"), "seed = nothing, here 0"),
    "one setting more": (lambda a, s: s["settings"].update(x=1), "x = 1, here 'nothing'"),
    "no velocity": (lambda a, s: a.pop("velocity/fc.bias"), "missing velocity/fc.bias"),
    "no buffer": (lambda a, s: a.pop("bn1.running_mean"), "missing bn1.running_mean"),
    "another network": (
        lambda a, s: a.update({"fc.bias": np.zeros(3, np.float32)}), r"fc.bias is float32 \(3,\)"
    ),
    "another precision": (
        lambda a, s: a.update({"fc.bias": a["fc.bias"].astype(np.float64)}), "fc.bias is float64"
    ),
    "nan velocity": (
        lambda a, s: a["velocity/fc.bias"].fill(np.nan), "velocity/fc.bias contains NaN"
    ),
    "more": (lambda a, s: a.update(extra=np.zeros(1)), "unexpected extra"),
}  # fmt: skip


@pytest.mark.parametrize(("spoil", "match"), FAULTS.values(), ids=FAULTS.keys())
def test_a_checkpoint_that_does_not_fit(spoil, match):
    """A ValueError in one line names what is wrong, and never another exception."""
    saved = run(trainer("msq signed", epochs=2))
    arrays = {name: value.copy() for name, value in saved.arrays().items()}
    state = json.loads(json.dumps(saved.state()))
    spoil(arrays, state)
    with pytest.raises(ValueError, match=match) as caught:
        trainer("msq signed", epochs=2, start=False).load(arrays, state)
    assert "\n" not in str(caught.value)
