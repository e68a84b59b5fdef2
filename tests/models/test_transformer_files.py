"""Weights of DeiT and Swin as others publish them."""

import numpy as np
import pytest

from msq_ref import models
from msq_ref.models.published import from_torch, read_safetensors
from msq_ref.models.qkv import fused_qkv
from tests.models.pairs import TINY_DEIT, TINY_SWIN, pair_of

BOTH = pytest.mark.parametrize("name", ["deit-ti", "swin-t"])


@BOTH
def test_files_of_the_package(name, tmp_path):
    """Queries, keys and values apart: in the names of its version 5, and in those it writes."""
    pair = pair_of(name)
    from safetensors.numpy import save_file
    from transformers.utils import logging

    logging.disable_progress_bar()
    pair.twin.save_pretrained(tmp_path)
    written, own = tmp_path / "model.safetensors", tmp_path / "own.safetensors"
    save_file({key: value.numpy() for key, value in pair.twin.state_dict().items()}, own)
    names = [set(read_safetensors(file)) for file in (written, own)]
    assert len(names[0] & names[1]) < len(names[0]) / 2
    expected = pair.loaded().state()
    for file in (written, own):
        network = models.load(name, file, dtype=np.float64, **pair.sizes)
        for key, value in network.state().items():
            np.testing.assert_array_equal(value, expected[key])


@BOTH
def test_files_in_the_authors_names(name, tmp_path):
    """Ours but for norms, tokens and layouts; tables that follow from the sizes are left out."""
    from safetensors.numpy import save_file

    sizes = TINY_SWIN if name == "swin-t" else TINY_DEIT
    network = models.build(name, seed=7, **sizes)
    tensors = {"layers.0.blocks.0.attn.relative_position_index": np.zeros((16, 16), np.int64),
               "layers.0.blocks.1.attn_mask": np.zeros((9, 16, 16), np.float32)}  # fmt: skip
    for key, value in network.state().items():
        place, _, word = key.rpartition(".")
        if word == "weight":
            value = value.transpose({4: (3, 2, 0, 1), 2: (1, 0)}[value.ndim])
        word = {"gamma": "weight", "beta": "bias"}.get(word, word)
        tensors[word if place == "embed" else f"{place}.{word}"] = np.ascontiguousarray(value)
    save_file(tensors, tmp_path / "authors.safetensors")
    loaded = models.load(name, tmp_path / "authors.safetensors", **sizes)
    for key, value in network.state().items():
        np.testing.assert_array_equal(loaded.state()[key], value)


def test_a_missing_key_is_listed():
    """Two of the three cannot be joined; all that does not fit is named."""
    pair = pair_of("deit-ti")
    tensors = {key: value.numpy() for key, value in pair.twin.state_dict().items()}
    del tensors["vit.layers.1.attention.k_proj.weight"]
    network = pair.build(np.float64)
    with pytest.raises(ValueError, match="state does not fit") as caught:
        network.load_state(from_torch(network, tensors, pair.table))
    message = str(caught.value)
    assert "missing blocks.1.attn.qkv.weight" in message
    assert "q_proj.weight" in message
    assert "v_proj.weight" in message
    assert "qkv.bias" not in message


def test_queries_keys_and_values_are_joined():
    """In this order, along the outputs; what is no layer, or not whole, stays."""
    rng = np.random.default_rng(0)
    q, k, v, other = (rng.standard_normal((4, 4)) for _ in range(4))
    bias = [rng.standard_normal(4) for _ in range(3)]
    tensors = {
        "0.key.weight": k, "0.query.weight": q, "0.value.weight": v, "0.proj.weight": other,
        "q_proj.bias": bias[0], "k_proj.bias": bias[1], "v_proj.bias": bias[2],
        "1.query.weight": q, "1.key.weight": k, "1.value.weight": v[:2],
        "2.q_proj.weight": q, "2.key.weight": k, "2.v_proj.weight": v, "query": other,
    }  # fmt: skip
    found = fused_qkv(tensors)
    assert list(found) == [
        "0.qkv.weight", "0.proj.weight", "qkv.bias", "1.query.weight", "1.key.weight",
        "1.value.weight", "2.q_proj.weight", "2.key.weight", "2.v_proj.weight", "query",
    ]  # fmt: skip
    np.testing.assert_array_equal(found["0.qkv.weight"], np.vstack([q, k, v]))
    np.testing.assert_array_equal(found["qkv.bias"], np.hstack(bias))
    for name in found.keys() & tensors.keys():
        assert found[name] is tensors[name]
