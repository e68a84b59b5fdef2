"""Explicit Hessians in the place of a network: estimators take whatever multiplies."""

import numpy as np

from msq_ref import kernels
from msq_ref.hessian import HessianProducts
from tests.hessian.test_oracles import full_hessian
from tests.hessian.test_products import quantized
from tests.nn.networks import batch


class Matrix:
    """A symmetric matrix over the weights of all layers, in order."""

    def __init__(self, matrix, shapes):
        self.matrix, self.shapes = matrix, shapes
        ends = np.cumsum([int(np.prod(shape)) for shape in shapes.values()])
        self.places = {
            name: slice(end - int(np.prod(shape)), end)
            for (name, shape), end in zip(shapes.items(), ends, strict=True)
        }
        self.products = 0

    @classmethod
    def of(cls, products):
        return cls(full_hessian(products), products.shapes())

    def __call__(self, vectors):
        self.products += 1
        whole = self.matrix @ np.concatenate([vectors[name].ravel() for name in self.shapes])
        return {name: whole[at].reshape(self.shapes[name]) for name, at in self.places.items()}

    def block(self, name, vector):
        self.products += 1
        at = self.places[name]
        return (self.matrix[at, at] @ vector.ravel()).reshape(vector.shape)

    def traces(self):
        return {name: np.trace(self.matrix[at, at]) for name, at in self.places.items()}


def of_network(make, images=4):
    """Return the Hessian of a network of a few hundred weights."""
    products = HessianProducts(quantized(make, kernels), *batch(np.float64, size=images))
    return Matrix.of(products)


def decaying(power, size=120, seed=0):
    """Return a matrix with eigenvalues ``i ** -power`` and random eigenvectors."""
    basis = np.linalg.qr(np.random.default_rng(seed).standard_normal((size, size))).Q
    return Matrix((basis * np.arange(1, size + 1) ** -float(power)) @ basis.T, {"w": (size,)})
