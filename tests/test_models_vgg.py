"""What only the networks on a VGG encoder have: its numbering, SegNet's places, two outputs."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from coverslip.models import DoubleUNet, SegNet
from coverslip.models.blocks import SqueezeExcite
from coverslip.models.double_unet import DilatedPyramid
from coverslip.models.vgg import VGGEncoder
from coverslip.training.losses import bce_dice_loss

# the numbers that torchvision's own state dicts have
CONVOLUTIONS = {
    "vgg11": [0, 3, 6, 8, 11, 13, 16, 18],
    "vgg16_bn": [0, 3, 7, 10, 14, 17, 20, 24, 27, 30, 34, 37, 40],
    "vgg19": [0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34],
}
NORMS = {"vgg16_bn": [1, 4, 8, 11, 15, 18, 21, 25, 28, 31, 35, 38, 41]}


def count_parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize("architecture", CONVOLUTIONS)
def test_layers_stand_under_torchvisions_numbers(architecture):
    weights = VGGEncoder(architecture).state_dict()
    kernels = [name for name, tensor in weights.items() if tensor.ndim == 4]
    assert kernels == [f"features.{number}.weight" for number in CONVOLUTIONS[architecture]]
    norms = [name for name in weights if name.endswith("running_var")]
    assert norms == [f"features.{n}.running_var" for n in NORMS.get(architecture, [])]


@pytest.mark.parametrize(
    ("architecture", "parameters"),
    [("vgg11", 9_220_480), ("vgg16_bn", 14_723_136), ("vgg19", 20_024_384)],
)
def test_features_are_taken_before_each_pool(architecture, parameters):
    encoder = VGGEncoder(architecture).eval()
    assert count_parameters(encoder) == parameters
    assert encoder.architecture == architecture
    with torch.inference_mode():
        features = encoder(torch.randn(1, 3, 32, 64))
    shapes = [tuple(f.shape[1:]) for f in features]
    assert shapes == [
        (64, 32, 64),
        (128, 16, 32),
        (256, 8, 16),
        (512, 4, 8),
        (512, 2, 4),
        (512, 1, 2),
    ]
    torch.testing.assert_close(features[-1], nn.functional.max_pool2d(features[-2], 2))


def test_the_last_pool_can_be_left_out():
    encoder = VGGEncoder("vgg11", last_pool=False).eval()
    with torch.inference_mode():
        shapes = [tuple(f.shape[2:]) for f in encoder(torch.randn(1, 3, 16, 16))]
    assert shapes == [(16, 16), (8, 8), (4, 4), (2, 2), (1, 1)]


def bare_segnet(n_stages: int) -> nn.Module:
    """SegNet with its pools, and nothing else in it."""
    with torch.device("meta"):
        network = SegNet()
    network.encoder.features = nn.Sequential(*(nn.MaxPool2d(2) for _ in range(n_stages)))
    network.decoder = nn.ModuleList(nn.Identity() for _ in range(n_stages))
    network.head = nn.Identity()
    return network


IMAGE = [
    [1.0, 2.0, 9.0, 3.0],
    [4.0, 3.0, 1.0, 2.0],
    [5.0, 1.0, 2.0, 1.0],
    [2.0, 6.0, 7.0, 8.0],
]


def test_values_return_to_where_the_maxima_were():
    returned = bare_segnet(1)(torch.tensor(IMAGE)[None, None])
    assert returned[0, 0].tolist() == [
        [0, 0, 9, 0],
        [4, 0, 0, 0],
        [0, 0, 0, 0],
        [0, 6, 0, 8],
    ]


def test_the_coarsest_places_are_used_first():
    returned = bare_segnet(2)(torch.tensor(IMAGE)[None, None])
    assert returned.nonzero().tolist() == [[0, 0, 0, 2]]
    assert returned.max() == 9


def test_places_belong_to_each_image_and_channel_in_any_memory_order():
    images = torch.randn(2, 3, 8, 8)
    network = bare_segnet(2)
    together = network(images.contiguous(memory_format=torch.channels_last))
    for n in range(2):
        for channel in range(3):
            alone = network(images[n : n + 1, channel : channel + 1])
            assert torch.equal(together[n, channel], alone[0, 0])


def test_squeeze_excite_scales_channels_by_hand():
    layer = SqueezeExcite(8, 4)
    assert count_parameters(layer) == 2 * 8 * 2
    nn.init.zeros_(layer.squeeze.weight)
    layer.squeeze.weight.data[0, 0] = 1  # looks at the mean of the first channel
    nn.init.zeros_(layer.excite.weight)
    layer.excite.weight.data[1, 0] = 2  # and speaks to the second
    x = torch.ones(1, 8, 2, 2)
    x[0, 0] = torch.tensor([[0.0, 1.0], [2.0, 3.0]])  # mean 1.5
    scaled = layer(x)
    assert torch.equal(scaled[0, 0], x[0, 0] / 2)
    torch.testing.assert_close(scaled[0, 1], torch.sigmoid(torch.full((2, 2), 3.0)))


def test_squeeze_excite_does_not_let_a_channel_below_zero_speak():
    layer = SqueezeExcite(8, 8)
    nn.init.ones_(layer.squeeze.weight)
    assert torch.equal(layer(-torch.ones(1, 8, 2, 2)), torch.full((1, 8, 2, 2), -0.5))


def test_pyramid_keeps_the_size():
    pyramid = DilatedPyramid(512, 64).eval()
    whole, ones, dilated, join = 512 * 64 + 64 + 128, 512 * 64 + 128, 9 * 512 * 64 + 128, 320 * 64
    assert count_parameters(pyramid) == whole + ones + 3 * dilated + join + 128
    with torch.inference_mode():
        assert pyramid(torch.randn(2, 512, 3, 5)).shape == (2, 64, 3, 5)


def test_pyramid_sees_as_far_as_its_dilations_and_its_mean():
    pyramid = DilatedPyramid(4, 8).eval()
    reaches = [0, 6, 12, 18]
    x = torch.zeros(1, 4, 41, 41)
    x[..., 20, 20] = 1.0
    for branch, reach in zip(pyramid.branches, reaches, strict=True):
        answer = branch[0](x)[0].abs().sum(0).nonzero() - 20
        assert sorted(answer.abs().unique().tolist()) == sorted({0, reach})
    whole = pyramid.whole[0](x.mean(dim=(2, 3), keepdim=True))
    assert whole.shape == (1, 8, 1, 1)
    assert whole.abs().sum() > 0


@pytest.fixture(scope="module")
def double_unet():
    torch.manual_seed(0)
    return DoubleUNet()


@pytest.mark.parametrize(("logit", "share"), [(-200.0, 0.0), (0.0, 0.5), (200.0, 1.0)])
def test_the_first_mask_multiplies_what_the_second_network_sees(logit, share):
    network, seen = DoubleUNet(out_channels=2).eval(), []
    nn.init.zeros_(network.head1.weight)
    network.head1.bias.data = torch.tensor([logit, 0.0])  # the other channel has no say
    network.encoder2[0].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    images = torch.randn(1, 3, 16, 32)
    with torch.inference_mode():
        network(images)
    assert torch.equal(seen[0], share * images)


def test_the_answer_is_the_second_output(double_unet):
    double_unet.eval()
    images = torch.randn(1, 3, 16, 16)
    with torch.inference_mode():
        first, second = double_unet.both_logits(images)
        assert torch.equal(double_unet(images), second)
    assert first.shape == second.shape
    assert not torch.allclose(first, second)


def test_both_outputs_are_taught_and_reach_every_parameter(double_unet):
    double_unet.train().zero_grad()
    images, masks = torch.randn(2, 3, 32, 32), (torch.rand(2, 1, 32, 32) > 0.5).float()
    taught = []

    def criterion(logits: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
        taught.append(bce_dice_loss(logits, truth))
        return taught[-1]

    loss = double_unet.training_loss(
        images, masks, grey=images.mean(1, keepdim=True), criterion=criterion
    )
    assert len(taught) == 2
    assert loss.item() == pytest.approx(sum(t.item() for t in taught))
    loss.backward()
    silent = [n for n, p in double_unet.named_parameters() if p.grad is None or not p.grad.any()]
    assert silent == []


def test_the_first_output_is_taught_even_where_the_second_is_right(double_unet):
    double_unet.train().zero_grad()
    images = torch.randn(2, 3, 16, 16)
    first_only = [1.0, 0.0]
    loss = double_unet.training_loss(
        images,
        images,
        grey=images,
        criterion=lambda logits, _: first_only.pop(0) * logits.square().mean(),
    )
    loss.backward()
    assert double_unet.head1.weight.grad.any()
    assert not double_unet.head2.weight.grad.any()


def test_a_batch_of_one_can_be_learnt_from(double_unet):
    double_unet.train()
    assert double_unet(torch.randn(1, 3, 32, 32)).isfinite().all()
