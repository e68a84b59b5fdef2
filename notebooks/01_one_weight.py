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
# # 1. One weight through RoundClamp, by hand
#
# **Question: a weight is 0.3. Which 4 bits stand for it, and which weight do they give back?**
#
# Four small steps answer it: normalize, scale and round, clamp, go back. Clauses in brackets are those
# of [the specification](../docs/spec.md).

# %%
# %matplotlib inline
import numpy as np

import msq_ref as msq
from msq_ref.formats.style import COLOURS, new_figure

w = np.array([-0.5, 0.0, 0.3, 1.0])
w

# %% [markdown]
# ## Step 1: to the unit interval [S1]
#
# A layer's weights have any size, codes have not. So every weight is first mapped to a number `u`
# between 0 and 1: through `tanh`, divided by the largest magnitude of the layer, shifted and halved.
#
# $$u = \frac{\tanh(w)}{2 \max |\tanh(w)|} + \frac12$$

# %%
by_hand = np.tanh(w) / (2 * np.abs(np.tanh(w)).max()) + 0.5
u = msq.normalize(w)
print("by hand ", by_hand.round(6))
print("msq_ref ", u.round(6))

# %% [markdown]
# Zero is in the middle, the largest weight at an end. Our weight 0.3 is at `u = 0.6913`.
#
# ## Step 2 and 3: scale by 2^n, round, clamp [S2.1]
#
# RoundClamp multiplies by $2^n$, rounds to the nearest integer (a half goes to the even one), and
# clamps to $2^n - 1$, the largest number of n bits.

# %%
n = 4
scaled = u * 2**n
rounded = np.rint(scaled)
codes = np.minimum(rounded, 2**n - 1).astype(int)
print("u * 16    ", scaled.round(4))
print("rounded   ", rounded)
print("clamped   ", codes)
print("roundclamp", msq.roundclamp(u, n))

# %% [markdown]
# The weight 1.0 was rounded to 16, which does not fit in 4 bits: it is clamped to 15. Our weight has
# code 11, in bits 1011. The whole staircase, with our four weights on it:

# %%
x = np.linspace(0, 1, 2001)
figure, axis = new_figure()
axis.plot(x, msq.roundclamp(x, n), color=COLOURS[0], label="roundclamp(u, 4)")
axis.plot(x, 2**n * x, color=COLOURS[6], linewidth=1, linestyle=":", label="16 u")
axis.plot(u, codes, "o", color=COLOURS[1], label="our weights")
axis.set(xlabel="u", ylabel="code", title="Steps as wide as 1/16; the first is half as wide, the last half as wide again")
axis.legend()
figure

# %% [markdown]
# ## Step 4: back to a weight [S2.3]
#
# A code c stands for `q = c / (2^n - 1)`, so that the codes reach from 0 to 1; `effective` maps `q` back
# to the layer's range, with the layer's scale.

# %%
q = msq.dequantize(codes, n, np.float64)
scale = np.abs(w).max()
back = msq.effective(q, scale)
for row in zip(w, u, codes, q, back, strict=True):
    print("w {:5.2f}   u {:.4f}   code {:2d}   q {:.4f}   effective {:7.4f}".format(*row))

# %% [markdown]
# 0.3 became 0.4667. That is a coarse grid: 16 values between -1 and 1. Training lives with it, because
# the weights are moved while they are seen through this grid.
#
# ## On the edge of a step
#
# Between two codes lies a half. There implementations disagree most: the specification says that ties
# go to the even code, and the conformance kit tests the very next floating-point number on each side.

# %%
edge = 2.5 / 16
sides = np.array([np.nextafter(edge, 0), edge, np.nextafter(edge, 1)])
print(msq.roundclamp(sides, 4))

# %% [markdown]
# ## Exercises
#
# 1. Which code has `u = 0.5` at 1, 2 and 8 bits? Work it out, then check.
# 2. Which is the smallest `u` with the code 15 at 4 bits?
# 3. Does the largest weight of a layer always have the largest code?
#
# **Answers**, checked:

# %%
assert [int(msq.roundclamp(np.float64(0.5), bits)) for bits in (1, 2, 8)] == [1, 2, 128]
# 14.5 is a tie, which goes to 14, the even one; the next number goes to 15.
assert msq.roundclamp(np.float64(14.5 / 16), 4) == 14
assert msq.roundclamp(np.nextafter(14.5 / 16, 1), 4) == 15
# Yes if it is positive: its u is 1. If it is negative its u is 0, and so is its code.
assert msq.roundclamp(msq.normalize(np.array([-3.0, 1.0])), 4)[0] == 0
print("all answers hold")
