"""a network in training → scores, curves and pictures of what it sees.

Loss, Jaccard index and average precision on images that are not learnt from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
import torch

from coverslip.figures import cell_error_map, curves, error_map, side_by_side
from coverslip.inference import PredictSettings, open_predictor
from coverslip.io import write_bytes, write_image, write_text
from coverslip.metrics import (
    THRESHOLDS,
    count_cells,
    count_overlaps,
    count_pixels,
    find_splits,
    jaccard,
    match_cells,
    mean_average_precision,
    swap,
)
from coverslip.preprocessing import normalise
from coverslip.segmentation import separate
from coverslip.training.distributed import ALONE
from coverslip.training.losses import LOSSES, maps_loss

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import nn

    from coverslip.inference import Predictor
    from coverslip.metrics import CellCounts
    from coverslip.training.dataset import PairDataset
    from coverslip.training.distributed import Ranks
    from coverslip.training.settings import TrainSettings

N_PICTURES = 4


class Seen(NamedTuple):
    """What a network makes of one image."""

    number: int  # of the image
    scores: dict[str, float]
    picture: NDArray[np.uint8] | None  # of its errors
    counts: CellCounts | None = None  # of its cells, where the network tells them apart
    hits: CellHits | None = None  # which of them


class CellHits(NamedTuple):
    """Which cells of an image match, for each IoU threshold."""

    true: NDArray[np.bool_]  # (n_true, n_thresholds) true cells that were found
    pred: NDArray[np.bool_]  # (n_pred, n_thresholds) predicted cells that are true ones


def validate(
    network: nn.Module, data: PairDataset, settings: TrainSettings, *, ranks: Ranks = ALONE
) -> tuple[dict[str, float], NDArray[np.uint8]]:
    """Mean scores over the whole images, and the first few's errors as a picture.

    Several processes divide the images among them.

    Returns:
        val_loss; val_jaccard of the masks; and val_ap, the mean average precision of the cells,
        where the network learns more than a mask.
    """
    seen = look_at_all(network, data, settings, ranks=ranks)
    scores = pd.DataFrame([one.scores for one in seen]).mean().to_dict()
    pictures = [one.picture for one in seen if one.picture is not None]
    return {str(name): float(value) for name, value in scores.items()}, side_by_side(pictures)


def look_at_all(
    network: nn.Module, data: PairDataset, settings: TrainSettings, *, ranks: Ranks = ALONE
) -> list[Seen]:
    """What a network makes of each of the images; several processes divide them."""
    how = PredictSettings(device=settings.device, backend="torch")
    with open_predictor(network, how) as predictor:
        seen = [look_at(predictor, data, n, settings) for n in ranks.part(range(len(data)))]
    return sorted(ranks.gather(seen), key=lambda one: one.number)


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
    is_shown = index < N_PICTURES
    if len(data.maps) == 1:
        return Seen(index, scores, error_map(whole.image, truth, pred) if is_shown else None)
    # Parted first: without a rim that is not known, thin cells would fall to pieces.
    cells = separate(mask, dict(zip(data.maps, probs, strict=True)))
    found = np.where(known, cells, 0).astype(np.int32)
    labels = whole.labels * known
    counts = count_cells(labels, found)
    scores["val_ap"] = mean_average_precision(counts)
    picture = picture_errors(whole.image, labels, found) if is_shown else None
    return Seen(index, scores, picture, counts, find_hits(labels, found))


def find_hits(truth: NDArray[np.int32], pred: NDArray[np.int32]) -> CellHits:
    """Which true cells were found and which predicted ones are true, at each IoU threshold.

    Example:
        >>> import numpy as np
        >>> from coverslip.training.validation import find_hits
        >>> hits = find_hits(np.array([[1, 1, 0, 2, 2]]), np.array([[1, 1, 0, 0, 2]]))
        >>> hits.true[:, 0].tolist(), hits.true[:, 1].tolist()  # at an IoU of 0.5 and of 0.55
        ([True, True], [True, False])
    """
    overlaps = count_overlaps(truth, pred)
    true = np.zeros((len(overlaps.true_area_px), len(THRESHOLDS)), dtype=np.bool_)
    found = np.zeros((len(overlaps.pred_area_px), len(THRESHOLDS)), dtype=np.bool_)
    for column, threshold in enumerate(THRESHOLDS):
        match = match_cells(overlaps, threshold=threshold)
        true[overlaps.true[match], column] = True
        found[overlaps.pred[match], column] = True
    return CellHits(true, found)


def picture_errors(
    image: NDArray[np.float32], truth: NDArray[np.int32], pred: NDArray[np.int32]
) -> NDArray[np.uint8]:
    """The errors of an image's pixels, and its merged and split cells, as a picture."""
    overlaps = count_overlaps(truth, pred)
    true_ids, pred_ids = (np.unique(labels[labels > 0]) for labels in (truth, pred))
    # Each cell's own mistake, and all the cells of the other kind that take part in it.
    is_split, is_merged = find_splits(overlaps), find_splits(swap(overlaps))
    return cell_error_map(
        image,
        truth,
        pred,
        merged=(truth > 0) & np.isin(pred, pred_ids[is_merged]),
        split=(pred > 0) & np.isin(truth, true_ids[is_split]),
    )


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
