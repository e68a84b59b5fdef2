"""Whether the files of training steps can be followed: every stage defined, no edge too near."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from msq_ref.conformance.vectors.encoding import decode

__all__ = ["MARGIN", "lint_steps"]

MARGIN = 2.0**-20
"""Least distance of ``2^n u`` from a rounding edge, so that a tolerable error flips no code."""


def lint_steps(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with a file of steps that is valid by the schema."""
    for case in document["cases"]:
        groups = case.get("steps") or [{"name": "the step", "stages": case["stages"]}]
        used = {stage["name"] for group in groups for stage in group["stages"]}
        if used != set(case["definitions"]):
            odd = sorted(used ^ set(case["definitions"]))
            yield f"case {case['id']}: stages and definitions differ in {', '.join(odd)}"
        for group in groups:
            names = [stage["name"] for stage in group["stages"]]
            if len(set(names)) != len(names):
                yield f"case {case['id']}: {group['name']}: a stage is there twice"
            for fault in _edges(group["stages"]):
                yield f"case {case['id']}: {group['name']}: {fault}"


def _edges(stages: list[dict[str, Any]]) -> Iterator[str]:
    """Look for codes that hang on the last bits of u, which has a tolerance."""
    for stage in stages:
        try:
            value = decode(stage["value"], {})
        except ValueError as error:
            yield f"{stage['name']}: {error}"
            continue
        if stage["name"].rpartition(".")[2] in ("u", "u after the step"):
            if not isinstance(value, np.ndarray) or value.dtype.kind != "f":
                yield f"{stage['name']}: expected an array of floats"
                continue
            for bits in range(1, 9):
                scaled = value * 2.0**bits
                distance = np.abs(np.abs(scaled - np.floor(scaled)) - 0.5)
                # At the ends and in the middle u is exact: the largest and the zero weights.
                if distance[(value != 0.5) & (value != 0) & (value != 1)].min(initial=1.0) < MARGIN:
                    yield f"{stage['name']}: {bits} bits: a weight lies on a rounding edge"
