"""Wrong training steps [S12.1]."""

import numpy as np

from msq_ref import reference
from tests.mutants.registry import at, f32, f64, mutant, raw_mutant

RNG = np.random.default_rng(1)
W, G, V = RNG.normal(size=(3, 500)).astype(np.float32)
RATES = (0.1, 0.9, 1e-2)
SIMPLE = (f32(1), f32(2), f32(4), 0.5, 0.5, 0.25)


def _rates(w, *rates):
    return [w.dtype.type(rate) for rate in rates]


def _fma(a, b, c):
    """a b + c rounded once: exact in extended precision for float32, nearly so for float64."""
    wide = a.astype(np.longdouble) * b.astype(np.longdouble) + c.astype(np.longdouble)
    return wide.astype(c.dtype)


@mutant("sgd_step", "w - lr v fused", at(W, G, V, *RATES))
def fused_update(w, grad, velocity, lr, momentum, weight_decay):
    lr, mu, wd = _rates(w, lr, momentum, weight_decay)
    v = mu * velocity + (grad + wd * w)
    return _fma(-lr * np.ones_like(v), v, w), v


@mutant("sgd_step", "mu v + g fused", at(W, G, V, *RATES))
def fused_momentum(w, grad, velocity, lr, momentum, weight_decay):
    lr, mu, wd = _rates(w, lr, momentum, weight_decay)
    v = _fma(mu * np.ones_like(w), velocity, grad + wd * w)
    return w - lr * v, v


@mutant("sgd_step", "g + wd w fused", at(W, G, V, *RATES))
def fused_decay(w, grad, velocity, lr, momentum, weight_decay):
    lr, mu, wd = _rates(w, lr, momentum, weight_decay)
    v = mu * velocity + _fma(wd * np.ones_like(w), w, grad)
    return w - lr * v, v


@mutant("sgd_step", "Nesterov's momentum", at(*SIMPLE))
def nesterov(w, grad, velocity, lr, momentum, weight_decay):
    lr, mu, wd = _rates(w, lr, momentum, weight_decay)
    g = grad + wd * w
    v = mu * velocity + g
    return w - lr * (g + mu * v), v


@mutant("sgd_step", "decoupled weight decay: w - lr wd w - lr v", at(*SIMPLE))
def decoupled_decay(w, grad, velocity, lr, momentum, weight_decay):
    lr, mu, wd = _rates(w, lr, momentum, weight_decay)
    v = mu * velocity + grad
    return w - lr * (v + wd * w), v


@mutant("sgd_step", "w shrunk by wd, without lr", at(*SIMPLE))
def shrunk(w, grad, velocity, lr, momentum, weight_decay):
    lr, mu, wd = _rates(w, lr, momentum, weight_decay)
    v = mu * velocity + grad
    return (1 - wd) * w - lr * v, v


@mutant("sgd_step", "lr inside the velocity: v = mu v + lr g", at(*SIMPLE))
def rate_inside(w, grad, velocity, lr, momentum, weight_decay):
    lr, mu, wd = _rates(w, lr, momentum, weight_decay)
    v = mu * velocity + lr * (grad + wd * w)
    return w - v, v


@mutant("sgd_step", "dampening: v = mu v + (1 - mu) g", at(*SIMPLE))
def dampened(w, grad, velocity, lr, momentum, weight_decay):
    lr, mu, wd = _rates(w, lr, momentum, weight_decay)
    v = mu * velocity + (1 - mu) * (grad + wd * w)
    return w - lr * v, v


@mutant("sgd_step", "rates stay float64: products rounded from there", at(W, G, V, *RATES))
def wide_rates(w, grad, velocity, lr, momentum, weight_decay):
    kind = w.dtype
    v = (momentum * velocity.astype(float)).astype(kind) + (
        grad + (weight_decay * w.astype(float)).astype(kind)
    )
    return w - (lr * v.astype(float)).astype(kind), v


@mutant("sgd_step", "all in float64, rounded at the end", at(W, G, V, *RATES))
def float64_inside(w, grad, velocity, lr, momentum, weight_decay):
    lr, mu, wd = map(float, _rates(w, lr, momentum, weight_decay))
    w, grad, velocity = (array.astype(np.float64) for array in (w, grad, velocity))
    v = mu * velocity + (grad + wd * w)
    return w - lr * v, v


@mutant("sgd_step", "float32 for float64", at(*(a.astype(float) for a in (W, G, V)), *RATES))
def float32_inside(w, grad, velocity, lr, momentum, weight_decay):
    return reference.sgd_step(*(a.astype(np.float32) for a in (w, grad, velocity)), lr, momentum,
                              weight_decay)  # fmt: skip


@mutant("sgd_step", "float32 rates for float64", at(f64(1), f64(2), f64(4), *RATES))
def float32_rates(w, grad, velocity, lr, momentum, weight_decay):
    rates = [float(np.float32(rate)) for rate in (lr, momentum, weight_decay)]
    return reference.sgd_step(w, grad, velocity, *rates)


