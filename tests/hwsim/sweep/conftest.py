"""A small network, and sweeps of it."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import numpy as np
import pytest

from hwsim.sweep import read_results

TOPOLOGY = """Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,
Conv1, 10, 10, 3, 3, 3, 8, 1,
Conv2, 8, 8, 3, 3, 8, 16, 2,
FC, 1, 1, 1, 1, 64, 10, 1,
"""  # noqa: E501  (the format's own first line)


@pytest.fixture
def network(tmp_path):
    """Give the path of a network of three small layers."""
    path = tmp_path / "net.csv"
    path.write_text(TOPOLOGY, encoding="utf-8")
    return path


@pytest.fixture
def small(network):
    """Give a sweep of 24 points: some run, some do not fit, some are no accelerator."""
    return {
        "network": str(network),
        "accelerator": ["edge-small", "stripes"],
        "vary": {
            "array": {"rows": [1, 4], "serial": ["weight", "activation"]},
            "buffers.weight_bytes": {"from": 24, "to": 4096, "step": 2036},
        },
    }


@pytest.fixture(scope="session")
def slow(tmp_path_factory):
    """Give the path of a sweep of some seconds, 480 points."""
    path = tmp_path_factory.mktemp("slow") / "slow.toml"
    path.write_text(
        'network = "resnet20"\naccelerator = "edge-small"\n[vary]\n'
        "array.rows = [4, 8, 16]\ndram.bits_per_cycle = {from = 5, to = 400, step = 5}\n"
        "bits = [2, 8]\n",
        encoding="utf-8",
    )
    return path


@pytest.fixture(scope="session")
def started():
    """Give a context: a Python program in a process of its own, which is ended with it."""

    @contextmanager
    def start(*arguments, **options):
        process = subprocess.Popen(
            [sys.executable, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, start_new_session=True, **options,
        )  # fmt: skip
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate(timeout=60)

    return start


@pytest.fixture(scope="session")
def sweeping(started):
    """Give a context: the command, as it is installed, in a process of its own."""

    def start(config, target, *options):
        code = "from hwsim.cli import main; main()"
        return started("-c", code, "sweep", "--config", config, "--out", target, *options)

    return start


@pytest.fixture(scope="session")
def until():
    """Give a function that waits until something holds, at most a minute."""

    def wait(condition, process=None):
        stop = time.monotonic() + 60
        while not condition():
            ended = process is not None and process.poll() is not None
            assert not ended, process.communicate(timeout=60)
            assert time.monotonic() < stop
            time.sleep(0.01)

    return wait


@pytest.fixture(scope="session")
def done_in():
    """Give a function that tells how many rows are in results, which may be written meanwhile."""
    import pyarrow.parquet  # noqa: F401  (a second in which a sweep would run on)

    return lambda target: len(read_results(target)["point"]) if target.exists() else 0


@pytest.fixture(scope="session")
def same():
    """Give a function that asserts that results are equal to the bit, types included."""

    def check(a, b):
        assert list(a) == list(b)
        for name, values in a.items():
            assert values.dtype == b[name].dtype
            np.testing.assert_array_equal(values, b[name])

    return check
