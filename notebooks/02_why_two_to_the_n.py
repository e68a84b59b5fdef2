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
# # 2. Why the scale is 2^n
#
# **Question: a 4-bit code is cut to its upper 2 bits. Is that the 2-bit code of the same weight?**
#
# MSQ drops the low bits of a layer once they are mostly zero. That only makes sense if what is left is
# what the narrower quantizer would have said. DoReFa scales by $2^n - 1$, RoundClamp by $2^n$. One of
# them keeps the promise.

# %%
# %matplotlib inline
import numpy as np

import msq_ref as msq
from msq_ref.formats.style import COLOURS, new_figure

n, k = 4, 2
u = np.linspace(0, 1, 4097)

# %%
def zero_where(quantize):
    """Where the k low bits of the n-bit code are zero: it is 2^k times the narrower code."""
    return quantize(u, n) == 2**k * quantize(u, n - k)


figure, axes = new_figure(1, 2, height=2.4)
for axis, (name, quantize) in zip(axes, {"RoundClamp": msq.roundclamp, "DoReFa": msq.dorefa}.items(), strict=True):
    axis.plot(u, quantize(u, n), color=COLOURS[0], label=f"{n}-bit code")
    axis.plot(u, 2**k * quantize(u, n - k), color=COLOURS[1], linestyle="--", label=f"{2**k} x the {n - k}-bit code")
    axis.fill_between(u, 0, 16, where=zero_where(quantize), color=COLOURS[2], alpha=0.2, label="low bits are zero")
    axis.set(title=name, xlabel="u", ylabel="code")
    axis.legend(loc="upper left", fontsize=8)
figure

# %% [markdown]
# With RoundClamp every wide step of the dashed staircase has a green strip in its **middle**: pull the
# weights of a step to its middle, and the low bits are zero while the narrow code stays as it is. (At
# the upper end the clamp cuts the last strip off.)
#
# With DoReFa the strips drift to the edges of their steps, and the upper one is missing: weights are
# pulled to where the narrower code is about to change.
#
# ## How far the strips are from the middle, over n

# %%
def drift(quantize, n, k):
    """Distance of each strip's centre from its step's, in steps of the narrow code; the clamped end left out."""
    fine = np.linspace(0, 1, 2**16 + 1)
    narrow, zero = quantize(fine, n - k), quantize(fine, n) == 2**k * quantize(fine, n - k)
    found = []
    for code in range(1, 2 ** (n - k) - 1):
        step, strip = fine[narrow == code], fine[(narrow == code) & zero]
        if strip.size:
            found.append((strip.mean() - step.mean()) * 2 ** (n - k))
    return np.array(found)


widths = range(3, 9)
figure, axis = new_figure()
for index, (name, quantize) in enumerate({"RoundClamp": msq.roundclamp, "DoReFa": msq.dorefa}.items()):
    worst = [np.abs(drift(quantize, bits, 1)).max() for bits in widths]
    axis.plot(list(widths), worst, "os"[index] + "-", color=COLOURS[index], label=name)
axis.set(xlabel="n, bits", ylabel="worst distance, steps", title="Strip of zero low bits to the middle of its step, k = 1")
axis.legend()
figure

# %% [markdown]
# RoundClamp's strips are in the middle at every width. DoReFa's are off by 0.38 of a step at every width:
# the worst ones lie at the very edge.
#
# ## The answer in numbers
#
# Of all `u` whose n-bit code ends in k zeros: how often are the upper bits the code of n - k bits?

# %%
fine = np.linspace(0, 1, 2**16 + 1)


def kept(quantize, n, k):
    """Share of the codes with k low zeros whose upper bits are the narrower code."""
    wide = quantize(fine, n)
    ends_in_zeros = wide % 2**k == 0
    return float(np.mean(wide[ends_in_zeros] >> k == quantize(fine, n - k)[ends_in_zeros]))


for bits in widths:
    shares = [kept(quantize, bits, k) for quantize in (msq.roundclamp, msq.dorefa) for k in (1, 2)]
    print("n = {}: RoundClamp {:.3f} {:.3f}   DoReFa {:.3f} {:.3f}   (k = 1, 2)".format(bits, *shares))

# %% [markdown]
# With RoundClamp always: bits that are zero can be dropped and nothing changes. With DoReFa a code that
# ends in zeros may belong to another narrow code, so that dropping its bits moves the weight.
#
# ## Exercises
#
# 1. Which 4-bit codes of DoReFa end in two zeros, but have upper bits that are not the 2-bit code?
# 2. For n = 2 and k = 1, at which `u` does DoReFa's 1-bit code change, and where does RoundClamp's?
# 3. RoundClamp's last step is cut by the clamp. How wide is it at 4 bits, in steps?
#
# **Answers**, checked:

# %%
wide, narrow = msq.dorefa(fine, 4), msq.dorefa(fine, 2)
# 1. Twelve: 12/15 = 0.8 is 2.4 thirds, which is nearer to 2 than to 3.
wrong = (wide % 4 == 0) & (wide >> 2 != narrow)
assert np.unique(wide[wrong]).tolist() == [12]
# 2. DoReFa rounds u * 1: at one half. RoundClamp rounds u * 2 and clamps: at one quarter.
assert [int(msq.dorefa(np.nextafter(0.5, x), 1)) for x in (0, 1)] == [0, 1]
assert [int(msq.roundclamp(np.nextafter(0.25, x), 1)) for x in (0, 1)] == [0, 1]
# 3. From 14.5 to 16 sixteenths: one and a half.
assert msq.roundclamp(np.nextafter(14.5 / 16, 1), 4) == msq.roundclamp(1.0, 4) == 15
print("all answers hold")
