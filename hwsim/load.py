"""What a word names: a bundled network, a run, a topology or an ONNX file, and its widths."""

from __future__ import annotations

from pathlib import Path

from hwsim.bits_file import with_bits_of
from hwsim.compression import allocate
from hwsim.layer import DEFAULT_BITS, MOST_BITS
from hwsim.networks import network_names, network_workload
from hwsim.run_folder import workload_from_run
from hwsim.topology import topology_workload
from hwsim.workload import Workload
from msq_ref.formats import known_name

__all__ = ["load_workload", "with_widths"]


def load_workload(
    text: str | Path,
    *,
    bits: int | str | Path | None = None,
    compression: float | None = None,
    in_bits: int | None = None,
) -> Workload:
    """Return the workload that a word names, with widths of one's own if they are given.

    Parameters
    ----------
    text : str or Path
        Name of a bundled network, folder of a finished run, topology in SCALE-Sim's format
        (``.csv``) or ONNX file (``.onnx``).
    bits, compression
        As in `with_widths`.
    in_bits : int, optional
        Width of activations, 1 to 16; by default 8, or as the ONNX file has it. A run's are as
        trained.

    Raises
    ------
    ValueError
        In one line: the name is unknown, with the nearest one; a file cannot be read, or does not
        fit; a width is out of range; an ONNX file, but the package that reads it is missing.
    """
    return with_widths(_named(text, in_bits), bits, compression)


def with_widths(
    workload: Workload, bits: int | str | Path | None = None, compression: float | None = None
) -> Workload:
    """Return a workload with other widths of its weights, where some are asked for.

    Parameters
    ----------
    workload : Workload
    bits : int, str or Path, optional
        A width for all weights, or the path of a file or a run with one for each layer, see
        `hwsim.bits_file`. Digits are a width too.
    compression : float, optional
        In place of `bits`: widths by the rule of `hwsim.compression`, marked as assumed.

    Raises
    ------
    ValueError
        If both are given, or one is out of range or cannot be read.
    """
    if bits is not None and compression is not None:
        raise ValueError(
            f"bits = {bits} and compression = {compression:g}: expected one of them at most"
        )
    if compression is not None:
        return allocate(workload, compression)
    if bits is None:
        return workload
    text = str(bits)
    digits = text.removeprefix("-")
    if isinstance(bits, int) or (digits.isascii() and digits.isdigit()):
        width = int(text) if digits.isdigit() and len(digits) < 10 else 0
        if isinstance(bits, bool) or not 1 <= width <= MOST_BITS:
            raise ValueError(f"bits = {bits}: expected 1 to {MOST_BITS}, a file or a run's folder")
        return workload.at_bits(width)
    return with_bits_of(workload, bits)


def _named(text: str | Path, in_bits: int | None) -> Workload:
    width = DEFAULT_BITS if in_bits is None else in_bits
    if text in network_names():
        return network_workload(str(text), in_bits=width)
    path = Path(text)
    if path.suffix.lower() == ".csv":
        return topology_workload(path, in_bits=width)
    if path.suffix.lower() == ".onnx":
        from hwsim.onnx import onnx_workload  # noqa: PLC0415  (an extra)

        return onnx_workload(path, in_bits=in_bits)
    if path.name == str(text) and not path.exists():
        try:
            known_name("NETWORK", str(text), network_names())
        except ValueError as error:
            raise ValueError(f"{error}; and there is no such folder") from None
    if in_bits is not None:
        raise ValueError(f"in_bits = {in_bits}: the activations of a run, {path}, are as trained")
    return workload_from_run(path)
