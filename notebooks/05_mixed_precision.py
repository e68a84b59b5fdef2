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
# # 5. Training to mixed precision, and reading the log
#
# **Question: every layer shall get its own number of bits. Who chooses them, and how does one read from
# the log of a run what happened?**
#
# We train a small network on pictures of digits, 8 x 8 pixels each: three convolutions and a linear layer.
# It begins with 8 bits for every weight. While it learns, MSQ empties low bits (notebook 3) and drops
# those that are nearly empty. The command `msq train` does all of this; here are the parts it is made of.

# %%
# %matplotlib inline
import tempfile
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

import msq_ref as msq
from msq_ref import kernels, models
from msq_ref.cli.folder import RunFolder
from msq_ref.cli.plots import draw_bits, draw_frontier, read_log
from msq_ref.formats.datasets import load_dataset
from msq_ref.formats.style import COLOURS, MARKERS, new_figure
from msq_ref.hessian import hutchinson_layers
from msq_ref.methods import MSQ, DoReFa, Float
from msq_ref.methods.config import MSQConfig
from msq_ref.methods.domains import SIGNED
from msq_ref.training.batches import Arrays
from msq_ref.training.config import TrainingConfig
from msq_ref.training.loop import Trainer, accuracy_on

digits = load_dataset("digits")
parts = {name: Arrays(part.images.astype(np.float64), part.labels) for name, part in digits.parts().items()}
print({name: len(part) for name, part in parts.items()}, "images")


def network():
    """Always the same first weights: seed 0."""
    return models.build("digits-cnn", seed=0, dtype=np.float64, backend=kernels)


def trained(method, epochs=16):
    """Train; the seed of the order of the images is 0 too."""
    trainer = Trainer(method.network, method, TrainingConfig(epochs=epochs), kernels, seed=0)
    with threadpool_limits(limits=1):  # products this small are slower on several threads
        if isinstance(method, MSQ):
            method.start()
        trainer.run(parts["train"], lambda: accuracy_on(method.network, parts["validation"]), lambda _: None)
    return trainer


def mixed(settings):
    """MSQ, which now and then asks for the curvature of each layer (notebook 4)."""
    net = network()

    def traces(epoch):
        images, labels = parts["train"].batch(slice(0, 256))
        found = hutchinson_layers(net, images, labels, seed=[0, epoch + 1], max_samples=8)
        return {name: estimate.trace for name, estimate in found.items()}

    return MSQ(net, SIGNED, kernels, settings, traces)


# %% [markdown]
# Six numbers say how MSQ is to go about it; each has a section below. They are bolder than the defaults,
# which are for 60 epochs: we have 16.

# %%
settings = MSQConfig(**{"lambda": 1e-3}, alpha=0.4, interval=2, target=7.0, n_min=3, prune_until=14)
run = trained(mixed(settings))

with tempfile.TemporaryDirectory() as place:  # `msq train` writes the same file into the run's folder
    folder = RunFolder(Path(place))
    folder.write_log(run.rows)
    head, first, *_ = folder.log.read_text(encoding="utf-8").splitlines()
    log = read_log(folder)  # the columns of log.csv
figure, axis = new_figure()
draw_bits(axis, log)
figure

# %% [markdown]
# All layers start at 8 bits. The third convolution, which has three quarters of all weights, loses bits
# first and most. The last layer keeps its 8 bits. Nobody told the method so.
#
# ## The log
#
# A run's folder has a file `log.csv`, a line for each epoch. Its columns:

# %%
names = head.split(",")
print("of the network: ", *(name for name in names if "." not in name))
print("of each layer:  ", *dict.fromkeys(name.split(".")[0] for name in names if "." in name))
layers = [name.removeprefix("bits.") for name in names if name.startswith("bits.")]
print("layers:         ", *layers)
print()
print("epoch  loss  accuracy  compression  lambda  bits")
for at in (0, 1, 3, 5, 7, 9, 10, 15):
    row = {name: column[at] for name, column in log.items()}
    print("{epoch:5.0f} {loss:5.2f} {accuracy:9.3f} {compression:12.2f} {lambda:7.3f}".format(**row), end="  ")
    print(*(int(row[f"bits.{layer}"]) for layer in layers))

