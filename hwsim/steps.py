"""A network as steps on named tensors, and what of it the vector unit does.

A step of the array makes a tensor and stores it. Steps without weights either work on a tensor
while it is made, or read it back:

- Element-wise steps on what the step before has just made run on the stream of its results: they
  are *fused*. A run of such steps, behind the array or behind a step that is not fused, is a chain;
  all its tensors are at hand, element by element, and have the same number of elements.
- Any other operand is read. So is that of a pool, a softmax or a normalization, which need more
  than one element at a time.
- A chain stores each of its tensors that a later step outside of it reads, and at least one. The
  array's step counts one among its outputs; the others are stored by the steps that make them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hwsim.vector_layer import ELEMENT_WISE, Operand, VectorLayer

__all__ = ["ARRAY", "INPUT", "Step", "vector_layers"]

ARRAY, INPUT = "array", "input"
"""Kinds of the steps that are no vector layers; of the first the name is that of the layer."""


@dataclass(frozen=True)
class Step:
    """A step, in the order in which they run.

    Attributes
    ----------
    name, kind : str
        `ARRAY`, `INPUT` or a kind of `VectorLayer`.
    operands : tuple of (str, int)
        Tensors that are read, and how many of their elements; constants are not among them. Those
        of the array are of interest only as uses.
    result : str
        The tensor that is made; a name of its own.
    elements, bits : int
        Of the result: how many, and how wide each is as it is stored.
    operations : int
        Of the vector unit, for each element of the result.
    constant_bits : int
        Parameters that the step reads.
    """

    name: str
    kind: str
    operands: tuple[tuple[str, int], ...]
    result: str
    elements: int
    bits: int
    operations: int = 0
    constant_bits: int = 0


def vector_layers(steps: Sequence[Step], outputs: Iterable[str] = ()) -> tuple[VectorLayer, ...]:
    """Return the vector layers among some steps.

    Parameters
    ----------
    steps : sequence of Step
        Operands are made before they are used.
    outputs : iterable of str
        Tensors that somebody outside reads.

    Raises
    ------
    ValueError
        If an operand is not made before, or two steps make the same tensor.
    """
    made: dict[str, int] = {}
    chain_of: list[int] = []  # the step that a chain begins with
    at_hand: list[set[str]] = []
    for index, step in enumerate(steps):
        for tensor, _ in step.operands:
            if tensor not in made:
                raise ValueError(f"step {step.name}: nothing makes {tensor!r}")
        if step.result in made:
            raise ValueError(f"step {step.name}: {step.result!r} is made twice")
        streams = step.kind in ELEMENT_WISE and index > 0 and steps[chain_of[-1]].kind != INPUT
        at_hand.append({
            tensor
            for tensor, count in step.operands
            if streams and chain_of[made[tensor]] == chain_of[-1]
            and count == step.elements == steps[made[tensor]].elements
        })  # fmt: skip
        chain_of.append(chain_of[-1] if at_hand[-1] else index)
        made[step.result] = index

    read = {
        tensor
        for index, step in enumerate(steps)
        for tensor, _ in step.operands
        if tensor not in at_hand[index]
    }
    stored = _stored(steps, chain_of, read | set(outputs))
    seen: set[str] = set()
    layers, after = [], ""
    for index, step in enumerate(steps):
        if step.kind == ARRAY:
            after = step.name
        if step.kind in (ARRAY, INPUT):
            continue
        if {tensor for tensor, _ in step.operands} == at_hand[index] and not (
            step.operations or step.constant_bits or stored[index]
        ):
            continue  # part of the step before, and nothing else of it is seen
        operands = []
        for tensor, count in dict(step.operands).items():
            if tensor in at_hand[index]:
                continue
            source = steps[made[tensor]]
            operands.append(
                Operand(
                    tensor, count * source.bits, source.elements * source.bits, made[tensor],
                    external=source.kind == INPUT, first=tensor not in seen,
                )
            )  # fmt: skip
            seen.add(tensor)
        layers.append(
            VectorLayer(
                step.name, step.kind, after, index, step.elements, step.operations,
                bool(at_hand[index]), tuple(operands), step.constant_bits, stored[index],
            )
        )  # fmt: skip
    return tuple(layers)


def _stored(steps: Sequence[Step], chain_of: Sequence[int], used: set[str]) -> list[int]:
    """Return the bits that each step stores beyond what the array counts as its outputs."""
    stored = [0] * len(steps)
    members: dict[int, list[int]] = {}
    for index, first in enumerate(chain_of):
        members.setdefault(first, []).append(index)
    for first, chain in members.items():
        if steps[first].kind == INPUT:
            continue  # it is in memory already
        leaving = [index for index in chain if steps[index].result in used] or chain[-1:]
        if steps[first].kind == ARRAY:
            leaving = leaving[1:]  # the first is among the outputs of the array
        for index in leaving:
            stored[index] = steps[index].elements * steps[index].bits
    return stored
