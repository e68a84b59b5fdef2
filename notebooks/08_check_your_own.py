# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 8. Check your own implementation
#
# **Question: I wrote the quantizer in PyTorch. Is it right, and if not, where is it wrong?**
#
# Here is a quantizer as one might write it. It looks like the equation, it trains, its pictures are fine:

# %%
# %matplotlib inline
from types import SimpleNamespace

import numpy as np
import torch

import msq_ref as msq
from msq_ref.conformance.check import check_backend
from msq_ref.formats.style import COLOURS, new_figure


def tensor(u):
    u = np.asarray(u)
    return torch.as_tensor(np.array(u, u.dtype.newbyteorder("="), order="C"))


def roundclamp(u, bits):
    u = tensor(u)
    codes = torch.floor(u * 2**bits + 0.5).clamp(max=2**bits - 1)
    return codes.to(torch.int32).numpy()


u = np.linspace(0, 1, 1001)
figure, axis = new_figure()
axis.plot(u, msq.roundclamp(u, 3), color=COLOURS[0], linewidth=5, alpha=0.4, label="reference")
axis.plot(u, roundclamp(u, 3), color=COLOURS[1], linewidth=1.5, label="ours")
axis.set(xlabel="u", ylabel="code", title="No difference to be seen")
axis.legend()
figure

# %% [markdown]
# ## Ask the kit
#
# A backend is a module, or any object, with some of the contract's functions. On the command line it
# is `msq conform mymodule`; from Python:

# %%
mine = SimpleNamespace(roundclamp=roundclamp, validates=False)  # wrong arguments are not our business
report = check_backend(mine, ["roundclamp"], name="mine")
entry = report.operations[0]
print(f"{entry.name}: {entry.status}, {entry.passed} passed, {entry.failed} failed")

# %% [markdown]
# The smallest failure says what the case was, which clause it breaks, and what was expected:

# %%
failure = min(entry.failures, key=lambda record: (len(record.reproduce or 999 * "x"), record.id))
print(failure.id, *failure.clauses)
print(failure.fault)
print(failure.expected)

# %% [markdown]
# A tie. `floor(x + 0.5)` rounds halves up, the specification rounds them to the even code [S2.1], as
# `torch.round` does. Halves are not rare: every weight that was quantized before lies on a grid.

# %%
u = np.arange(17) / 16
print("reference", msq.roundclamp(u, 3))
print("ours     ", roundclamp(u, 3))

# %% [markdown]
# ## Mend it, ask again

# %%
def mended(u, bits):
    u = tensor(u)
    codes = torch.round(u * 2**bits).clamp(max=2**bits - 1)
    return codes.to(torch.int32).numpy()


entry = check_backend(SimpleNamespace(roundclamp=mended, validates=False), ["roundclamp"]).operations[0]
print(f"{entry.name}: {entry.status}, {entry.passed} passed, {entry.failed} failed")
for record in sorted(entry.failures, key=lambda record: record.id)[:3]:
    print(" -", record.id, record.fault)

# %% [markdown]
# Much better, and not right. The cases that are left pass the width as NumPy's narrow integers, and
# `2**np.int8(7)` is -128: the power overflows. `int(bits)` mends it:

# %%
def right(u, bits):
    return mended(u, int(bits))


entry = check_backend(SimpleNamespace(roundclamp=right, validates=False), ["roundclamp"]).operations[0]
print(f"{entry.name}: {entry.status}, {entry.passed} passed, {entry.failed} failed, {sum(entry.skipped.values())} skipped")

# %% [markdown]
# What was skipped are wrong arguments (a width of 0, a NaN), since we said `validates=False`: the kit
# never counts as passed what it did not ask.
#
# ## Exercises
#
# 1. Write `lsb` by shifting the code: `codes - ((codes >> k) << k)`. Which clause does the kit name?
# 2. What does the kit report for an operation that a backend does not have?
# 3. Does a report hold when nothing ran?
#
# **Answers**, checked:

# %%
def shifted(u, bits, k):
    codes = msq.roundclamp(u, bits)
    return codes - ((codes >> k) << k)


# 1. [S3.1]: the slice is a difference of two quantizers, so it can be negative; a shift never is.
entry = check_backend(SimpleNamespace(lsb=shifted), ["lsb"]).operations[0]
assert entry.status == "failed"
assert any(clause.startswith("S3") for record in entry.failures for clause in record.clauses)
# 2. and 3. Not implemented, never passed; and nothing that ran is nothing that held.
nothing = check_backend(SimpleNamespace(), ["dorefa"])
assert nothing.operations[0].status == "not implemented"
assert not nothing.held()
print("all answers hold")