# %% [markdown]
# `loss` is the mean over the epoch's images, `accuracy` that on the validation images after it. `compression`
# is 32 bits over the mean number of bits of a weight [S6.3]: 8 bits everywhere are 4. The other columns
# follow one by one.
#
# ## beta and alpha: when is a bit empty enough?
#
# `beta` is the share of a layer's weights whose low bits are not zero [S3.4]. When a round of pruning
# comes, a layer whose beta is **below alpha** drops these bits [S6.1]. Here alpha is 0.4 (below 5 bits the
# setting is `alpha_low`, 0.2).

# %%
figure, axis = new_figure(height=3.6)
epochs = np.array(log["epoch"]) + 1
for index, layer in enumerate(layers):
    beta = np.array(log[f"beta.{layer}"])
    axis.plot(epochs, beta, MARKERS[index] + "-", color=COLOURS[index], label=layer, markersize=5)
    dropped = np.flatnonzero(np.diff(log[f"bits.{layer}"]) < 0) + 1
    axis.plot(epochs[dropped], beta[dropped], "o", color=COLOURS[index], markersize=13, fillstyle="none")
axis.axhline(settings.alpha, color="0.4", linestyle="--")
axis.text(16.1, settings.alpha + 0.015, "alpha", ha="right")
axis.set(xlabel="epoch", ylabel="beta", ylim=(0, 1), title="Share of weights with nonzero low bits, at the end of each epoch")
axis.legend(ncols=4, loc="lower left")
figure

# %% [markdown]
# Rounds are held after every second epoch. Follow the third convolution: at 8, 7, 6 and 5 bits its beta falls,
# and in a round it drops a bit (ring) and is back near a half: now the next bit is the lowest, and that is
# as random as a coin. If two bits are looked at, as in the other layers, three
# quarters of the weights have a 1 in one of them. (The log is written after the round, so the lowest
# point, just before a ring, is not in it.) From epoch 11 on nothing is pushed any more, see below.
#
# ## lambda: the force
#
# What makes beta fall is the regularizer: lambda times the sum of all low bits is added to the loss [S4.3].
# Three runs of six epochs, without pruning, that differ in nothing but lambda:

# %%
figure, axis = new_figure(height=3.2)
for index, strength in enumerate((0.0, 3e-4, 1e-3)):
    quiet = trained(mixed(MSQConfig(**{"lambda": strength}, interval=100)), epochs=6)
    beta = [row["beta.conv3"] for row in quiet.rows]
    axis.plot(range(1, 7), beta, MARKERS[index] + "-", color=COLOURS[index], label=f"lambda = {strength:g}")
axis.set(xlabel="epoch", ylabel="beta", ylim=(0, 1), title="The third convolution, at 8 bits")
axis.legend(loc="lower left")
figure

# %% [markdown]
# Without the force nothing empties: beta stays at one half. With it beta falls, and in the end further the
# stronger it is; not smoothly, for the loss pulls at the same weights. Too strong a force harms what
# the network learns. The right one is found by trying, on the validation images.
#
# ## Omega and k: one bit or two at a time
#
# Rounding hurts some layers more than others (notebook 4). `omega` is a layer's sensitivity, the trace of
# its curvature times the size of its rounding error [S5.5]. A layer below the mean of all layers may drop
# two bits in a round, the others one: that is `k` [S5.6]. After the first round:

# %%
row = run.rows[1]
mean = np.mean([row[f"omega.{layer}"] for layer in layers])
print(f"mean of omega {mean:.2f}")
for layer in layers:
    print(f"{layer:6} omega {row[f'omega.{layer}']:6.2f}  k {row[f'k.{layer}']}")
print("msq.assign_k:", msq.assign_k([row[f"omega.{layer}"] for layer in layers]))

