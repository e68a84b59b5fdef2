"""The contract's operations in other systems, each a module of its own.

- ``msq_ref.backends.torch``: PyTorch; autograd gives the gradients.
- ``msq_ref.backends.jax``: JAX, compiled by XLA.
- ``msq_ref.backends.c``: C99, compiled on first use with the system's compiler.

Each has every operation of `msq_ref.contract` with NumPy arrays in and out, so that any of them
can stand in for `msq_ref.reference`. None is imported before it is asked for.
"""
