"""Write the page on compressions: ``python docs/make_compressions.py``.

The figures are those of compressions.json, which measure_compressions.py writes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from marks import between

from msq_ref.files import write_text

HERE = Path(__file__).parent
PAGE, DATA = HERE / "hwsim-compressions.md", HERE / "compressions.json"

TITLES = {
    "mobilenetv3-large": "MobileNetV3-Large", "deit-s": "DeiT-S", "swin-t": "Swin-T",
    "resnet50": "ResNet-50",
}  # fmt: skip


def tables(measured: dict[str, Any]) -> dict[str, str]:
    """Return the tables of the page by the names of their marks."""
    found = {"bits": bits_table(measured)}
    for preset in measured["cases"][0]["designs"]:
        found[f"kinds {preset}"] = kinds_table(measured, preset)
    found["alike"] = alike_table(measured)
    for preset in measured["cases"][0]["bandwidths"]:
        found[f"memory {preset}"] = memory_table(measured, preset)
    return found


def bits_table(measured: dict[str, Any]) -> str:
    """Return the layers of each width, by network."""
    widths = list(measured["cases"][0]["bits"])
    rows = [
        [
            _case(case), f"{case['reached']:.3f}", *(str(case["bits"][n] or "") for n in widths),
            f"{32 / case['reached']:.2f}", f"{case['bits_of_a_mac']:.2f}",
        ]
        for case in measured["cases"]
    ]  # fmt: skip
    header = ["network", "reached", *(f"{n} bits" for n in widths), "bits of a weight"]
    return _table([*header, "bits of a MAC"], rows)


def kinds_table(measured: dict[str, Any], preset: str) -> str:
    """Return what each array gains over 8 bits, and over the bit-parallel one, by network."""
    rows = []
    for case in measured["cases"]:
        designs = case["designs"][preset]
        parallel = designs["bit-parallel"]["compressed"]
        for kind, found in designs.items():
            now, before = found["compressed"], found["at_8_bits"]
            rows.append(
                [
                    _case(case), kind, found["array"], f"{now['cycles']:,}",
                    f"{before['cycles'] / now['cycles']:.2f}x",
                    f"{1 - now['energy_pj'] / before['energy_pj']:.0%}",
                    f"{before['dram_bytes'] / now['dram_bytes']:.2f}x",
                    f"{now['stall_cycles'] / now['cycles']:.0%}",
                    f"{before['stall_cycles'] / before['cycles']:.0%}",
                    f"{now['waiting_layers']} of {case['layers']}",
                    f"{parallel['cycles'] / now['cycles']:.2f}x",
                ]
            )  # fmt: skip
    return _table(
        [
            "network", "array", "rows x cols x lanes", "cycles", "speed-up over 8 bits",
            "energy saved", "fewer DRAM bytes", "stall", "stall at 8 bits", "layers that wait",
            "speed over bit-parallel",
        ],
        rows,
    )  # fmt: skip


def alike_table(measured: dict[str, Any]) -> str:
    """Return the speed-ups of widths that are all alike, by network and array."""
    presets = list(measured["cases"][0]["designs"])
    kinds = list(measured["cases"][0]["designs"][presets[0]])
    rows = []
    for case in measured["cases"]:
        cells = [_case(case), f"{case['alike']['bits_of_a_mac']:.2f}"]
        for preset in presets:
            for kind in kinds:
                before = case["designs"][preset][kind]["at_8_bits"]["cycles"]
                now = case["alike"]["designs"][preset][kind]["compressed"]["cycles"]
                cells.append(f"{before / now:.2f}x")
        rows.append(cells)
    columns = [f"{preset}, {kind}" for preset in presets for kind in kinds]
    return _table(["network", "bits of a MAC", *columns], rows)


def memory_table(measured: dict[str, Any], preset: str) -> str:
    """Return the speed-up of the weight-serial array, and its stall, by bandwidth of the DRAM."""
    names = list(measured["cases"][0]["bandwidths"][preset])
    rows = []
    for case in measured["cases"]:
        cells = []
        for name in names:
            found = case["bandwidths"][preset][name]
            now, before = found["compressed"], found["at_8_bits"]
            stall = now["stall_cycles"] / now["cycles"]
            cells.append(f"{before['cycles'] / now['cycles']:.2f}x, {stall:.0%}")
        rows.append([_case(case), *cells])
    return _table(["network", *(f"{float(name):g}x" for name in names)], rows)


def page_with_tables(text: str, measured: dict[str, Any]) -> str:
    """Return the text of the page with its tables as they are now."""
    for name, table in tables(measured).items():
        text = between(text, f"<!-- {name} -->\n", f"<!-- end {name} -->", table)
    return text


def _case(case: dict[str, Any]) -> str:
    return f"{TITLES[case['network']]}, {case['compression']:.2f}x"


def _table(header: list[str], rows: list[list[str]]) -> str:
    def lines() -> Iterator[str]:
        yield f"| {' | '.join(header)} |"
        yield "|---|" + "---:|" * (len(header) - 1)
        for row in rows:
            yield f"| {' | '.join(row)} |"

    return "\n".join(lines()) + "\n"


if __name__ == "__main__":
    found = json.loads(DATA.read_text(encoding="utf-8"))
    write_text(PAGE, page_with_tables(PAGE.read_text(encoding="utf-8"), found))
