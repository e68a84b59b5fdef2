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
# # 7. What it costs: roofline, memory, a design sweep
#
# **Question: the weights of a vision transformer were compressed 9 times. Is a bit-serial accelerator now
# limited by computing or by its memory, and what would one build for such a network?**
#
# The network is DeiT-S, 22 million weights, one image at a time. Nobody trained it here: the widths of its
# layers are *assumed*, by a rule that gives the largest layers the fewest bits
# ([docs](../docs/hwsim.md)). The accelerator is `edge-small`: the array of notebook 6, with 8 rows x
# 8 columns x 16 lanes, three buffers of together 72 KB, and a DRAM that moves 32 bits a cycle.

# %%
# %matplotlib inline
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
from IPython.display import Image

from hwsim import load_accelerator, load_workload, simulate
from hwsim.occupancy import occupancy
from hwsim.plots import (
    plot_energy,
    plot_occupancy,
    plot_pareto,
    plot_roofline,
    plot_total_cycles,
)
from hwsim.plots.roofline import roofline
from hwsim.sweep import pareto_front, read_results, run_sweep
from msq_ref.formats.style import COLOURS, new_figure


def picture(plot, *arguments):
    """What one of hwsim's plots writes into a file."""
    with tempfile.TemporaryDirectory() as place:
        target = Path(place) / "picture.png"
        plot(*arguments, target)
        return Image(target.read_bytes())


edge = load_accelerator("edge-small")
workloads = {"8 bits": load_workload("deit-s", bits=8), "9x": load_workload("deit-s", compression=9.0)}
reports = {name: simulate(workload, edge) for name, workload in workloads.items()}
widths = Counter(layer.bits for layer in workloads["9x"].weighted)
print("layers of each width at 9x:", dict(sorted(widths.items())))

# %% [markdown]
# 8 bits are a compression of 4 over 32-bit weights. So the compressed network has less than half the weight
# bits of the other one, and the array, whose cycles go with the bits, should take less than half the time:

# %%
for name, report in reports.items():
    total = report.totals
    print(f"{name:6}  work {total.compute_cycles:11,}  wait {total.stall_cycles:10,}  "
          f"all {total.cycles:11,} cycles   {total.latency_s * 1000:.0f} ms")
eight, nine = (report.totals for report in reports.values())
print(f"work {eight.compute_cycles / nine.compute_cycles:.2f}x faster, all {eight.cycles / nine.cycles:.2f}x")
picture(plot_total_cycles, reports)

# %% [markdown]
# The blue part, the array at work, shrinks to a half. The rest is the array waiting for memory, by what it
# waits for; that does not shrink at all, it grows a little. A quarter of the time is now spent waiting. (A
# *partial sum* is a result that is not finished and has to be put away for a while.)
#
# ## The roofline
#
# How can waiting grow if there are fewer bytes? Two limits hold for every layer:
#
# - **Computing.** 1024 lanes with weights of n bits do at most 1024 / n multiplications (MACs) a cycle.
# - **Memory.** DRAM moves 4 bytes a cycle. A layer that does I MACs for each byte it moves cannot do more
#   than 4 I MACs a cycle.
#
# The lower of the two is the *roof*. They are equal at I = 1024 / (4 n):

# %%
lanes = edge.array.rows * edge.array.cols * edge.array.lanes
bytes_a_cycle = edge.dram.bits_per_cycle / 8
for n in (8, 5, 4, 3):
    print(f"{n} bits: at most {lanes / n:5.1f} MACs a cycle, for which it takes {lanes / n / bytes_a_cycle:5.1f} MACs a byte")

# %%
picture(plot_roofline, reports["8 bits"], workloads["8 bits"])

# %%
picture(plot_roofline, reports["9x"], workloads["9x"])

# %% [markdown]
# Each point is a layer (many lie on top of each other: the twelve blocks are alike). Those of 8 bits at 9x are the
# products of attention, which multiply activations with activations and have no weights to narrow. On the slope memory is
# the limit, on the flat part computing. At 8 bits most layers are at the knee. At 9x each width has a flat
# part of its own, and the narrower the weights, the **higher** it is: the knee moves to the right. The layers
# move to the right as well, since they load fewer weight bytes, but not as far, because the bytes of the
# activations stay. So they end on the slope.
#
# That is the answer to the first half of the question: **compressing weights speeds up computing more than
# memory, so sooner or later memory is the limit.** The lonely point on the left is the classifier. It sees one
# position only, uses each weight once, and waits at any width.
#
# ## What is moved, and why so often

