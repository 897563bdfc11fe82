"""data sets and finished runs → the paper's five figures and two more, as files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coverslip import build_network, load_checkpoint, shipped_models
from coverslip.errors import CoverslipError
from coverslip.metrics import jaccard
from coverslip.reproduction.datasets import DSB2018
from coverslip.reproduction.figures.anatomy import read_anatomy
from coverslip.reproduction.figures.architecture import architecture_figure
from coverslip.reproduction.figures.figure1 import figure1, read_cells
from coverslip.reproduction.figures.figure3 import Words, figure3
from coverslip.reproduction.figures.figure4_5 import figure4_5, scored_systems
from coverslip.reproduction.figures.figure6 import PLAIN, figure6
from coverslip.reproduction.figures.figure7 import figure7
from coverslip.reproduction.figures.legend import parameters_text
from coverslip.reproduction.figures.output import PaperFigure, write_figures
from coverslip.reproduction.figures.pick_images import median
from coverslip.reproduction.result_file import read_masks, read_runs
from coverslip.reproduction.systems import RP, SYSTEMS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from coverslip import Checkpoint, Pair
    from coverslip.reproduction.datasets import DataSet, Split
    from coverslip.reproduction.result_file import Run

# The model that ships for such images, where no run's checkpoint is there.
SHIPPED = {DSB2018: "nuclei"}
USUAL_SHIPPED = "phase"
FIGURE2_PX = 256
FIGURE2_CAPTION = (
    "The architecture, drawn from the network itself: channels @ side² of every map are those of a "
    "forward pass. Heights follow the logarithm of the side, widths that of the channels. {counts}."
)


def make_figures(
    datasets: Sequence[DataSet],
    runs_folder: Path,
    out: Path,
    *,
    budget: str,
    on_message: Callable[[str], None],
) -> list[Path]:
    """Draw what can be drawn: figure1 to figure7 as PDF and PNG, and figures.md with the captions.

    Args:
        datasets: at least one.
        runs_folder: where the finished runs lie; it need not be there yet.
        out: folder; made where it is missing.
        budget: name of the budget whose runs are shown.
        on_message: called with what was left out, and why.

    Returns:
        The files.

    Raises:
        CoverslipError: an image cannot be read, or a file not written.
    """
    found = read_runs(runs_folder, on_skipped=on_message) if runs_folder.is_dir() else []
    runs = [run for run in found if run.budget["name"] == budget]
    in_order = sorted(datasets, key=lambda dataset: dataset.name == DSB2018)
    drawn = [figure1(in_order), figure2(), draw_tta(in_order, runs, runs_folder)]
    for dataset, stem in zip(in_order, grid_stems(in_order), strict=True):
        own = [run for run in runs if run.dataset == dataset.name]
        grid = draw_grid(dataset, own, runs_folder, stem=stem, on_message=on_message)
        drawn += [] if grid is None else [grid]
    for dataset in in_order:
        own = [run for run in runs if run.dataset == dataset.name]
        contrast = draw_contrast(dataset, own, runs_folder, on_message=on_message)
        drawn += [] if contrast is None else [contrast]
    cost = figure7(in_order, runs, budget=budget)
    drawn += [] if cost is None else [cost]
    return write_figures(drawn, out)


def figure2() -> PaperFigure:
    """ResNet18-UNet+RP as it is built here."""
    network = build_network(RP, {})
    counts = parameters_text(read_anatomy(network, size_px=FIGURE2_PX))
    figure = architecture_figure(network, size_px=FIGURE2_PX)
    return PaperFigure("figure2", figure, FIGURE2_CAPTION.format(counts=counts))


def draw_tta(datasets: Sequence[DataSet], runs: Sequence[Run], runs_folder: Path) -> PaperFigure:
    """Figure 3, by the paper's network where a run of it was kept, else by a model that ships."""
    for dataset in datasets:
        for split in dataset.splits:
            for run in runs:
                path = runs_folder / run.id / "best.safetensors"
                is_wanted = (run.dataset, run.split, run.system) == (dataset.name, split.name, RP)
                if is_wanted and not run.diverged and path.is_file():
                    return _tta_of_run(dataset, split, run, load_checkpoint(path))
    return _tta_of_shipped(datasets[0])


