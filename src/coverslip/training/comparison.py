"""two models × held-out images → before and after, image by image.

What a fine-tuning has brought, and how sure that is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from coverslip.checkpoints import load_checkpoint
from coverslip.device import pick_device
from coverslip.figures import side_by_side
from coverslip.io import write_image, write_text
from coverslip.metrics import cell_f1
from coverslip.training.bootstrap import FEW_IMAGES, RESAMPLINGS, middle_of, resample_ap
from coverslip.training.effort import open_part
from coverslip.training.network import new_network
from coverslip.training.validation import look_at_all

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from coverslip.training.run_folder import Plan
    from coverslip.training.validation import Seen


@dataclass(frozen=True)
class Comparison:
    """Before and after on images, or parts of them, that were not learnt from.

    Attributes:
        table: A row for each image: `name`, `n_cells`, and `ap`, `f1` and `jaccard` with `_before`
            and `_after`; without `n_cells`, `ap` and `f1` where the network learns a mask alone.
        score: The column that chooses the model: `ap` or `jaccard`.
        draws: (n, 2) the mean AP before and after in resamplings of images and cells, as of
            `resample_ap`; None where no cells were told apart, or too few.

    Example:
        >>> import pandas as pd
        >>> from coverslip.training import Comparison
        >>> table = pd.DataFrame({"ap_before": [0.2, 0.4], "ap_after": [0.5, 0.7]})
        >>> before, after = Comparison(table, "ap").means()
        >>> round(before, 2), round(after, 2)
        (0.3, 0.6)
    """

    table: pd.DataFrame
    score: str
    draws: NDArray[np.float64] | None = None

    def means(self, score: str | None = None) -> tuple[float, float]:
        """The mean of a score over the images, before and after."""
        score = score or self.score
        before, after = (self.table[f"{score}_{when}"].mean() for when in ("before", "after"))
        return float(before), float(after)

    def interval(self) -> tuple[float, float] | None:
        """The gain in 95 % of resamplings; None where there are too few cells or images for it."""
        if self.draws is not None:
            return middle_of(self.draws[:, 1] - self.draws[:, 0])
        gains = self.table[f"{self.score}_after"] - self.table[f"{self.score}_before"]
        if len(gains) < FEW_IMAGES:
            return None
        drawn = np.random.default_rng(0).integers(0, len(gains), (RESAMPLINGS, len(gains)))
        return middle_of(gains.to_numpy()[drawn].mean(axis=1))

    def interval_after(self) -> tuple[float, float] | None:
        """The mean AP of the new model in 95 % of resamplings of images and cells."""
        return None if self.draws is None else middle_of(self.draws[:, 1])


def compare(plan: Plan, run: Path) -> Comparison:
    """Score the model that a training began with and the best of it on what was held out.

    The table is written to ``before_after.csv`` in the run's folder, and the errors of the first
    few images to ``samples/before_after.png``, before above after.
    """
    settings, device = plan.settings, pick_device(plan.settings.device)
    data = open_part(settings, plan.val, part="validate")
    networks = new_network(settings)[0], load_checkpoint(run / "best.safetensors").network
    before, after = (look_at_all(network.to(device), data, settings) for network in networks)
    rows = [
        dict[str, str | float](name=pair.name)
        | scores_of(one, "before")
        | scores_of(other, "after")
        for pair, one, other in zip(plan.val, before, after, strict=True)
    ]
    table = pd.DataFrame(rows)
    write_text(run / "before_after.csv", table.to_csv(index=False, float_format="%.4f"))
    write_image(run / "samples" / "before_after.png", stack(before, after))
    if "ap_before" not in table:
        return Comparison(table, "jaccard")
    hits = [[one.hits for one in seen if one.hits is not None] for seen in (before, after)]
    return Comparison(table, "ap", resample_ap(*hits))


def scores_of(seen: Seen, when: str) -> dict[str, str | float]:
    """The scores of an image, by their names and when."""
    scores: dict[str, str | float] = {f"jaccard_{when}": seen.scores["val_jaccard"]}
    if seen.counts is None:
        return scores
    ap, f1 = seen.scores["val_ap"], cell_f1(seen.counts)
    return {"n_cells": seen.counts.n_true, f"ap_{when}": ap, f"f1_{when}": f1, **scores}


def stack(before: list[Seen], after: list[Seen]) -> NDArray[np.uint8]:
    """The pictures of the errors before, and below them those after."""
    rows = [
        side_by_side([s.picture for s in seen if s.picture is not None]) for seen in (before, after)
    ]
    gap = np.full((8, rows[0].shape[1], 3), 255, dtype=np.uint8)
    return np.concatenate([rows[0], gap, rows[1]])
