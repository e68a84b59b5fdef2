"""All mutants, by the module that registers them."""

from importlib import import_module

from tests.mutants.registry import MUTANTS, Mutant

FORMULAS = (
    "normalize", "normalize_signed", "normalize_backward", "roundclamp", "dorefa", "dequantize",
    "effective", "effective_signed", "lsb", "lsb_l1", "lsb_gradient", "lsb_rate", "bit_planes",
    "from_bit_planes", "sensitivity", "assign_k", "prune_step", "compression", "activation",
    "integer_weights", "integer_linear", "conv_windows", "conv_channels", "bitserial", "requantize",
    "requantize_range", "sgd",
)  # fmt: skip
"""Modules of mutants written one by one."""

FAMILIES = ("reading", "results", "refusals", "acceptance", "habits", "paths")
"""Modules that make the same mistake in every operation."""


def collect() -> dict[str, list[Mutant]]:
    """Return the mutants of each module."""
    found = {}
    for module in (*FORMULAS, *FAMILIES):
        before = set(MUTANTS)
        import_module(f"tests.mutants.{module}")
        found[module] = [mutant for name, mutant in MUTANTS.items() if name not in before]
    return found
