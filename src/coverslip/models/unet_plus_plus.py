"""U-Net++: a U-Net whose skips are made of smaller U-Nets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from coverslip.models.blocks import he_normal_

if TYPE_CHECKING:
    from collections.abc import Callable

WIDTHS = (32, 64, 128, 256, 512)


class UNetPlusPlus(nn.Module):
    """U-Net++ (Zhou, Siddiquee, Tajbakhsh and Liang 2018, arXiv 1807.10165).

    Parameters: 9,042,177 with one head; 9,042,276 with the four of ``deep_supervision=True``. With
    one channel in and one head, 9,041,601: the number that the authors' code names.

    Node (i, j) stands at 1/2^i of the resolution; it joins the upsampled node (i+1, j-1) to all of
    (i, 0) … (i, j-1). Logits come from (0, 4), or with deep supervision from (0, 1) … (0, 4).

    As the authors' Keras code has it: two 3x3 convolutions a node with bias, ReLU and dropout 0.5
    after each, no batch norm, 2x2 transpose convolutions, He normal initialisation. That dropout
    in all of 15 nodes is much; `dropout` changes it.

    Choices made:

    - With deep supervision `forward` gives the mean of the four heads' logits (the paper's
      "accurate mode" averages the masks, which a network that gives logits does not have), and
      `training_loss` the mean over the heads (the code: their sum).
    - No weight decay in the network; the authors' 1e-4 is for the training to set.

    Example:
        >>> import torch
        >>> from coverslip.models import UNetPlusPlus
        >>> network = UNetPlusPlus().eval()
        >>> with torch.inference_mode():
        ...     logits = network(torch.zeros(1, 3, 32, 32))
        >>> tuple(logits.shape)
        (1, 1, 32, 32)
    """

    stride = 16

    def __init__(
        self,
        *,
        in_channels: int = 3,
        out_channels: int = 1,
        deep_supervision: bool = False,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        inputs = (in_channels, *WIDTHS)
        self.encoder = nn.ModuleList(
            make_unit(n, k, dropout=dropout) for n, k in zip(inputs, WIDTHS, strict=False)
        )
        self.pool = nn.MaxPool2d(2)
        self.nodes = nn.ModuleDict(
            {f"{i}{j}": DenseNode(i, j, dropout=dropout) for i, j in dense_nodes()}
        )
        n_heads = len(WIDTHS) - 1 if deep_supervision else 1
        self.heads = nn.ModuleList(nn.Conv2d(WIDTHS[0], out_channels, 1) for _ in range(n_heads))
        he_normal_(self)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) → (N, K, H, W) logits; H and W multiples of `stride`."""
        return torch.stack(self.logits_of_heads(x)).mean(dim=0)

    def training_loss(
        self,
        inputs: Tensor,
        masks: Tensor,
        *,
        grey: Tensor,
        criterion: Callable[[Tensor, Tensor], Tensor],
    ) -> Tensor:
        """The mean loss of the heads, of which there are one or four.

        Args:
            inputs: (N, C, H, W), as `forward` takes them.
            masks: (N, K, H, W), 0 or 1.
            grey: not used.
            criterion: (logits, masks) → scalar.
        """
        losses = [criterion(logits, masks) for logits in self.logits_of_heads(inputs)]
        return torch.stack(losses).mean()

    def logits_of_heads(self, x: Tensor) -> list[Tensor]:
        """(N, C, H, W) → (N, K, H, W) logits of each head, from the shallowest U-Net on."""
        rows = []  # rows[i] holds the nodes (i, 0), (i, 1), … made so far
        for depth, unit in enumerate(self.encoder):
            x = unit(self.pool(x) if depth else x)
            rows.append([x])
        for i, j in dense_nodes():
            rows[i].append(self.nodes[f"{i}{j}"](rows[i + 1][j - 1], rows[i]))
        seen = rows[0][-len(self.heads) :]
        return [head(x) for head, x in zip(self.heads, seen, strict=True)]


class DenseNode(nn.Module):
    """Node (i, j), j > 0: what is below, upsampled, joined to all on the left of it."""

    def __init__(self, depth: int, column: int, *, dropout: float) -> None:
        super().__init__()
        width = WIDTHS[depth]
        self.up = nn.ConvTranspose2d(WIDTHS[depth + 1], width, 2, stride=2)
        self.unit = make_unit((1 + column) * width, width, dropout=dropout)

    def forward(self, below: Tensor, row: list[Tensor]) -> Tensor:
        """(N, 2C, H/2, W/2) and j maps of (N, C, H, W) → (N, C, H, W)."""
        refined: Tensor = self.unit(torch.cat([self.up(below), *row], dim=1))
        return refined


def dense_nodes() -> list[tuple[int, int]]:
    """(i, j) of all nodes with j > 0, in an order in which each finds its inputs made."""
    n = len(WIDTHS)
    return [(i, j) for j in range(1, n) for i in range(n - j)]


def make_unit(in_channels: int, out_channels: int, *, dropout: float) -> nn.Sequential:
    """Two 3x3 convolutions, each with ReLU and dropout: (N, in, H, W) → (N, out, H, W)."""
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Dropout(dropout),
        nn.Conv2d(out_channels, out_channels, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Dropout(dropout),
    )
