"""a network of a few weights, so that its checkpoint is small and damage reaches every part."""

from __future__ import annotations

from torch import Tensor, nn

from coverslip.checkpoints import Checkpoint

CARD = {"task": "discs", "threshold": 0.4, "cell_size_px": 12.0, "training": {"images": 3}}


class Tiny(nn.Module):
    """(N, 3, H, W) → (N, 1, H, W) logits."""

    stride = 4

    def __init__(self, *, width: int = 2, depths: tuple[int, ...] = (1,)) -> None:
        super().__init__()
        self.pixel = nn.Conv2d(3, width, 1)
        self.more = nn.Sequential(*(nn.Conv2d(width, width, 1) for n in depths for _ in range(n)))
        self.head = nn.Conv2d(width, 1, 1)

    def forward(self, image: Tensor) -> Tensor:
        logits: Tensor = self.head(self.more(self.pixel(image)))
        return logits


def tiny_checkpoint() -> Checkpoint:
    """A checkpoint of it, which is loaded where `MODELS` has it under the name tiny."""
    arguments = {"width": 2, "depths": [1]}
    return Checkpoint(
        network=Tiny(width=2, depths=(1,)).eval(), model="tiny", arguments=arguments, card=CARD
    )
