"""The performance page: the table is the file's, every kernel is in it, pictures are drawn."""

import json
import re
import xml.etree.ElementTree as ElementTree

from tests.docs.test_results import DOCS, script

PAGE = (DOCS / "performance.md").read_text(encoding="utf-8")
PICTURES = re.findall(r"\]\(images/(kernel-\w+\.svg)\)", PAGE)
STEPS = {"mobilenetv3_step", "resnet20_step", "small_cnn_step", "vit_step"}


def test_the_table_is_that_of_the_measured_file():
    """To the letter."""
    assert script("make_performance").page_with_table(PAGE) == PAGE


def test_the_pictures_of_the_page_are_those_the_script_draws(tmp_path):
    """All of them, no others; well formed."""
    script("make_performance").draw(tmp_path)
    drawn = sorted(path.name for path in tmp_path.iterdir())
    assert drawn == sorted(PICTURES) == sorted(p.name for p in (DOCS / "images").glob("kernel-*"))
    for name in drawn:
        for folder in (tmp_path, DOCS / "images"):
            assert ElementTree.parse(folder / name).getroot().tag.endswith("svg")


def test_every_benchmark_that_counts_its_work_is_a_point_below_the_roof():
    """And every other one a bar, but for cases that only repeat another's."""
    measured = script("make_performance").draw_measured
    rows = json.loads((DOCS / "benchmarks.json").read_text(encoding="utf-8"))
    left, right = measured.roofline(rows).axes
    points = [line for line in left.lines if line.get_linestyle() == "None"]
    assert len(points) == sum(row["flops"] > 0 for row in rows)
    bars = {tick.get_text().split("/")[0].split(",")[0] for tick in right.get_yticklabels()}
    named = {line.get_label().split("/")[0] for line in points}
    assert bars | named >= {row["case"].split("/")[0].split(",")[0] for row in rows}


def test_steps_tell_where_their_time_goes_and_how_it_grows():
    """Shares of a step add up to all of it."""
    rows = json.loads((DOCS / "benchmarks.json").read_text(encoding="utf-8"))
    first = {row["case"]: row["details"] for row in rows if row["case"] in STEPS}
    assert first.keys() == STEPS
    for details in first.values():
        lines = details["where the time goes"]
        total = sum(line["share"] for line in lines if not line["part"].startswith(" "))
        assert abs(total - 1) < 0.01
        for title in ("time by batch", "time by width"):
            assert len(details[title]) >= 3


def test_every_kernel_of_a_layer_has_a_paragraph():
    """By module: what is neither bookkeeping nor named under a part of its own."""
    for module in (
        "tiles", "winograd", "input_gradient", "depthwise_tiles", "products", "linear", "threads",
        "batchnorm", "rectified", "excitation", "weights", "updates", "fused", "attention",
        "vector_math", "int8_gemm", "bitserial_gemm", "paths", "cache",
    ):  # fmt: skip
        assert re.search(rf"`[\w/]*{module}(\.py|/)`", PAGE), module
