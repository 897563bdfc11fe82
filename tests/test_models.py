"""One suite over every network: the contract of coverslip.models."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from coverslip.checkpoints import Checkpoint, load_checkpoint, save_checkpoint
from coverslip.models import MODELS
from coverslip.models.encoders import ResNet18Encoder
from coverslip.training.losses import bce_dice_loss

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
    ("resnet18_fpn", {}, 13_805_124),
    ("resnet18_fpn", {"preactivation": False}, 13_802_689),
    ("bcdu_net", {}, 20_659_973),
    ("bcdu_net", {"in_channels": 1}, 20_658_821),
    ("bcdu_net", {"dense_blocks": 1}, 8_861_445),
    ("bcdu_net", {"dense_blocks": 1, "in_channels": 1}, 8_860_293),
    ("ddanet", {}, 6_835_638),
    ("tip_net_reconstruction", {}, 5_756_095),
    ("unet_plus_plus", {}, 9_042_177),
    ("unet_plus_plus", {"in_channels": 1}, 9_041_601),
    ("unet_plus_plus", {"deep_supervision": True}, 9_042_276),
    ("segnet", {}, 29_443_585),
    ("segnet", {"out_channels": 2}, 29_444_162),
    ("double_unet", {}, 29_290_274),
    ("ternausnet11", {}, 22_927_393),
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
    side = 2 * max(16, network.stride)  # coarsest maps of 2x2: batch norm would flatten fewer
    images, truth = torch.randn(2, 3, side, side), (torch.rand(2, 1, side, side) > 0.5).float()
    training_loss(network, images, truth).backward()
    # (a bias just before batch norm, as some authors have it, gets rounding and nothing else)
    silent = [n for n, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert silent == []


def training_loss(network: torch.nn.Module, images: Tensor, truth: Tensor) -> Tensor:
    """The loss that a training minimises: the network's own where it has auxiliary outputs."""
    if not hasattr(network, "training_loss"):
        return bce_dice_loss(network(images), truth)
    grey = torch.rand_like(images[:, :1])
    return network.training_loss(images, truth, grey=grey, criterion=bce_dice_loss)


@pytest.mark.parametrize("name", MODELS)
def test_a_batch_of_two_is_two_batches_of_one(name):
    network = make(name).eval().double()  # in single precision they differ by rounding alone
    height, width = max(32, network.stride), 2 * max(24, network.stride)
    images = torch.randn(2, 3, height, width, dtype=torch.float64)
    with torch.inference_mode():
        one_by_one = torch.cat([network(images[:1]), network(images[1:])])
        torch.testing.assert_close(network(images), one_by_one, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", MODELS)
def test_one_image_can_be_learnt_by_heart(name):
    network = make(name)
    for layer in network.modules():
        if isinstance(layer, torch.nn.Dropout):
            layer.eval()  # it is there to prevent just this
    scale = 2 if network.stride == 32 else 1
    side = 32 * scale
    truth = torch.zeros(2, 1, side, side)
    truth[..., 8 * scale : 20 * scale, 10 * scale : 24 * scale] = 1
    images = truth + 0.1 * torch.randn(2, 3, side, side)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9)  # quick per step
    losses = []
    for _ in range(40):
        loss = bce_dice_loss(network(images), truth)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)  # not all have batch norm
        optimizer.step()
        losses.append(loss.item())
        if losses[-1] < 0.25 * losses[0]:
            return
    pytest.fail(f"not learnt in {len(losses)} steps: {losses}")


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
