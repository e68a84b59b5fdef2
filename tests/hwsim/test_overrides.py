"""Changes to an accelerator: every key, every mistake in one line, and units told apart."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwsim import accelerator_names, load_accelerator
from hwsim.accelerator import Accelerator
from hwsim.overrides import known_keys, override
from hwsim.units import other_unit

SMALL = load_accelerator("edge-small")


def leaf(accelerator, key):
    value = accelerator
    for part in key.split("."):
        value = getattr(value, part, None)
    return value


def test_sides():
    """[S10.1] Rows x columns x lanes; lanes may be left out."""
    for text, sides in (("32x16x8", (32, 16, 8)), ("4X2", (4, 2, 16)), ("1x1x1", (1, 1, 1))):
        array = override(SMALL, text).array
        assert (array.rows, array.cols, array.lanes) == sides
    assert override(SMALL, "4x4", ["array.rows=5"]).array.rows == 5
    assert override(SMALL) is SMALL


@pytest.mark.parametrize(
    "text",
    ["", "x", "8", "8x", "axb", "8x8x8x8", "8 8", "-1x8", "8.0x8", "1e3x4", "9" * 5000 + "x1"],
)  # fmt: skip
def test_sides_of_no_form(text):
    with pytest.raises(ValueError, match="expected ROWSxCOLS or ROWSxCOLSxLANES"):
        override(SMALL, text)


def test_sides_out_of_range():
    with pytest.raises(ValueError, match="--array = '8x0': cols = 0: expected at least 1"):
        override(SMALL, "8x0")
    with pytest.raises(ValueError, match=r"array.rows = 5000: .* less than or equal to 4096"):
        override(SMALL, "5000x1")


def test_every_key_can_be_set_to_what_it_is():
    """Which changes nothing but the words about it."""
    for name in accelerator_names():
        accelerator = load_accelerator(name)
        for key in known_keys(accelerator):
            value = leaf(accelerator, key)
            if value is None or isinstance(value, tuple) or key == "description":
                continue
            text = str(value).lower() if isinstance(value, bool) else str(value)
            text = f'"{text}"' if isinstance(value, str) and key == "name" else text
            changed = override(accelerator, None, [f"{key}={text}"])
            assert leaf(changed, key) == value
            plain = {"description": accelerator.description, "energy": accelerator.energy}
            assert changed.model_copy(update=plain) == accelerator


def test_another_kind_of_array():
    """The sides stay; its own settings may be set on the way, those of the old kind may not."""
    systolic = override(SMALL, None, ["array.kind=systolic", "array.dataflow=ws"]).array
    sides = systolic.rows, systolic.cols
    assert (systolic.kind, systolic.dataflow, *sides) == ("systolic", "ws", 8, 8)
    fusion = override(SMALL, "16x32", ["array.kind=fusion"])
    assert (fusion.array.rows, fusion.array.most_bits) == (16, 8)
    back = override(fusion, None, ["array.kind=serial", "array.lanes=4"])
    assert (back.array.lanes, back.array.serial) == (4, "weight")
    with pytest.raises(ValueError, match=r"--set 'array.lanes': unknown key: .*array.dataflow"):
        override(SMALL, None, ["array.kind=systolic", "array.lanes=4"])
    with pytest.raises(ValueError, match=r"array.kind = 'serpent': known: serial, systolic"):
        override(SMALL, None, ["array.kind=serpent"])
    with pytest.raises(ValueError, match="'4x4x4': edge-small has no lanes: expected ROWSxCOLS"):
        override(override(SMALL, None, ["array.kind=systolic"]), "4x4x4")


def test_later_ones_win_and_the_description_says_so():
    changed = override(SMALL, "4x4", ["dram.bits_per_cycle=8", "dram.bits_per_cycle = 16"])
    assert (changed.dram.bits_per_cycle, changed.array.rows) == (16, 4)
    assert changed.description.startswith(SMALL.description)
    assert "changed: array.rows = 4, array.cols = 4, dram.bits_per_cycle = 16" in (
        changed.description
    )
    assert changed.name == SMALL.name


def test_a_changed_energy_table_says_so():
    """[S10.4] Its source is no longer the whole truth."""
    changed = override(SMALL, None, ["energy.dram_64bit_pj=640", "energy.add_8bit_pj=0"])
    assert changed.energy.dram_pj_per_bit == 10
    assert changed.energy.source == (
        f"{SMALL.energy.source}; changed: energy.add_8bit_pj, energy.dram_64bit_pj"
    )
    mine = override(SMALL, None, ['energy.source="mine"', "energy.add_8bit_pj=0"])
    assert mine.energy.source == "mine"
    table = override(SMALL, None, ["energy.buffers=[{bytes=65536, access_64bit_pj=64}]"])
    assert table.energy.buffer_pj_per_bit("input", 65536) == 1


UNKNOWN = {
    "dram.bit_per_cycle=4": "did you mean 'dram.bits_per_cycle'? known: name,",
    "rows=4": "did you mean 'array.rows'?",
    "bits_per_cycl=4": "did you mean 'dram.bits_per_cycle'?",
    "array.row=1": "did you mean 'array.rows'?",
    "xyzzy=1": "unknown key: known: name, description, frequency_mhz, array.",
    "array=1": "it is a group: array.",
    "dram.gb_per_s=0.8": "dram.gb_per_s = 0.8 is dram.bits_per_cycle = 32 at 200 MHz",
    "dram.bandwidth_gb_per_s=1.6": "is dram.bits_per_cycle = 64 at 200 MHz",
    "dram.gbps=1": "is dram.bits_per_cycle = 5 at 200 MHz",
    "dram.bytes_per_cycle=4": "is dram.bits_per_cycle = 32 at 200 MHz",
    "buffers.weight_kb=64": "is buffers.weight_bytes = 65536",
    "buffers.input_bits=64": "is buffers.input_bytes = 8",
    "frequency_ghz=1.5": "frequency_ghz = 1.5 is frequency_mhz = 1500",
    "dram.latency_ns=50": "is dram.latency_cycles = 10 at 200 MHz",
    "dram.burst_bits=512": "is dram.burst_bytes = 64",
    "energy.add_8bit_fj=30": "is energy.add_8bit_pj = 0.03",
    "energy.leakage_nw_per_gate=2": "is energy.leakage_pw_per_gate = 2000",
}


@pytest.mark.parametrize("text", UNKNOWN)
def test_unknown_keys(text):
    """The nearest known one, or what the value would be in its unit."""
    with pytest.raises(ValueError, match="unknown key") as caught:
        override(SMALL, None, [text])
    assert UNKNOWN[text] in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dram.bits_per_cycle", "expected KEY=VALUE"),
        ("=4", "expected KEY=VALUE"),
        ("dram.bits_per_cycle=", "expected KEY=VALUE"),
        ("dram.bits_per_cycle=0", "dram.bits_per_cycle = 0: .* greater than or equal to 1"),
        ("dram.bits_per_cycle=-4", "dram.bits_per_cycle = -4"),
        ("dram.bits_per_cycle=1.5", "dram.bits_per_cycle = 1.5: Input should be a valid integer"),
        ("dram.bits_per_cycle=many", "dram.bits_per_cycle = 'many'"),
        ("dram.bits_per_cycle=true", "dram.bits_per_cycle = True"),
        ("buffers.weight_bytes=0", "buffers.weight_bytes = 0"),
        ("buffers.weight_bytes=1048577", "energy table ends at 1048576 bytes"),
        ("frequency_mhz=0", "frequency_mhz = 0: .* greater than 0"),
        ("frequency_mhz=nan", "frequency_mhz = nan"),
        ("frequency_mhz=inf", "frequency_mhz = inf"),
        ("energy.add_8bit_pj=-0.1", "energy.add_8bit_pj = -0.1: .* greater than or equal to 0"),
        ("energy.leakage_pw_per_bit=-1", "energy.leakage_pw_per_bit = -1"),
        ("energy.buffers=[{bytes=8, access_64bit_pj=-1}]", "energy.buffers.0.access_64bit_pj = -1"),
        ("energy.buffers=[]", "energy.buffers"),
        ("widths.input_bits=17", "widths.input_bits = 17"),
        ("array.serial=sideways", "array.*sideways"),
    ],
)
def test_values_out_of_range(text, message):
    with pytest.raises(ValueError, match=message) as caught:
        override(SMALL, None, [text])
    assert "\n" not in str(caught.value)


KEYS = st.one_of(
    st.sampled_from(known_keys(SMALL)),
    st.text(max_size=30),
    st.sampled_from(["dram.gb_per_s", "buffers.weight_kb", "array", "..", "energy.", "dram.ns"]),
)  # fmt: skip
VALUES = st.one_of(
    st.integers().map(str), st.floats().map(str), st.text(max_size=30),
    st.sampled_from(["true", "[1]", "{a=1}", "1\nx=2", "'", "[" * 500, "1979-05-27", "0x10"]),
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(KEYS, VALUES)
def test_anything_is_set_or_refused_in_one_line(key, value):
    try:
        changed = override(SMALL, None, [f"{key}={value}"])
    except ValueError as error:
        said = str(error)
    else:
        said = changed.description
        assert Accelerator.model_validate(changed.model_dump()) == changed
    assert 0 < len(said) < 2000


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="0123456789xX.- e", max_size=12))
def test_any_sides(text):
    try:
        array = override(SMALL, text).array
    except ValueError:
        return
    assert min(array.rows, array.cols, array.lanes) >= 1


@settings(deadline=None)
@given(st.integers(1, 10**4), st.integers(1, 4096))
def test_bandwidth_is_the_same_bits(mhz, bits):
    """GB a second from bits a cycle, and back to them."""
    rate = Fraction(bits * mhz * 10**6, 8 * 10**9)
    said = other_unit("dram.gb_per_s", float(rate), ["dram.bits_per_cycle"], float(mhz))
    assert said is not None
    assert said.endswith(f"is dram.bits_per_cycle = {bits} at {mhz} MHz")


def test_no_other_unit():
    known = ["dram.bits_per_cycle", "buffers.weight_bytes", "array.rows"]
    assert other_unit("array.rows_kb", 1, known, 1.0) is None
    assert other_unit("buffers.gb_per_s", 1, known, 1.0) is None
    assert other_unit("dram.gb_per_s", "fast", known, 1.0) is None
    assert other_unit("dram.gb_per_s", True, known, 1.0) is None
