"""The frozen training step and the ten in a row, followed by loops that know nothing of them."""

from pathlib import Path

import numpy as np
import pytest

from msq_ref import reference
from msq_ref.conformance.judge import judge
from msq_ref.conformance.vectors.encoding import decode
from msq_ref.conformance.vectors.folder import read_json
from msq_ref.conformance.vectors.lint_steps import lint_steps

FOLDER = Path(__file__).parents[2] / "vectors" / "v1"


def read(name):
    return read_json(FOLDER / f"{name}.json")["cases"]


def values(objects):
    return {key: decode(value, {}) for key, value in objects.items()}


def stages(group):
    return {stage["name"]: decode(stage["value"], {}) for stage in group["stages"]}


# One step: every stage from the frozen ones before it.


def one_step(given, frozen):
    """Yield name, operation or None, and value of each stage by the definitions."""
    w, signed = given["w"], given["domain"] == "signed"
    kind, bits, k = w.dtype.type, given["bits"] - signed, given["k"]
    scale = given["scale"]
    name = "normalize_signed" if signed else "normalize"
    yield "u", name, getattr(reference, name)(w)
    if signed:
        yield "signs", None, np.sign(w).astype(np.int8)
    yield "codes", "roundclamp", reference.roundclamp(frozen["u"], bits)
    if k:
        yield "lsb", "lsb", reference.lsb(frozen["u"], bits, k)
        yield "l1", "lsb_l1", reference.lsb_l1(frozen["u"], bits, k)
        yield "lsb_grad", "lsb_l1_grad", np.sign(frozen["lsb"]).astype(w.dtype)
    yield "q", "dequantize", reference.dequantize(frozen["codes"], bits, w.dtype)
    if signed:
        effective = kind(scale) * frozen["signs"].astype(w.dtype) * frozen["q"]
        factor = kind(scale) * frozen["signs"].astype(w.dtype)
    else:
        effective = kind(scale) * (2 * frozen["q"] - kind(1))
        factor = 2 * kind(scale)
    yield "effective", "effective", effective
    yield "grad_q", None, given["grad"] * factor
    pull = kind(given["lambda"]) * frozen["lsb_grad"] if k else kind(0)
    yield "grad_u", None, frozen["grad_q"] + pull
    yield "grad_w", f"{name}_backward", getattr(reference, f"{name}_backward")(frozen["grad_u"], w)
    g = frozen["grad_w"] + kind(given["weight_decay"]) * w
    velocity = kind(given["momentum"]) * given["velocity"] + g
    yield "next_w", None, w - kind(given["lr"]) * velocity
    yield "next_velocity", None, velocity


@pytest.mark.parametrize("case", read("training_step"), ids=lambda case: case["comment"])
def test_every_stage_of_a_step_follows_from_those_before(case):
    """[S12.1] [S4.3] [S2.4]"""
    frozen = stages(case)
    found = list(one_step(values(case["given"]), frozen))
    assert {name for name, _, _ in found} == set(frozen)
    for name, operation, value in found:
        wanted = frozen[name]
        assert not judge(operation or "lsb", wanted, value).fault, name


def test_steps_visit_both_domains_both_dtypes_and_ties():
    seen = set()
    for case in read("training_step"):
        w = decode(case["given"]["w"], {})
        ties = int((np.abs(w) == np.abs(w).max()).sum())
        seen.add((case["domain"], w.dtype.name, ties))
    assert {item[0] for item in seen} == {"offset", "signed"}
    assert {item[1] for item in seen} == {"float32", "float64"}
    assert {item[2] for item in seen} == {1, 2}


# Ten steps: a loop in PyTorch, autograd giving gradients and Hessians, follows from start to end.


def close(name, wanted, got):
    """Integers are equal; floats are within a relative norm of 1e-10."""
    if isinstance(wanted, np.ndarray) and wanted.dtype.kind == "f":
        error = np.linalg.norm(np.asarray(got) - wanted)
        assert error <= 1e-10 * np.linalg.norm(wanted), name
    elif isinstance(wanted, float):
        assert got == pytest.approx(wanted, rel=1e-10), name
    else:
        assert np.array_equal(np.asarray(got), np.asarray(wanted)), name


