"""The schedule of MSQ: when bits fall, how many, and when it ends [S6]."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from msq_ref import reference
from msq_ref.methods import MSQ
from msq_ref.methods.config import MSQConfig
from msq_ref.methods.domains import DOMAINS
from tests.both import BACKENDS
from tests.methods.schedules import EVEN, history, noisy, schedule, still

BOTH = pytest.mark.parametrize("domain", DOMAINS)


@BACKENDS
@BOTH
def test_starts_with_sensitivities_and_k_before_training(backend, domain):
    """[S6.1] All layers at the start's width; traces are asked once, of quantized weights."""
    weights = {"a": noisy(1), "b": noisy(2), "c": noisy(3)}
    method, traces = schedule(weights, domain, {"a": 1, "b": 5, "c": 1.0}, backend=backend)
    assert method.bits() == {"a": 8, "b": 8, "c": 8}
    assert {weight.k for weight in method.weights.values()} == {0}
    method.start()
    assert traces.epochs == [-1]
    for name, weight in method.weights.items():
        weight.quantize(regularize=False)
        np.testing.assert_array_equal(traces.effective[0][name], weight.layer.effective)
        assert method.omega[name] == weight.sensitivity(traces.values[name])
    ks = [weight.k for weight in method.weights.values()]
    assert ks == reference.assign_k(list(method.omega.values())) == [2, 1, 2]
    assert method.compression() == 4
    assert not method.frozen


def test_rounds_come_every_interval():
    """[S6.1] After epochs 2, 5, 8: pruning first, then sensitivities anew, at the new widths."""
    weights = {"a": still(1), "b": still(1), "c": noisy(3)}
    method, traces = schedule(weights, interval=3, n_min=2, target=30.0, prune_until=100)
    method.start()
    # Layers a and b lose nothing to rounding, so Omega is 0, below the mean: k = 2.
    assert [weight.k for weight in method.weights.values()] == [2, 2, 1]
    assert history(method, 9) == (
        2 * [[8, 8, 8]] + 3 * [[6, 6, 8]] + 3 * [[4, 4, 8]] + [[2, 2, 8]]
    )  # fmt: skip
    assert traces.epochs == [-1, 2, 5, 8]
    for effective, bits in zip(traces.effective, (8, 6, 4, 2), strict=True):
        np.testing.assert_array_equal(effective["a"], still(1))
        width = method.weights["c"].code_bits
        u = reference.normalize_signed(noisy(3))
        q = reference.dequantize(reference.roundclamp(u, width), width, np.float64)
        scale = method.weights["c"].scale
        np.testing.assert_array_equal(
            effective["c"], reference.effective_signed(q, np.sign(noisy(3)), scale)
        )
        assert bits >= 2


@BOTH
def test_k_is_capped_and_the_least_width_is_not_regularized(domain):
    """[S6.1] 8, 6, 4, then 3 although k is 2; there k is 0, and R counts other layers only."""
    weights = {"a": still(1), "b": still(1), "c": noisy(3)}
    method, _ = schedule(
        weights, domain, {"a": 0, "b": 0, "c": 1}, interval=1, n_min=3, target=30.0, prune_until=100
    )
    method.start()
    found = []
    for epoch in range(5):
        found.append([(weight.bits, weight.k) for weight in method.weights.values()])
        method.end_epoch(epoch)
    assert [bits_and_k[0] for bits_and_k in found] == [(8, 2), (6, 2), (4, 1), (3, 0), (3, 0)]
    assert method.weights["a"].nonzero_rate() == 1
    alone = method.weights["c"]
    expected = reference.lsb_l1(alone.domain.unit(alone.latent, reference), alone.code_bits, 1)
    assert method.quantize() == expected > 0
    assert not method.frozen


