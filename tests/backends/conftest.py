"""The three backends, and the comparison of a call with the definition's."""

import importlib
import os

import numpy as np
import pytest

import msq_ref as reference
from msq_ref.contract import BITEXACT, operation

BACKENDS = ["torch", "jax", "c"]


def load(name):
    """Import a backend, or skip and say what is missing."""
    if name == "c":
        from msq_ref.backends.c.build import compiler

        try:
            compiler()
        except FileNotFoundError as error:
            pytest.skip(str(error))
    else:
        pytest.importorskip(name, reason=f"{name} is not installed: pip install 'msq-ref[{name}]'")
    return importlib.import_module(f"msq_ref.backends.{name}")


@pytest.fixture(scope="session", autouse=True)
def fresh_cache(tmp_path_factory):
    """Compile the C library anew, and leave the user's cache alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session", params=BACKENDS)
def backend(request, fresh_cache):
    return load(request.param)


@pytest.fixture(scope="session")
def jax_backend(fresh_cache):
    return load("jax")


@pytest.fixture(scope="session")
def torch_backend(fresh_cache):
    return load("torch")


@pytest.fixture(scope="session")
def c_backend(fresh_cache):
    return load("c")


@pytest.fixture(scope="session")
def both(backend):
    """Give a function that calls an operation in a backend and compares with the definition.

    Values (to the bit, or within the class), type, dtype, shape, layout; inputs stay as they are
    and share no memory with results. It returns the definition's result.
    """
    return lambda name, *required, **optional: compare(backend, name, required, optional)


def compare(backend, name, required, optional):
    arrays = [value for value in (*required, *optional.values()) if isinstance(value, np.ndarray)]
    before = [array.tobytes() for array in arrays]
    with np.errstate(over="ignore"):
        expected = getattr(reference, name)(*required, **optional)
    got = getattr(backend, name)(*required, **optional)
    assert type(got) is type(expected)
    parts = zip(expected, got, strict=True) if isinstance(got, tuple) else [(expected, got)]
    for one, other in parts:
        if not isinstance(one, np.ndarray):
            assert one == other
            assert not isinstance(one, float) or one.hex() == other.hex()
            continue
        assert isinstance(other, np.ndarray)
        assert (other.dtype, other.shape) == (one.dtype, one.shape)
        assert other.dtype.isnative
        assert other.flags.c_contiguous
        assert other.flags.writeable
        assert not any(np.shares_memory(other, array) for array in arrays)
        if operation(name).exactness == BITEXACT:
            assert other.tobytes() == one.tobytes(), f"{name}: {np.sum(one != other)} differ"
        else:
            error = np.abs(one.astype(np.float64) - other.astype(np.float64)).max()
            assert error <= allowed(name, one), name
    assert [array.tobytes() for array in arrays] == before
    return expected


def allowed(name, expected):
    """The class of an operation with a tolerance [S1.1], [S1.3]."""
    eps = float(np.finfo(expected.dtype).eps)
    return 2 * eps if name == "normalize" else 16 * eps * float(np.abs(expected).max())


@pytest.fixture(scope="session")
def run_python(tmp_path_factory):
    """Give a function that runs code in a process of its own: its standard output, or its error."""
    import subprocess
    import sys

    def run(code, **environment):
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True,
            env={**os.environ, **environment}, check=False, timeout=120,
        )  # fmt: skip
        return done.stdout.strip(), done.stderr.strip()

    return run
