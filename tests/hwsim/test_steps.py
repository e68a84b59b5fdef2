"""Which steps are fused, and what each reads and stores: against a replay, step by step."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim.steps import ARRAY, INPUT, Step, vector_layers
from hwsim.vector_layer import ELEMENT_WISE

KINDS = [ARRAY, ARRAY, INPUT, "add", "add", "clamp", "gelu", "softmax", "average_pool"]


@st.composite
def networks(draw):
    """Draw steps on tensors of three sizes, and some tensors that are read from outside."""
    steps = [Step("in", INPUT, (), "t0", draw(st.sampled_from([4, 6])), 8)]
    for index in range(1, draw(st.integers(2, 9))):
        kind = draw(st.sampled_from(KINDS))
        size = draw(st.sampled_from([4, 4, 6]))
        operands = ()
        if kind != INPUT:
            many = draw(st.integers(1, 2))
            chosen = [steps[-1], *draw(st.lists(st.sampled_from(steps), max_size=many))]
            if draw(st.integers(0, 4)) == 0:
                chosen = chosen[1:] or chosen
            operands = tuple(
                (step.result, min(step.elements, draw(st.sampled_from([3, 9, 9]))))
                for step in {step.result: step for step in chosen}.values()
            )
        operations = 0 if kind in (ARRAY, INPUT, "clamp") else 2
        bits = draw(st.sampled_from([4, 8]))
        steps.append(Step(f"s{index}", kind, operands, f"t{index}", size, bits, operations))
    outputs = draw(st.sets(st.sampled_from([step.result for step in steps])))
    return steps, outputs


def replay(steps, outputs):
    """Return what each step reads and stores, by walking with the values that are at hand.

    A step of the array stores the tensor of its run that is first read from memory; if there is
    none, its own.
    """
    at_hand, run, runs, reads = {}, [], [], []
    for step in steps:
        stream = [
            tensor for tensor, count in step.operands
            if at_hand.get(tensor) == count == step.elements
        ]  # fmt: skip
        if step.kind not in ELEMENT_WISE or not stream:
            at_hand, run, stream = {}, [], []
            runs.append(run)
        if step.kind != INPUT:
            at_hand[step.result] = step.elements
        run.append(step)
        reads.append([(tensor, n) for tensor, n in step.operands if tensor not in stream])
    needed = set(outputs) | {tensor for read in reads for tensor, _ in read}
    stored = dict.fromkeys((step.result for step in steps), 0)
    for run in runs:
        leaving = [step for step in run if step.result in needed] or run[-1:]
        for place, step in enumerate(leaving):
            by_array = run[0].kind == ARRAY and place == 0
            stored[step.result] = 0 if by_array or step.kind == INPUT else step.elements * step.bits
    return reads, stored


@given(networks())
def test_traffic_is_that_of_a_replay(network):
    """[S10.4] Reads and stores of every vector layer; what is dropped reads and stores nothing."""
    steps, outputs = network
    reads, stored = replay(steps, outputs)
    layers = {layer.name: layer for layer in vector_layers(steps, outputs)}
    made = {step.result: step for step in steps}
    for step, read in zip(steps, reads, strict=True):
        if step.kind in (ARRAY, INPUT):
            assert step.name not in layers
            continue
        if step.name not in layers:
            assert (step.operations, read, stored[step.result]) == (0, [], 0)
            continue
        layer = layers[step.name]
        assert layer.fused == (len(read) < len(step.operands))
        assert layer.stored_bits == stored[step.result]
        assert [(o.tensor, o.bits, o.whole, o.external) for o in layer.operands] == [
            (t, n * made[t].bits, made[t].elements * made[t].bits, made[t].kind == INPUT)
            for t, n in read
        ]


def test_residual_block():
    """[S10.4] A shortcut is read beside the stream of the last convolution; the sum is stored."""
    steps = [
        Step("in", INPUT, (), "x", 32, 8),
        Step("c1", ARRAY, (("x", 32),), "c1", 16, 8),
        Step("q1", "requantize", (("c1", 16),), "q1", 16, 8, 1),
        Step("c2", ARRAY, (("q1", 16),), "c2", 16, 8),
        Step("q2", "requantize", (("c2", 16),), "q2", 16, 8, 1),
        Step("add", "add", (("q2", 16), ("q1", 16)), "sum", 16, 8, 2),
        Step("pool", "average_pool", (("sum", 16),), "mean", 4, 8, 5),
    ]
    q1, q2, add, pool = vector_layers(steps, ["mean"])
    assert [layer.fused for layer in (q1, q2, add, pool)] == [True, True, True, False]
    assert [layer.after for layer in (q1, q2, add, pool)] == ["c1", "c2", "c2", "c2"]
    assert q1.operands == q2.operands == ()
    assert [(o.tensor, o.bits, o.made) for o in add.operands] == [("q1", 128, 2)]
    assert [(o.tensor, o.bits, o.first) for o in pool.operands] == [("sum", 128, True)]
    assert [layer.stored_bits for layer in (q1, q2, add, pool)] == [0, 0, 0, 32]


def test_a_chain_stores_what_others_read():
    """[S10.4] Both the product and its activation are read later: one store is the array's."""
    steps = [
        Step("in", INPUT, (), "x", 8, 8),
        Step("c", ARRAY, (("x", 8),), "c", 8, 8),
        Step("g", "gelu", (("c", 8),), "g", 8, 8, 7),
        Step("m", "softmax", (("g", 8),), "m", 8, 8, 9),
        Step("a", "add", (("m", 8), ("c", 8)), "a", 8, 8, 2),
    ]
    gelu, softmax, add = vector_layers(steps, ["a"])
    assert (gelu.stored_bits, softmax.stored_bits, add.stored_bits) == (64, 0, 64)
    assert [o.tensor for o in add.operands] == ["c"]


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([Step("a", "add", (("x", 4),), "y", 4, 8)], "step a: nothing makes 'x'"),
        (
            [Step("i", INPUT, (), "x", 4, 8), Step("j", INPUT, (), "x", 4, 8)],
            "step j: 'x' is made twice",
        ),
        (
            [Step("i", INPUT, (), "x", 4, 8), Step("f", "fourier", (("x", 4),), "y", 4, 8)],
            "layer f: kind = 'fourier': expected one of add, ",
        ),
    ],
)
def test_steps_that_are_none(steps, message):
    with pytest.raises(ValueError, match=message):
        vector_layers(steps)
