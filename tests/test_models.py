"""One suite over every network: the contract of coverslip.models."""

from __future__ import annotations

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from coverslip.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from coverslip.losses import bce_dice_loss
from coverslip.models import MODELS
from coverslip.models.encoders import ResNet18Encoder

PARAMETERS = [
    ("unet", {}, 31_037_633),
    ("unet", {"norm": False}, 31_031_745),
    ("resnet18_unet", {}, 16_500_065),
    ("resnet18_unet", {"decoder_blocks": 0}, 16_324_001),
    ("resnet18_unet_rp", {}, 17_651_937),
    ("resnet18_unet_rp", {"decoder_blocks": 0}, 17_476_897),
    ("resnet18_unet_rp", {"decoder_blocks": 2}, 19_220_577),
    ("resnet18_unet_rp", {"unit": "basic"}, 18_568_865),
    ("resnet18_unet_rp", {"unit": "basic", "decoder_blocks": 0}, 18_393_825),
]


def count_parameters(network: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def make(name: str, **arguments: object) -> torch.nn.Module:
    torch.manual_seed(0)
    return MODELS[name](**arguments)


@pytest.mark.parametrize(("name", "arguments", "expected"), PARAMETERS)
def test_parameter_counts_are_those_of_the_specification(name, arguments, expected):
    assert count_parameters(make(name, **arguments)) == expected


def test_residual_paths_add_their_share():
    paths = make("resnet18_unet_rp").paths
    assert count_parameters(paths) == 1_162_112
    assert [len(path) for path in paths] == [4, 3, 2, 1]


def test_residual_paths_run_the_other_way_round_on_request():
    network = make("resnet18_unet_rp", path_units=(1, 2, 3, 4))
    assert [len(path) for path in network.paths] == [1, 2, 3, 4]


def test_swift_keeps_its_promises_of_size_and_work():
    network = make("swift").eval()
    assert count_parameters(network) <= 5e6
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, 3, 256, 256))
    assert counter.get_total_flops() <= 12e9


@pytest.mark.parametrize("name", MODELS)
def test_logits_have_the_size_of_the_image(name):
    network = make(name, out_channels=2).eval()
    height, width = 2 * network.stride, 5 * network.stride
    with torch.inference_mode():
        assert network(torch.randn(1, 3, height, width)).shape == (1, 2, height, width)


@pytest.mark.parametrize("name", MODELS)
def test_gradients_reach_every_parameter(name):
    network = make(name)
    images, truth = torch.randn(2, 3, 32, 32), (torch.rand(2, 1, 32, 32) > 0.5).float()
    bce_dice_loss(network(images), truth).backward()
    silent = [n for n, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert silent == []


@pytest.mark.parametrize("name", MODELS)
def test_a_batch_of_two_is_two_batches_of_one(name):
    network = make(name).eval()
    images = torch.randn(2, 3, 32, 48)
    with torch.inference_mode():
        one_by_one = torch.cat([network(images[:1]), network(images[1:])])
        torch.testing.assert_close(network(images), one_by_one, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", MODELS)
def test_one_image_can_be_learnt_by_heart(name):
    network = make(name)
    truth = torch.zeros(1, 1, 32, 32)
    truth[..., 8:20, 10:24] = 1
    images = truth.expand(2, 3, 32, 32) + 0.1 * torch.randn(2, 3, 32, 32)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9)  # quick per step
    losses = []
    for _ in range(15):
        loss = bce_dice_loss(network(images), truth.expand(2, 1, 32, 32))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.4 * losses[0]


@pytest.mark.parametrize("name", MODELS)
def test_saved_is_loaded(name, tmp_path):
    network = make(name).eval()
    images = torch.randn(1, 3, 32, 32)
    save_checkpoint(tmp_path / "a.safetensors", Checkpoint(network=network, model=name))
    again = load_checkpoint(tmp_path / "a.safetensors").network
    with torch.inference_mode():
        torch.testing.assert_close(again(images), network(images), rtol=0, atol=0)


@pytest.mark.parametrize("name", MODELS)
def test_exported_is_eager(name):
    network = make(name).eval()
    images = torch.randn(1, 3, 32, 32)
    exported = torch.export.export(network, (images,)).module()
    with torch.inference_mode():
        torch.testing.assert_close(exported(images), network(images), rtol=1e-5, atol=1e-5)


def test_encoder_takes_a_stage_less_and_keeps_the_full_resolution():
    encoder = ResNet18Encoder(stem_stride=1, n_stages=3).eval()
    with torch.inference_mode():
        shapes = [tuple(f.shape[1:]) for f in encoder(torch.zeros(1, 3, 32, 32))]
    assert shapes == [(64, 32, 32), (64, 16, 16), (128, 8, 8), (256, 4, 4)]
    assert count_parameters(encoder) == 2_782_784
    assert count_parameters(ResNet18Encoder()) == 11_176_512
