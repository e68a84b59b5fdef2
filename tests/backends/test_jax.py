"""What is JAX's own: few compilations, a scoped 64-bit setting, and no help from the last bit."""

import importlib

import numpy as np
import pytest


@pytest.fixture
def internals(jax_backend):
    """The compiled functions, by the operation that calls them."""
    names = "integer", "normalize", "planes", "quantizers", "requantize", "slicing"
    integer, normalize, planes, quantizers, requantize, slicing = (
        importlib.import_module(f"msq_ref.backends.jax.{name}") for name in names
    )
    return {
        "roundclamp": quantizers._roundclamp, "dorefa": quantizers._dorefa,
        "dequantize": quantizers._dequantize, "lsb": slicing._lsb, "lsb_l1_grad": slicing._l1_grad,
        "bit_planes": planes._planes, "from_bit_planes": planes._codes,
        "integer_linear": integer._matmul, "integer_conv2d": integer._gather_matmul,
        "bitserial_linear": integer._bitserial, "requantize": requantize._requantize,
        "activation_codes": integer._activation_codes,
        "normalize_signed_backward": normalize._normalize_signed_backward,
    }  # fmt: skip


def test_neither_widths_nor_small_shapes_compile_anew(jax_backend, internals):
    """Widths are data, and one size stands for all shapes up to it."""
    before = {name: function._cache_size() for name, function in internals.items()}
    rng = np.random.default_rng(0)
    for bits in range(2, 17):
        shape = tuple(rng.integers(1, 9, bits % 4))
        u = rng.random(shape)
        codes = (u * 3).astype(np.int64)
        p, k, m = rng.integers(1, 17, 3)
        x, v = rng.integers(-9, 9, (p, k)), rng.integers(0, 4, (k, m))
        for name in ("roundclamp", "dorefa"):
            getattr(jax_backend, name)(u, bits)
        for name in ("lsb", "lsb_l1_grad"):
            getattr(jax_backend, name)(u, bits, 1 + bits // 3)
        jax_backend.dequantize(codes, bits)
        jax_backend.from_bit_planes(jax_backend.bit_planes(codes, bits))
        jax_backend.integer_linear(x, v, bits)
        jax_backend.bitserial_linear(x, rng.integers(0, 2, (bits, k, m)))
        images, filters = rng.integers(0, 9, (1, 1, m, 2)), rng.integers(0, 4, (1, 1, 2, k))
        jax_backend.integer_conv2d(images, filters, bits, stride=1 + bits % 2)
        jax_backend.requantize(codes, 2**30, 30 + bits, 0, bits, True)
        jax_backend.activation_codes(u, 0.1 * bits, bits, True)
        jax_backend.normalize_signed_backward(u, u, bool(bits % 2))
    for name, function in internals.items():
        assert function._cache_size() >= 1, name
        assert function._cache_size() <= before[name] + 1, name


def test_the_64_bit_setting_is_the_callers(jax_backend):
    """[S0.3] Float64 stays float64 inside the calls; outside nothing has changed."""
    jax = pytest.importorskip("jax")
    u = np.linspace(0, 1, 50)
    for setting in (False, True):
        before = jax.config.jax_enable_x64
        try:
            jax.config.update("jax_enable_x64", setting)
            assert jax_backend.normalize_signed(u).tobytes() == u.tobytes()
            assert jax_backend.effective(u.astype(np.float32), 1.0).dtype == np.float32
            assert jax.config.jax_enable_x64 is setting
            assert jax.numpy.ones(2).dtype == (np.float64 if setting else np.float32)
        finally:
            jax.config.update("jax_enable_x64", before)


def test_strict_promotion_rules_of_the_caller_hold(jax_backend):
    """The functions compile under JAX's strictest settings."""
    jax = pytest.importorskip("jax")
    rules = {"jax_numpy_dtype_promotion": "strict", "jax_numpy_rank_promotion": "raise"}
    before = {name: getattr(jax.config, name) for name in rules}
    u = np.linspace(0, 1, 40).reshape(8, 5).astype(np.float32)
    codes = np.arange(40).reshape(8, 5) % 4
    try:
        for name, value in rules.items():
            jax.config.update(name, value)
        for name in ("normalize", "normalize_signed"):
            getattr(jax_backend, name)(u)
            getattr(jax_backend, f"{name}_backward")(u, u)
        for name in ("lsb", "lsb_l1", "lsb_l1_grad", "lsb_nonzero_rate"):
            getattr(jax_backend, name)(u, 5, 2)
        jax_backend.dorefa(u, 5)
        jax_backend.effective_signed(jax_backend.dequantize(codes, 2), np.sign(u), 2.0)
        jax_backend.from_bit_planes(jax_backend.bit_planes(codes, 2), True)
        jax_backend.integer_linear(codes, codes.T, 2)
        jax_backend.integer_conv2d(codes[None, ..., None], codes[None, :1, None], 2)
        jax_backend.bitserial_linear(codes, np.ones((2, 5, 3), int), True)
        jax_backend.requantize(codes, 2**30, 31, 0, 8, True)
        jax_backend.activation_codes(u, 0.1, 4, True)
        jax_backend.sgd_step(u, u, u, 0.1, 0.9, 0.0)
        jax_backend.sensitivity(1.0, u, u)
    finally:
        for name, value in before.items():
            jax.config.update(name, value)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_hyperbolic_functions_are_accurate(jax_backend, dtype):
    """[S1.1] [S1.3] tanh within 1.25 eps, its slope within 4: XLA's own are 3.5 and 18 eps off.

    Against exp in extended precision.
    """
    from msq_ref.backends.jax import exact
    from msq_ref.backends.jax.run import run

    if np.finfo(np.longdouble).eps > 1e-18:
        pytest.skip("no extended precision here to compare with")
    jax = pytest.importorskip("jax")
    w = np.concatenate([np.linspace(-25, 25, 40_001), np.logspace(-9, 2.5, 5000)]).astype(dtype)
    e = np.exp(-2 * np.abs(w.astype(np.longdouble)))
    true_tanh = np.sign(w) * -np.expm1(-2 * np.abs(w.astype(np.longdouble))) / (1 + e)
    got = run(jax.jit(exact.tanh), w)
    assert got.dtype == dtype
    assert (np.abs(got - true_tanh) <= 1.25 * np.finfo(dtype).eps * np.abs(true_tanh)).all()
    if dtype == np.float64:
        slope = 4 * e / (1 + e) ** 2
        shown = slope > 1e-300
        error = np.abs(run(jax.jit(exact.sech_squared), w) - slope)
        assert (error <= 4 * np.finfo(dtype).eps * slope)[shown].all()
