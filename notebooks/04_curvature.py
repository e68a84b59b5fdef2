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
# # 4. Curvature: which layer can lose bits
#
# **Question: rounding moves the weights of every layer a little. Which layer does it hurt most?**
#
# To second order, the loss rises by $\frac12 \delta' H \delta$ when the weights move by $\delta$. MSQ
# weighs a layer by the trace of its block of the Hessian times the size of its rounding error [S5.2].
# So one needs the trace of a matrix that nobody can store.

# %%
# %matplotlib inline
import numpy as np

from msq_ref import models
from msq_ref.formats.datasets import load_dataset
from msq_ref.formats.style import COLOURS, new_figure
from msq_ref.hessian import (
    HessianProducts,
    exact_traces,
    finite_difference_product,
    hutchinson_layers,
)

digits = load_dataset("digits").train
images, labels = digits.images[:32].astype(np.float64), digits.labels[:32]
network = models.build("digits-cnn", width=4, seed=0, dtype=np.float64)
for _ in range(20):
    network.forward(images, training=True)  # so that the running statistics are those of the images

# %% [markdown]
# ## An exact product, without the matrix
#
# `HessianProducts` does one forward and one backward pass; each product `H v` then costs about two
# gradients. No step size, no differences: every layer knows the tangents of its own two passes.

# %%
products = HessianProducts(network, images, labels)
rng = np.random.default_rng(0)
v, w = ({name: rng.choice([-1.0, 1.0], shape) for name, shape in products.shapes().items()} for _ in range(2))


def dot(a, b):
    return sum(float((a[name] * b[name]).sum()) for name in a)


print(f"w'Hv = {dot(w, products(v)):.12f}")
print(f"v'Hw = {dot(v, products(w)):.12f}   (a Hessian is symmetric)")

# %% [markdown]
# ## When finite differences lie
#
# The tempting way is $(g(w + e v) - g(w - e v)) / 2e$. On a network with ReLU the gradient jumps at
# kinks: as long as the step reaches over some, the result is off by more than its own size. Only below
# 1e-5 this small network has none within reach; a larger one has kinks everywhere. On a smooth network
# (here a small vision transformer with GELU) the error falls with the square of the step.

# %%
smooth = models.build("deit-ti", input_size=8, patch=4, width=12, depth=1, heads=2, classes=10, seed=0, dtype=np.float64)
noise = rng.standard_normal((8, *models.input_shape("deit-ti", input_size=8)))
cases = {
    "digits-cnn (ReLU)": (network, images, labels),
    "transformer (GELU)": (smooth, noise, rng.integers(0, 10, 8)),
}
steps = [10.0**-power for power in range(1, 8)]
figure, axis = new_figure()
for index, (name, (net, shown, truth)) in enumerate(cases.items()):
    exact = HessianProducts(net, shown, truth)
    along = {layer: rng.choice([-1.0, 1.0], shape) for layer, shape in exact.shapes().items()}
    right = exact(along)
    size = np.sqrt(dot(right, right))
    errors = []
    for step in steps:
        rough = finite_difference_product(net, shown, truth, along, step)
        off = {layer: rough[layer] - right[layer] for layer in right}
        errors.append(np.sqrt(dot(off, off)) / size)
    axis.loglog(steps, errors, "os"[index] + "-", color=COLOURS[index], label=name)
axis.set(xlabel="step e", ylabel="relative error", title="Finite differences against the exact product")
axis.legend()
figure

# %% [markdown]
# ## The trace by throwing signs
#
# For a random vector of signs, $v' H v$ has the trace as its mean (Hutchinson). A hundred products give
# each layer's trace with a standard error; the true trace, entry by entry, needs one product a weight.

# %%
truth = exact_traces(network, images, labels)
guess = hutchinson_layers(network, images, labels, seed=0, max_samples=100)
for name, right in truth.items():
    found = guess[name]
    print(f"{name:6} trace {right:8.3f}   estimated {found.trace:8.3f} +- {found.standard_error:.3f}")

# %% [markdown]
# ## Exercises
#
# 1. How many products would the trace of a ResNet-20's largest layer (36,864 weights) need, entry by entry?
# 2. How does the standard error shrink with the number of samples?
# 3. Is `H v` linear in `v`? Check it for `v + 2 w`.
#
# **Answers**, checked:

# %%
# 1. One for each weight: 36,864. Hutchinson needs a hundred for all layers together.
# 2. As one over the square root: four times the samples, about half the error.
few = hutchinson_layers(network, images, labels, seed=1, max_samples=25)
many = hutchinson_layers(network, images, labels, seed=1, max_samples=400)
ratio = np.mean([few[name].standard_error / many[name].standard_error for name in few])
assert 2.5 < ratio < 6
# 3. Yes.
products = HessianProducts(network, images, labels)
sum_first = products({name: v[name] + 2 * w[name] for name in v})
hv, hw = products(v), products(w)
assert all(np.allclose(sum_first[name], hv[name] + 2 * hw[name], rtol=1e-10, atol=1e-12) for name in v)
print("all answers hold")