# %%
kinds = ("weight", "input", "output", "partial_sum")
for name, report in reports.items():
    moved = {kind: sum(getattr(layer.counts, f"dram_{kind}_bytes") for layer in report.layers) for kind in kinds}
    print(f"{name:6}", *(f"{kind} {value / 1e6:5.1f} MB" for kind, value in moved.items()), sep="   ")
weights = sum(layer.groups * layer.K * layer.M * layer.bits for layer in workloads["9x"].weighted) / 8e6
print(f"all weights of the network at 9x: {weights:.1f} MB")
picture(plot_occupancy, occupancy(reports["9x"], workloads["9x"]))

# %% [markdown]
# The weights are 10 MB, yet more is moved, since the buffers are small. The picture shows what they hold
# while the network runs: a layer is cut into tiles that fit, and for each tile its part of weights and inputs
# is loaded, some parts again and again. (Grey stripes are every second layer.) Both buffers are nearly full
# nearly all the time: larger tiles would be better, but do not fit. (Half of each buffer belongs to the tile at
# work, the other half to the transfers: hence the room of 16 KB in 32 KB.)
#
# Energy tells the same. DRAM takes most of it, and it is bytes that are saved there, not cycles:

# %%
picture(plot_energy, reports)

# %% [markdown]
# ## When does memory bound it?
#
# Give the DRAM more or less bandwidth. `run_sweep` simulates one network on many designs and keeps a table,
# of which the file's columns come back as arrays:

# %%
def swept(**settings):
    """The table of a sweep of DeiT-S on variants of edge-small."""
    with tempfile.TemporaryDirectory() as place:
        table = Path(place) / "sweep.csv"
        run_sweep({"network": "deit-s", "accelerator": "edge-small", **settings}, table, jobs=1)
        return read_results(table)


bandwidths = {"dram": {"bits_per_cycle": {"from": 8, "to": 256, "scale": "log2"}}}
curves = {"8 bits": swept(bits=8, vary=bandwidths), "9x": swept(compression=9.0, vary=bandwidths)}
figure, axes = new_figure(2, width=4.6, height=3.2)
for index, (name, table) in enumerate(curves.items()):
    x = table["dram.bits_per_cycle"]
    style = {"color": COLOURS[index], "marker": "os"[index], "label": name}
    axes[0].plot(x, table["latency_s"] * 1000, **style)
    axes[1].plot(x, table["stall_cycles"] / table["cycles"], **style)
axes[0].set(yscale="log", ylabel="time of an image, ms", title="Time")
axes[0].set_yticks([100, 200, 500, 1000], ["100", "200", "500", "1000"])
axes[1].set(ylabel="share of cycles that wait", ylim=(0, 1), title="Waiting")
for axis in axes:
    axis.set(xscale="log", xlabel="DRAM, bits a cycle")
    axis.set_xticks(x, x)
    axis.minorticks_off()
    axis.axvline(32, color="0.4", linestyle=":")
axes[1].legend()
figure

# %% [markdown]
# On the left of each curve memory is the limit: twice the bandwidth halves the time. On the right it is
# computing, and more bandwidth gains nothing. The preset's 32 bits (dotted) are at the bend, where the network
# at 9x waits twice as much as the one of 8 bits. From 64 on neither waits, and 9x is twice as fast, as its
# bits promise.
#
# ## What would one build?
#
# Say the DRAM is given: 32 bits a cycle. What is left to choose is the array and the buffers. Here are 72
# combinations, by their size (in gates, an estimate) and the time of an image:

# %%
table = swept(compression=9.0, vary={
    "array": {"rows": [4, 8, 16, 32], "cols": [4, 8, 16]},
    "buffers": {"weight_bytes": [16384, 32768, 65536], "input_bytes": [16384, 32768]},
})
print(Counter(table["status"].tolist()))
picture(plot_pareto, table, "total_gate_equivalents", "latency_s")

# %% [markdown]
# The line is the *Pareto front*: designs that no other one beats in both, smaller and faster. Everything else
# is a mistake, at least in these two respects. The front in numbers, those of the picture:

