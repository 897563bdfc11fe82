from __future__ import annotations

from urllib.error import URLError

import pytest
import torch
from safetensors.torch import save_file

from coverslip.errors import ModelError
from coverslip.models.encoders import ResNet18Encoder
from coverslip.pretrained import load_pretrained


@pytest.fixture
def encoder():
    return ResNet18Encoder()


def torchvision_like(encoder: ResNet18Encoder) -> dict[str, torch.Tensor]:
    """Made weights under torchvision's names, with the classifier that we do not have."""
    made = {name: torch.full_like(value, 3) for name, value in encoder.state_dict().items()}
    return made | {"fc.weight": torch.zeros(1000, 512)}


def test_none_changes_nothing(encoder):
    before = encoder.conv1.weight.clone()
    assert load_pretrained(encoder, "none") == []
    assert torch.equal(encoder.conv1.weight, before)


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_a_file_is_loaded_and_its_classifier_passed_over(encoder, tmp_path, suffix):
    path = tmp_path / f"resnet18{suffix}"
    weights = torchvision_like(encoder)
    save_file(weights, path) if suffix == ".safetensors" else torch.save(weights, path)
    assert load_pretrained(encoder, str(path)) == []
    assert (encoder.layer4[1].conv2.weight == 3).all()


def test_missing_keys_are_listed(encoder, tmp_path):
    weights = {k: v for k, v in torchvision_like(encoder).items() if not k.startswith("layer4")}
    save_file(weights, tmp_path / "part.safetensors")
    missing = load_pretrained(encoder, str(tmp_path / "part.safetensors"))
    assert "layer4.0.conv1.weight" in missing
    assert all(name.startswith("layer4") for name in missing)
    assert not (encoder.layer4[0].conv1.weight == 3).any()


def test_the_hub_is_asked_for_a_checked_file(encoder, monkeypatch):
    asked = {}

    def hub(url: str, **options: object) -> dict[str, torch.Tensor]:
        asked.update(options, url=url)
        return torchvision_like(encoder)

    monkeypatch.setattr("torch.hub.load_state_dict_from_url", hub)
    assert load_pretrained(encoder, "imagenet") == []
    assert asked["check_hash"] and asked["weights_only"]
    assert asked["url"].endswith("resnet18-f37072fd.pth")


def test_offline_names_the_two_other_ways(encoder, monkeypatch):
    def offline(url: str, **options: object) -> None:
        raise URLError("no route to host")

    monkeypatch.setattr("torch.hub.load_state_dict_from_url", offline)
    with pytest.raises(ModelError, match=r"no route to host.*--encoder PATH.*--encoder none"):
        load_pretrained(encoder, "imagenet")


def test_other_weights_are_refused(encoder, tmp_path):
    save_file({"something": torch.zeros(1)}, tmp_path / "a.safetensors")
    with pytest.raises(ModelError, match="none of its 1 keys"):
        load_pretrained(encoder, str(tmp_path / "a.safetensors"))
    save_file({"conv1.weight": torch.zeros(64, 1, 7, 7)}, tmp_path / "b.safetensors")
    with pytest.raises(ModelError, match=r"conv1\.weight has shape \(64, 1, 7, 7\)"):
        load_pretrained(encoder, str(tmp_path / "b.safetensors"))


def test_a_pth_with_code_in_it_is_refused(encoder, tmp_path):
    torch.save({"conv1.weight": print}, tmp_path / "evil.pth")
    with pytest.raises(ModelError, match="tensors only"):
        load_pretrained(encoder, str(tmp_path / "evil.pth"))


def test_a_missing_file(encoder):
    with pytest.raises(ModelError, match="missing"):
        load_pretrained(encoder, "nowhere.safetensors")
