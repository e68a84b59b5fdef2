"""Every compiled twin gives the bits of its definition; errors are the same too."""

import inspect

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import msq_ref as reference
from msq_ref import kernels
from msq_ref.contract import BITEXACT, OPERATIONS, operation
from msq_ref.kernels.threads import use_threads

WIDTHS = range(1, 9)
SLICES = [(bits, k) for bits in range(2, 9) for k in range(1, bits)]
DTYPES = [np.float32, np.float64]
MODULES = [reference, kernels]


def same(a, b):
    """Bit-identical, dtype, shape and the sign of zero included."""
    if isinstance(a, tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, np.ndarray):
        assert a.flags.c_contiguous
        assert b.flags.c_contiguous
        return (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())
    return type(a) is type(b) and a == b


def both(name, *arguments):
    return same(getattr(reference, name)(*arguments), getattr(kernels, name)(*arguments))


@pytest.mark.parametrize("entry", OPERATIONS, ids=lambda entry: entry.name)
@pytest.mark.parametrize("backend", MODULES, ids=["reference", "kernels"])
def test_backends_have_every_operation_of_the_contract(backend, entry):
    function = getattr(backend, entry.name)
    names = tuple(argument.split("=")[0] for argument in entry.arguments)
    parameters = inspect.signature(function).parameters
    assert tuple(parameters)[: len(names)] == names
    for argument, parameter in zip(entry.arguments, parameters.values(), strict=False):
        assert ("=" in argument) == (parameter.default is not inspect.Parameter.empty)
    for extra in list(parameters.values())[len(names) :]:
        assert extra.default is not inspect.Parameter.empty
    assert function.__doc__


def test_contract_answers_by_name():
    assert operation("lsb").clauses == ("S3.1", "S3.2")
    with pytest.raises(ValueError, match="no such operation"):
        operation("lbs")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bits", WIDTHS)
def test_quantizers_on_every_edge(edge_grid, bits, dtype):
    """[S2.1] [S2.2] [S2.3] [S1.2] [S1.4] Exhaustive for n <= 8."""
    u = edge_grid(bits, dtype)
    assert both("roundclamp", u, bits)
    assert both("dorefa", u, bits)
    codes = np.arange(2**bits, dtype=np.int32)
    assert both("dequantize", codes, bits, dtype)
    q = reference.dequantize(codes, bits, dtype)
    for scale in (1.0, 0.3, 1e-5, 7.0):
        assert both("effective", q, scale)
        assert both("effective_signed", q, np.resize([-1.0, 0, 1], q.shape), scale)
    assert both("bit_planes", codes, bits)
    assert both("from_bit_planes", reference.bit_planes(codes, bits))
    assert both("bit_planes", codes - 2 ** (bits - 1), bits, True)
    assert both("from_bit_planes", reference.bit_planes(codes, bits), True)
    assert both("pack_planes", reference.bit_planes(codes, bits))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("bits", "k"), SLICES)
def test_slicing_on_every_edge(edge_grid, bits, k, dtype):
    """[S3] [S4] Exhaustive for n <= 8; the fused kernel with them."""
    u = edge_grid(bits, dtype)
    for name in ("lsb", "lsb_l1", "lsb_l1_codes", "lsb_l1_grad", "lsb_nonzero_rate", "sliced"):
        assert both(name, u, bits, k), name


def _odd_layouts(array):
    """The same values in every layout a caller may have [S0.4]."""
    frozen = array.copy()
    frozen.setflags(write=False)
    wide = np.zeros((*array.shape[:-1], 2 * array.shape[-1]), array.dtype)
    wide[..., ::2] = array
    return [
        np.asfortranarray(array), frozen, wide[..., ::2], array.astype(array.dtype.newbyteorder()),
        array[::-1][::-1],
    ]  # fmt: skip


