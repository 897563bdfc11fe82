"""The parts of which single networks are made, against numbers and identities."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits, interpolate

from coverslip.models import BCDUNet, DDANet, ResNet18FPN, UNetPlusPlus
from coverslip.models.bcdu_net import ConvLSTM, hard_sigmoid
from coverslip.models.encoders import PreactResNet18Encoder, PreactStage
from coverslip.models.tip_net_reconstruction import WIDTHS, branch_widths
from coverslip.training.losses import bce_dice_loss


def count_parameters(network: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def watch(module: torch.nn.Module) -> list[tuple]:
    """Fills up with (arguments, output) of every call of the module."""
    calls: list[tuple] = []
    module.register_forward_hook(lambda _, args, output: calls.append((args, output)))
    return calls


def set_constant(convs: list[torch.nn.Conv2d], bias: float) -> None:
    """Makes convolutions answer `bias` to everything."""
    for conv in convs:
        torch.nn.init.zeros_(conv.weight)
        torch.nn.init.constant_(conv.bias, bias)


# --- BCDU-Net


def correlate(x: np.ndarray, kernels: np.ndarray) -> np.ndarray:
    """3x3, zeros around, written out: (C, H, W), (K, C, 3, 3) → (K, H, W)."""
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1)))
    out = np.zeros((len(kernels), *x.shape[1:]))
    for k, kernel in enumerate(kernels):
        for row in range(x.shape[1]):
            for column in range(x.shape[2]):
                out[k, row, column] = (padded[:, row : row + 3, column : column + 3] * kernel).sum()
    return out


def keras_conv_lstm(steps, w, u, bias):
    """The equations of Keras' ConvLSTM2D, one gate at a time; gates in the order i, f, c, o."""
    n = len(w) // 4
    hidden = cell = np.zeros((n, *steps[0].shape[1:]))

    def gate(number, x, hidden):
        own = slice(number * n, (number + 1) * n)
        return correlate(x, w[own]) + bias[own, None, None] + correlate(hidden, u[own])

    def squash(x):
        return np.clip(0.2 * x + 0.5, 0, 1)

    for x in steps:
        i, f = squash(gate(0, x, hidden)), squash(gate(1, x, hidden))
        cell = f * cell + i * np.tanh(gate(2, x, hidden))
        hidden = squash(gate(3, x, hidden)) * np.tanh(cell)
    return hidden


@pytest.mark.parametrize("n_steps", [1, 2, 3])
def test_the_conv_lstm_obeys_keras_equations(n_steps):
    rng = np.random.default_rng(0)
    w, u = rng.normal(size=(8, 2, 3, 3)), rng.normal(size=(8, 2, 3, 3))
    bias, steps = rng.normal(size=8), rng.normal(size=(n_steps, 2, 3, 3))
    lstm = ConvLSTM(2, 2).double()
    lstm.load_state_dict(
        {
            "input.weight": torch.from_numpy(w),
            "input.bias": torch.from_numpy(bias),
            "recurrent.weight": torch.from_numpy(u),
        }
    )
    got = lstm(list(torch.from_numpy(steps[:, None]))).detach().numpy()[0]
    np.testing.assert_allclose(got, keras_conv_lstm(steps, w, u, bias), rtol=0, atol=1e-12)


def test_one_pixel_of_the_conv_lstm_by_hand():
    lstm = ConvLSTM(1, 1)
    for conv in (lstm.input, lstm.recurrent):
        torch.nn.init.zeros_(conv.weight)
    with torch.no_grad():
        lstm.input.weight[2, 0, 1, 1] = 1  # only the candidate sees the image
        one, two = torch.full((1, 1, 1, 1), 1.0), torch.full((1, 1, 1, 1), 2.0)
        # i = o = 0.5 and, by its bias of 1, f = 0.7
        cell = 0.7 * 0.5 * np.tanh(1) + 0.5 * np.tanh(2)
        assert lstm([one, two]).item() == pytest.approx(0.5 * np.tanh(cell), abs=1e-6)
        cell = 0.7 * 0.5 * np.tanh(2) + 0.5 * np.tanh(1)  # the first step is the one that fades
        assert lstm([two, one]).item() == pytest.approx(0.5 * np.tanh(cell), abs=1e-6)


