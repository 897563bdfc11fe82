"""a network in training → scores, curves and pictures of what it sees.

Loss, Jaccard index and average precision on images that are not learnt from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pandas as pd
import torch

from coverslip.figures import curves, error_map, side_by_side
from coverslip.inference import PredictSettings, open_predictor
from coverslip.io import write_bytes, write_image, write_text
from coverslip.metrics import count_cells, count_pixels, jaccard, mean_average_precision
from coverslip.preprocessing import normalise
from coverslip.segmentation import separate
from coverslip.training.distributed import ALONE
from coverslip.training.losses import LOSSES, maps_loss

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray
    from torch import nn

    from coverslip.inference import Predictor
    from coverslip.training.dataset import PairDataset
    from coverslip.training.distributed import Ranks
    from coverslip.training.settings import TrainSettings

N_PICTURES = 4


class Seen(NamedTuple):
    """What a network makes of one image."""

    number: int  # of the image
    scores: dict[str, float]
    picture: NDArray[np.uint8] | None  # of its errors


def validate(
    network: nn.Module, data: PairDataset, settings: TrainSettings, *, ranks: Ranks = ALONE
) -> tuple[dict[str, float], NDArray[np.uint8]]:
    """Mean scores over the whole images, and the first few's errors as a picture.

    Several processes divide the images among them.

    Returns:
        val_loss; val_jaccard of the masks; and val_ap, the mean average precision of the cells,
        where the network learns more than a mask.
    """
    how = PredictSettings(device=settings.device, backend="torch")
    with open_predictor(network, how) as predictor:
        seen = [look_at(predictor, data, n, settings) for n in ranks.part(range(len(data)))]
    seen = sorted(ranks.gather(seen), key=lambda one: one.number)
    scores = pd.DataFrame([one.scores for one in seen]).mean().to_dict()
    pictures = [one.picture for one in seen if one.picture is not None]
    return {str(name): float(value) for name, value in scores.items()}, side_by_side(pictures)


def look_at(predictor: Predictor, data: PairDataset, index: int, settings: TrainSettings) -> Seen:
    """Predict a whole image and compare it with its truth."""
    whole = data.whole(index)
    known = ~whole.ignored
    truth = (whole.labels > 0) & known
    probs = predictor.predict(normalise(whole.image, data.preprocess)).probs
    mask = probs[0] > 0.5
    pred = mask & known
    scores = {
        "val_loss": loss_of(probs, whole.maps, settings),
        "val_jaccard": jaccard(count_pixels(truth, pred)),
    }
    if len(data.maps) > 1:
        # Parted first: without a rim that is not known, thin cells would fall to pieces.
        cells = separate(mask, dict(zip(data.maps, probs, strict=True)))
        scores["val_ap"] = mean_average_precision(count_cells(whole.labels * known, cells * known))
    is_shown = index < N_PICTURES
    return Seen(index, scores, error_map(whole.image, truth, pred) if is_shown else None)


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
