"""Every backend has every operation, and none is imported before it is asked for."""

import inspect

import numpy as np
import pytest

from msq_ref.contract import OPERATIONS


@pytest.mark.parametrize("entry", OPERATIONS, ids=lambda entry: entry.name)
def test_backend_has_every_operation_of_the_contract(backend, entry):
    function = getattr(backend, entry.name)
    parameters = inspect.signature(function).parameters
    assert tuple(parameters) == tuple(name.split("=")[0] for name in entry.arguments)
    for argument, parameter in zip(entry.arguments, parameters.values(), strict=True):
        assert ("=" in argument) == (parameter.default is not inspect.Parameter.empty)
    assert function.__doc__


def test_nothing_is_imported_before_it_is_asked_for(run_python):
    code = "import msq_ref, sys; print([n for n in sys.modules if n.startswith('msq_ref.back')]"
    output, error = run_python(code + ", 'torch' in sys.modules, 'jax' in sys.modules)")
    assert (output, error) == ("[] False False", "")


@pytest.mark.parametrize("name", ["torch", "jax"])
def test_a_missing_framework_names_its_extra(run_python, name):
    code = f"import sys; sys.modules[{name!r}] = None; import msq_ref.backends.{name}"
    _, error = run_python(code)
    last = error.splitlines()[-1]
    assert last.startswith(f"ImportError: msq_ref.backends.{name} needs ")
    assert last.endswith(f"pip install 'msq-ref[{name}]'")


def test_only_jax_flushes_subnormal_numbers(backend):
    """[S0.3]"""
    assert getattr(backend, "flushes_subnormals", False) is backend.__name__.endswith(".jax")


def _layouts(array):
    """The same values in every layout a caller may have."""
    frozen = array.copy()
    frozen.setflags(write=False)
    wide = np.zeros((*array.shape[:-1], 2 * array.shape[-1]), array.dtype)
    wide[..., ::2] = array
    unaligned = np.zeros(array.nbytes + 1, np.uint8)[1:].view(array.dtype).reshape(array.shape)
    unaligned[...] = array
    return {
        "Fortran": np.asfortranarray(array),
        "read-only": frozen,
        "strided": wide[..., ::2],
        "reversed": np.ascontiguousarray(array[::-1])[::-1],
        "big-endian": array.astype(array.dtype.newbyteorder(">")),
        "unaligned": unaligned,
    }


U = np.random.default_rng(0).random((3, 4, 6)).astype(np.float32)
W = np.random.default_rng(1).standard_normal((3, 4, 6))
CODES = (U * 16).astype(np.int32)
SIGNS = np.sign(W).astype(np.int8)
ACC = (W * 2**29).astype(np.int64)
CALLS = {
    "normalize": (W,), "normalize_signed": (W,), "normalize_backward": (W[::-1].copy(), W),
    "normalize_signed_backward": (W[::-1].copy(), W), "roundclamp": (U, 4), "dorefa": (U, 4),
    "dequantize": (CODES, 4), "effective": (U, 0.5), "effective_signed": (U, SIGNS, 0.5),
    "lsb": (U, 4, 2), "lsb_l1": (U, 4, 2), "lsb_l1_codes": (U, 4, 2), "lsb_l1_grad": (U, 4, 2),
    "lsb_nonzero_rate": (U, 4, 2), "bit_planes": (CODES, 4),
    "from_bit_planes": ((CODES & 1).astype(np.uint8),), "sensitivity": (2.0, W, W[::-1].copy()),
    "activation_codes": (W, 0.125, 5, True), "integer_weights": (CODES, 4),
    "integer_linear": (ACC[0], CODES[0].T.copy(), 4),
    "integer_conv2d": (ACC[None], CODES.reshape(1, 2, 6, 6), 4),
    "bitserial_linear": (ACC[0], (CODES[:, :, :1].swapaxes(1, 2) & 1).repeat(6, 1)),
    "requantize": (ACC, np.full(6, 2**30), np.full(6, 45), np.arange(6), 8, False),
    "sgd_step": (W, W[::-1].copy(), W[:, ::-1].copy(), 0.1, 0.9, 1e-4),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_layouts_do_not_matter_and_inputs_stay(both, name):
    """[S0.4]"""
    laid_out = [
        _layouts(value) if isinstance(value, np.ndarray) else None for value in CALLS[name]
    ]
    for layout in _layouts(W):
        both(name, *(
            value if layouts is None else layouts[layout]
            for value, layouts in zip(CALLS[name], laid_out, strict=True)
        ))  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_zero_dimensions_and_nothing(both, dtype):
    """[S0.3] [S0.4] 0-d in, 0-d out; empty where the mathematics allows."""
    for value in (np.array(0.3, dtype), dtype(0.3), np.zeros((2, 0), dtype), np.zeros(0, dtype)):
        codes = np.asarray(value).astype(np.int32)
        for name in ("roundclamp", "dorefa"):
            both(name, value, 4)
        for name in ("lsb", "lsb_l1", "lsb_l1_codes", "lsb_l1_grad"):
            both(name, value, 4, 1)
        both("dequantize", codes, 2, dtype)
        both("dequantize", codes, 2, dtype=dtype)
        both("effective", value, 0.7)
        both("effective_signed", value, np.sign(value), 0.7)
        both("activation_codes", value, 0.1, 3, True)
        both("bit_planes", codes, 3, signed=True)
        both("from_bit_planes", np.zeros((3, *np.shape(value)), np.int64), signed=True)
        both("integer_weights", codes, 3)
        both("integer_weights", codes, 3, signs=np.sign(value))
        both("requantize", codes, 2**30, 30, 0, 8, True)
        both("sensitivity", -1.5, value, value)
        both("sgd_step", value, value, value, 0.1, 0.9, 0.01)
    for value in (np.array(-0.3, dtype), dtype(2), dtype(0)):
        both("lsb_nonzero_rate", np.abs(value) / 2, 4, 1)
        for name in ("normalize", "normalize_signed"):
            both(name, value)
            both(f"{name}_backward", dtype(1), value)
            both(f"{name}_backward", dtype(1), value, max_gradient=False)
