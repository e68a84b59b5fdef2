"""Layers, workloads, and reading them from a network or a run."""

import json
from types import SimpleNamespace

import pytest

from hwsim import Layer, Workload, workload_from_run, workload_of
from hwsim.run_folder import RUN_FORMAT
from hwsim.workload import layer_of


def test_sizes_of_a_convolution():
    """[S10.1] [S10.2]"""
    layer = Layer(
        "c", "conv", 9, 7, 6, 4, 3, kernel_height=3, kernel_width=2, stride=2, padding=1, groups=2
    )
    assert (layer.out_height, layer.out_width) == (5, 4)
    assert (layer.K, layer.M, layer.P, layer.group_channels) == (18, 2, 20, 3)
    assert layer.macs == 2 * 18 * 2 * 20


def test_sizes_of_a_linear_layer():
    """[S10.1]"""
    layer = Layer.linear("fc", 64, 10, 5, positions=3, in_bits=4, out_bits=32, domain="offset")
    assert (layer.K, layer.M, layer.P, layer.groups, layer.macs) == (64, 10, 3, 1, 1920)
    assert (layer.kind, layer.bits, layer.in_bits, layer.out_bits) == ("linear", 5, 4, 32)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "pool"}, "layer c: kind = 'pool': expected one of conv, linear, attention"),
        ({"domain": "ternary"}, "layer c: domain = 'ternary': expected one of signed, offset"),
        ({"height": 0}, "layer c: height = 0: expected an integer of at least 1"),
        ({"channels": 0}, "layer c: channels = 0"),
        ({"outputs": 0}, "layer c: outputs = 0"),
        ({"kernel_width": 0}, "layer c: kernel_width = 0"),
        ({"stride": 0}, "layer c: stride = 0"),
        ({"padding": -1}, "layer c: padding = -1: expected an integer of at least 0"),
        ({"groups": 0}, "layer c: groups = 0"),
        ({"bits": 17}, r"layer c: bits = 17: expected 2 to 16 \(signed domain\)"),
        ({"bits": 1}, r"layer c: bits = 1: expected 2 to 16 \(signed domain\)"),
        ({"bits": 0, "domain": "offset"}, r"bits = 0: expected 1 to 16 \(offset domain\)"),
        ({"bits": 4.0}, "layer c: bits = 4.0"),
        ({"bits": True}, "layer c: bits = True"),
        ({"in_bits": 0}, "layer c: in_bits = 0: expected 1 to 16"),
        ({"out_bits": 33}, "layer c: out_bits = 33: expected 1 to 32"),
        ({"groups": 3}, "layer c: channels = 4: expected a multiple of groups = 3"),
        ({"groups": 2, "outputs": 3}, "layer c: outputs = 3: expected a multiple of groups = 2"),
        ({"kernel_height": 7}, "layer c: kernel 7 x 1: larger than the input 4 x 4 with padding 1"),
        ({"kind": "linear"}, "layer c: height = 4: expected 1 in a linear layer"),
    ],
)
def test_bad_layers(change, message):
    """[S0.2]"""
    good = {
        "name": "c", "kind": "conv", "height": 4, "width": 4, "channels": 4, "outputs": 4,
        "bits": 4, "padding": 1,
    }  # fmt: skip
    Layer(**good)
    with pytest.raises(ValueError, match=message):
        Layer(**{**good, **change})


def test_workloads():
    """[S6.3] Every width changes, nothing else."""
    layers = Layer.linear("a", 4, 5, 3), Layer.linear("b", 5, 6, 2, in_bits=4)
    work = Workload("net", layers)
    assert work.macs == 20 + 30
    eight = work.at_bits(8)
    assert [layer.bits for layer in eight.layers] == [8, 8]
    assert [layer.in_bits for layer in eight.layers] == [8, 4]
    assert (eight.name, eight.macs) == (work.name, work.macs)
    with pytest.raises(ValueError, match="layer a: bits = 1"):
        work.at_bits(1)
    with pytest.raises(ValueError, match="workload net: no layers"):
        Workload("net", ())
    with pytest.raises(ValueError, match="workload net: more than one layer 'a'"):
        Workload("net", (layers[0], layers[0]))


def test_network(integer_network):
    """[S10.1] Shapes follow strides and pooling; the last outputs are 32 bits wide."""
    work = workload_of(integer_network, "digits")
    assert work.name == "digits"
    found = [
        (at.name, at.kind, at.K, at.M, at.P, at.bits, at.in_bits, at.out_bits) for at in work.layers
    ]
    assert found == [
        ("conv1", "conv", 9, 5, 64, 8, 6, 6),
        ("conv2", "conv", 45, 10, 16, 3, 6, 6),
        ("conv3", "conv", 90, 20, 4, 2, 6, 6),
        ("fc", "linear", 20, 10, 1, 5, 6, 32),
    ]
    assert {layer.domain for layer in work.layers} == {"signed"}


def step(**values):
    return SimpleNamespace(**values)