# %% [markdown]
# ## interval, target and n_min: a round by hand
#
# A round is held every `interval` epochs, here 2: a layer needs time to recover, and its bits need time to
# empty. The rule of a round is a single function. Take four layers of equal size at 5 bits:

# %%
bits, sizes, k = [5, 5, 5, 5], [100] * 4, [2, 1, 2, 1]
beta = [0.10, 0.39, 0.50, 0.20]
alphas = [0.4] * 4
print("all that may        ", msq.prune_step(bits, beta, k, sizes, alphas, target=np.inf, n_min=1))
print("no layer below 4    ", msq.prune_step(bits, beta, k, sizes, alphas, target=np.inf, n_min=4))
print("stop at a target of 7", msq.prune_step(bits, beta, k, sizes, alphas, target=7.0, n_min=1))

# %% [markdown]
# The third layer is above alpha and keeps its bits. `n_min` is a floor. And the `target` is looked at
# before each layer: as soon as the compression reaches it, the round stops where it is [S6.2]. From then on
# bits are frozen, and lambda is 0, so that the network can settle: the column `lambda` of the log shows
# when. (`prune_until` freezes them at an epoch, whether the target is reached or not.)
#
# ## Was it worth it?
#
# The same network, images and epochs once in floating point, and with DoReFa, which gives every layer the
# same bits. Now for the first time the 450 test images, which nothing was chosen by:

# %%
points = {"float": [], "DoReFa": [], "MSQ": []}
rivals = [("float", Float(network()))]
rivals += [("DoReFa", DoReFa(network(), kernels, n)) for n in (8, 4, 2)]
for name, trainer in [(name, trained(method)) for name, method in rivals] + [("MSQ", run)]:
    accuracy = accuracy_on(trainer.network, parts["test"])
    points[name].append((float(trainer.method.compression()), accuracy))
    bits = " ".join(map(str, trainer.method.bits().values()))
    print(f"{name:7} {points[name][-1][0]:6.2f}x  accuracy {accuracy:.4f}  bits {bits}")
figure, axis = new_figure()
draw_frontier(axis, points, list(zip(log["compression"], log["accuracy"], strict=True)))
figure

# %% [markdown]
# One image of 450 is 0.0022, and chance alone, *which* 450 images they happen to be, is about 0.006 at an
# accuracy of 0.98. Of these figures only that of 2 bits may be different, six images below floating point.
# On digits methods **cannot be told apart** by accuracy, and a good result here says nothing about a large
# network. Five seeds and 60 epochs do not change that: 0.985 in floating point, 0.985 with DoReFa at 8x,
# 0.988 at 16x, 0.982 with MSQ at 10x ([results](../docs/results.md)). What this run shows is how the method works,
# and how to read its log.
#
# ## Exercises
#
# 1. Work out the compression from the bits in the last line of the log; the layers have 144, 4608, 18432
#    and 640 weights.
# 2. In which line of the log are the bits frozen, and what froze them?
# 3. At 5 bits a layer has k = 2 and `n_min` is 4. How many bits does it drop?
#
# **Answers**, checked:

# %%
# 1. 32 times all weights over all their bits.
sizes = {"conv1": 144, "conv2": 4608, "conv3": 18432, "fc": 640}
stored = sum(sizes[layer] * int(log[f"bits.{layer}"][-1]) for layer in layers)
assert np.isclose(32 * sum(sizes.values()) / stored, log["compression"][-1], rtol=1e-12)
# 2. The first with lambda 0: the target was reached by the round before it.
frozen = log["lambda"].index(0)
assert log["compression"][frozen - 2] < settings.target <= log["compression"][frozen - 1]
assert all(log[f"bits.{layer}"][frozen:] == [log[f"bits.{layer}"][-1]] * (16 - frozen) for layer in layers)
# 3. One.
assert msq.prune_step([5], [0.0], [2], [100], [0.4], np.inf, 4) == [4]
print("all answers hold")
