"""A run folder made without training, and layers and accelerators to draw from."""

import shutil

import numpy as np
import pytest
from hypothesis import strategies as st

from hwsim import Accelerator, Layer
from hwsim.accelerator import Array, Buffers, Dram
from hwsim.array import range_units
from hwsim.cli import app
from hwsim.problem import ORDERS
from hwsim.tiling import Tiling, best_tiling, input_bytes, output_bytes, weight_bytes
from msq_ref.formats.console import run_app
from tests.hwsim.legal import is_legal


@pytest.fixture
def call(capsys):
    """Give a function that runs the command line and returns exit code, output and errors."""

    def run(*arguments):
        code = run_app(app, "hwsim", [str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.fixture(scope="session")
def machine():
    """Give a function that builds an accelerator from plain numbers."""

    def build(
        rows=2, cols=2, lanes=4, drain=1, *, bandwidth=64, double=True, weight=10**6, inputs=10**6,
        outputs=10**6, ports=2, burst=1, latency=0, row=0, miss=0,
    ):  # fmt: skip
        return Accelerator(
            name="drawn",
            description="",
            frequency_mhz=100.0,
            array=Array(rows=rows, cols=cols, lanes=lanes, drain=drain),
            buffers=Buffers(
                weight_bytes=weight, input_bytes=inputs, output_bytes=outputs,
                double_buffered=double, ports=ports,
            ),
            dram=Dram(
                bits_per_cycle=bandwidth, burst_bytes=burst, latency_cycles=latency, row_bytes=row,
                row_miss_cycles=miss,
            ),
        )  # fmt: skip

    return build


@pytest.fixture(scope="session")
def layers():
    """Give a strategy of small layers of every kind."""

    @st.composite
    def strategy(draw, max_side=6):
        number = lambda low, high: draw(st.integers(low, high))  # noqa: E731
        domain = draw(st.sampled_from(["signed", "offset"]))
        widths = {
            "bits": number(2 if domain == "signed" else 1, 8),
            "in_bits": number(1, 8),
            "out_bits": draw(st.sampled_from([1, 3, 8, 32])),
            "domain": domain,
        }
        if draw(st.integers(0, 3)) == 0:
            return Layer.linear(
                "drawn", number(1, 20), number(1, 9), positions=number(1, 5), **widths
            )
        groups, padding = number(1, 3), number(0, 2)
        height, width = number(1, max_side), number(1, max_side)
        kernel = [number(1, min(3, side + 2 * padding)) for side in (height, width)]
        return Layer(
            "drawn", "conv", height, width, groups * number(1, 4), groups * number(1, 4),
            kernel_height=kernel[0], kernel_width=kernel[1], stride=number(1, 3), padding=padding,
            groups=groups, **widths,
        )  # fmt: skip

    return strategy


@pytest.fixture(scope="session")
def machines(machine):
    """Give a strategy of accelerators on which a layer fits, often only just, and seldom whole."""

    @st.composite
    def strategy(draw, layer):
        number = lambda low, high: draw(st.integers(low, high))  # noqa: E731
        rows, cols, lanes = number(1, 4), number(1, 5), number(1, 6)
        double = draw(st.booleans())
        parts = 2 if double else 1
        m, p, c = (
            draw(st.sampled_from(_sizes(whole, unit)))
            for whole, unit in zip(*_ranges(layer, machine(rows, cols, lanes)), strict=True)
        )
        # Room for all partial sums, for those of a tile, or for what a tile stores.
        words = [output_bytes(layer, m, p, c), 4 * m * p, 4 * m * layer.P, 4 * layer.M * p]
        simple = draw(st.booleans())
        dram = {} if simple else {
            "burst": draw(st.sampled_from([1, 2, 8, 64])),
            "latency": draw(st.sampled_from([0, 1, 7])),
            "row": draw(st.sampled_from([0, 1, 5, 64])),
            "miss": number(0, 5),
            "ports": number(1, 2),
        }  # fmt: skip
        return machine(
            rows, cols, lanes, number(0, 2),
            bandwidth=draw(st.sampled_from([1, 3, 8, 32, 1024])),
            double=double,
            weight=parts * (weight_bytes(layer, m, c) + number(0, 3)),
            inputs=parts * (int(input_bytes(layer, p, c).max()) + number(0, 3)) or 1,
            outputs=parts * (max(words[0], draw(st.sampled_from(words))) + number(0, 3)),
            **dram,
        )  # fmt: skip

    return strategy


@pytest.fixture(scope="session")
def cuts():
    """Give a strategy of tilings, all sizes and orders alike."""

    def strategy(layer, accelerator):
        sizes = (
            st.sampled_from(_sizes(whole, unit))
            for whole, unit in zip(*_ranges(layer, accelerator), strict=True)
        )
        return st.builds(Tiling, st.sampled_from(ORDERS), *sizes)

    return strategy


@pytest.fixture(scope="session")
def fitting(cuts):
    """Give a strategy of tilings: of four that are drawn those that fit, and the best."""

    @st.composite
    def strategy(draw, layer, accelerator):
        drawn = draw(st.lists(cuts(layer, accelerator), min_size=4, max_size=4))
        legal = [tiling for tiling in drawn if is_legal(layer, accelerator, tiling)]
        return [*legal, best_tiling(layer, accelerator)]

    return strategy


@pytest.fixture(scope="session")
def integer_network():
    """Lower an untrained network at mixed widths, the first layer's inputs signed."""
    from msq_ref import models, normalize_signed, roundclamp
    from msq_ref.integer import WeightCodes, calibrate, lower

    rng = np.random.default_rng(5)
    network = models.build("digits-cnn", seed=3, width=5)
    codes = {}
    for bits, (name, layer) in zip((8, 3, 2, 5), _products(network), strict=True):
        w = layer.parameters["weight"]
        codes[name] = WeightCodes(
            roundclamp(normalize_signed(w), bits - 1), np.sign(w).astype(np.int8), bits,
            float(np.abs(w).max()),
        )  # fmt: skip
    images = rng.standard_normal((8, 8, 8, 1)).astype(np.float32)
    return lower(network, codes, calibrate(network, images), (8, 8, 1), 6)


@pytest.fixture(scope="session")
def _folder(integer_network, tmp_path_factory):
    from msq_ref.formats.integer_file import save_integer_network
    from msq_ref.training.config import RunConfig

    folder = tmp_path_factory.mktemp("hwsim") / "run"
    folder.mkdir()
    (folder / "config.toml").write_text(RunConfig(method="msq").to_toml(), encoding="utf-8")
    save_integer_network(folder / "integer.safetensors", integer_network)
    return folder


@pytest.fixture
def run_folder(_folder, tmp_path):
    """Give a finished run's folder, one's own to spoil."""
    return shutil.copytree(_folder, tmp_path / "run")


def _sizes(total, side):
    return [min(size, total) for size in range(side, total + side, side)]


def _ranges(layer, accelerator):
    return (layer.M, layer.P, layer.group_channels), range_units(accelerator.array, layer)


def _products(network):
    return [(name, layer) for name, layer in network.layers.items() if layer.quantizable]
