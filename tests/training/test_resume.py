"""The same seed gives the same bits: twice, on any number of threads, stopped and resumed."""

import json

import numpy as np
import pytest

from msq_ref.kernels.threads import SERIAL_CHUNKS, use_threads
from msq_ref.reference.sums import CHUNK
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
            state.run(images[:8], labels[:8], lambda: 0.0, lambda state: None)
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
    assert state.keys() == {"epoch", "rows", "method"}


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