def _tta_of_run(dataset: DataSet, split: Split, run: Run, model: Checkpoint) -> PaperFigure:
    """Of the images that the run was scored on, the one with the median Jaccard index."""
    counts = run.counts(size="resized", tta="paper")
    values = {p.name: jaccard(counts[p.name]) for p in split.test if p.name in counts}
    words = Words(
        data=dataset.title,
        model=f"{SYSTEMS[RP].label} (split {split.name}, budget {run.budget['name']})",
        rule=f"the one with the median of its Jaccard index among {len(values)} test images",
    )
    pair = _find(split, median(values))
    return figure3(pair, model, size_px=int(run.budget["size_px"]), words=words)


def _tta_of_shipped(dataset: DataSet) -> PaperFigure:
    """Of the first split's test images, the one with the median number of cells."""
    name = SHIPPED.get(dataset.name, USUAL_SHIPPED)
    model = load_checkpoint(shipped_models()[name])
    split = dataset.splits[0]
    cells = {pair.name: float(read_cells(pair).max()) for pair in split.test}
    words = Words(
        data=dataset.title,
        model=f"the model “{name}” that ships with coverslip",
        rule=f"the one with the median number of cells among the {len(cells)} test images of "
        f"{split.name}",
        note=f" The model learned from {model.card['data']}." if "data" in model.card else "",
    )
    return figure3(_find(split, median(cells)), model, size_px=dataset.size_px, words=words)


def draw_grid(
    dataset: DataSet,
    runs: Sequence[Run],
    runs_folder: Path,
    *,
    stem: str,
    on_message: Callable[[str], None],
) -> PaperFigure | None:
    """Figure 4 or 5, of the first split on which the paper's network was run, else any was.

    Returns:
        None where nothing can be shown yet; `on_message` says so.

    Raises:
        CoverslipError: an image cannot be read.
    """
    candidates = []
    for split in dataset.splits:
        own = {run.system: run for run in runs if run.split == split.name and run.system in SYSTEMS}
        masks = {key: _read_masks(run, runs_folder, on_message) for key, run in own.items()}
        scored = scored_systems(own, masks)
        if scored:
            candidates.append((scored[0] != RP, split, own, masks))
    if not candidates:
        on_message(f"{stem} is not drawn: no finished run on {dataset.title} with masks to show.")
        return None
    _, split, own, masks = min(candidates, key=lambda candidate: candidate[0])
    return figure4_5(dataset, split, own, masks, stem=stem)


def draw_contrast(
    dataset: DataSet, runs: Sequence[Run], runs_folder: Path, *, on_message: Callable[[str], None]
) -> PaperFigure | None:
    """Figure 6, of the first split on which both of its systems were run; None without any.

    Raises:
        CoverslipError: an image cannot be read.
    """
    for split in dataset.splits:
        own = {run.system: run for run in runs if run.split == split.name and not run.diverged}
        if RP in own and PLAIN in own:
            masks = {key: _read_masks(own[key], runs_folder, on_message) for key in (RP, PLAIN)}
            return figure6(dataset, split, own, masks, stem=f"figure6_{dataset.name}")
    return None


def grid_stems(datasets: Sequence[DataSet]) -> list[str]:
    """``"figure5"`` for DSB2018, ``"figure4"`` for what stands in for MDA-MB-231; others follow."""
    stems = ["figure5" if dataset.name == DSB2018 else "figure4" for dataset in datasets]
    return [
        stem if stem not in stems[:number] else f"{stem}_{datasets[number].name}"
        for number, stem in enumerate(stems)
    ]


def _read_masks(
    run: Run, runs_folder: Path, on_message: Callable[[str], None]
) -> dict[str, NDArray[np.bool_]]:
    """None where they were not kept, or are damaged."""
    path = runs_folder / f"{run.id}.npz"
    if not path.is_file():
        return {}
    try:
        return read_masks(path)
    except CoverslipError as error:
        on_message(str(error))
        return {}


def _find(split: Split, name: str) -> Pair:
    return next(pair for pair in split.test if pair.name == name)
