"""Cycles, memory and energy of a bit-serial edge accelerator, and its outputs to the bit."""