class Loop:
    """The training loop of a PyTorch user who has read the spec."""

    def __init__(self, given):
        torch = pytest.importorskip("torch", reason="the loop is one of PyTorch")
        self.torch, self.given = torch, given
        self.signed = given["domain"] == "signed"
        self.x = torch.tensor(given["inputs"])
        self.labels = torch.tensor(given["labels"])
        self.w = [torch.tensor(given[name]) for name in ("W1", "W2")]
        self.velocity = [torch.zeros_like(w) for w in self.w]
        self.bits, self.k, self.frozen = list(given["bits"]), [0, 0], False

    def unit(self, w):
        if self.signed:
            return w.abs() / w.abs().max()
        t = self.torch.tanh(w)
        return t / (2 * t.abs().max()) + 0.5

    def code(self, u, bits):
        return self.torch.clamp(self.torch.round(u * 2**bits), max=2**bits - 1)

    def weights(self, index, q):
        scale = self.given["scale"][index]
        return scale * self.w[index].sign() * q if self.signed else scale * (2 * q - 1)

    def quantized(self, index, u):
        n = self.bits[index] - self.signed
        q = self.code(u, n) / (2**n - 1)
        return self.weights(index, u + (q - u).detach())

    def slice(self, index, u):
        n, k = self.bits[index] - self.signed, self.k[index]
        return self.code(u, n) - 2**k * self.code(u, n - k)

    def loss(self, first, second):
        logits = self.torch.relu(self.x @ first) @ second
        return self.torch.nn.functional.cross_entropy(logits, self.labels)

    def assign(self):
        us = [self.unit(w) for w in self.w]
        weights = [self.quantized(i, u) for i, u in enumerate(us)]
        omegas, found = [], {}
        for i, u in enumerate(us):

            def of_one(value, i=i):
                return self.loss(*[value if j == i else w for j, w in enumerate(weights)])

            hessian = self.torch.autograd.functional.hessian(of_one, weights[i])
            size = weights[i].numel()
            trace = float(hessian.reshape(size, size).trace())
            omegas.append(trace * float((weights[i] - self.weights(i, u)).norm()))
            found |= {f"W{i + 1}.trace": trace, f"W{i + 1}.omega": omegas[-1]}
        mean = sum(omegas) / len(omegas)
        found["k"] = [2 if omega < mean else 1 for omega in omegas]
        room = [min(n - self.given["n_min"], n - self.signed - 1) for n in self.bits]
        self.k = [max(min(k, most), 0) for k, most in zip(found["k"], room, strict=True)]
        return {**found, "k, capped": self.k}

    def step(self, number):
        strength = 0.0 if self.frozen else self.given["lambda"]
        leaves = [w.clone().requires_grad_() for w in self.w]
        us = [self.unit(w) for w in leaves]
        effective = [self.quantized(i, u) for i, u in enumerate(us)]
        loss = self.loss(*effective)
        found = {"loss": float(loss.detach())}
        pulled = loss
        for i, u in enumerate(us):
            n = self.bits[i] - self.signed
            found[f"W{i + 1}.codes"] = self.code(u, n).detach().numpy()
            found[f"W{i + 1}.effective"] = effective[i].detach().numpy()
            if strength and self.k[i]:
                low = self.slice(i, u).detach()
                found[f"W{i + 1}.lsb"] = low.numpy()
                found[f"W{i + 1}.l1"] = float(low.abs().sum() / 2**n)
                pulled = pulled + strength * (low.sign() * u).sum()
        gradients = self.torch.autograd.grad(pulled, leaves)
        for i, grad in enumerate(gradients):
            total = grad + self.given["weight_decay"] * self.w[i]
            self.velocity[i] = self.given["momentum"] * self.velocity[i] + total
            self.w[i] = self.w[i] - self.given["lr"] * self.velocity[i]
            found[f"W{i + 1}.grad_w"] = grad.numpy()
            found[f"W{i + 1}.next_w"] = self.w[i].numpy()
            found[f"W{i + 1}.next_velocity"] = self.velocity[i].numpy()
        if number % self.given["interval"] == 0 and not self.frozen:
            found |= self.prune()
        return found

    def prune(self):
        found = {}
        reached, sizes = 0.0, [w.numel() for w in self.w]
        for i, w in enumerate(self.w):
            beta = float((self.slice(i, self.unit(w)) != 0).double().mean()) if self.k[i] else 1.0
            if self.k[i]:
                found[f"W{i + 1}.beta"] = beta
            reached = 32 * sum(sizes) / sum(n * s for n, s in zip(self.bits, sizes, strict=True))
            if reached < self.given["target"] and beta < self.given["alpha"][i]:
                self.bits[i] = max(self.bits[i] - self.k[i], self.given["n_min"])
        reached = 32 * sum(sizes) / sum(n * s for n, s in zip(self.bits, sizes, strict=True))
        self.frozen = reached >= self.given["target"]
        found["bits"] = list(self.bits)
        return found if self.frozen else {**found, **self.assign()}


@pytest.mark.parametrize("case", read("trajectory"), ids=lambda case: case["domain"])
def test_a_loop_in_pytorch_follows_the_trajectory(case):
    """[S4.3] [S5.1] [S6.1] [S6.2] [S12.1]"""
    loop = Loop(values(case["given"]))
    groups = case["steps"]
    for number, group in enumerate(groups):
        frozen = stages(group)
        found = loop.assign() if number == 0 else loop.step(number)
        for name, value in found.items():
            close(f"{group['name']}: {name}", frozen[name], value)
    assert len(groups) == loop.given["steps"] + 1


def test_the_trajectories_prune_and_one_reaches_its_target():
    """[S6.2]"""
    ends = {}
    for case in read("trajectory"):
        rounds = [stages(group)["bits"] for group in case["steps"] if "bits" in stages(group)]
        assert rounds[0] != [8, 8]
        last = stages(case["steps"][-1])
        ends[case["domain"]] = "W1.lsb" in last
    assert ends == {"offset": True, "signed": False}  # in the second lambda has become 0


def test_a_weight_on_a_rounding_edge_is_found():
    """A trajectory through one could not be followed."""
    document = read_json(FOLDER / "trajectory.json")
    assert list(lint_steps(document)) == []
    stage = document["cases"][0]["steps"][1]["stages"][0]
    assert stage["name"] == "W1.u"
    stage["value"]["data"][1] = "0x1.1p-3"  # 17/128, an edge of six bits and more
    assert any("rounding edge" in fault for fault in lint_steps(document))
