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
# # 6. A bit-serial array, cycle by cycle
#
# **Question: a processor without a single multiplier computes a product. How, and how many cycles does
# a weight's bit cost?**
#
# A layer of a network is a matrix product. Ours is tiny: activations `x` at two positions of an image,
# three terms each, and weights for two outputs. The weights are codes of 3 bits.

# %%
# %matplotlib inline
import numpy as np

import msq_ref as msq
from hwsim import Accelerator, Layer, Workload, load_accelerator, simulate
from hwsim.accelerator import Array
from hwsim.engine import simulate_layer
from hwsim.trace import results_of, trace_linear
from hwsim.trace_plot import trace_figure
from msq_ref.formats.style import COLOURS, new_figure

n = 3
x = np.array([[5, 3, 6], [1, 7, 2]])  # a row for each position, a column for each term
codes = np.array([[5, 2], [1, 7], [4, 3]])  # a row for each term, a column for each output
x @ codes

# %% [markdown]
# ## A product from single bits
#
# A code is a sum of its bits, each worth twice the one below: 5 is 101, that is 4 + 1. So 5 times an
# activation is 4 times it plus 1 times it. Written for all terms of one output: take the lowest bit of
# every weight, and add up the activations where it is 1. Do the same with the next bit and count it
# twice, with the next and count it four times [S9.3]. The bits of one place are called a *bit plane*.

# %%
planes = msq.bit_planes(codes, n)  # (plane, term, output), the lowest plane first
total = 0
for j in range(n):
    ones = planes[j, :, 0]
    total += 2**j * int(x[0] @ ones)
    print(f"plane {j}: bits {ones}, activations {x[0]}: {x[0] @ ones:2} times {2**j}, total {total}")

# %% [markdown]
# A bit times an activation needs no multiplier: it is the activation or nothing, an AND. Times two is a
# shift, which in hardware is a matter of wires. What is left is adding.
#
# ## Two rows, two columns, two lanes
#
# An array has many small elements that do this at once. A *row* of elements works on one output, a
# *column* on one position, and in each cycle an element takes a few terms side by side: its *lanes*.
# Here is our product on 2 rows x 2 columns x 2 lanes, every cycle of it:

# %%
array = Array(rows=2, cols=2, lanes=2)
cycles = trace_linear(x, codes, n, array)
trace_figure(cycles)

# %% [markdown]
# Read it from left to right.
#
# - **Cycles 1 to 3** are a *step*: the first two terms, a plane in each cycle. The activations (orange)
#   are read once and stay while the three planes go by; the weights' bits (blue where they are 1) change in
#   every cycle. All elements of a row see the same bits, all of a column the same activations.
# - **An accumulator** shows what is added, and in bold what it holds then. In cycle 1 row 0 has the bits
#   1 1, so element 0, 0 adds 5 + 3. In cycle 2 its bits are 0 0. In cycle 3 they are 1 0 and count four:
#   it adds 4 x 5.
# - **Cycles 4 to 6** are the second step. Three terms do not fill two lanes twice, so one lane idles.
# - **Cycle 7** is the *drain*: the results leave the array.
#
# Two steps of 3 cycles and a drain: 7 cycles, for all four results together.
#
# ## Where the green numbers come from
#
# The accumulators end at 52, 20, 49 and 57: `x @ codes`, as above. But 6, -30, 0 and 44 leave. A code is
# unsigned, and a weight may be negative: in the `offset` domain the integer that a code c stands for is
# $v = 2c - (2^n - 1)$, an odd number between -7 and 7. The array never forms it. It uses [S9.1]
#
# $$\sum x v = 2 \sum x c - (2^n - 1) \sum x$$
#
# and for that adds up each column's activations, the red rows, once a step.

# %%
last = cycles[-1]
by_hand = 2 * last.accumulators - (2**n - 1) * last.sums
print("2 acc - 7 sum     ", by_hand.T.tolist())
print("what left         ", results_of(cycles).tolist())
print("x times integers  ", (x @ (2 * codes - (2**n - 1))).tolist())
print("msq.integer_linear", msq.integer_linear(x, codes, n).tolist())