def product(name, *shape, **values):
    import numpy as np

    defaults = {
        "name": name, "codes": np.zeros(shape, np.int32), "signs": None, "bits": 3, "in_bits": 8,
        "stride": 1, "padding": 0, "groups": 1, "is_conv": len(shape) == 4,
    }  # fmt: skip
    return SimpleNamespace(**{**defaults, **values})


def test_pools_and_flattening_are_followed():
    """[S10.1] Windows, global pooling, flattening, and a linear layer over positions."""
    network = SimpleNamespace(
        input_shape=(9, 8, 2),
        steps=(
            product("c", 3, 3, 1, 4, groups=2, padding=1),
            step(name="max", size=3, stride=2),
            step(name="average", size=2, stride=1, requantizer=None),
            product("each", 4, 6),
            step(name="flat"),
            product("fc", 3 * 2 * 6, 5),
        ),
    )
    work = workload_of(network, "n")
    assert [(at.name, at.K, at.M, at.P, at.groups) for at in work.layers] == [
        ("c", 9, 2, 72, 2),
        ("each", 4, 6, 6, 1),
        ("fc", 36, 5, 1, 1),
    ]
    assert {layer.domain for layer in work.layers} == {"offset"}
    assert [layer.out_bits for layer in work.layers] == [32, 32, 32]
    whole = SimpleNamespace(
        input_shape=(9, 8, 2), steps=(step(name="pool", size=0, stride=0), product("fc", 2, 5))
    )
    assert workload_of(whole, "n").layers[0].P == 1


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ((step(name="odd", table=1),), "step odd: SimpleNamespace on .* is not understood"),
        ((step(name="p", size=9, stride=1),), "step p: window of 9 over an input"),
        ((step(name="f"), step(name="p", size=2, stride=1)), "step p: .* is not understood"),
        ((product("c", 3, 3, 3, 4),), r"layer c: input of shape \(4, 4, 2\): .*\(height, width, 3"),
        ((step(name="f"), product("c", 1, 1, 32, 4)), r"layer c: input of shape \(32,\)"),
        ((step(name="f"), product("fc", 31, 4)), r"layer fc: input of shape \(32,\): .* 31"),
        ((product("c", 5, 5, 2, 4),), "layer c: kernel 5 x 5: larger than the input 4 x 4"),
        ((step(name="f"),), "workload n: no layers with weights"),
    ],
)
def test_networks_that_do_not_fit(steps, message):
    """[S10.1]"""
    with pytest.raises(ValueError, match=message):
        workload_of(SimpleNamespace(input_shape=(4, 4, 2), steps=steps), "n")


def test_layer_of_a_scalar_shape():
    """[S10.1]"""
    with pytest.raises(ValueError, match=r"layer fc: input of shape \(\)"):
        layer_of(product("fc", 3, 4), ())


def test_run_folder(run_folder, integer_network):
    """[S10.1]"""
    work = workload_from_run(run_folder)
    assert work == workload_from_run(str(run_folder))
    assert work == workload_of(integer_network, "digits-cnn")


def test_understood_version_is_the_one_that_is_written():
    """A newer run folder is refused, so this number must follow the writer's."""
    from msq_ref.training.config import FORMAT

    assert RUN_FORMAT == FORMAT


def edit(folder, old, new):
    config = folder / "config.toml"
    text = config.read_text(encoding="utf-8")
    assert old in text
    config.write_text(text.replace(old, new, 1), encoding="utf-8")


def truncate(folder):
    file = folder / "integer.safetensors"
    file.write_bytes(file.read_bytes()[:100])


def foreign(folder):
    (folder / "integer.safetensors").write_text(json.dumps({}), encoding="utf-8")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda f: (f / "config.toml").unlink(), "not a run folder .no config.toml"),
        (lambda f: (f / "config.toml").write_text("= 1"), "config.toml: not a TOML file"),
        (lambda f: edit(f, "format = 1", "format = 2"), "format = 2 is newer .*; upgrade msq-ref"),
        (lambda f: edit(f, 'model = "digits-cnn"', "model = 3"), "model = 3: expected a name"),
        (lambda f: edit(f, 'model = "digits-cnn"', ""), "model = None: expected a name"),
        (
            lambda f: edit(f, 'method = "msq"', 'method = "float"'),
            "a run in float has no weight codes; train one with --method msq or dorefa",
        ),
        (lambda f: (f / "integer.safetensors").unlink(), "not finished .no integer.safetensors"),
        (truncate, "integer.safetensors"),
        (foreign, "integer.safetensors"),
    ],
)
def test_bad_run_folders(run_folder, spoil, message):
    """One line that names the folder or the file."""
    spoil(run_folder)
    with pytest.raises(ValueError, match=message) as caught:
        workload_from_run(run_folder)
    assert str(run_folder) in str(caught.value)


def test_no_run_folder(tmp_path):
    """One line that names the folder."""
    with pytest.raises(ValueError, match=r"nowhere: no such folder"):
        workload_from_run(tmp_path / "nowhere")
