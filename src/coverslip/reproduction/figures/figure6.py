"""finished runs of two systems → Figure 6: where residual paths help most, and where they harm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coverslip import Preprocess, load_pair
from coverslip.metrics import jaccard
from coverslip.reproduction.figures.grid import Attempt, GridImage, grid_figure
from coverslip.reproduction.figures.output import PaperFigure
from coverslip.reproduction.systems import RP, SYSTEMS
from coverslip.reproduction.tables.layout import signed

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from coverslip.reproduction.datasets import DataSet, Split
    from coverslip.reproduction.result_file import Run

    Masks = Mapping[str, NDArray[np.bool_]]

PLAIN = "resnet18_unet"
N_EACH = 2  # images at each end
CAPTION = (
    "Where residual paths help and where they harm: {title}, split {split}, budget {budget}, with "
    "test-time augmentation. Of {n} test images, {better} are better with {rp} than with {plain}, "
    "{worse} worse; the mean difference is {mean} points of Jaccard. Shown are the {shown} "
    "images at each end of that difference: nobody chose them, and they are not typical. Magenta: "
    "false negatives; green: false positives; below each panel its Jaccard index."
)


def figure6(
    dataset: DataSet,
    split: Split,
    runs: Mapping[str, Run],
    masks: Mapping[str, Masks],
    *,
    stem: str,
) -> PaperFigure | None:
    """Draw the images on which two systems differ most.

    Args:
        dataset: the images and what they are.
        split: that of the runs.
        runs: system → its run, of one budget.
        masks: system → image → mask.
        stem: of the files.

    Returns:
        None where one of the two was not run, or kept no masks.

    Raises:
        CoverslipError: an image cannot be read.
    """
    if not all(runs.get(key) and masks.get(key) for key in (RP, PLAIN)):
        return None
    scores = {key: score_images(runs[key]) for key in (RP, PLAIN)}
    pairs = {pair.name: pair for pair in split.test}
    common = [name for name in pairs if all(name in scores[k] and name in masks[k] for k in scores)]
    if len(common) < 2:
        return None
    gain = {name: 100 * (scores[RP][name] - scores[PLAIN][name]) for name in common}
    order = sorted(gain, key=lambda name: (-gain[name], name))
    n_each = min(N_EACH, len(order) // 2)
    shown = [*order[:n_each], *order[-n_each:]]
    size_px = int(runs[RP].budget["size_px"])
    images = []
    for name in shown:
        image, truth = load_pair(pairs[name], Preprocess(), size_px=size_px)
        attempts = {
            SYSTEMS[key].label: Attempt(masks[key][name], scores[key][name]) for key in (PLAIN, RP)
        }
        title = f"{signed(gain[name])} points{kind_text(dataset, name)}"
        images.append(GridImage(title, image, truth, attempts))
    caption = caption_text(dataset, split, gain, budget=runs[RP].budget["name"], n_each=n_each)
    return PaperFigure(stem, grid_figure(images), caption, shown)


def caption_text(
    dataset: DataSet, split: Split, gain: Mapping[str, float], *, budget: str, n_each: int
) -> str:
    """What is shown, and how usual it is; `gain` is the difference of each image, in points."""
    return CAPTION.format(
        title=dataset.title,
        split=split.name,
        budget=budget,
        n=len(gain),
        better=sum(points > 0 for points in gain.values()),
        worse=sum(points < 0 for points in gain.values()),
        mean=signed(sum(gain.values()) / len(gain)),
        rp=SYSTEMS[RP].label,
        plain=SYSTEMS[PLAIN].label,
        shown=n_each,
    )


def score_images(run: Run) -> dict[str, float]:
    """Jaccard index of every test image, with test-time augmentation."""
    counts = run.counts(size="resized", tta="paper")
    return {name: jaccard(count) for name, count in counts.items()}


def kind_text(dataset: DataSet, name: str) -> str:
    """What kind of image it is, where anyone says."""
    kind = dataset.modality.get(name, "")
    return f", {kind.replace('-', ' ')}" if kind else ""
