"""Checkpoints from strangers: nothing in them is run, and no claim of theirs takes memory."""

from __future__ import annotations

import ast
import json
import os
import pickle
import struct
import time
import tracemalloc
from pathlib import Path

import pytest
import torch
from safetensors.torch import save

import coverslip
from coverslip.checkpoints import (
    Checkpoint,
    build_network,
    hash_contents,
    load_checkpoint,
    read_card,
    read_tensors,
    save_checkpoint,
)
from coverslip.checkpoints.pretrained import read_weights
from coverslip.checkpoints.validate import MAX_HEADER_BYTES, MAX_TENSORS, no_more_weights
from coverslip.errors import ModelError
from coverslip.models import MODELS
from fuzz.network import Tiny, tiny_checkpoint

SOURCE = Path(coverslip.__file__).parent


class Bomb:
    """What a pickle may hold: a call of any function, here one that would leave a trace."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self):
        return os.mkdir, (str(self.trace),)


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    monkeypatch.setitem(MODELS, "tiny", Tiny)
    path = tmp_path / "tiny.safetensors"
    save_checkpoint(path, tiny_checkpoint())
    return path


def resigned(path: Path, *, weights: dict | None = None, **texts: str | None) -> Path:
    """The checkpoint with other texts or weights, and the checksum that a stranger would give."""
    tensors, metadata = read_tensors(path)
    tensors |= weights or {}
    metadata |= {key: text for key, text in texts.items() if text is not None}
    for key, text in texts.items():
        if text is None:
            del metadata[key]
    metadata["sha256"] = hash_contents(tensors, metadata)
    path.write_bytes(save(tensors, metadata=metadata))
    return path


def test_the_checkpoint_that_the_others_are_made_of_is_good(tiny):
    assert load_checkpoint(resigned(tiny)).threshold == 0.4


# --- no code


@pytest.mark.parametrize("name", ["bomb.safetensors", "bomb.pth", "bomb.pt"])
@pytest.mark.parametrize("write", ["pickle", "torch", "torch, older form"])
def test_a_pickle_bomb_does_not_go_off(tmp_path, name, write):
    path, trace = tmp_path / name, tmp_path / "trace"
    if write == "pickle":
        path.write_bytes(pickle.dumps(Bomb(trace)))
    else:
        torch.save({"w": Bomb(trace)}, path, _use_new_zipfile_serialization="older" not in write)
    for read in (load_checkpoint, read_card, read_weights):
        with pytest.raises(ModelError, match="not readable as"):
            read(path)
    assert not trace.exists()
    if write == "pickle":  # the bomb is a live one
        pickle.loads(path.read_bytes())
        assert trace.exists()


SPELLS = ("pickle", "dill", "joblib", "shelve", "marshal", "eval", "exec", "torch.jit.load")


def test_nothing_in_the_source_reads_pickles():
    """Two calls remain, for encoders' weights in PyTorch's own form; with `weights_only`.

    Cellpose's files are pickles: their reader knows arrays alone (tests/test_io_annotations.py).
    """
    loads = []
    for path in SOURCE.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if not any(word in text for word in (*SPELLS, "load")):
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                names = {getattr(node, "module", ""), *(alias.name for alias in node.names)}
                assert not names & set(SPELLS) or path.name == "cellpose.py", path
            if isinstance(node, ast.Call):
                name, words = ast.unparse(node.func), {it.arg: it.value for it in node.keywords}
                assert name not in SPELLS and not name.endswith(("read_pickle", "hub.load")), path
                if name == "np.load" or "allow_pickle" in words:
                    assert ast.unparse(words["allow_pickle"]) == "False", path
                if name.endswith(("torch.load", "load_state_dict_from_url")):
                    assert ast.unparse(words["weights_only"]) == "True", path
                    loads.append(f"{path.name}: {name}")
    assert sorted(loads) == [
        "pretrained.py: torch.hub.load_state_dict_from_url",
        "pretrained.py: torch.load",
    ]


# --- headers


@pytest.mark.parametrize("claimed", [2**40, 2**63, 2**64 - 1, MAX_HEADER_BYTES + 1, 500])
def test_a_header_longer_than_the_file_is_refused_at_once(tmp_path, claimed):
    path = tmp_path / "a.safetensors"
    path.write_bytes(struct.pack("<Q", claimed) + b"{}" * 100)
    with pytest.raises(ModelError, match=r"a\.safetensors: not readable.*header claims"):
        read_tensors(path)


def test_a_header_beyond_the_limit_is_refused_though_it_is_there(tmp_path):
    path = tmp_path / "a.safetensors"
    header = b"{" + b" " * MAX_HEADER_BYTES + b"}"
    path.write_bytes(struct.pack("<Q", len(header)) + header)
    with pytest.raises(ModelError, match="header claims"):
        read_tensors(path)


def with_header(path: Path, header: object, data: bytes = b"") -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


TENSOR = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"[" * 100_000,
        b'{"a":' * 50_000,
        [1, 2],
        {"a": 3},
        {"a": TENSOR | {"shape": [2**40]}},
        {"a": TENSOR | {"shape": [2**62, 2**62]}},
        {"a": TENSOR | {"data_offsets": [0, 2**44]}},
        {"a": TENSOR | {"data_offsets": [2**44, 2**44 + 8]}},
        {"a": TENSOR | {"data_offsets": [8, 0]}},
        {"a": TENSOR, "b": TENSOR},
        {"a": TENSOR | {"dtype": "OBJECT"}},
        {"a": TENSOR, "__metadata__": {"card": {"deep": 1}}},
    ],
)
def test_headers_that_lie_are_refused(tmp_path, header):
    with pytest.raises(ModelError, match="not readable as safetensors"):
        read_tensors(with_header(tmp_path / "a.safetensors", header, bytes(8)))


def test_more_tensors_than_any_network_has(tmp_path):
    none = {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
    header = {f"w{n}": none for n in range(MAX_TENSORS + 1)}
    with pytest.raises(ModelError, match="tensors, where at most"):
        read_tensors(with_header(tmp_path / "a.safetensors", header))


# --- what the texts say


@pytest.mark.parametrize("key", ["model", "arguments", "preprocess", "card"])
def test_a_missing_text_is_named(tiny, key):
    with pytest.raises(ModelError, match=rf"tiny\.safetensors: it does not say its {key}"):
        load_checkpoint(resigned(tiny, **{key: None}))


@pytest.mark.parametrize("key", ["arguments", "preprocess", "card", "maps"])
@pytest.mark.parametrize("text", ["", "{", "7", "null", '"x"', "[" * 100_000, "1" * 10_000])
def test_a_text_that_is_none_is_refused(tiny, key, text):
    with pytest.raises(ModelError, match=rf"tiny\.safetensors: its {key}"):
        load_checkpoint(resigned(tiny, **{key: text}))


@pytest.mark.parametrize("text", ["[]", "[" * 100_000, "null"])
def test_a_card_is_read_alone_as_carefully(tiny, text):
    with pytest.raises(ModelError, match=r"tiny\.safetensors: its card"):
        read_card(resigned(tiny, card=text))


def test_a_card_of_megabytes_is_read_and_one_beyond_the_limit_is_not(tiny):
    card = {"notes": "x" * (MAX_HEADER_BYTES // 2)}
    assert load_checkpoint(resigned(tiny, card=json.dumps(card))).card == card
    card = {"notes": "x" * MAX_HEADER_BYTES}
    with pytest.raises(ModelError, match="header claims"):
        load_checkpoint(resigned(tiny, card=json.dumps(card)))


@pytest.mark.parametrize(
    "card",
    [
        {"threshold": "high"},
        {"threshold": None},
        {"threshold": 1.5},
        {"threshold": float("nan")},
        {"threshold": [0.5]},
        {"cell_size_px": "x"},
        {"cell_size_px": -3},
        {"cell_size_px": 1e300},
        {"cell_size_px": [1]},
        {"training": [1]},
        {"training": {"cell_size_px": float("inf")}},
    ],
)
def test_a_card_with_other_than_numbers(tiny, card):
    with pytest.raises(ModelError, match="its card's"):
        load_checkpoint(resigned(tiny, card=json.dumps(card)))


GOOD = {"low_percentile": 1.0, "high_percentile": 99.0, "mean": [0, 0, 0], "std": [1, 1, 1]}


@pytest.mark.parametrize(
    "wrong",
    [
        {"low_percentile": 99.5},
        {"high_percentile": 101},
        {"low_percentile": "1"},
        {"mean": [0, 0]},
        {"mean": None},
        {"std": [1, 1, 0]},
        {"std": [1, 1, "1"]},
        {"mean": [0, 0, float("inf")]},
        {"gamma": 2},
    ],
)
def test_a_preprocessing_that_makes_no_image(tiny, wrong):
    load_checkpoint(resigned(tiny, preprocess=json.dumps(GOOD)))
    with pytest.raises(ModelError, match="its preprocessing makes no sense"):
        load_checkpoint(resigned(tiny, preprocess=json.dumps(GOOD | wrong)))


@pytest.mark.parametrize("maps", [[], ["distance"], ["mask", "mask"], [["mask"]], [3], ["x" * 999]])
def test_maps_that_are_none(tiny, maps):
    with pytest.raises(ModelError, match=r"tiny\.safetensors: maps"):
        load_checkpoint(resigned(tiny, maps=json.dumps(maps)))


# --- networks


def test_an_unknown_network_is_not_looked_for_elsewhere(tiny):
    for model in ("os.system", "../net", "", "tiny\0", "x" * 10_000):
        with pytest.raises(ModelError, match="unknown network"):
            load_checkpoint(resigned(tiny, model=model))


@pytest.mark.parametrize(
    "arguments",
    [
        {"width": 10**9},
        {"width": -(10**9)},
        {"width": 1e300},
        {"width": float("nan")},
        {"width": "x" * 1000},
        {"width": {"a": 1}},
        {"depths": [1] * 100},
        {"depths": [[[1]]]},
        {"depths": [10**9]},
    ],
)
def test_arguments_of_no_use_are_refused_before_anything_is_built(tiny, arguments, monkeypatch):
    def build(**_: object) -> None:
        raise AssertionError("built")

    monkeypatch.setitem(MODELS, "tiny", build)
    with pytest.raises(ModelError, match="its network's argument"):
        load_checkpoint(resigned(tiny, arguments=json.dumps(arguments)))


@pytest.mark.parametrize(
    "arguments", [{"width": 60_000}, {"width": 3}, {"depths": [60_000] * 60}, {"depths": [2]}]
)
def test_a_network_larger_than_its_file_never_comes_to_be(tiny, arguments):
    started = time.process_time()
    tracemalloc.start()
    with pytest.raises(ModelError, match="more weights than the 17 that it holds"):
        load_checkpoint(resigned(tiny, arguments=json.dumps(arguments)))
    assert tracemalloc.get_traced_memory()[1] < 10 * 2**20
    tracemalloc.stop()
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    "arguments",
    [{"width": 0}, {"width": -1}, {"width": "2"}, {"width": 2.5}, {"depths": 3}, {"wide": 1}],
)
def test_arguments_that_build_nothing(tiny, arguments):
    with pytest.raises(ModelError, match=r"tiny\.safetensors: .*(built|hold|fit)"):
        load_checkpoint(resigned(tiny, arguments=json.dumps(arguments)))


@pytest.mark.parametrize("name", sorted(MODELS))
def test_every_network_has_as_many_weights_as_its_own_file(name):
    with torch.device("meta"):  # shapes alone, which take no time
        network = build_network(name, {})
    state = network.state_dict()
    with no_more_weights(state), torch.device("meta"):
        build_network(name, {})
    assert len(state) < MAX_TENSORS
    largest = max(dict(network.named_parameters()), key=lambda key: state[key].numel())
    less = {key: tensor for key, tensor in state.items() if key != largest}
    if not any(key.endswith("running_mean") for key in state):  # which makes up for it
        with pytest.raises(ModelError, match="more weights"), no_more_weights(less):  # fmt: skip
            with torch.device("meta"):
                build_network(name, {})


def test_the_limit_ends_with_its_block(tiny):
    with pytest.raises(ModelError), no_more_weights({}):
        Tiny()
    Tiny()


# --- weights


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_weights_that_are_no_numbers_are_told(tiny, value):
    bias = torch.tensor([0.0, value])
    with pytest.raises(ModelError, match=r"'pixel\.bias' hold NaN or Inf"):
        load_checkpoint(resigned(tiny, weights={"pixel.bias": bias}))


@pytest.mark.parametrize(
    "weights",
    [
        {"pixel.bias": torch.zeros(2, dtype=torch.complex64)},
        {"pixel.bias": torch.zeros(3)},
        {"pixel.bias": torch.zeros(2, 1)},
        {"more": torch.zeros(2)},
    ],
)
def test_weights_of_another_shape_or_name(tiny, weights):
    with pytest.raises(ModelError, match=r"tiny\.safetensors: "):
        load_checkpoint(resigned(tiny, weights=weights))


@pytest.mark.parametrize("kind", ["float8_e4m3fn", "float8_e5m2", "float8_e8m0fnu"])
def test_weights_of_eight_bits_are_refused(tiny, kind):
    if not hasattr(torch, kind):
        pytest.skip(f"this PyTorch has no {kind}")
    tensors, metadata = read_tensors(tiny)
    tensors["head.bias"] = tensors["head.bias"].to(getattr(torch, kind))
    tiny.write_bytes(save(tensors, metadata=metadata))
    with pytest.raises(
        ModelError, match=r"tiny\.safetensors: .*head\.bias.* F8_.*not read"
    ) as error:
        load_checkpoint(tiny)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("kind", ["F4", "F6_E2M3", "C64", "U64"])
def test_weights_of_a_type_that_is_not_computed_with_are_refused(tmp_path, kind):
    path = tmp_path / "a.safetensors"
    header = {"a": {"dtype": kind, "shape": [8], "data_offsets": [0, 64]}}
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(64))
    with pytest.raises(ModelError, match=r"a\.safetensors: ") as error:
        read_tensors(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("digits", [100, 4000, 5000])
@pytest.mark.parametrize("where", ["arguments", "threshold", "cell_size_px", "preprocess"])
def test_numbers_of_thousands_of_digits(tiny, digits, where):
    number = "9" * digits
    texts = {
        "arguments": {"arguments": f'{{"width": {number}}}'},
        "threshold": {"card": f'{{"threshold": {number}}}'},
        "cell_size_px": {"card": f'{{"cell_size_px": {number}}}'},
        "preprocess": {"preprocess": f'{{"low_percentile": -{number}}}'},
    }[where]
    with pytest.raises(ModelError) as error:
        load_checkpoint(resigned(tiny, **texts))
    assert len(str(error.value)) < 600 and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("arguments", "maps", "said"),
    [
        ({"in_channels": 1}, ["mask"], "takes images of 1 channels, and is shown 3 here"),
        ({"in_channels": 4}, ["mask"], "takes images of 4 channels"),
        ({"out_channels": 2}, ["mask"], "gives 2 maps, and its description names 1"),
        ({}, ["mask", "distance"], "gives 1 maps, and its description names 2"),
    ],
)
def test_a_network_for_other_images_or_maps_is_refused(tmp_path, arguments, maps, said):
    network = build_network("unet", arguments)
    path = tmp_path / "a.safetensors"
    save_checkpoint(path, Checkpoint(network, "unet", arguments, maps=tuple(maps)))
    with pytest.raises(ModelError, match=said):
        load_checkpoint(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no such pipes")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.safetensors")
    with pytest.raises(ModelError, match="it is no file"):
        load_checkpoint(tmp_path / "a.safetensors")
