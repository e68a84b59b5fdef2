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
# # 3. Slicing bits, and the force that empties them
#
# **Question: how does a network lose bits without storing one variable for each bit?**
#
# The low k bits of a weight are the difference of two quantizers, worked out on the fly [S3.1]:
#
# $$B_k = W_n - 2^k\, W_{n-k}$$
#
# Their L1 norm is the regularizer [S4.1]; its gradient is nothing but a sign [S4.2].

# %%
# %matplotlib inline
import numpy as np

import msq_ref as msq
from msq_ref.formats.style import COLOURS, new_figure

n, k = 4, 2
u = np.linspace(0, 1, 4097)
figure, axes = new_figure(1, 2, height=2.2)
axes[0].plot(u, msq.lsb(u, n, k), color=COLOURS[0])
axes[0].set(ylabel="B", title="The two low bits of a 4-bit code, and the force on them")
axes[1].plot(u, -msq.lsb_l1_grad(u, n, k), color=COLOURS[1])
axes[1].set(xlabel="u", ylabel="force")
figure

# %% [markdown]
# The force (minus the gradient) is positive left of a step's middle and negative right of it: it pushes
# each weight to the nearest multiple of $2^k$. The slice is signed: -2 to 1 in a step, and up to 3 at
# the upper end, where the clamp cuts.
#
# ## Watching a histogram fall onto the coarse grid
#
# A thousand weights from a normal distribution, no loss at all, only the force:

# %%
def fall(w, normalize, backward, steps, rate=2e-3):
    """Weights after some steps of the regularizer alone; u is of the layer's largest magnitude."""
    for _ in range(steps):
        grad = msq.lsb_l1_grad(normalize(w), n, k)
        w = w - rate * backward(grad, w)
    return w


start = 0.3 * np.random.default_rng(0).standard_normal(1000)
figure, axes = new_figure(1, 3, height=1.8)
for axis, steps in zip(axes, (0, 20, 80), strict=True):
    seen = msq.normalize(fall(start, msq.normalize, msq.normalize_backward, steps))
    rate = msq.lsb_nonzero_rate(seen, n, k)
    axis.hist(seen, bins=np.linspace(0, 1, 129), color=COLOURS[0])
    axis.set(ylabel="weights", title=f"{steps} steps: {rate:.0%} have nonzero low bits")
axes[-1].set_xlabel("u")
figure

# %% [markdown]
# Most weights end in the strips where the two low bits are zero. When the share of nonzero low bits
# falls below a threshold, the layer drops them: its code is then the narrower one [S6.1].
#
# ## Both weight domains
#
# In the `offset` domain `u` runs from 0 to 1 with zero in the middle, and the codes are unsigned. In
# the `signed` domain sign and magnitude are apart: `u` is the magnitude, so that the grid is the same on
# both sides of zero, and zero itself has a code.

# %%
figure, axes = new_figure(1, 2, height=2.2)
for axis, (name, normalize, backward) in zip(
    axes,
    [
        ("offset", msq.normalize, msq.normalize_backward),
        ("signed", msq.normalize_signed, msq.normalize_signed_backward),
    ],
    strict=True,
):
    w = fall(start, normalize, backward, 80)
    axis.hist(w, bins=np.linspace(-1, 1, 161), color=COLOURS[2 if name == "signed" else 0])
    axis.set(title=f"{name}: weights after 80 steps", ylabel="weights")
axes[-1].set_xlabel("w")
figure

# %% [markdown]
# ## Nothing is lost: the planes recombine [S3.4]
#
# The code is always the narrow code times $2^k$ plus the slice, whatever the rounding did:

# %%
codes = msq.roundclamp(u, n)
again = 2**k * msq.roundclamp(u, n - k) + msq.lsb(u, n, k)
print("equal everywhere:", bool(np.array_equal(codes, again)))
planes = msq.bit_planes(codes, n)
print("share of ones in each plane, low to high:", planes.mean(axis=1).round(3))

# %% [markdown]
# ## Exercises
#
# 1. Which values can `B` take for n = 4, k = 1?
# 2. How many extra variables does the regularizer need for a layer of a million weights?
# 3. Which weights feel no force at all?
#
# **Answers**, checked:

# %%
assert np.unique(msq.lsb(u, 4, 1)).tolist() == [-1, 0, 1]
# 2. None: B is worked out from the weights. (Explicit bit-splitting stores n variables a weight.)
# 3. Those whose low bits are zero.
assert np.array_equal(msq.lsb_l1_grad(u, n, k) == 0, msq.lsb(u, n, k) == 0)
print("all answers hold")
