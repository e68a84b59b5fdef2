"""A headless Chromium of the system, and pages of every kind to open in it."""

import os
import shutil

import pytest

from hwsim import load_accelerator, network_workload, simulate
from hwsim.overrides import override
from hwsim.pages import write_comparison, write_report, write_sweep_page
from msq_ref.formats.page import Figure, Section, write_page
from msq_ref.formats.style import new_figure, save_figure

PATIENCE = 120_000
"""Milliseconds that a busy machine may need."""

PROGRAMS = "chromium", "chromium-browser", "google-chrome", "google-chrome-stable"


@pytest.fixture(scope="session")
def chromium():
    """Give a browser; one for all tests."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.skip(f"no browser is installed: none of {', '.join(PROGRAMS)}")
    # As root there is no sandbox; the pages are our own, and may load nothing.
    flags = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=flags, timeout=PATIENCE)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def pages(tmp_path_factory):
    """Give the file of each kind of page."""
    folder = tmp_path_factory.mktemp("pages")
    files = {name: folder / f"{name}.html" for name in ("run", "compare", "sweep", "msq")}
    workload = network_workload("digits-cnn").at_bits(3)
    designs = [override(load_accelerator("edge-small"), None, ["vector.lanes=8"]),
               load_accelerator("systolic-os")]  # fmt: skip
    reports = [simulate(workload, design) for design in designs]
    at_8_bits = simulate(workload.at_bits(8), designs[0])
    write_report(files["run"], reports[0], at_8_bits, workload)
    write_comparison(files["compare"], reports, workload)
    write_sweep_page(files["sweep"], "A sweep", _sweep(30), notes=["Energy is an estimate."])
    picture = folder / "picture.svg"
    figure, axis = new_figure()
    axis.plot([8, 6, 3], label="bits")
    save_figure(figure, picture)
    sections = [
        Section("Methods", ["A paragraph. " * 20], ("method", *["accuracy"] * 9),
                [("MSQ", *["0.9876"] * 9), ("DoReFa, 4 bits", *["0.9861"] * 9)]),
        Section("Bits while training", figures=[Figure(picture, "Bits fall to 3.", "Bits.")]),
    ]  # fmt: skip
    write_page(files["msq"], "MSQ demo", sections)
    return files


def _sweep(count):
    ran = [at % 7 > 0 for at in range(count)]
    return {
        "point": list(range(count)),
        "array.rows": [4 << at % 4 for at in range(count)],
        "dram.bits_per_cycle": [8 << at % 3 for at in range(count)],
        "status": ["ok" if one else "refused" for one in ran],
        "reason": ["" if one else "layer conv1: the weight buffer is too small" for one in ran],
        "latency_s": [1e-3 / (1 + at % 13) if one else None for at, one in enumerate(ran)],
        "energy_pj": [1e6 * (1 + at % 11) if one else None for at, one in enumerate(ran)],
    }
