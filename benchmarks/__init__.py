"""Ratios to peers and to the machine's limits: ``python -m benchmarks NAME``."""
