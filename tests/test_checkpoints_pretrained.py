from __future__ import annotations

from urllib.error import URLError

import pytest
import torch
from safetensors.torch import save_file

from coverslip.checkpoints import IMAGENET_URLS, load_pretrained
from coverslip.errors import ModelError, SettingsError
from coverslip.models.encoders import ResNet18Encoder
from coverslip.models.vgg import VGGEncoder
from coverslip.training import TrainSettings
from coverslip.training.network import networks_with_weights, new_network


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
    with pytest.raises(ModelError, match=r"no route to host.*a copy of that file.*or none"):
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


def vgg_weights(architecture: str) -> tuple[VGGEncoder, dict[str, torch.Tensor]]:
    """Another encoder of the kind, and its weights as torchvision would keep them."""
    torch.manual_seed(7)
    donor = VGGEncoder(architecture).eval()
    classifier = {f"classifier.{n}.weight": torch.zeros(4, 4) for n in (0, 3, 6)}
    return donor, donor.state_dict() | classifier


@pytest.mark.parametrize("way", ["imagenet", ".safetensors", ".pth"])
def test_vgg_weights_come_three_ways_and_change_the_features(way, tmp_path, monkeypatch):
    donor, weights = vgg_weights("vgg11")
    path = tmp_path / f"vgg11{way}"
    if way == "imagenet":
        monkeypatch.setattr("torch.hub.load_state_dict_from_url", lambda *_, **__: weights)
    elif way == ".pth":
        torch.save(weights, path)
    else:
        save_file(weights, path)
    encoder, image = VGGEncoder("vgg11").eval(), torch.randn(1, 3, 32, 32)
    with torch.inference_mode():
        before, wanted = encoder(image), donor(image)
        assert load_pretrained(encoder, way if way == "imagenet" else str(path)) == []
        after = encoder(image)
    for old, new, want in zip(before, after, wanted, strict=True):
        assert not torch.allclose(old, new)
        assert torch.equal(new, want)


@pytest.mark.parametrize("architecture", ["vgg11", "vgg16_bn", "vgg19"])
def test_each_vgg_asks_for_its_own_file(architecture, monkeypatch):
    asked = {}
    _, weights = vgg_weights(architecture)

    def hub(url: str, **options: object) -> dict[str, torch.Tensor]:
        asked.update(options, url=url)
        return weights

    monkeypatch.setattr("torch.hub.load_state_dict_from_url", hub)
    encoder = VGGEncoder(architecture)
    assert load_pretrained(encoder, "imagenet") == []
    assert all(torch.equal(value, weights[name]) for name, value in encoder.state_dict().items())
    assert asked["check_hash"] and asked["weights_only"]
    assert asked["url"].rpartition("/")[2].startswith(f"{architecture}-")


def test_urls_end_in_a_hash_that_the_hub_can_check():
    for architecture, url in IMAGENET_URLS.items():
        name, dash, digits = url.rpartition("/")[2].removesuffix(".pth").rpartition("-")
        assert (name, dash, len(digits)) == (architecture, "-", 8)
        int(digits, 16)


def test_weights_of_another_vgg_are_refused(tmp_path):
    torch.save(vgg_weights("vgg11")[1], tmp_path / "vgg11.pth")
    with pytest.raises(ModelError, match="another network's"):
        load_pretrained(VGGEncoder("vgg19"), str(tmp_path / "vgg11.pth"))


def test_an_encoder_of_which_no_weights_are_published(tmp_path):
    encoder = torch.nn.Conv2d(1, 1, 1)
    encoder.architecture = ""
    with pytest.raises(ModelError, match=r"no ImageNet weights.*resnet18.*vgg11.*--encoder PATH"):
        load_pretrained(encoder, "imagenet")
    save_file({"weight": torch.full((1, 1, 1, 1), 3.0)}, tmp_path / "own.safetensors")
    assert load_pretrained(encoder, str(tmp_path / "own.safetensors")) == ["bias"]
    assert encoder.weight.item() == 3


def test_a_new_network_has_them(tmp_path):
    _, weights = vgg_weights("vgg11")
    torch.save(weights, tmp_path / "vgg11.pth")
    settings = TrainSettings(model="ternausnet11", encoder=str(tmp_path / "vgg11.pth"))
    network, missing = new_network(settings)
    assert missing == []
    assert torch.equal(network.encoder.features[18].weight, weights["features.18.weight"])


def test_a_network_without_such_an_encoder_names_those_with_one():
    named = networks_with_weights()
    assert {"resnet18_unet", "segnet", "double_unet", "ternausnet11"} <= set(named)
    assert "unet" not in named
    with pytest.raises(SettingsError, match=f"'unet' has no encoder.*{', '.join(named)}"):
        new_network(TrainSettings(model="unet", encoder="imagenet"))
