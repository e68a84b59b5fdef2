"""Workloads of ONNX files: what the vector unit does, what is left out, and files that are none."""

import sys

import numpy as np
import pytest

from hwsim.accelerator import Vector
from hwsim.load import load_workload
from hwsim.networks import network_workload
from hwsim.vector import vector_lines

onnx = pytest.importorskip("onnx", reason="needs the package onnx")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402


@pytest.fixture
def build(tmp_path):
    """Give a function that writes a graph of nodes and constants."""

    def build(nodes, shapes, constants, outputs=("y",), opsets=(("", 21),), **rest):
        inputs = [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape))
            for name, shape in shapes.items()
        ]
        graph = helper.make_graph(
            nodes, "g", inputs, [helper.make_empty_tensor_value_info(name) for name in outputs],
            [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()], **rest,
        )  # fmt: skip
        imports = [helper.make_opsetid(*one) for one in opsets]
        model = helper.make_model(graph, opset_imports=imports)
        path = tmp_path / "net.onnx"
        onnx.save(model, path)
        return path

    return build


def ones(*shape):
    return np.ones(shape, np.float32)


CONV = helper.make_node("Conv", ["x", "w"], ["c"], name="c")


class ResNet18:
    """The network by hand, from table 1 of He et al. 2016."""

    def __init__(self):
        self.nodes, self.constants, self.count = [], {}, 0

    def add(self, operator, *inputs, **attributes):
        self.count += 1
        name = f"t{self.count}"
        self.nodes.append(helper.make_node(operator, inputs, [name], name=name, **attributes))
        return name

    def conv(self, x, inputs, outputs, kernel, stride, norm=True):
        weight = f"w{self.count}"
        self.constants[weight] = ones(outputs, inputs, kernel, kernel)
        pads = [kernel // 2] * 4
        y = self.add("Conv", x, weight, pads=pads, strides=[stride, stride])
        if norm:
            names = [f"{weight}.{part}" for part in range(4)]
            self.constants |= dict.fromkeys(names, ones(outputs))
            y = self.add("BatchNormalization", y, *names)
        return y

    def block(self, x, inputs, outputs, stride):
        y = self.add("Relu", self.conv(x, inputs, outputs, 3, stride))
        y = self.conv(y, outputs, outputs, 3, 1)
        if inputs != outputs:
            x = self.conv(x, inputs, outputs, 1, stride)
        return self.add("Relu", self.add("Add", y, x))

    def build(self, width, classes):
        x = self.add("Relu", self.conv("x", 3, width, 7, 2))
        x = self.add("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
        inputs = width
        for stage in range(4):
            for block in range(2):
                outputs = width << stage
                x = self.block(x, inputs, outputs, 2 if stage and not block else 1)
                inputs = outputs
        x = self.add("Flatten", self.add("GlobalAveragePool", x))
        self.constants |= {"fc": ones(classes, inputs), "bias": ones(classes)}
        self.nodes.append(helper.make_node("Gemm", [x, "fc", "bias"], ["y"], transB=1))
        return self.nodes, self.constants


def test_a_network_built_by_hand_is_our_own(build, machine):
    """[S10.1] [S10.4] ResNet-18: shapes, MACs, and all that the vector unit does and moves."""
    nodes, constants = ResNet18().build(width=8, classes=10)
    theirs = load_workload(build(nodes, {"x": (1, 3, 33, 33)}, constants))
    ours = network_workload("resnet18", width=8, input_size=33, classes=10)

    def shape(at):
        return (
            at.kind, at.height, at.width, at.channels, at.outputs, at.kernel_height, at.stride,
            at.padding, at.bits, at.in_bits, at.out_bits,
        )  # fmt: skip

    assert [shape(layer) for layer in theirs.layers] == [shape(layer) for layer in ours.layers]
    assert (theirs.macs, theirs.left_out, theirs.notes) == (ours.macs, (), ())

    def does(at):
        reads = [(o.bits, o.whole, o.external, o.first) for o in at.operands]
        return at.kind, at.elements, at.operations, at.fused, reads, at.stored_bits

    assert [does(layer) for layer in theirs.vector] == [does(layer) for layer in ours.vector]
    for room in (0, 1000, 10**6):
        accelerator = machine().model_copy(
            update={"vector": Vector(lanes=4, activation_bytes=room)}
        )
        costs = [
            [
                (line.cycles, line.dram_bytes, line.activation_bits_read)
                for line in vector_lines(work, accelerator, {at.name: 99 for at in work.layers})
            ]
            for work in (theirs, ours)
        ]
        assert costs[0] == costs[1]


def kinds(work):
    return [(layer.kind, layer.fused) for layer in work.vector]


def test_what_a_requantization_takes_along(build):
    """[S9.4] Bias, scale, normalization and rectification: no layers of their own."""
    nodes = [
        CONV,
        helper.make_node("Add", ["c", "bias"], ["d"]),
        helper.make_node("BatchNormalization", ["d", *["one"] * 4], ["e"]),
        helper.make_node("Mul", ["e", "half"], ["f"]),
        helper.make_node("Relu", ["f"], ["g"]),
        helper.make_node("Conv", ["g", "v"], ["y"]),
    ]
    constants = {
        "w": ones(3, 2, 1, 1), "v": ones(1, 3, 1, 1), "bias": ones(3, 1, 1), "one": ones(3),
        "half": np.float32(0.5),
    }  # fmt: skip
    work = load_workload(build(nodes, {"x": (1, 2, 4, 4)}, constants))
    assert kinds(work) == [("requantize", True)]


def test_a_product_and_its_rectification_that_both_are_read(build):
    """[S10.4] The clamp is a step then, and stores what it makes."""
    nodes = [
        CONV,
        helper.make_node("Relu", ["c"], ["r"], name="r"),
        helper.make_node("Conv", ["r", "v"], ["d"], name="d"),
        helper.make_node("Add", ["d", "c"], ["e"], name="sum"),
        helper.make_node("Conv", ["e", "v"], ["y"], name="e"),
    ]
    work = load_workload(
        build(nodes, {"x": (1, 3, 4, 4)}, {"w": ones(3, 3, 1, 1), "v": ones(3, 3, 1, 1)})
    )
    clamp = next(layer for layer in work.vector if layer.kind == "clamp")
    assert (clamp.name, clamp.operations, clamp.stored_bits) == ("r", 0, 8 * 48)
    add = next(layer for layer in work.vector if layer.kind == "add")
    assert [o.tensor for o in add.operands] == ["c.requantize"]


def test_element_wise_operators(build):
    """Swish has all at hand; positions are read; constants of a channel are part of a step."""
    nodes = [
        CONV,
        helper.make_node("Sigmoid", ["c"], ["s"], name="s"),
        helper.make_node("Mul", ["c", "s"], ["m"], name="m"),
        helper.make_node("Add", ["m", "p"], ["a"], name="positions"),
        helper.make_node("Mul", ["a", "half"], ["h"], name="h"),
        helper.make_node("Softmax", ["h"], ["t"], name="t"),
        helper.make_node("LayerNormalization", ["t", "g"], ["l"], name="l"),
        helper.make_node("Max", ["l", "h", "t"], ["x3"], name="x3"),
        helper.make_node("ReduceMean", ["x3", "axes"], ["r"], name="r", keepdims=0),
        helper.make_node("MatMul", ["r", "f"], ["y"], name="fc"),
    ]
    constants = {
        "w": ones(3, 2, 1, 1), "p": ones(1, 3, 4, 4), "half": np.float32(0.5), "g": ones(4),
        "axes": np.array([2, 3]), "f": ones(3, 2),
    }  # fmt: skip
    work = load_workload(build(nodes, {"x": (1, 2, 4, 4)}, constants))
    found = {layer.name: layer for layer in work.vector}
    assert kinds(work) == [
        ("requantize", True), ("sigmoid", True), ("multiply", True), ("add", True),
        ("scale", True), ("softmax", False), ("layernorm", False), ("compare", True),
        ("average_pool", False),
    ]  # fmt: skip
    assert found["m"].operands == ()
    assert found["positions"].constant_bits == 48 * 8
    assert (found["h"].constant_bits, found["h"].operations) == (0, 1)
    assert [o.tensor for o in found["t"].operands] == ["h"]
    assert {o.tensor for o in found["x3"].operands} == {"h", "t"}
    assert found["x3"].operations == 2
    assert (found["r"].elements, found["r"].operations) == (3, 17)


def test_moving_and_reading_parts(build):
    """Slices, joins and turns move nothing themselves; a gated half reads both halves."""
    nodes = [
        CONV,
        helper.make_node("Split", ["c"], ["a", "b"], axis=1, num_outputs=2),
        helper.make_node("Sigmoid", ["b"], ["s"], name="s"),
        helper.make_node("Mul", ["a", "s"], ["m"], name="m"),
        helper.make_node("Concat", ["m", "x"], ["j"], axis=1),
        helper.make_node("Transpose", ["j"], ["t"], perm=[0, 2, 3, 1]),
        helper.make_node("Exp", ["t"], ["e"], name="e"),
        helper.make_node("MatMul", ["e", "f"], ["y"]),
    ]
    work = load_workload(
        build(nodes, {"x": (1, 2, 4, 4)}, {"w": ones(4, 2, 1, 1), "f": ones(4, 2)})
    )
    found = {layer.name: layer for layer in work.vector}
    assert list(found) == ["c.requantize", "s", "m", "e"]
    assert [(o.tensor, o.bits, o.whole) for o in found["s"].operands] == [
        ("c.requantize", 32 * 8, 64 * 8)
    ]
    assert (found["s"].fused, found["m"].fused, found["e"].fused) == (False, True, False)
    read = [(o.tensor, o.external) for o in found["e"].operands]
    assert read == [("m", False), ("input x", True)]


def test_shapes_that_are_computed(build):
    """A reshape to a shape that other operators put together, of which onnx infers none itself."""
    nodes = [
        CONV,
        helper.make_node("Shape", ["c"], ["shape"]),
        helper.make_node("Gather", ["shape", "places"], ["some"]),
        helper.make_node("Mod", ["some", "four"], ["rest"]),
        helper.make_node("Concat", ["rest", "minus"], ["target"], axis=0),
        helper.make_node("Cast", ["target"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Round", ["float"], ["round"]),
        helper.make_node("Cast", ["round"], ["whole"], to=TensorProto.INT64),
        helper.make_node("Reshape", ["c", "whole"], ["r"]),
        helper.make_node("MatMul", ["r", "f"], ["y"], name="fc"),
    ]
    constants = {
        "w": ones(3, 2, 1, 1), "places": np.array([0, 1]), "four": np.array([4, 4]),
        "minus": np.array([-1]), "f": ones(25, 7),
    }  # fmt: skip
    work = load_workload(build(nodes, {"x": (1, 2, 5, 5)}, constants))
    assert [(at.K, at.M, at.P) for at in work.layers] == [(2, 3, 25), (25, 7, 3)]


def test_tables_are_memory(build):
    """Rows of a table: an input, from memory."""
    nodes = [
        helper.make_node("Cast", ["x"], ["i"], to=TensorProto.INT64),
        helper.make_node("Gather", ["table", "i"], ["g"]),
        helper.make_node("Tanh", ["g"], ["t"], name="t"),
        helper.make_node("MatMul", ["t", "f"], ["y"]),
    ]
    work = load_workload(
        build(nodes, {"x": (1, 5)}, {"table": ones(100, 6), "f": ones(6, 3)})
    )
    (tanh,) = work.vector
    assert [(o.bits, o.external) for o in tanh.operands] == [(5 * 6 * 8, True)]


def test_what_is_left_out(build):
    """Listed with its share of the multiplications and of the results."""
    nodes = [
        CONV,
        helper.make_node("ConvTranspose", ["c", "v"], ["d"], strides=[2, 2], name="up"),
        helper.make_node("Det", ["c"], ["det"]),
        helper.make_node("Einsum", ["d", "d"], ["e"], equation="bchw,bchw->bc"),
        helper.make_node("Custom", ["e"], ["u"], domain="org.other"),
        helper.make_node("MatMul", ["e", "f"], ["y"]),
    ]
    constants = {"w": ones(3, 2, 1, 1), "v": ones(3, 5, 2, 2), "f": ones(5, 4)}
    path = build(
        nodes, {"x": (1, 2, 4, 4)}, constants, ("y", "u", "det"), (("", 21), ("org.other", 1))
    )
    work = load_workload(path)
    found = {one.operator: one for one in work.left_out}
    up, einsum = 48 * 20, 5 * 64
    assert {name: one.macs for name, one in found.items()} == {
        "ConvTranspose": up, "Det": 0, "Einsum": einsum, "org.other.Custom": 0
    }  # fmt: skip
    macs = work.macs + up + einsum
    # The convolution with its requantization, both left-out results, and the last product.
    results = 48 + 5 * 64 + 3 + 5 + 4
    assert found["ConvTranspose"].macs_share == pytest.approx(up / macs)
    assert found["ConvTranspose"].elements_share == pytest.approx(5 * 64 / results)
    assert found["org.other.Custom"].elements_share == 0  # nobody knows how many
    assert str(found["ConvTranspose"]) == (
        f"not modelled: ConvTranspose, 1 times, {up / macs:.1%} of the MACs, "
        f"{320 / results:.1%} of the results"
    )
    assert found["Einsum"].to_json()["count"] == 1


def test_recurrent_layers_are_left_out(build):
    """With the multiplications of both their matrices at every step."""
    nodes = [
        helper.make_node("LSTM", ["x", "w", "r"], ["h"], hidden_size=4),
        helper.make_node("Squeeze", ["h", "one"], ["s"]),
        helper.make_node("MatMul", ["s", "f"], ["y"]),
    ]
    constants = {
        "w": ones(1, 16, 5), "r": ones(1, 16, 4), "one": np.array([1]), "f": ones(4, 2)
    }  # fmt: skip
    work = load_workload(build(nodes, {"x": (7, 1, 5)}, constants))
    (lstm,) = work.left_out
    assert lstm.macs == 7 * 16 * (5 + 4)
    assert work.macs == 7 * 4 * 2


def test_functions_are_opened(build, tmp_path):
    """As newer exporters write them."""
    node = helper.make_node("Block", ["x", "w"], ["y"], domain="own")
    path = build([node], {"x": (1, 2, 4, 4)}, {"w": ones(3, 2, 1, 1)}, (), (("", 21), ("own", 1)))
    model = onnx.load(path)
    inner = [
        helper.make_node("Conv", ["a", "b"], ["c"]), helper.make_node("Gelu", ["c"], ["d"])
    ]  # fmt: skip
    opsets = [helper.make_opsetid("", 21)]
    model.functions.append(
        helper.make_function("own", "Block", ["a", "b"], ["d"], inner, opsets)
    )
    model.graph.output.append(helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 3, 4, 4]))
    onnx.save(model, path)
    work = load_workload(path)
    assert [layer.kind for layer in work.layers] == ["conv"]
    assert [layer.kind for layer in work.vector] == ["gelu"]


def external(build, tmp_path):
    path = build([CONV], {"x": (1, 2, 4, 4)}, {"w": ones(30, 2, 5, 5)[:, :, :3, :3]}, ("c",))
    model = onnx.load(path)
    onnx.save(
        model, path, save_as_external_data=True, location="weights.bin", size_threshold=0
    )
    return path


def test_external_data(build, tmp_path):
    """They are read from the file beside."""
    path = external(build, tmp_path)
    assert (tmp_path / "weights.bin").is_file()
    work = load_workload(path)
    assert (work.values["c"] == 127).all()


def spoiled(build, tmp_path):
    """Return files that are none, and what is said of them."""
    conv, w = {"x": (1, 2, 4, 4)}, {"w": ones(3, 2, 1, 1)}
    relu = [helper.make_node("Relu", ["x"], ["y"])]

    def text(content):
        file = tmp_path / "net.onnx"
        file.write_bytes(content)
        return file

    def missing():
        path = external(build, tmp_path)
        (tmp_path / "weights.bin").unlink()
        return path

    wrong = [CONV, helper.make_node("Add", ["c", "x"], ["y"])]
    unknown = [
        helper.make_node("NonZero", ["x"], ["n"]),
        helper.make_node("Cast", ["n"], ["f"], to=TensorProto.FLOAT),
        helper.make_node("MatMul", ["f", "w"], ["y"], name="fc"),
    ]
    return {
        "batch size": (lambda: build([CONV], {"x": ("N", 2, 4, 4)}, w, ("c",)),
                       r"input 'x' has shape \(N, 2, 4, 4\): expected fixed sizes; onnx.tools"),
        "no size": (lambda: build([CONV], {"x": (1, 2, None, 4)}, w, ("c",)),
                    r"input 'x' has shape \(1, 2, \?, 4\): expected fixed sizes"),
        "many images": (lambda: build([CONV], {"x": (8, 2, 4, 4)}, w, ("c",)),
                        "Conv 'c': a batch of 8: expected 1"),
        "missing data": (missing, "its external data cannot be read .*weights.bin"),
        "text": (lambda: text(b"hello"), "not an ONNX file"),
        "nothing": (lambda: text(b""), "not an ONNX file, or one without operators"),
        "no file": (lambda: tmp_path / "none.onnx", "none.onnx: cannot read it"),
        "folder": (lambda: tmp_path, "cannot read it"),
        "no product": (lambda: build(relu, conv, {}), "no product for the array .nothing multipl"),
        "wrong shapes": (lambda: build(wrong, conv, w), "its shapes cannot be inferred"),
        "unknown shape": (lambda: build(unknown, {"x": (4, 4)}, {"w": ones(3, 2)}),
                          "MatMul 'fc': the shape of its 'f' is not known"),
    }  # fmt: skip


@pytest.mark.parametrize("name", [
    "batch size", "no size", "many images", "missing data", "text", "nothing", "no file", "folder",
    "no product", "wrong shapes", "unknown shape",
])  # fmt: skip
def test_files_that_are_none(build, tmp_path, name):
    """One line that names the file and what to do."""
    from hwsim.onnx import onnx_workload

    make, message = spoiled(build, tmp_path)[name]
    path = make()
    with pytest.raises(ValueError, match=message) as caught:
        onnx_workload(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("seed", range(4))
def test_damaged_files(build, seed):
    """Bytes are changed at random: a workload, or one line."""
    nodes, constants = ResNet18().build(width=1, classes=2)
    path = build(nodes, {"x": (1, 3, 33, 33)}, constants)
    whole, rng = path.read_bytes(), np.random.default_rng(seed)
    lines = []
    for _ in range(50):
        content = bytearray(whole)
        for place in rng.integers(0, len(content), rng.integers(1, 4)):
            content[place] = rng.integers(0, 256)
        path.write_bytes(bytes(content[: len(content) if rng.random() < 0.9 else place]))
        try:
            load_workload(path)
        except ValueError as error:
            lines.append(str(error))
    assert lines
    assert all(line.startswith(f"{path}: ") and "\n" not in line for line in lines)


def test_without_the_package(build, monkeypatch):
    """It says how to install it."""
    path = build([CONV], {"x": (1, 2, 4, 4)}, {"w": ones(3, 2, 1, 1)}, ("c",))
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ValueError, match=r"needs the package onnx: pip install 'msq-ref\[onnx\]'"):
        load_workload(path)


def test_only_onnx_files_need_the_package():
    """Nothing else imports it."""
    import subprocess

    code = (
        "import sys; sys.modules['onnx'] = None\n"
        "from hwsim.load import load_workload\n"
        "print(load_workload('digits-cnn').macs)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) == network_workload("digits-cnn").macs