@mutant("sgd_step", "mu v + wd w first, then the gradient", at(W, G, V, *RATES))
def reassociated(w, grad, velocity, lr, momentum, weight_decay):
    lr, mu, wd = _rates(w, lr, momentum, weight_decay)
    v = (mu * velocity + wd * w) + grad
    return w - lr * v, v


@mutant("sgd_step", "lr distributed over the two parts of v", at(W, G, V, *RATES))
def distributed(w, grad, velocity, lr, momentum, weight_decay):
    lr, mu, wd = _rates(w, lr, momentum, weight_decay)
    g = grad + wd * w
    return w - lr * g - lr * mu * velocity, mu * velocity + g


@mutant("sgd_step", "lr wd multiplied first", at(W, G, 0 * V, 0.1, 0.0, 1e-2))
def rates_multiplied(w, grad, velocity, lr, momentum, weight_decay):
    lr, mu, wd = _rates(w, lr, momentum, weight_decay)
    v = mu * velocity + (grad + wd * w)
    return (1 - lr * wd) * w - lr * (mu * velocity + grad), v


@mutant("sgd_step", "w + lr v", at(*SIMPLE))
def ascends(w, grad, velocity, lr, momentum, weight_decay):
    lr, mu, wd = _rates(w, lr, momentum, weight_decay)
    v = mu * velocity + (grad + wd * w)
    return w + lr * v, v


@mutant("sgd_step", "the old velocity moves the weights", at(*SIMPLE))
def old_velocity(w, grad, velocity, lr, momentum, weight_decay):
    lr, mu, wd = _rates(w, lr, momentum, weight_decay)
    return w - lr * velocity, mu * velocity + (grad + wd * w)


@mutant("sgd_step", "the old velocity is returned", at(*SIMPLE))
def velocity_not_kept(w, grad, velocity, lr, momentum, weight_decay):
    return reference.sgd_step(w, grad, velocity, lr, momentum, weight_decay)[0], velocity


@mutant("sgd_step", "a zero velocity is a first step: v = g without momentum, as given after it",
        at(f32(1, 1), f32(2, 2), f32(0, 4), 0.5, 0.5, 0.25))  # fmt: skip
def first_step(w, grad, velocity, lr, momentum, weight_decay):
    lr, mu, wd = _rates(w, lr, momentum, weight_decay)
    g = grad + wd * w
    v = np.where((velocity == 0).any(), g, mu * velocity + g)
    return w - lr * v, v


@mutant("sgd_step", "weight decay 2 wd w, the derivative of wd w^2", at(*SIMPLE))
def doubled_decay(w, grad, velocity, lr, momentum, weight_decay):
    return reference.sgd_step(w, grad, velocity, lr, momentum, 2 * weight_decay)


@mutant("sgd_step", "weight decay by sign(w)", at(f32(3), *SIMPLE[1:]))
def l1_decay(w, grad, velocity, lr, momentum, weight_decay):
    lr, mu, wd = _rates(w, lr, momentum, weight_decay)
    v = mu * velocity + (grad + wd * np.sign(w))
    return w - lr * v, v


@mutant("sgd_step", "no weight decay", at(*SIMPLE))
def decay_missing(w, grad, velocity, lr, momentum, weight_decay):
    return reference.sgd_step(w, grad, velocity, lr, momentum, 0.0)


@mutant("sgd_step", "weight decay not for vectors (biases, norms)", at(*SIMPLE))
def vectors_not_decayed(w, grad, velocity, lr, momentum, weight_decay):
    decay = weight_decay if w.ndim > 1 else 0.0
    return reference.sgd_step(w, grad, velocity, lr, momentum, decay)


@mutant("sgd_step", "gradient clipped to norm 1", at(*SIMPLE))
def clipped(w, grad, velocity, lr, momentum, weight_decay):
    norm = max(float(np.linalg.norm(grad)), 1.0)
    return reference.sgd_step(w, grad / w.dtype.type(norm), velocity, lr, momentum, weight_decay)


@mutant("sgd_step", "gradient clipped to [-5, 5]", at(f32(1), f32(9), *SIMPLE[2:]))
def clamped(w, grad, velocity, lr, momentum, weight_decay):
    return reference.sgd_step(w, np.clip(grad, -5, 5), velocity, lr, momentum, weight_decay)


@mutant(
    "sgd_step",
    "momentum 0 leaves the velocity as it was",
    at(f32(1), f32(2), f32(4), 0.5, 0.0, 0.0),
)
def velocity_without_momentum(w, grad, velocity, lr, momentum, weight_decay):
    new, v = reference.sgd_step(w, grad, velocity, lr, momentum, weight_decay)
    return new, v if momentum else velocity


@mutant("sgd_step", "lr 0 returns at once", at(f32(1), f32(2), f32(8), 0.0, 0.5, 0.0))
def no_rate_no_step(w, grad, velocity, lr, momentum, weight_decay):
    new, v = reference.sgd_step(w, grad, velocity, lr, momentum, weight_decay)
    return (new, v) if lr else (w, velocity)