# %% [markdown]
# Four ways, the same integers. Nothing was rounded on the way, so they are not close but equal.
#
# ## The same from the simulator
#
# The trace above is plain Python, to be looked at. For whole networks there is the engine: a compiled
# machine that is stepped through the same cycles, with buffers and a memory around the array. It has to agree.

# %%
def on(array: Array) -> Accelerator:
    """The preset edge-small with another array."""
    return load_accelerator("edge-small").model_copy(update={"array": array})


def layer_of(x, codes, n):
    return Layer.linear("tiny", *codes.shape, n, positions=len(x), domain="offset")


engine = simulate_layer(layer_of(x, codes, n), on(array), x, codes)
print("outputs", engine.accumulators.tolist(), "in", engine.counts.compute_cycles, "cycles")

# %% [markdown]
# To count cycles one need not step at all. What does not fit the array at once is done in several passes, and
# all passes are alike. With K terms, M outputs and P positions the cycles are [S10.1]
#
# $$\lceil M / \mathrm{rows} \rceil \; \lceil P / \mathrm{cols} \rceil \;
# (\lceil K / \mathrm{lanes} \rceil \, n + \mathrm{drain})$$
#
# `simulate` works by this formula. On random products, the four ways to the same number:

# %%
rng = np.random.default_rng(0)
for M, P, K, bits in ((2, 2, 3, 3), (2, 2, 3, 2), (5, 2, 3, 3), (5, 7, 9, 8)):
    one, other = rng.integers(0, 256, (P, K)), rng.integers(0, 2**bits, (K, M))
    layer = layer_of(one, other, bits)
    traced = trace_linear(one, other, bits, array)
    engine = simulate_layer(layer, on(array), one, other)
    report = simulate(Workload("tiny", (layer,)), on(array))
    formula = -(-M // 2) * -(-P // 2) * (-(-K // 2) * bits + 1)
    same = np.array_equal(results_of(traced), engine.accumulators)
    print(f"M {M} P {P} K {K} n {bits}: trace {len(traced):3}, engine {engine.counts.compute_cycles:3}, "
          f"simulate {report.totals.compute_cycles:3}, formula {formula:3}; outputs equal: {same}")

# %% [markdown]
# That is the point of such an array: cycles go with the **bits**. A step of 2-bit weights takes two
# thirds of one of 3 bits, and every layer may have a width of its own. An array of multipliers gains nothing
# from a narrow weight.
#
# ## A plane of zeros
#
# Training with MSQ pushes low bits to zero (notebook 3). If a plane is zero in all weights of a step, an
# array can skip it. Take codes whose middle plane is empty, and tell the array to skip:

# %%
empty = codes & 0b101
skipping = Array(rows=2, cols=2, lanes=2, skip="weight-planes")
shorter = trace_linear(x, empty, n, skipping)
print("planes that have a one:", msq.bit_planes(empty, n).any(axis=(1, 2)))
print(len(trace_linear(x, empty, n, array)), "cycles without skipping,", len(shorter), "with")
trace_figure(shorter)

# %% [markdown]
# Each step goes from `x 1` right to `x 4`. The results are those of the codes as they are: a plane of zeros
# adds nothing. (That plane stays part of the code, so the correction still counts all three bits.)
#
# ## What imbalance costs
#
# A plane is seldom empty in *all* rows. An array can let every row skip its own planes: `skip_by =
# "line"`. But the rows share their activations, so none can go on to the next step before the last one is
# done. Here output 0 has one plane left and output 1 has all three:

# %%
uneven = np.array([[4, 7], [4, 5], [4, 7]])
by_line = Array(rows=2, cols=2, lanes=2, skip="weight-planes", skip_by="line")
waiting = trace_linear(x, uneven, n, by_line)
trace_figure(waiting)

# %% [markdown]
# Row 0 is done after one cycle of each step and waits (hatched) for row 1. All that skipping gains in row
# 0 is energy: its lanes are still, but the clock goes on. Of the lanes that could work:

# %%
work = sum(cycle.lane_operations for cycle in waiting if cycle.phase == "work")
idle = sum(cycle.idle_lanes for cycle in waiting if cycle.phase == "work")
print(f"{work} lane cycles work, {idle} wait: {idle / (work + idle):.0%}")

# %% [markdown]
# More rows make it worse: the slowest of many is slower than the slowest of two. Below, every output has
# 8-bit codes that lost one to six planes, which ones is drawn anew for each. How many cycles are left,
# over those without skipping, on an array of more and more rows?

# %%
K, M = 32, 32
many = rng.integers(0, 256, (K, M))
for output in range(M):
    lost = rng.choice(8, rng.integers(1, 7), replace=False)
    many[:, output] &= 255 - sum(2**plane for plane in lost)
inputs = rng.integers(0, 256, (1, K))
heights = [1, 2, 4, 8, 16, 32]
left = {"by array": [], "by line": []}
for rows in heights:
    for way, cells in left.items():
        one = Array(rows=rows, cols=1, lanes=4, skip="weight-planes", skip_by=way.removeprefix("by "))
        full = trace_linear(inputs, many, 8, Array(rows=rows, cols=1, lanes=4))
        cells.append(len(trace_linear(inputs, many, 8, one)) / len(full))
kept = msq.bit_planes(many, 8).any(axis=1).mean()
figure, axis = new_figure(height=3.2)
for index, (way, cells) in enumerate(left.items()):
    axis.plot(heights, cells, "os"[index] + "-", color=COLOURS[index], label=f"skip {way}")
axis.axhline(kept, color=COLOURS[2], linestyle=":", label="planes that are left, on average")
axis.set(xscale="log", xlabel="rows of the array", ylabel="cycles over no skipping", ylim=(0, 1.05),
         title="The slowest row sets the pace")
axis.set_xticks(heights, heights)
axis.minorticks_off()
axis.legend(loc="lower right")
figure

# %% [markdown]
# With one row nothing waits, and cycles go with the planes that are left. (They are even a little below the
# dotted line: the few terms of a step may lack a plane that others of the output have.) With 32 rows, skipping by line
# pays for its longest row; skipping by array gains nothing as soon as some row needs each plane. So
# dropping bits from a **whole layer**, as MSQ does, is worth more to such an array than the same number of
# zero bits scattered over its outputs: the layer gets a smaller n, and no row waits.
#
# ## Exercises
#
# 1. A third output is added. How many cycles does the product take on the 2 x 2 x 2 array?
# 2. Weights of the `signed` domain are a sign and a magnitude, and the array sees the bits of their two's
#    complement: -1 is 111 in 3 bits. What must the top plane count so that 111 is -1?
# 3. Is skipping by line ever faster than skipping by array, and when are they equally fast?
#
# **Answers**, checked:

# %%
# 1. Two passes, of two outputs and of one: 2 x 7.
three = np.column_stack([codes, [1, 2, 3]])
assert len(trace_linear(x, three, n, array)) == 14
# 2. -4: 1 + 2 - 4 = -1.
minus_one = trace_linear(np.array([[1]]), np.array([[1]]), 3, array, np.array([[-1]]))
assert [cycle.factors for cycle in minus_one[:3]] == [(1,), (2,), (-4,)]
assert results_of(minus_one).tolist() == [[-1]]
# 3. A row's own planes are among those of all rows: never slower. Equal where a row has them all, as
# row 1 above, and of course with a single row.
assert all(line <= whole for line, whole in zip(left["by line"], left["by array"], strict=True))
assert len(waiting) == len(trace_linear(x, uneven, n, skipping)) == 7
assert left["by line"][0] == left["by array"][0]
print("all answers hold")
