"""AdamW and updates in place: both backends, against their equations rounded one by one."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from msq_ref import kernels, reference
from msq_ref.kernels.threads import use_threads
from tests.both import BACKENDS

DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])
SCALARS = (0.01, 0.9, 0.999, 1e-8, 0.05, 3)


def arrays(dtype, shape, seed=0):
    """Weights, a gradient, a mean and a square."""
    rng = np.random.default_rng(seed)
    w, g, m = (rng.standard_normal(shape).astype(dtype) for _ in range(3))
    return w, g, m, rng.random(shape).astype(dtype)


@BACKENDS
@DTYPES
@given(data=st.data())
def test_every_operation_is_rounded(backend, dtype, data):
    """[S12.2] float32 operations are float64 ones rounded once; float64 ones by Python itself."""
    number = st.floats(-1e3, 1e3, width=32)
    w, g, m = (dtype(data.draw(number)) for _ in range(3))
    s = dtype(data.draw(st.floats(0, 1e3, width=32)))
    lr, decay = (data.draw(st.floats(0, 1)) for _ in range(2))
    beta1, beta2 = (data.draw(st.floats(0, 0.99)) for _ in range(2))
    step = data.draw(st.integers(1, 10**6))

    def rounded(x):
        return float(dtype(x))

    b1, b2 = rounded(beta1), rounded(beta2)
    mean = rounded(rounded(b1 * float(m)) + rounded(rounded(1 - beta1) * float(g)))
    gg = rounded(float(g) * float(g))
    square = rounded(rounded(b2 * float(s)) + rounded(rounded(1 - beta2) * gg))
    root = rounded(math.sqrt(1 - beta2**step))
    d = rounded(rounded(rounded(math.sqrt(square)) / root) + rounded(1e-3))
    moved = rounded(rounded(lr / (1 - beta1**step)) * rounded(mean / d))
    after = rounded(rounded(rounded(1 - lr * decay) * float(w)) - moved)
    found = backend.adamw_step(
        *(np.array([x]) for x in (w, g, m, s)), lr, beta1, beta2, 1e-3, decay, step
    )
    assert [float(x[0]) for x in found] == [after, mean, square]
    assert {x.dtype for x in found} == {np.dtype(dtype)}


@BACKENDS
def test_the_worked_example(backend):
    """[S12.2] The first step is one of the sign."""
    w, g, zero = (np.array([x], np.float32) for x in (0.5, -4, 0))
    for beta1, beta2 in ((0.9, 0.999), (0.5, 0.0)):
        after, _, _ = backend.adamw_step(w, g, zero, zero, 0.125, beta1, beta2, 1e-12, 0.5, 1)
        assert after[0] == pytest.approx(0.59375, rel=1e-6)


@DTYPES
@given(seed=st.integers(0, 99), step=st.integers(1, 1000), size=st.integers(0, 40))
def test_twins_agree_to_the_bits(dtype, seed, step, size):
    """[S12.1] [S12.2] In place and not, on ordinary numbers, huge and tiny ones."""
    rng = np.random.default_rng(seed)
    scale = (10.0 ** rng.integers(-30, 30, (4, size, 3))).astype(dtype)
    w, g, m, s = (value * x for value, x in zip(arrays(dtype, (size, 3), seed), scale, strict=True))
    rates = (*SCALARS[:5], step)
    wanted = reference.adamw_step(w, g, m, s, *rates)
    for value, other in zip(kernels.adamw_step(w, g, m, s, *rates), wanted, strict=True):
        assert value.tobytes() == other.tobytes()
    sgd = reference.sgd_step(w, g, m, 0.1, 0.9, 1e-3)
    for backend in (reference, kernels):
        ours = [x.copy() for x in (w, m, s)]
        finite = backend.adamw_update(ours[0], g, *ours[1:], *rates)
        assert [x.tobytes() for x in ours] == [x.tobytes() for x in wanted]
        assert finite == all(np.isfinite(x).all() for x in wanted)
        ours = [w.copy(), m.copy()]
        finite = backend.sgd_update(ours[0], g, ours[1], 0.1, 0.9, 1e-3)
        assert [x.tobytes() for x in ours] == [x.tobytes() for x in sgd]
        assert finite == all(np.isfinite(x).all() for x in sgd)


@DTYPES
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_threads_do_not_show(dtype, threads):
    """[S0.5] Arrays of many chunks, the last not full; one bad element is found in any of them."""
    w, g, m, s = arrays(dtype, (300_001,))
    wanted = reference.adamw_step(w, g, m, s, *SCALARS), reference.sgd_step(w, g, m, 0.1, 0.9, 0.01)
    with use_threads(threads):
        ours = [x.copy() for x in (w, m, s)]
        assert kernels.adamw_update(ours[0], g, *ours[1:], *SCALARS)
        assert [x.tobytes() for x in ours] == [x.tobytes() for x in wanted[0]]
        ours = [w.copy(), m.copy()]
        assert kernels.sgd_update(ours[0], g, ours[1], 0.1, 0.9, 0.01)
        assert [x.tobytes() for x in ours] == [x.tobytes() for x in wanted[1]]
        for place in (0, 8191, 150_000, 300_000):
            bad = g.copy()
            bad[place] = np.nan
            assert not kernels.adamw_update(w.copy(), bad, m.copy(), s.copy(), *SCALARS)
            assert not kernels.sgd_update(w.copy(), bad, m.copy(), 0.1, 0.9, 0.01)


@BACKENDS
@DTYPES
def test_what_is_not_finite_is_told(backend, dtype):
    """[S12.2] In the gradient, in a moment; a square that overflows though the weight does not."""
    top = np.finfo(dtype).max
    for index, value in ((1, np.nan), (1, np.inf), (1, top), (2, np.inf), (3, np.inf), (0, np.nan)):
        given_ = [x.copy() for x in arrays(dtype, (50,))]
        given_[index][20] = value
        assert not backend.adamw_update(*given_, *SCALARS)
    for rate in (0.1, 0.0):
        w, g, v, _ = (x.copy() for x in arrays(dtype, (50,)))
        v[7] = np.inf
        assert not backend.sgd_update(w, g, v, rate, 0.9, 0.0)


@BACKENDS
def test_inputs_of_a_step_stay(backend):
    """[S0.4] Results are new; any layout, byte order or read-only array will do."""
    plain = arrays(np.float64, (6, 4))
    odd = [np.asfortranarray(plain[0]), plain[1].astype(">f8"), plain[2].copy(),
           np.repeat(plain[3], 2, axis=1)[:, ::2]]  # fmt: skip
    odd[2].flags.writeable = False
    before = [x.copy() for x in odd]
    found = backend.adamw_step(*odd, *SCALARS)
    for value, other in zip(found, reference.adamw_step(*plain, *SCALARS), strict=True):
        np.testing.assert_array_equal(value, other)
        assert value.flags.c_contiguous
    for value, other in zip(odd, before, strict=True):
        np.testing.assert_array_equal(value, other)


WRONG = [
    ({"lr": -0.1}, ValueError, "lr = -0.1"), ({"lr": math.nan}, ValueError, "lr = nan"),
    ({"beta1": 1.0}, ValueError, r"beta1 = 1\.0: .* \[0, 1\)"),
    ({"beta2": -0.5}, ValueError, "beta2 = -0.5"), ({"beta2": 1.5}, ValueError, "beta2 = 1.5"),
    ({"eps": 0}, ValueError, "eps = 0"), ({"eps": 1e-400}, ValueError, "eps = 0"),
    ({"weight_decay": -1}, ValueError, "weight_decay = -1"),
    ({"weight_decay": "0"}, TypeError, "weight_decay = '0'"),
    ({"step": 0}, ValueError, "step = 0"), ({"step": 1.0}, ValueError, "step = 1.0"),
    ({"grad": np.ones(3)}, ValueError, "grad has shape"),
    ({"mean": np.ones((2, 1))}, ValueError, "mean has shape"),
    ({"square": np.ones(2, np.float32)}, TypeError, "square has dtype"),
    ({"grad": np.ones(2, int)}, TypeError, "grad has dtype"),
]  # fmt: skip
NAMES = ["w", "grad", "mean", "square", "lr", "beta1", "beta2", "eps", "weight_decay", "step"]


@BACKENDS
@pytest.mark.parametrize("name", ["adamw_step", "adamw_update"])
@pytest.mark.parametrize(("change", "error", "match"), WRONG)
def test_what_is_refused(backend, name, change, error, match):
    """[S0.2] [S0.3] The argument is named; nothing has been written."""
    legal = dict(zip(NAMES, [*(np.ones(2) for _ in range(4)), *SCALARS], strict=True))
    with pytest.raises(error, match=match):
        getattr(backend, name)(**{**legal, **change})
    np.testing.assert_array_equal(legal["w"], 1)


@BACKENDS
def test_values_that_are_no_numbers(backend):
    """[S0.3] A step refuses what an update only tells of."""
    for index, name in enumerate(("w", "grad", "mean", "square")):
        given_ = [np.ones(2) for _ in range(4)]
        given_[index][1] = np.nan
        with pytest.raises(ValueError, match=f"{name} contains nan"):
            backend.adamw_step(*given_, *SCALARS)


@BACKENDS
@pytest.mark.parametrize("which", [0, 2])
def test_arrays_that_cannot_be_overwritten(backend, which):
    """[S0.4] Read-only, strided, of another byte order; of a gradient nothing is asked."""
    read_only = np.ones(4)
    read_only.flags.writeable = False
    for bad in (read_only, np.ones(8)[::2], np.ones(4, ">f8")):
        given_ = [np.ones(4) for _ in range(3)]
        given_[which] = bad
        name = "w" if which == 0 else "velocity"
        with pytest.raises(ValueError, match=f"{name} cannot be updated in place"):
            backend.sgd_update(*given_, 0.1, 0.9, 0.0)
        assert backend.sgd_update(np.ones(4), bad, np.ones(4), 0.1, 0.9, 0.0)