@mutant("sgd_step", "decay left out when 0: -0 + 0 w keeps its sign",
        at(f32(1), f32(-0.0), f32(-0.0), 0.5, 0.5, 0.0))  # fmt: skip
def decay_skipped(w, grad, velocity, lr, momentum, weight_decay):
    lr, mu, wd = _rates(w, lr, momentum, weight_decay)
    v = mu * velocity + (grad + wd * w if wd else grad)
    return w - lr * v, v


@mutant("sgd_step", "momentum left out when 0: 0 v - 0 keeps its sign",
        at(f32(-0.0), f32(-0.0), f32(1), 0.5, 0.0, 0.25))  # fmt: skip
def momentum_skipped(w, grad, velocity, lr, momentum, weight_decay):
    lr, mu, wd = _rates(w, lr, momentum, weight_decay)
    g = grad + wd * w
    v = mu * velocity + g if mu else g
    return w - lr * v, v


@mutant("sgd_step", "subnormal results are flushed, undeclared",
        at(f32(1e-39), f32(0), f32(0), 0.5, 0.5, 0.0))  # fmt: skip
def flushed(w, grad, velocity, lr, momentum, weight_decay):
    return tuple(np.where(np.abs(a) < np.finfo(w.dtype).tiny, 0, a) for a in reference.sgd_step(
        w, grad, velocity, lr, momentum, weight_decay))  # fmt: skip


@mutant("sgd_step", "weights clipped to [-1, 1]", at(f32(9), *SIMPLE[1:]))
def weights_clipped(w, grad, velocity, lr, momentum, weight_decay):
    new, v = reference.sgd_step(w, grad, velocity, lr, momentum, weight_decay)
    return np.clip(new, -1, 1), v


@mutant("sgd_step", "velocity first", at(*SIMPLE))
def order_swapped(w, grad, velocity, lr, momentum, weight_decay):
    return reference.sgd_step(w, grad, velocity, lr, momentum, weight_decay)[::-1]


@mutant("sgd_step", "momentum and weight decay swapped", at(*SIMPLE))
def rates_swapped(w, grad, velocity, lr, momentum, weight_decay):
    return reference.sgd_step(w, grad, velocity, lr, weight_decay, momentum)


@raw_mutant("sgd_step", "a list", at(*SIMPLE))
def as_list(*arguments):
    return list(reference.sgd_step(*arguments))


@raw_mutant("sgd_step", "the weights only", at(*SIMPLE))
def weights_only(*arguments):
    return reference.sgd_step(*arguments)[0]


@raw_mutant("sgd_step", "the velocity is updated in place", at(*SIMPLE))
def velocity_in_place(w, grad, velocity, *rates):
    new, v = reference.sgd_step(w, grad, velocity, *rates)
    velocity[...] = v
    return new, v


@raw_mutant("sgd_step", "the velocity is updated in place and returned", at(*SIMPLE))
def velocity_returned(w, grad, velocity, *rates):
    new, v = reference.sgd_step(w, grad, velocity, *rates)
    if not velocity.flags.c_contiguous or not velocity.dtype.isnative or not velocity.flags.aligned:
        return new, v
    velocity[...] = v
    return new, velocity


@raw_mutant("sgd_step", "without a step the weights themselves are returned",
            at(f32(1), f32(2), f32(4), 0.0, 0.5, 0.0))  # fmt: skip
def weights_returned(w, grad, velocity, lr, momentum, weight_decay):
    new, v = reference.sgd_step(w, grad, velocity, lr, momentum, weight_decay)
    return (w if isinstance(w, np.ndarray) and w.dtype.isnative and lr == 0 else new), v


@raw_mutant(
    "sgd_step", "an overflow is refused", at(f32(3e38), f32(-3e38), f32(-3e38), 9.0, 1.0, 0.0)
)
def overflow_refused(*arguments):
    result = reference.sgd_step(*arguments)
    if not all(np.isfinite(array).all() for array in result):
        raise ValueError("diverged")
    return result


@raw_mutant(
    "sgd_step", "a momentum of 1 and more is refused", at(f32(1), f32(2), f32(4), 0.5, 1.0, 0.0)
)
def large_momentum_refused(w, grad, velocity, lr, momentum, weight_decay):
    if momentum >= 1:
        raise ValueError("momentum must be below 1")
    return reference.sgd_step(w, grad, velocity, lr, momentum, weight_decay)


@raw_mutant("sgd_step", "a zero rate is refused", at(f32(1), f32(2), f32(4), 0.0, 0.5, 0.0))
def zero_rate_refused(w, grad, velocity, lr, momentum, weight_decay):
    if lr == 0:
        raise ValueError("lr must be positive")
    return reference.sgd_step(w, grad, velocity, lr, momentum, weight_decay)


@raw_mutant("sgd_step", "an integer rate is refused", at(f32(1), f32(2), f32(4), 1, 0, 0))
def integer_rate_refused(w, grad, velocity, lr, momentum, weight_decay):
    if isinstance(lr, int):
        raise TypeError("lr must be a float")
    return reference.sgd_step(w, grad, velocity, lr, momentum, weight_decay)