def test_the_conv_lstm_begins_as_keras_begins():
    lstm = ConvLSTM(6, 3)
    assert lstm.input.bias.tolist() == [0] * 3 + [1] * 3 + [0] * 6
    rows = lstm.recurrent.weight.flatten(1)
    torch.testing.assert_close(rows @ rows.T, torch.eye(12))
    assert lstm.recurrent.bias is None
    within = BCDUNet(dense_blocks=1).join[0]  # nothing later draws it anew
    assert within.input.bias.tolist() == [0] * 128 + [1] * 128 + [0] * 256


def test_the_hard_sigmoid_has_keras_slope():
    x = torch.tensor([-3.0, -2.5, -1.0, 0.0, 1.0, 2.5, 3.0])
    torch.testing.assert_close(hard_sigmoid(x), torch.tensor([0, 0, 0.3, 0.5, 0.7, 1, 1]))


def test_skips_are_read_decoder_first_and_dense_blocks_see_all_before_them():
    network = BCDUNet().eval()
    encoder, up, join = [
        watch(m[0]) for m in (network.encoder, network.up[::-1], network.join[::-1])
    ]
    bottom = [watch(block) for block in network.bottom]
    with torch.inference_mode():
        network(torch.randn(1, 3, 16, 16))
    (steps,), _ = join[0]
    assert torch.equal(steps[0], up[0][1]) and torch.equal(steps[1], encoder[0][1])
    first, second = bottom[0][0][1], bottom[1][0][1]
    assert torch.equal(bottom[1][0][0][0], first)
    assert torch.equal(bottom[2][0][0][0], torch.cat([second, first], dim=1))


def test_the_third_skip_drops_out_but_not_its_pooling():
    network = BCDUNet(dense_blocks=1)
    encoder, join, bottom = (
        watch(network.encoder[2]),
        watch(network.join[0]),
        watch(network.bottom[0]),
    )
    network(torch.randn(1, 3, 16, 16))
    features = encoder[0][1]
    assert torch.equal(bottom[0][0][0], network.pool(features))
    skip = join[0][0][0][1]
    kept = skip != 0
    torch.testing.assert_close(skip[kept], 2 * features[kept])
    assert 0.4 < kept.sum() / (features != 0).sum() < 0.6


def test_a_bottom_without_blocks_is_refused():
    with pytest.raises(ValueError, match="wanted 1 or more"):
        BCDUNet(dense_blocks=0)


# --- DDANet


def test_attention_multiplies_the_mask_decoder_and_leaves_the_other_alone():
    network = DDANet().eval()
    images = torch.randn(1, 3, 32, 32)
    stages = [watch(stage) for stage in network.mask_decoder]
    attention = [watch(gate) for gate in network.attention]
    with torch.inference_mode():
        mask, grey = network.decode(images)
        for number in range(3):
            gated = stages[number][0][1] * attention[number][0][1]
            assert torch.equal(stages[number + 1][0][0][0], gated)
        assert torch.equal(mask, stages[3][0][1] * attention[3][0][1])

        set_constant([gate[0] for gate in network.attention], -200)  # closed
        closed, still = network.decode(images)
        assert not closed.any()
        assert torch.equal(still, grey)


def test_ddanet_also_learns_to_repaint_the_image():
    network = DDANet()
    images, grey = torch.randn(2, 3, 32, 32), torch.rand(2, 1, 32, 32)
    truth = (torch.rand(2, 1, 32, 32) > 0.5).float()
    loss = network.training_loss(images, truth, grey=grey, criterion=bce_dice_loss)
    painted = network.grey_head(network.decode(images)[1])
    of_mask, of_grey = (
        bce_dice_loss(network(images), truth),
        binary_cross_entropy_with_logits(painted, grey),
    )
    torch.testing.assert_close(loss, of_mask + of_grey)


# --- ResNet18-FPN


