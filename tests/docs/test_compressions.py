"""The page on compressions shows what was measured, and the measurement can be repeated."""

import json

import pytest

from tests.docs.test_results import DOCS, script


@pytest.fixture(scope="module")
def measured():
    return json.loads((DOCS / "compressions.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def measure():
    return script("measure_compressions")


def test_the_page_is_that_of_the_file(measured):
    """Tables to the letter."""
    make = script("make_compressions")
    text = (DOCS / "hwsim-compressions.md").read_text(encoding="utf-8")
    assert make.page_with_tables(text, measured) == text
    assert text.count("<!-- end ") == len(make.tables(measured))


def test_cases_are_those_of_the_paper(measured, measure):
    """[S6.3] All of them, reached."""
    assert [(one["network"], one["compression"]) for one in measured["cases"]] == [
        tuple(case) for case in measure.CASES
    ]
    for case in measured["cases"]:
        assert case["compression"] <= case["reached"] < 1.005 * case["compression"]


@pytest.mark.parametrize("kind", ["weight-serial", "activation-serial", "both-serial",
                                  "bit-parallel"])  # fmt: skip
def test_a_measurement_can_be_repeated(measured, measure, kind):
    """[S10.3] Cycles to the cycle, energy to the last digits."""
    name, target = measure.CASES[0]
    accelerator = measure.design("edge-large", kind)
    eight = measure.network_workload(name)
    for label, work in (("compressed", measure.allocate(eight, target)), ("at_8_bits", eight)):
        now = measure.figures(work, accelerator)
        then = measured["cases"][0]["designs"]["edge-large"][kind][label]
        assert now.pop("energy_pj") == pytest.approx(then["energy_pj"], rel=1e-12)
        assert now == {key: value for key, value in then.items() if key != "energy_pj"}


def test_what_the_page_says(measured):
    """Weights bit by bit gain from narrow ones, operands in parallel only from less traffic."""
    for case in measured["cases"]:
        for designs in case["designs"].values():
            for kind, found in designs.items():
                now, before = found["compressed"], found["at_8_bits"]
                work = [one["cycles"] - one["stall_cycles"] for one in (now, before)]
                if kind in ("weight-serial", "both-serial"):
                    assert work[0] < work[1]
                else:  # but for passes of a reduction that is cut
                    assert work[0] == pytest.approx(work[1], rel=0.02)
                assert now["dram_bytes"] < before["dram_bytes"]
                saved = before["energy_pj"] - now["energy_pj"]
                assert saved > 8 * (before["dram_bytes"] - now["dram_bytes"]) * 1300 / 64
            slowest = max(designs, key=lambda kind: designs[kind]["compressed"]["cycles"])
            assert slowest == "both-serial"
            stalls, gains = {}, {}
            for kind, found in designs.items():
                now, before = found["compressed"], found["at_8_bits"]
                stalls[kind] = now["stall_cycles"] / now["cycles"]
                gains[kind] = before["cycles"] / now["cycles"]
            assert min(stalls, key=stalls.get) == "both-serial"
            if case["network"] != "mobilenetv3-large":
                assert max(gains, key=gains.get) == "both-serial"


def test_memory_is_the_limit_of_transformers(measured):
    """For one image on edge-large: the speed-up of the bytes."""
    for case in measured["cases"]:
        if case["network"] not in ("deit-s", "swin-t"):
            continue
        found = case["designs"]["edge-large"]["weight-serial"]
        now, before = found["compressed"], found["at_8_bits"]
        assert now["waiting_layers"] > 0.9 * case["layers"]
        speed, fewer = (before[key] / now[key] for key in ("cycles", "dram_bytes"))
        assert speed == pytest.approx(fewer, rel=0.03)


def test_bandwidth_moves_the_limit(measured):
    """[S10.1] To about 8 over the bits of a MAC; less where channels are filtered alone."""
    for case in measured["cases"]:
        for by_bandwidth in case["bandwidths"].values():
            stalls = [
                one["compressed"]["stall_cycles"] / one["compressed"]["cycles"]
                for one in by_bandwidth.values()
            ]
            assert stalls == sorted(stalls, reverse=True)
            assert stalls[0] > 0.7
            assert stalls[-1] < 0.01
            fast = by_bandwidth["16"]
            speed = fast["at_8_bits"]["cycles"] / fast["compressed"]["cycles"]
            gain = 8 / case["bits_of_a_mac"]
            if case["network"] == "mobilenetv3-large":
                assert speed < gain
            else:
                assert speed == pytest.approx(gain, rel=0.05)
        assert case["bits_of_a_mac"] > 32 / case["reached"]
        assert case["alike"]["bits_of_a_mac"] <= case["bits_of_a_mac"]
