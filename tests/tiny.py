"""Two networks that tell of each pass through them, also in processes that are killed."""

from __future__ import annotations

import os
from pathlib import Path

from torch import Tensor, nn

from bright import Bright


def log_pass() -> None:
    """Add a byte to the file that the environment names by TINY_LOG, if it does."""
    if "TINY_LOG" in os.environ:
        with Path(os.environ["TINY_LOG"]).open("ab") as log:
            log.write(b".")


class CountedBright(Bright):
    """Bright, and each pass counted."""

    def forward(self, image: Tensor) -> Tensor:
        log_pass()
        return super().forward(image)


class Tiny(nn.Module):
    """(N, 3, H, W) → (N, K, H, W) logits, by 500 weights, with batch norm as real ones have it."""

    stride = 4

    def __init__(self, *, in_channels: int = 3, out_channels: int = 1, norm: bool = True) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(in_channels, 8, 3, padding=1, bias=False),
            nn.BatchNorm2d(8) if norm else nn.Identity(),
            nn.ReLU(),
            nn.Conv2d(8, 4, 3, padding=1, bias=False),
            nn.BatchNorm2d(4) if norm else nn.Identity(),
            nn.ReLU(),
        )
        self.head = nn.Conv2d(4, out_channels, 1)

    def forward(self, image: Tensor) -> Tensor:
        if image.shape[-1] > self.stride:  # else it is only tried, before a training begins
            log_pass()
        logits: Tensor = self.head(self.body(image))
        return logits