def test_preactivation_gives_five_rectified_maps():
    encoder = PreactResNet18Encoder().eval()
    with torch.inference_mode():
        features = encoder(torch.randn(1, 3, 64, 96))
    assert [tuple(f.shape[1:]) for f in features] == [
        (64, 32, 48), (64, 16, 24), (128, 8, 12), (256, 4, 6), (512, 2, 3),
    ]  # fmt: skip
    assert all(f.min() == 0 for f in features)
    assert count_parameters(encoder) == 11_178_947


def test_preactivation_normalises_the_image_itself():
    encoder = PreactResNet18Encoder()
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        for got, wanted in zip(encoder(40 * images + 120), encoder(images), strict=True):
            torch.testing.assert_close(got, wanted, rtol=1e-3, atol=1e-3)


def test_nothing_stands_between_the_blocks_of_a_preactivated_stage():
    stage = PreactStage(4, 8, stride=2).eval()
    x = torch.randn(1, 4, 6, 6)
    with torch.inference_mode():
        expected = stage.first(x) + stage.shortcut(x)
        torch.nn.init.zeros_(stage.second[1][2].weight)
        assert torch.equal(stage(x), expected)  # negative values too pass the identity
        assert expected.min() < 0


@pytest.mark.parametrize("preactivation", [True, False])
def test_the_pyramid_ends_at_half_the_resolution(preactivation):
    network = ResNet18FPN(preactivation=preactivation).eval()
    with torch.inference_mode():
        levels = network.pyramid(torch.randn(1, 3, 64, 96))
    sizes = [tuple(level.shape[1:]) for level in levels]
    assert sizes == [(256, 4, 6), (256, 8, 12), (256, 16, 24), (256, 32, 48)]


def test_each_level_of_the_pyramid_is_added_to_the_one_above():
    network = ResNet18FPN().eval()
    set_constant(list(network.laterals), 1)
    top = watch(network.top)
    with torch.inference_mode():
        levels = network.pyramid(torch.randn(1, 3, 64, 96))
    for number, level in enumerate(levels, start=1):
        expected = interpolate(top[0][1], scale_factor=2.0**number) + number
        torch.testing.assert_close(level, expected, rtol=1e-5, atol=1e-4)


# --- Tip-Net (reconstruction)


def test_the_multires_block_has_multiresunets_widths():
    assert branch_widths(32) == (8, 17, 26)
    assert [sum(branch_widths(width)) for width in WIDTHS] == [51, 105, 212, 426, 853]


# --- U-Net++


def test_dense_nodes_join_what_is_below_to_all_on_their_left():
    network = UNetPlusPlus().eval()
    made = {(i, 0): watch(unit) for i, unit in enumerate(network.encoder)}
    nodes = {(int(name[0]), int(name[1])): node for name, node in network.nodes.items()}
    assert sorted(nodes) == [(i, j) for i in range(4) for j in range(1, 5 - i)]
    made |= {at: watch(node.unit) for at, node in nodes.items()}
    ups = {at: watch(node.up) for at, node in nodes.items()}
    with torch.inference_mode():
        logits = network(torch.randn(1, 3, 32, 32))
        output = {at: calls[0][1] for at, calls in made.items()}
        for i, j in nodes:
            assert torch.equal(ups[i, j][0][0][0], output[i + 1, j - 1])
            joined = torch.cat([ups[i, j][0][1], *(output[i, k] for k in range(j))], dim=1)
            assert torch.equal(made[i, j][0][0][0], joined)
        assert torch.equal(logits, network.heads[0](output[0, 4]))


def test_deep_supervision_is_the_mean_over_four_heads():
    network = UNetPlusPlus(deep_supervision=True).eval()
    nodes = [watch(network.nodes[f"0{j}"]) for j in (1, 2, 3, 4)]
    images, truth = torch.randn(1, 3, 32, 32), (torch.rand(1, 1, 32, 32) > 0.5).float()
    logits = network(images)
    heads = [head(calls[0][1]) for head, calls in zip(network.heads, nodes, strict=True)]
    torch.testing.assert_close(logits, sum(heads) / 4)
    loss = network.training_loss(images, truth, grey=images[:, :1], criterion=bce_dice_loss)
    torch.testing.assert_close(loss, sum(bce_dice_loss(head, truth) for head in heads) / 4)