@pytest.mark.parametrize(("domain", "floor"), [("offset", 1), ("signed", 2)])
def test_the_least_width_of_a_domain(domain, floor):
    """[S6.4] 1, signed 2: a sign and a magnitude bit; there k is 0."""
    weights = {"a": still(1), "b": still(1), "c": still(1)}
    method, _ = schedule(weights, domain, interval=1, target=100.0, prune_until=100)
    method.start()
    assert history(method, 30)[-1] == [floor] * 3
    assert method.compression() == Fraction(32, floor)
    assert [weight.k for weight in method.weights.values()] == [0, 0, 0]


def test_a_least_width_without_a_code_bit():
    """[S1.4] One signed bit is refused, by the settings and where the domain is given apart."""
    with pytest.raises(ValueError, match="the signed domain needs n_min >= 2"):
        MSQConfig(domain="signed", n_min=1)
    method, traces = schedule({"a": still(1)}, "offset")
    with pytest.raises(ValueError, match=r"n_min = 1: expected an integer in \[2, 16\]"):
        MSQ(method.network, DOMAINS["signed"], reference, method.config, traces)


def test_the_target_ends_a_round_in_its_middle():
    """[S6.2] The worked example: 8 8 8 goes to 6 6 8 at 4.8; then all is frozen, lambda is 0."""
    weights = {"a": still(1), "b": still(1), "c": still(1)}
    method, traces = schedule(weights, interval=1, target=4.8, prune_until=100, **{"lambda": 0.01})
    method.start()
    for weight in method.weights.values():
        weight.k = 2
    assert method.penalty_strength() == 0.01
    assert method.quantize() > 0
    method.end_epoch(0)
    assert method.bits() == {"a": 6, "b": 6, "c": 8}
    assert method.compression() == Fraction(24, 5) == Fraction(32) / method.average_bits()
    assert method.frozen
    assert method.penalty_strength() == 0
    assert method.quantize() == 0
    assert history(method, 5, first=1) == 5 * [[6, 6, 8]]
    # Fine-tuning needs no traces.
    assert traces.epochs == [-1]


def test_fine_tuning_has_the_gradient_without_the_regularizer():
    """[S6.2] After the target, backward is that of no lambda at all."""
    results = []
    for strength in (0.5, 0.0):
        weights = {"a": still(1), "b": still(1), "c": noisy(3)}
        method, _ = schedule(
            weights, interval=1, target=4.5, prune_until=100, **{"lambda": strength}
        )
        method.start()
        grads = []
        for epoch in range(2):
            method.quantize()
            for layer in method.network.layers.values():
                layer.gradients["weight"] = np.ones((4, 4))
            method.backward()
            grads.append(method.network.layers["c"].gradients["weight"])
            method.end_epoch(epoch)
        assert method.frozen
        results.append(grads)
    assert (results[0][0] != results[1][0]).any()
    np.testing.assert_array_equal(results[0][1], results[1][1])


