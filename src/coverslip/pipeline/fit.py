"""what a model found in an image → whether it fits; where not, which one fits better.

Where the score is low, no cell is found, or the cells are nothing like those that the model has
learnt, the models that ship are tried on a part of the image.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from coverslip.checkpoints import Checkpoint, load_model, shipped_models
from coverslip.pipeline.infer import (
    network_of,
    predict_prepared,
    scaled_shape,
)
from coverslip.pipeline.resolve import scale_windows
from coverslip.pipeline.scale import LEAST_ZOOM, MOST_ZOOM, busiest, find_scale, thin
from coverslip.pipeline.settings import own_settings, scale_of
from coverslip.pipeline.sureness import fit_score, sum_sureness
from coverslip.preprocessing import resize_image
from coverslip.value_range import is_noise

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from coverslip.pipeline.infer import Model
    from coverslip.pipeline.plan import FramePlan
    from coverslip.pipeline.settings import SegmentSettings

    Image = NDArray[np.float32]

FITS = 0.5  # score above which a model fits: below, less than half is likely to be right
BETTER = 0.15  # more than its own score, that another model must have to be named
SPARSE, CROWD = 0.02, 200  # confluence below which so many cells are specks
SMALL = 2.0  # times the model's least area, below which the median cell is too small for it
TRY_PX = 384  # side of the part of an image on which models are tried; no more is predicted


def misfit_notes(plan: FramePlan, images: pd.DataFrame) -> list[str]:
    """What the user should know where the model does not fit an image, with one that fits better.

    The model and the others that ship are tried on a part of the image, the same whoever does it.

    Args:
        plan: of the image's first frame, with nothing left open.
        images: the rows of its frames.
    """
    model, settings = plan.job.model, plan.settings
    if plan.opened.truth or not isinstance(model, Checkpoint):
        return []
    reasons = misfit_reasons(images, model, settings)
    pieces = [part for part in scale_windows(plan) if not is_noise(part)][:1] if reasons else []
    if not pieces:
        return []
    pieces = [busiest(pieces[0], share=TRY_PX**2 / (pieces[0].shape[0] * pieces[0].shape[1]))]
    own = try_model(pieces, model, settings=settings)  # at the scale of the whole image
    trials = try_shipped(pieces, settings=plan.job.settings, known=[own])
    return [misfit_message(reasons, name=plan.job.model_name, own=own, trials=trials)]


class Trial(NamedTuple):
    """What a model makes of some pieces of an image."""

    name: str
    score: float  # of fit; 0 where nothing is called cell
    scale: float


def try_model(pieces: Sequence[Image], model: Model, *, settings: SegmentSettings) -> Trial:
    """Look at pieces of an image through a model, at the scale that it finds.

    Args:
        pieces: each (h, w) or (h, w, 3) of `prepare_image`.
        model: a loaded network.
        settings: device, backend and tiles, and the scale, if it is not to be found.
    """
    own = own_settings(settings, model)
    scale = find_scale(pieces, model, settings=own) if own.scale == "auto" else scale_of(own)
    quick = replace(own, scale=1.0, predict=replace(own.predict, tta="none"))
    sums = np.zeros(2)
    for part in (thin(piece, scale, most=TRY_PX**2) for piece in pieces):
        small = resize_image(part, scaled_shape((part.shape[0], part.shape[1]), scale))
        sums += sum_sureness(predict_prepared(small, model, settings=quick).probs[0])
    return Trial(model.name, float(np.nan_to_num(fit_score(sums))), scale)


def try_shipped(
    pieces: Sequence[Image], *, settings: SegmentSettings, known: Sequence[Trial] = ()
) -> list[Trial]:
    """Look at pieces of an image through each model that ships, the one that fits best first.

    Args:
        pieces: as for `try_model`.
        settings: as for `try_model`, but that each model has its own threshold and scale.
        known: trials of models that were made already.
    """
    free = replace(settings, threshold=None, scale=None, min_area_px=None)
    missing = [name for name in shipped_models() if name not in {trial.name for trial in known}]
    trials = [try_model(pieces, load_shipped(name), settings=free) for name in missing]
    return sorted([*known, *trials], key=lambda trial: -trial.score)


@cache
def load_shipped(name: str) -> Checkpoint:
    """A model that ships, loaded once."""
    return network_of(load_model(name))


def misfit_reasons(images: pd.DataFrame, model: Model, settings: SegmentSettings) -> list[str]:
    """Why a model does not fit an image, by what it found in its frames; empty where it does.

    Args:
        images: the rows of its frames, with n_cells, confluence, median_area_px and fit.
        model: that found them.
        settings: with nothing left open.
    """
    n_cells = int(images["n_cells"].sum())
    if n_cells == 0:
        return ["no cell was found"]
    found: list[str] = []
    scores = images["fit"].dropna()
    score = float(scores.median()) if len(scores) else float("nan")
    if score < FITS:
        found.append(f"about {100 * score:.0f} % of what it calls cell is likely to be right")
    scale = scale_of(settings)
    if scale in (LEAST_ZOOM, MOST_ZOOM) and model.one_size:
        found.append(f"no scale was found within the limits of the search ({scale:g})")
    if images["confluence"].max() < SPARSE and n_cells / len(images) > CROWD:
        found.append(f"it finds {n_cells} specks, which cover less than {100 * SPARSE:.0f} %")
    area = float(images["median_area_px"].median()) * scale**2
    if model.cell_size_px and area < SMALL * model.min_area_px:
        found.append("its cells are far smaller than those that the model has learnt")
    return found


def misfit_message(
    reasons: Sequence[str], *, name: str, own: Trial, trials: Sequence[Trial]
) -> str:
    """What the user is told of a model that does not fit, and what to do.

    Args:
        reasons: of `misfit_reasons`.
        name: of the model, as the user calls it.
        own: its own trial.
        trials: of the models that ship, on the same part of the image, the best first.
    """
    words = f"{name} does not seem to fit this image: {'; '.join(reasons)}. "
    if name not in shipped_models():
        words += (
            "If it has learnt such images, look at the overlay: it may be unsure and right, and "
            "training on more of them, or longer, helps. "
        )
    best = trials[0]
    if best.name != own.name and best.score >= max(FITS, own.score + BETTER):
        return words + (
            f"{best.name} fits better (score of fit {best.score:.2f} against {own.score:.2f}): try "
            f"--model {best.name}"
        )
    others = "" if name == "general" else "--model general, "
    return words + (
        f"No other model that ships fits better; try {others}--cell-size or --threshold "
        "(coverslip tune shows them side by side), or train one on your images"
    )
