"""BCDU-Net: a U-Net whose skips are read by a recurrent cell, dense at the bottom."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from coverslip.models.blocks import double_conv_without_norm, he_normal_

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTHS = (64, 128, 256)
BOTTOM_WIDTH = 512


class BCDUNet(nn.Module):
    """BCDU-Net (Azad, Asadi-Aghbolaghi, Fathy and Escalera 2019, arXiv 1909.00166).

    Parameters: 20,659,973 (D3, the default); 8,861,445 with ``dense_blocks=1`` (D1).

    After the authors' Keras code, to which the counts are equal, in what the paper leaves open or
    says otherwise:

    - One ConvLSTM a skip, in one direction (the paper: two); it reads the decoder first, then the
      encoder, and hands on its last state, of half the channels.
    - Convolutions with bias and ReLU, batch norm after the transpose convolutions only; three
      poolings. The third pooling sees its features before dropout, the skip beside it after.
    - Dropout 0.5 there and after every dense block.
    - The head narrows to two channels with ReLU before the last 1x1 convolution. Where both die,
      the logits are constant and nothing learns any more: begin again with another seed or a
      lower rate.

    Ours: logits instead of a sigmoid; batch norm's own settings are PyTorch's.

    Args:
        in_channels: channels of the image.
        out_channels: logits for each pixel.
        dense_blocks: blocks at the bottom, each fed by all before it; 1 or more.
        dropout: share of the features that training leaves out at each of those places.

    Raises:
        ValueError: no dense block.

    Example:
        >>> import torch
        >>> from coverslip.models import BCDUNet
        >>> network = BCDUNet().eval()
        >>> with torch.inference_mode():
        ...     logits = network(torch.zeros(1, 3, 32, 32))
        >>> tuple(logits.shape)
        (1, 1, 32, 32)
    """

    stride = 8

    def __init__(
        self,
        *,
        in_channels: int = 3,
        out_channels: int = 1,
        dense_blocks: int = 3,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        if dense_blocks < 1:
            raise ValueError(f"dense_blocks is {dense_blocks}: wanted 1 or more")
        inputs = (in_channels, *WIDTHS)
        self.encoder = nn.ModuleList(
            double_conv_without_norm(n, k) for n, k in zip(inputs, WIDTHS, strict=False)
        )
        self.pool = nn.MaxPool2d(2)
        self.dropout = nn.Dropout(dropout)
        bottom_inputs = [WIDTHS[-1], *(BOTTOM_WIDTH * n for n in range(1, dense_blocks))]
        self.bottom = nn.ModuleList(
            double_conv_without_norm(n, BOTTOM_WIDTH) for n in bottom_inputs
        )
        coarse_to_fine = WIDTHS[::-1]
        self.up = nn.ModuleList(
            nn.Sequential(
                nn.ConvTranspose2d(n, k, 2, stride=2), nn.BatchNorm2d(k), nn.ReLU(inplace=True)
            )
            for n, k in zip((BOTTOM_WIDTH, *coarse_to_fine), coarse_to_fine, strict=False)
        )
        self.decoder = nn.ModuleList(double_conv_without_norm(k // 2, k) for k in coarse_to_fine)
        self.narrow = nn.Conv2d(WIDTHS[0], 2, 3, padding=1)
        self.head = nn.Conv2d(2, out_channels, 1)
        he_normal_(self)
        self.join = nn.ModuleList(ConvLSTM(k, k // 2) for k in coarse_to_fine)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) → (N, K, H, W) logits; H and W multiples of `stride`."""
        skips = []
        for block in self.encoder:
            x = block(x)
            skips.append(x)
            x = self.pool(x)
        skips[-1] = self.dropout(skips[-1])
        dense: list[Tensor] = []  # the latest first
        for block in self.bottom:
            x = self.dropout(block(torch.cat(dense, dim=1) if dense else x))
            dense.insert(0, x)
        for up, join, block in zip(self.up, self.join, self.decoder, strict=True):
            x = block(join([up(x), skips.pop()]))
        logits: Tensor = self.head(torch.relu(self.narrow(x)))
        return logits


class ConvLSTM(nn.Module):
    """A convolutional LSTM (Shi et al. 2015) as Keras' ConvLSTM2D has it, 3x3, no peepholes.

    With * a convolution, · the product pixel by pixel, s the hard sigmoid and h, c = 0 at first:

        i = s(Wi * x + bi + Ui * h)            f = s(Wf * x + bf + Uf * h)
        c ← f · c + i · tanh(Wc * x + bc + Uc * h)
        o = s(Wo * x + bo + Uo * h)            h ← o · tanh(c)

    W is drawn from He's normal distribution, U is orthogonal, bf is 1 and the other biases 0.
    The channels of both convolutions are those of i, f, c and o in this order.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.input = nn.Conv2d(in_channels, 4 * out_channels, 3, padding=1)
        self.recurrent = nn.Conv2d(out_channels, 4 * out_channels, 3, padding=1, bias=False)
        he_normal_(self.input)
        nn.init.orthogonal_(self.recurrent.weight)
        if self.input.bias is not None:
            nn.init.ones_(self.input.bias[out_channels : 2 * out_channels])

    def forward(self, steps: Sequence[Tensor]) -> Tensor:
        """Steps of (N, in, H, W), first to last → the last h, (N, out, H, W)."""
        first, *rest = steps
        hidden, cell = update(self.input(first), None)
        for x in rest:
            hidden, cell = update(self.input(x) + self.recurrent(hidden), cell)
        return hidden


def update(gates: Tensor, cell: Tensor | None) -> tuple[Tensor, Tensor]:
    """(N, 4C, H, W) before the gates' sigmoids and the last c → the new h and c."""
    i, f, c, o = gates.chunk(4, dim=1)
    new = hard_sigmoid(i) * torch.tanh(c)
    if cell is not None:
        new = new + hard_sigmoid(f) * cell
    return hard_sigmoid(o) * torch.tanh(new), new


def hard_sigmoid(x: Tensor) -> Tensor:
    """Keras 2's: 0.2 x + 0.5, held between 0 and 1 (PyTorch's has a slope of 1/6)."""
    return torch.clamp(0.2 * x + 0.5, 0, 1)
