"""a network in training → scores, curves and pictures of what it sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch

from coverslip.figures import curves, error_map, side_by_side
from coverslip.files import write_bytes, write_image, write_text
from coverslip.images import normalise
from coverslip.losses import LOSSES
from coverslip.metrics import count_pixels, jaccard
from coverslip.predict import PredictSettings, predict

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import nn

    from coverslip.data import PairDataset
    from coverslip.train.settings import TrainSettings

N_PICTURES = 4


def validate(
    network: nn.Module, data: PairDataset, settings: TrainSettings
) -> tuple[dict[str, float], NDArray[np.uint8]]:
    """Mean loss and Jaccard over the whole images, and the first few's errors as a picture."""
    how, criterion = PredictSettings(device=settings.device), LOSSES[settings.loss]
    losses, jaccards, pictures = [], [], []
    for index in range(len(data)):
        image, truth = data.whole(index)
        probs = predict(network, normalise(image, data.preprocess), settings=how).probs[0]
        logits = torch.logit(torch.from_numpy(probs), eps=1e-6)[None, None]
        losses.append(criterion(logits, torch.from_numpy(truth)[None, None].float()).item())
        pred = probs > 0.5
        jaccards.append(jaccard(count_pixels(truth, pred)))
        if index < N_PICTURES:
            pictures.append(error_map(image, truth, pred))
    scores = {"val_loss": float(np.mean(losses)), "val_jaccard": float(np.mean(jaccards))}
    return scores, side_by_side(pictures)


def write_progress(run: Path, history: list[dict[str, float]], picture: NDArray[np.uint8]) -> None:
    """Write the history as CSV and as curves, and the newest picture."""
    table = pd.DataFrame(history)
    write_text(run / "history.csv", table.to_csv(index=False))
    write_bytes(run / "curves.png", curves(table))
    write_image(run / "samples" / f"epoch_{len(history):04d}.png", picture)
