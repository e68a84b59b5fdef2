"""What a word of a command line names: an accelerator, changed as the options say."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from msq_ref.formats import known_name

if TYPE_CHECKING:
    from hwsim.accelerator import Accelerator

__all__ = ["read_accelerator"]


def read_accelerator(
    name: str, array: str | None = None, assignments: Iterable[str] | None = None
) -> Accelerator:
    """Return a preset or a file's accelerator, changed as `hwsim.overrides.override` does.

    ``A@parallel`` is the bit-parallel rival of A, of the same area; A is changed before.
    """
    from hwsim.accelerator import load_accelerator  # noqa: PLC0415  (the help comes without it)

    base, at, rival = name.rpartition("@")
    if at and base:
        known_name("design", f"@{rival}", ["@parallel"])
    machine = load_accelerator(base if at and base else name)
    if array is not None or assignments:
        from hwsim.overrides import override  # noqa: PLC0415

        machine = override(machine, array, assignments or ())
    if at and base:
        from hwsim.equal_area import parallel_rival  # noqa: PLC0415

        machine = parallel_rival(machine)
    return machine
