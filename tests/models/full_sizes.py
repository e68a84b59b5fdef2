"""Parity at the full sizes, once: ``python -m tests.models.full_sizes [NAME ...] [--images N]``.

Tests compare tiny networks; this compares those of `pairs` as they are published, which takes
minutes. Of millions of activations a few lie within rounding of a jump of the gradient, where
float32 and float64 take different sides, in PyTorch as in ours. So our float32 gradients are also
compared with those of float64 on float32's sides, where only rounding is left.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np

from msq_ref.files import write_text
from msq_ref.reference import cross_entropy
from tests.models.pairs import PAIRS
from tests.models.parity import Pass, errors, our_pass, twin_pass

JUMPING = {"ReLU", "ReLU6", "MaxPool2d", "HardSwish", "HardSigmoid"}
"""Layers whose gradient jumps somewhere, by the name of the class."""


def on_the_same_sides(wide, narrow, images, labels, training):
    """Return the pass of a float64 network, each jump taken as the float32 network takes it."""
    narrow.forward(images.astype(np.float32), training)
    logits = wide.forward(images, training)
    for name, layer in wide.operations.items():
        if type(layer).__name__ in JUMPING:
            layer._kept = tuple(
                value.astype(np.float64) if value.dtype == np.float32 else value
                for value in narrow.operations[name]._kept
            )
    _, grad = cross_entropy(logits, labels)
    gradients = {"images": wide.backward(grad), **wide.gradients()}
    return Pass(logits, gradients, {k: v.copy() for k, v in wide.buffers().items()})


def measure(pair, images, labels, training):
    """Return the errors of each tensor, by what is compared with PyTorch's float64."""
    short = images.astype(np.float32)
    wide, narrow = pair.loaded(np.float64), pair.loaded(np.float32)
    truth = twin_pass(pair.twin, wide, pair.table, images, labels, training, pair.convert)
    peer = twin_pass(pair.twin, narrow, pair.table, short, labels, training, pair.convert)
    found = {
        "float64": errors(our_pass(wide, images, labels, training), truth),
        "float32": errors(our_pass(narrow, short, labels, training), truth),
        "PyTorch float32": errors(peer, truth),
    }
    wide, narrow, other = pair.loaded(np.float64), pair.loaded(np.float32), pair.loaded(np.float32)
    sided = on_the_same_sides(wide, other, images, labels, training)
    found["float32, sides"] = errors(our_pass(narrow, short, labels, training), sided)
    return found


def compare(name, images):
    """Print a network's errors and assert their bounds [S11.1]; return the worst by mode."""
    rows = {}
    for training in (False, True):
        pair = PAIRS[name](True)
        found = measure(pair, *pair.batch(images), training)
        print(f"{name}, {'training' if training else 'inference'}, {images} images {pair.shape}")
        worst = {}
        for title, tensors in found.items():
            key = max(tensors, key=tensors.get)
            worst[title] = tensors[key]
            print(f"  {title:15}  logits {tensors['logits']:.1e}  median "
                  f"{np.median(list(tensors.values())):.1e}  worst {worst[title]:.1e} {key}",
                  flush=True)  # fmt: skip
        assert worst["float64"] <= 1e-9
        limit = max(1e-4, 3 * worst["PyTorch float32"]) if training else 1e-4
        assert worst["float32, sides"] <= limit
        rows["training" if training else "inference"] = {
            title: {"logits": tensors["logits"], "worst": worst[title]}
            for title, tensors in found.items()
        }
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(PAIRS))
    parser.add_argument("--images", type=int, default=2)
    parser.add_argument("--json", type=Path, help="Put the figures into this file, beside others.")
    options = parser.parse_args()
    for name in options.names or PAIRS:
        started = time.perf_counter()
        rows = compare(name, options.images)
        print(f"  {time.perf_counter() - started:.0f} s")
        if options.json:
            known = json.loads(options.json.read_text("utf-8")) if options.json.exists() else {}
            known[name] = {"images": options.images, **rows}
            write_text(options.json, json.dumps(known, indent=1) + "\n")


if __name__ == "__main__":
    main()