@pytest.mark.parametrize("prune_until", [1, 2, 3, 4, 5])
def test_pruning_ends_after_its_last_epoch(prune_until):
    """[S6.2] Bits freeze though the target is far; a round due in the last epoch is held."""
    weights = {"a": still(1), "b": still(1), "c": still(1)}
    method, _ = schedule(weights, interval=2, target=100.0, prune_until=prune_until)
    method.start()
    for epoch in range(8):
        assert method.frozen == (epoch >= prune_until)
        method.end_epoch(epoch)
    assert list(method.bits().values()) == [8 - prune_until // 2] * 3


@pytest.mark.parametrize("settings", [{"prune_until": 0}, {"target": 4.0}, {"target": 2.0}])
def test_nothing_to_prune_from_the_start(settings):
    """[S6.2] No epoch to prune in, or a target already reached: no round, no regularizer."""
    weights = {"a": still(1), "b": still(1), "c": still(1)}
    method, traces = schedule(weights, interval=1, **settings)
    method.start()
    assert method.frozen
    assert method.penalty_strength() == 0
    assert method.quantize() == 0
    assert history(method, 3) == 3 * [[8, 8, 8]]
    assert traces.epochs == [-1]


def test_a_target_that_is_never_reached():
    """[S6.2] It may be infinite; pruning goes on to the least width."""
    weights = {"a": still(1), "b": still(1), "c": still(1)}
    method, _ = schedule(weights, interval=1, target=np.inf, prune_until=100)
    method.start()
    assert history(method, 20)[-1] == [2, 2, 2]
    assert not method.frozen


def test_thresholds_of_wide_and_narrow_layers():
    """[S6.1], [S6.4] beta 3/16 is below 0.3 but not below 0.1: it stops at 4 bits; 5/16 never."""
    weights = {"a": still(3), "b": still(5), "c": still(1)}
    method, _ = schedule(weights, interval=1, target=100.0, prune_until=100)
    method.start()
    assert [weight.nonzero_rate() for weight in method.weights.values()] == [3 / 16, 5 / 16, 1 / 16]
    assert [bits[0] for bits in history(method, 8)] == [7, 6, 5, 4, 4, 4, 4, 4]
    assert method.bits() == {"a": 4, "b": 8, "c": 2}


def test_a_threshold_is_compared_strictly():
    """[S6.1] beta = alpha stays."""
    for alpha, bits in ((0.0625, 8), (np.nextafter(0.0625, 1), 7)):
        weights = {"a": still(1), "b": noisy(1), "c": noisy(2)}
        method, _ = schedule(weights, interval=1, target=100.0, prune_until=100, alpha=float(alpha))
        method.start()
        method.weights["a"].k = 1
        method.end_epoch(0)
        assert method.bits()["a"] == bits


def test_the_log_of_a_round():
    """[S6] Bits, beta, k and Omega by layer, as they are after the epoch."""
    weights = {"a": still(1), "b": noisy(1), "c": noisy(2)}
    method, _ = schedule(weights, interval=1, target=100.0, prune_until=100)
    method.start()
    method.end_epoch(0)
    shown = method.round()
    assert shown.bits == method.bits() == {"a": 6, "b": 8, "c": 8}
    assert shown.k == {name: weight.k for name, weight in method.weights.items()}
    assert shown.beta == {name: weight.nonzero_rate() for name, weight in method.weights.items()}
    assert shown.omega == method.omega
    shown.omega["a"] = 7
    assert method.omega["a"] != 7


@given(
    domain=st.sampled_from(sorted(DOMAINS)),
    counts=st.lists(st.integers(1, 16), min_size=3, max_size=3),
    traces=st.lists(st.floats(-2, 2), min_size=3, max_size=3),
    start=st.integers(2, 12),
    n_min=st.integers(1, 6),
    interval=st.integers(1, 3),
    prune_until=st.integers(0, 9),
    target=st.floats(1, 20),
)
def test_what_always_holds(domain, counts, traces, start, n_min, interval, prune_until, target):
    """[S6] Widths only fall, at rounds only, never below the least; what is frozen stays."""
    least = max(n_min, DOMAINS[domain].sign_bits + 1)
    start = max(start, least)
    method, asked = schedule(
        {name: still(count) for name, count in zip("abc", counts, strict=True)},
        domain, dict(zip("abc", traces, strict=True)),
        start_bits=start, n_min=least, interval=interval, prune_until=prune_until, target=target,
    )  # fmt: skip
    method.start()
    for epoch in range(10):
        before, frozen = method.bits(), method.frozen
        for name, weight in method.weights.items():
            assert 0 <= weight.k <= weight.bits - least
            assert weight.k or weight.bits == least
            assert method.omega.keys() == EVEN.keys() == {*before} == {*"abc"}, name
        method.end_epoch(epoch)
        after = method.bits()
        due = (epoch + 1) % interval == 0 and not frozen
        assert all(least <= after[name] <= before[name] for name in after)
        assert due or after == before
        assert method.frozen or not frozen
        assert method.frozen == (frozen or epoch + 1 >= prune_until or (
            due and method.compression() >= target))  # fmt: skip
        assert (epoch in asked.epochs) == (due and method.compression() < target)
        assert method.penalty_strength() == (0 if method.frozen else method.config.lambda_)
