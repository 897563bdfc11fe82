"""A network whose answer can be seen by eye: cell is what is brighter than half of the range."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from coverslip.checkpoints import Checkpoint, save_checkpoint
from coverslip.inference import PredictSettings
from coverslip.models import MODELS
from coverslip.pipeline import Job, SegmentSettings
from coverslip.preprocessing import Preprocess

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


class Bright(nn.Module):
    """(N, 3, H, W) → (N, 1, H, W) logits: steepness · (mean of the colours - 1/2)."""

    stride = 4

    def __init__(self, *, steepness: float = 60.0) -> None:
        super().__init__()
        self.pixel = nn.Conv2d(3, 1, 1)
        mean, std = (torch.tensor(values) for values in (Preprocess().mean, Preprocess().std))
        with torch.no_grad():  # undoes what preprocessing does last
            self.pixel.weight.copy_((steepness * std / 3).view(1, 3, 1, 1))
            self.pixel.bias.fill_(steepness * (float(mean.mean()) - 0.5))

    def forward(self, image: Tensor) -> Tensor:
        return self.pixel(image)


def bright_model(**arguments: float) -> Checkpoint:
    """The network in the state in which a checkpoint is loaded."""
    return Checkpoint(network=Bright(**arguments).eval(), model="bright", arguments=arguments)


def write_bright(path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkpoint of it, which this test's process can load."""
    monkeypatch.setitem(MODELS, "bright", Bright)
    save_checkpoint(path, bright_model())
    return path


def bright_job(
    model: Checkpoint | None = None, *, model_hash: str = "0", tta: str = "none", **settings: float
) -> Job:
    """What to do with it, or with another network: all cells, on the CPU."""
    predict = PredictSettings(tta=tta, device="cpu")
    return Job(
        model=model or bright_model(),
        model_name="bright",
        model_hash=model_hash,
        settings=SegmentSettings(min_area_px=0, predict=predict, **settings),
    )
