"""a network in training → scores, curves and pictures of what it sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import torch

from coverslip.cells import separate
from coverslip.figures import curves, error_map, side_by_side
from coverslip.files import write_bytes, write_image, write_text
from coverslip.images import normalise
from coverslip.losses import LOSSES, maps_loss
from coverslip.metrics import count_cells, count_pixels, jaccard, mean_average_precision
from coverslip.predict import PredictSettings, predict

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray
    from torch import nn

    from coverslip.data import PairDataset
    from coverslip.train.settings import TrainSettings

N_PICTURES = 4


def validate(
    network: nn.Module, data: PairDataset, settings: TrainSettings
) -> tuple[dict[str, float], NDArray[np.uint8]]:
    """Mean scores over the whole images, and the first few's errors as a picture.

    Returns:
        val_loss; val_jaccard of the masks; and val_ap, the mean average precision of the cells,
        where the network learns more than a mask.
    """
    how = PredictSettings(device=settings.device)
    rows, pictures = [], []
    for index in range(len(data)):
        whole = data.whole(index)
        truth = whole.labels > 0
        probs = predict(network, normalise(whole.image, data.preprocess), settings=how).probs
        pred = probs[0] > 0.5
        rows.append({"val_loss": loss_of(probs, whole.maps, settings)})
        rows[-1]["val_jaccard"] = jaccard(count_pixels(truth, pred))
        if len(data.maps) > 1:
            cells = separate(pred, dict(zip(data.maps, probs, strict=True)))
            rows[-1]["val_ap"] = mean_average_precision(count_cells(whole.labels, cells))
        if index < N_PICTURES:
            pictures.append(error_map(whole.image, truth, pred))
    scores = pd.DataFrame(rows).mean().to_dict()
    return {str(name): float(value) for name, value in scores.items()}, side_by_side(pictures)


def loss_of(probs: NDArray[np.float32], maps: NDArray[np.uint8], settings: TrainSettings) -> float:
    """The training's loss of one image's probabilities (K, H, W)."""
    logits = torch.logit(torch.from_numpy(probs), eps=1e-6)[None]
    truth = torch.from_numpy(maps)[None] / 255
    return float(maps_loss(logits, truth, criterion=LOSSES[settings.loss]))


def write_progress(run: Path, history: list[dict[str, float]], picture: NDArray[np.uint8]) -> None:
    """Write the history as CSV and as curves, and the newest picture."""
    table = pd.DataFrame(history)
    write_text(run / "history.csv", table.to_csv(index=False))
    write_bytes(run / "curves.png", curves(table))
    write_image(run / "samples" / f"epoch_{len(history):04d}.png", picture)
