from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from coverslip.checkpoints import (
    Checkpoint,
    build_network,
    halve,
    load_checkpoint,
    read_card,
    read_tensors,
    save_checkpoint,
)
from coverslip.errors import FileError, ModelError
from coverslip.preprocessing import Preprocess


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "net.safetensors"
    checkpoint = Checkpoint(
        network=build_network("swift", {"out_channels": 2}),
        model="swift",
        arguments={"out_channels": 2},
        maps=("mask", "distance"),
        preprocess=Preprocess(low_percentile=3.0),
        card={"task": "Zellen", "scores": {"jaccard": 0.5}},
    )
    save_checkpoint(path, checkpoint)
    return path


def test_everything_comes_back(saved):
    loaded = load_checkpoint(saved)
    assert loaded.model == "swift" and loaded.arguments == {"out_channels": 2}
    assert loaded.preprocess == Preprocess(low_percentile=3.0)
    assert not loaded.network.training
    assert read_card(saved) == {"network": "swift", "task": "Zellen", "scores": {"jaccard": 0.5}}


def test_half_precision_halves_the_file_and_loads_as_float32(saved, tmp_path):
    original = load_checkpoint(saved)
    save_checkpoint(tmp_path / "half.safetensors", original, half=True)
    assert (tmp_path / "half.safetensors").stat().st_size < 0.55 * saved.stat().st_size
    for old, new in zip(
        original.network.parameters(),
        load_checkpoint(tmp_path / "half.safetensors").network.parameters(),
        strict=True,
    ):
        assert new.dtype == torch.float32
        torch.testing.assert_close(new, old, rtol=1e-3, atol=1e-4)


def test_truncated(saved):
    saved.write_bytes(saved.read_bytes()[:-1000])
    with pytest.raises(ModelError, match=r"net\.safetensors: not readable.*truncated"):
        load_checkpoint(saved)


def test_tampered_weights(saved):
    raw = bytearray(saved.read_bytes())
    raw[-100] ^= 1
    saved.write_bytes(raw)
    with pytest.raises(ModelError, match="checksum"):
        load_checkpoint(saved)


def test_tampered_settings(saved):
    tensors, metadata = read_tensors(saved)
    metadata["preprocess"] = json.dumps({"low_percentile": 9})
    save_file(tensors, saved, metadata=metadata)
    with pytest.raises(ModelError, match="checksum"):
        load_checkpoint(saved)


def test_another_networks_weights(saved):
    network = build_network("swift", {"out_channels": 1})
    maps, arguments = ("mask", "distance"), {"out_channels": 2}
    save_checkpoint(saved, Checkpoint(network, "swift", arguments, maps=maps))
    with pytest.raises(ModelError, match="do not fit the network 'swift'"):
        load_checkpoint(saved)


def test_encoder_weights_are_no_checkpoint(tmp_path):
    save_file({"conv1.weight": torch.zeros(1)}, tmp_path / "enc.safetensors")
    with pytest.raises(ModelError, match="--encoder"):
        load_checkpoint(tmp_path / "enc.safetensors")


def test_a_pickle_is_never_opened(tmp_path):
    torch.save({"a": torch.zeros(1)}, tmp_path / "net.pth")
    with pytest.raises(ModelError, match="not readable as safetensors"):
        load_checkpoint(tmp_path / "net.pth")


def test_a_misspelt_network_suggests_the_nearest():
    with pytest.raises(ModelError, match="did you mean 'resnet18_unet_rp'"):
        build_network("resnet18_unet_pr", {})


def test_arguments_a_network_does_not_take():
    with pytest.raises(ModelError, match="cannot be built with"):
        build_network("unet", {"colour": "red"})


def test_half_written_files_never_appear(saved, monkeypatch):
    before = saved.read_bytes()

    def fail(*args: object, **kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("safetensors.torch.save", fail)
    with pytest.raises(FileError, match="No space left"):
        save_checkpoint(saved, load_checkpoint(saved))
    assert saved.read_bytes() == before
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]


def test_keys_of_the_file_are_the_networks_own(saved):
    assert set(load_file(saved)) == set(load_checkpoint(saved).network.state_dict())


def test_what_float16_cannot_hold_is_kept_as_it_is():
    assert halve(torch.tensor([1.0, 2.0])).dtype == torch.float16
    assert halve(torch.tensor([1.0, 1e5])).dtype == torch.float32
    assert halve(torch.tensor([1, 70_000])).dtype == torch.int64