# %%
size, time = table["total_gate_equivalents"], table["latency_s"]
front = np.flatnonzero(pareto_front(np.column_stack([size, time])))
front = front[np.argsort(size[front])]


def line(at):
    return (f"{table['array.rows'][at]:2} x {table['array.cols'][at]:2} x 16, weights {table['buffers.weight_bytes'][at] // 1024} KB, "
            f"inputs {table['buffers.input_bytes'][at] // 1024} KB: {size[at] / 1e3:5.0f} k gates, {time[at] * 1000:4.0f} ms, "
            f"{table['energy_pj'][at] / 1e9:4.1f} mJ, waits {table['stall_cycles'][at] / table['cycles'][at]:3.0%}")


for number, at in enumerate(front, 1):
    print(f"{number:2}. {line(at)}")

# %% [markdown]
# Read along the front. At its small end lanes pay: 8 x 4 in place of 4 x 4 nearly halves the time. But with 16 x 4
# half of the time is waiting, and 32 x 4 with the same buffers gains 1%. What helps from there on is
# **buffers**, since larger ones mean fewer tiles and fewer bytes loaded twice: a larger input buffer brings 184 ms
# down to 125, a larger weight buffer to 111, and then more lanes pay once more. Beside the preset:

# %%
def find(rows, cols, weights, inputs):
    chosen = (table["array.rows"] == rows) & (table["array.cols"] == cols)
    chosen &= (table["buffers.weight_bytes"] == weights * 1024) & (table["buffers.input_bytes"] == inputs * 1024)
    return int(np.flatnonzero(chosen)[0])


print("the preset          ", line(find(8, 8, 32, 32)))
print("four times the lanes", line(find(16, 16, 32, 32)))
print("twice, and a buffer ", line(find(16, 8, 64, 32)))

# %% [markdown]
# Four times the lanes gain nothing. Twice the lanes and twice the weight buffer take less than three quarters of
# the time. A simple rule to choose: the smallest design that is at most a tenth slower than the fastest. And
# before it is built, a look at those that are nearly as small and as fast: is one of them better in a third
# respect?

# %%
good = np.flatnonzero(time <= 1.1 * time.min())
chosen = good[np.argmin(size[good])]
alike = good[size[good] <= 1.05 * size[chosen]]
thrifty = alike[np.argmin(table["energy_pj"][alike])]
print("smallest    ", line(chosen))
print("least energy", line(thrifty))

# %% [markdown]
# Half a percent more gates, a sixth less energy: 16 x 8 lanes and a large weight buffer it is.
#
# Three warnings. Gates of logic and cells of a memory are added here as if they were alike; in silicon a memory
# is packed more densely, so buffers are cheaper than they look. The energy table has memories of 32 KB and
# of 1 MB; one of 64 KB counts as the larger, so its energy is overstated. And all of this is one network, one
# image at a time, with widths that were assumed. The sweep takes seconds: do it for yours.
#
# ## Exercises
#
# 1. A layer does 60 MACs a byte, whatever its width. From how many bits on downwards does memory limit it on
#    `edge-small`?
# 2. The classifier uses each weight once. How many MACs a byte are possible at n bits, at most?
# 3. Is the fastest design of the sweep the one with the most lanes and the largest buffers?
#
# **Answers**, checked:

# %%
# 1. Memory allows 4 x 60 = 240 MACs a cycle, computing 1024 / n: memory is lower from 4 bits on.
assert [n for n in range(1, 9) if bytes_a_cycle * 60 < lanes / n] == [1, 2, 3, 4]
# 2. 8 / n: a byte holds 8 / n weights. The classifier comes close to it.
for name, report in reports.items():
    lonely = min(roofline(report, workloads[name]), key=lambda point: point.intensity)
    assert 0.95 * 8 / lonely.bits < lonely.intensity < 8 / lonely.bits
# 3. No: with half its lanes it is even a little faster. Tiles are multiples of the array's sides, and the
# coarser ones of the larger array move more bytes.
largest, half = find(32, 16, 64, 32), find(32, 8, 64, 32)
assert size.argmax() == largest
assert time[half] < time[largest]
assert table["dram_bytes"][half] < table["dram_bytes"][largest]
print("all answers hold")