@pytest.mark.parametrize("backend", MODULES, ids=["reference", "kernels"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_layouts_do_not_matter_and_inputs_stay(backend, dtype):
    """[S0.4]"""
    u = np.random.default_rng(0).random((3, 4, 6)).astype(dtype)
    codes = (u * 16).astype(np.int32)
    calls = {
        "roundclamp": (4,), "dorefa": (4,), "lsb": (4, 2), "lsb_l1": (4, 2), "sliced": (4, 2),
        "lsb_l1_codes": (4, 2), "lsb_l1_grad": (4, 2), "lsb_nonzero_rate": (4, 2),
        "normalize": (), "normalize_signed": (), "effective": (0.5,),
        "dequantize": (4,), "bit_planes": (4,),
    }  # fmt: skip
    for name, rest in calls.items():
        values = codes if name in ("dequantize", "bit_planes") else u
        call = getattr(backend, name)
        expected = call(values, *rest)
        for layout in _odd_layouts(values):
            before = layout.tobytes()
            assert same(call(layout, *rest), expected), name
            assert layout.tobytes() == before


@pytest.mark.parametrize("backend", MODULES, ids=["reference", "kernels"])
def test_zero_dimensions_and_nothing(backend):
    """[S0.3] 0-d in, 0-d out; empty where the mathematics allows."""
    for value in (np.float32(0.3), np.array(0.3), 0.3):
        for call in (lambda v: backend.roundclamp(v, 4), lambda v: backend.lsb(v, 4, 1)):
            result = call(value)
            assert isinstance(result, np.ndarray)
            assert result.shape == ()
    assert backend.normalize(np.float64(-2)).shape == ()
    assert backend.dequantize(np.int32(3), 2).shape == ()
    empty = np.zeros((2, 0), np.float32)
    assert backend.roundclamp(empty, 4).shape == (2, 0)
    assert backend.effective(empty, 1.0).shape == (2, 0)
    with pytest.raises(ValueError, match="empty"):
        backend.normalize(empty)


@given(
    hnp.arrays(np.float32, hnp.array_shapes(max_side=40), elements=st.floats(0, 1, width=32)),
    st.integers(2, 16).flatmap(lambda n: st.tuples(st.just(n), st.integers(1, n - 1))),
)
def test_twins_beyond_eight_bits(u, width):
    bits, k = width
    for values in (u, u.astype(np.float64)):
        assert both("roundclamp", values, bits)
        assert both("dorefa", values, bits)
        assert both("sliced", values, bits, k)
        assert both("lsb", values, bits, k)
    codes = reference.roundclamp(u, bits)
    assert both("dequantize", codes, bits)
    planes = reference.bit_planes(codes, bits)
    assert both("bit_planes", codes, bits)
    assert both("pack_planes", planes)
    assert both("from_bit_planes", planes)


@pytest.mark.parametrize("dtype", DTYPES)
@given(data=st.data())
def test_weights_twins(dtype, data):
    """[S1.1] [S1.3] within their class, [S1.4] [S5.5] [S12.1] to the bit."""
    shape = data.draw(hnp.array_shapes(max_side=30))
    # Exact ties or clear gaps only [S1.3]: sixteenths are far apart even after tanh.
    number = st.integers(-64, 64).map(lambda i: i / 16)
    w, g, v = (data.draw(hnp.arrays(dtype, shape, elements=number)) for _ in range(3))
    eps = np.finfo(dtype).eps
    assert np.abs(reference.normalize(w) - kernels.normalize(w)).max() <= 2 * eps
    for name in ("normalize_backward", "normalize_signed_backward"):
        for flag in (True, False):
            a, b = getattr(reference, name)(g, w, flag), getattr(kernels, name)(g, w, flag)
            # Where the sum over the maximum cancels, its float64 rounding is what is left.
            slack = 1e-12 * np.abs(g).max() / (np.abs(w).max() or 1)
            assert np.abs(a - b).max() <= max(16 * eps * np.abs(a).max(), slack)
    assert both("normalize_signed", w)
    assert both("sensitivity", 1.25, w, v)
    assert both("sgd_step", w, g, v, 0.1, 0.9, 1e-4)


@pytest.mark.parametrize("size", [0, 1, 8191, 8192, 300_001])
def test_thread_count_never_changes_the_bits(size):
    """[S0.5]"""
    rng = np.random.default_rng(size)
    u = rng.random(size).astype(np.float32)
    w = rng.standard_normal(size)
    expected = reference.ordered_sum(w), reference.sliced(u, 6, 2), reference.roundclamp(u, 5)
    gradients = []
    for threads in (1, 2, 4):
        with use_threads(threads):
            got = kernels.ordered_sum(w), kernels.sliced(u, 6, 2), kernels.roundclamp(u, 5)
            gradients.append(kernels.normalize_backward(w, w) if size else w)
        assert same(got, expected)
    assert same(gradients[0], gradients[1])
    assert same(gradients[0], gradients[2])


def test_fused_kernel_reuses_memory_and_refuses_wrong_memory():
    u = np.random.default_rng(1).random((5, 7)).astype(np.float32)
    out = np.empty_like(u), np.empty_like(u)
    result = kernels.sliced(u, 4, 1, out)
    assert result.q is out[0]
    assert result.lsb_grad is out[1]
    assert same(result, reference.sliced(u, 4, 1))
    for wrong in ((out[0][:4], out[1]), (out[0].T.copy().T, out[1])):
        with pytest.raises(ValueError, match=r"out\[0\]"):
            kernels.sliced(u, 4, 1, wrong)
    with pytest.raises(TypeError, match=r"out\[1\]"):
        kernels.sliced(u, 4, 1, (out[0], np.empty((5, 7))))


@pytest.mark.parametrize("bad", [np.nan, -0.25, 1.5, np.inf])
def test_errors_are_those_of_the_definition(bad):
    """[S0.3] [S2.1] The fused kernel checks in its one pass."""
    u = np.full(20_000, 0.5, np.float32)
    u[12_345] = bad
    for call in ("sliced", "lsb", "lsb_l1_codes"):
        messages = []
        for backend in MODULES:
            with pytest.raises(ValueError, match=r"^u contains") as caught:
                getattr(backend, call)(u, 4, 1)
            messages.append(str(caught.value))
        assert messages[0] == messages[1]


def test_threads_are_a_setting_of_the_caller():
    for wrong in (0, -1, True, 2.0):
        with pytest.raises(ValueError, match="count"), use_threads(wrong):
            pass


def test_the_contract_is_exact_but_for_the_tangent():
    """Only what goes through tanh or the sum behind it has a tolerance."""
    loose = {entry.name for entry in OPERATIONS if entry.exactness != BITEXACT}
    assert loose == {"normalize", "normalize_backward", "normalize_signed_backward"}
