"""finished runs of one split → Figures 4 and 5: every system's errors on the same images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coverslip import Preprocess, load_pair
from coverslip.errors import DataError
from coverslip.metrics import count_pixels, jaccard
from coverslip.reproduction.figures.grid import Attempt, GridImage, grid_figure
from coverslip.reproduction.figures.output import PaperFigure, sentence
from coverslip.reproduction.figures.pick_images import pick_images
from coverslip.reproduction.systems import RP, SYSTEMS
from coverslip.reproduction.tables.notes import DATA_NOTES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from coverslip import Pair
    from coverslip.reproduction.datasets import DataSet, Split
    from coverslip.reproduction.figures.pick_images import PickedImage
    from coverslip.reproduction.result_file import Run

    Masks = Mapping[str, NDArray[np.bool_]]

# The same network with another setting: they stand in the tables, and here would only crowd.
VARIANTS = ("bcdu_net_d1", "unet_plus_plus_ds")
CAPTION = (
    "Segmentations of {title}, split {split}, budget {budget}, at {size} × {size} px, networks "
    "with test-time augmentation. Magenta: false negatives; green: false positives; below each "
    "panel its Jaccard index. Shown are {rule} of {reference}'s Jaccard index among its {n} test "
    "images: nobody chose them."
)


def figure4_5(
    dataset: DataSet,
    split: Split,
    runs: Mapping[str, Run],
    masks: Mapping[str, Masks],
    *,
    stem: str,
) -> PaperFigure:
    """Draw input, truth and the errors of every system.

    Args:
        dataset: the images and what they are.
        split: that of the runs.
        runs: system → its run, of one budget.
        masks: system → image → mask; a system without masks of the shown images is left out, and
            the caption says so.
        stem: ``"figure4"`` or ``"figure5"``.

    Raises:
        DataError: no system has both scores and masks.
        CoverslipError: an image cannot be read.
    """
    pairs = {pair.name: pair for pair in split.test}
    scored = scored_systems(runs, masks)
    if not scored:
        raise DataError(f"{dataset.title}: no system has scores and masks to show: run one.")
    reference = scored[0]
    values = {
        name: jaccard(counts)
        for name, counts in runs[reference].counts(size="resized", tta="paper").items()
        if name in pairs
    }
    whose = f"the Jaccard index of {SYSTEMS[reference].label}"
    shown, rule = pick_images(values, dataset.modality, of=whose)
    systems = [key for key in find_usable(runs, masks) if _is_complete(masks[key], shown)]
    size_px = int(runs[reference].budget["size_px"])
    images = [_grid_image(pairs[one.name], one, systems, masks, size_px=size_px) for one in shown]
    how = CAPTION.format(
        title=dataset.title,
        split=split.name,
        size=size_px,
        rule=rule,
        n=len(values),
        **_who(runs[reference]),
    )
    sentences = (how, DATA_NOTES.get(dataset.name), _left_out(runs, systems))
    caption = " ".join(filter(None, sentences))
    return PaperFigure(stem, grid_figure(images), caption, [one.name for one in shown])


def _who(run: Run) -> dict[str, str]:
    """By whose scores the images were chosen."""
    return {"budget": run.budget["name"], "reference": SYSTEMS[run.system].label}


def scored_systems(runs: Mapping[str, Run], masks: Mapping[str, Masks]) -> list[str]:
    """The systems that could choose the images, the first of which does: the paper's network first.

    A system can that has masks and scores, with test-time augmentation unless it is classical.
    """
    usable = find_usable(runs, masks)
    scored = [key for key in usable if runs[key].counts(size="resized", tta="paper")]
    return sorted(scored, key=lambda key: key != RP)


def find_usable(runs: Mapping[str, Run], masks: Mapping[str, Masks]) -> list[str]:
    """The systems to show, in the order of the tables: those that learned and kept their masks."""
    return [
        key
        for key in SYSTEMS
        if key in runs and key not in VARIANTS and not runs[key].diverged and masks.get(key)
    ]


def _is_complete(masks: Masks, shown: Sequence[PickedImage]) -> bool:
    return all(one.name in masks for one in shown)


def _grid_image(
    pair: Pair,
    shown: PickedImage,
    systems: Sequence[str],
    masks: Mapping[str, Masks],
    *,
    size_px: int,
) -> GridImage:
    """The image and its truth as they were scored, and what each system made of it."""
    image, truth = load_pair(pair, Preprocess(), size_px=size_px)
    attempts = {}
    for key in systems:
        mask = masks[key][pair.name]
        attempts[SYSTEMS[key].label] = Attempt(mask, jaccard(count_pixels(truth, mask)))
    return GridImage(sentence(shown.why), image, truth, attempts)


def _left_out(runs: Mapping[str, Run], systems: Sequence[str]) -> str:
    """What a reader would look for in vain, and why it is not there."""
    absent = [key for key in SYSTEMS if key not in systems]
    reasons = {
        "variants of those shown": [k for k in absent if k in VARIANTS and k in runs],
        "not run": [k for k in absent if k not in runs],
        "diverged": [k for k in absent if k in runs and runs[k].diverged],
    }
    explained = {key for keys in reasons.values() for key in keys}
    reasons["no masks kept"] = [key for key in absent if key not in explained]
    parts = [
        f"{reason} ({'; '.join(SYSTEMS[key].label for key in keys)})"
        for reason, keys in reasons.items()
        if keys
    ]
    return f"Not shown: {'; '.join(parts)}." if parts else ""
