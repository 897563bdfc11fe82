"""a few annotated images + a trained model → a better one for such images, or the old one.

Fine-tuning on images of your own, with nothing to set: for programs, as the command line does it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from coverslip.checkpoints import find_model, load_checkpoint
from coverslip.errors import DataError, list_problems
from coverslip.io import Pair, check_pairs, find_pairs, only_here
from coverslip.segmentation import cell_sizes
from coverslip.training.annotated import load_labelled
from coverslip.training.comparison import Comparison, compare
from coverslip.training.dataset import unknown_pixels
from coverslip.training.effort import Choice, fit_to_images, fit_to_time
from coverslip.training.loop import StopTraining, train
from coverslip.training.network import settings_from
from coverslip.training.run_folder import Plan, start_run
from coverslip.training.settings import TrainSettings
from coverslip.training.splits import split_pairs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

VAL_FRACTION = 0.15  # of the images, where there are enough to set some aside
ONE_SIZE = 1.5  # times larger than another, the cells of one image; else all have one size


@dataclass(frozen=True)
class FineTuned:
    """What a fine-tuning has come to.

    Attributes:
        model: The checkpoint to segment with.
        improved: Whether it is a new one; else it is the model it began with, since no epoch was
            better.
        comparison: Before and after, on what was held out.
        cell_size_px: The diameter of the cells in the images, for ``--cell-size``; None where it
            differs too much from image to image.

    Example:
        >>> import pandas as pd
        >>> from pathlib import Path
        >>> from coverslip.training import Comparison, FineTuned
        >>> comparison = Comparison(pd.DataFrame({"ap_before": [0.2], "ap_after": [0.5]}), "ap")
        >>> tuned = FineTuned(Path("runs/mine/best.safetensors"), True, comparison, 60.0)
        >>> tuned.command
        'coverslip segment IMAGES -o OUT --model runs/mine/best.safetensors --cell-size 60'
    """

    model: Path
    improved: bool
    comparison: Comparison
    cell_size_px: float | None

    @property
    def command(self) -> str:
        """The command that segments with the model."""
        size = f" --cell-size {self.cell_size_px:.0f}" if self.cell_size_px else ""
        return f"coverslip segment IMAGES -o OUT --model {self.model.as_posix()}{size}"


def fine_tune(
    data: str | Path | Sequence[Pair],
    out: str | Path,
    *,
    start: str = "phase",
    minutes: float | None = None,
    on_progress: Callable[[int, int, float, list[float]], None] | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> FineTuned:
    """Go on from a trained model with a few annotated images, and choose all else by them.

    The cells are shown at the size that the model has learnt; batch, crops, steps and epochs follow
    from the number of images; of fewer than ten, a part of each is held out for validation, of more
    some are. The result is never worse, on what is held out, than the model it began with.

    Args:
        data: a folder as for `find_pairs`, or pairs.
        out: a new folder for the training.
        start: name of a model that ships, or the path of a checkpoint.
        minutes: that it may take at most.
        on_progress: called after each step with the number of steps done, of all, the seconds left
            of all, and the losses so far.
        should_stop: asked after each step; true ends the training, with the best so far.

    Raises:
        CoverslipError: data, model or folder are not usable.

    Example:
        >>> import coverslip
        >>> from pathlib import Path
        >>> from tempfile import mkdtemp
        >>> pairs = coverslip.find_pairs(Path("examples/nuclei"), Path("examples/truth/nuclei"))
        >>> tuned = coverslip.fine_tune(
        ...     pairs[:1], Path(mkdtemp(), "run"), start="nuclei", should_stop=lambda: True
        ... )
        >>> tuned.improved, tuned.model.name
        (False, 'best.safetensors')
    """
    begun, out, settings = time.monotonic(), Path(out), settings_from(start, TrainSettings())
    given = find_pairs(data) if isinstance(data, str | Path) else data
    pairs = [replace(p, reading=settings.reading) if p.reading.is_plain else p for p in given]
    problems = check_pairs(pairs)
    if problems:
        raise DataError(list_problems(problems, cure="Mend the annotated images"))
    plan = plan_fine_tuning(pairs, replace(settings, reading=pairs[0].reading))
    plan, seconds = fit_to_time(plan, minutes=minutes)
    start_run(out, plan)
    watch = Watch(begun, seconds, minutes, on_progress, should_stop)
    with only_here(out):
        train(plan, out, on_step=watch.on_step)
        return finish(plan, out)


def plan_fine_tuning(
    pairs: list[Pair], settings: TrainSettings, *, choice: Choice | None = None
) -> Plan:
    """Choose what is left open, and what validates: parts of few images, or some of many."""
    learnt = load_checkpoint(find_model(settings.start)).cell_size_px if settings.start else None
    choice = choice or Choice()
    settings = fit_to_images(settings, len(pairs), cell_size_px=learnt, choice=choice)
    if settings.sample.held_out:
        return Plan(settings, pairs, pairs)
    return Plan(settings, *split_pairs(pairs, fraction=VAL_FRACTION, seed=settings.seed))


class Watch:
    """Watches a training: tells how far it is, and ends it when it is to stop or time is up."""

    def __init__(
        self,
        begun: float,
        seconds: float,
        minutes: float | None,
        on_progress: Callable[[int, int, float, list[float]], None] | None,
        should_stop: Callable[[], bool],
    ) -> None:
        self.begun, self.planned, self.minutes = begun, seconds, minutes
        self.on_progress, self.should_stop = on_progress, should_stop
        self.losses: list[float] = []
        self.first: tuple[int, float] | None = None

    def on_step(self, step: int, n_steps: int, loss: float) -> None:
        """Tell of a step, and raise `StopTraining` where it is the last."""
        now = time.monotonic()
        self.losses.append(loss)
        self.first = self.first or (step - 1, now)
        if self.on_progress is not None:
            self.on_progress(step, n_steps, self.seconds_left(step, n_steps, now), self.losses)
        if self.should_stop() or self.is_over(now):
            raise StopTraining

    def seconds_left(self, step: int, n_steps: int, now: float) -> float:
        """By the pace so far, validation with it; in the first steps by what was planned."""
        done, begun = self.first or (step, now)
        if step - done < 10:
            return self.planned * (n_steps - step) / n_steps
        return (now - begun) / (step - done) * (n_steps - step)

    def is_over(self, now: float) -> bool:
        """Whether the minutes are over, less what the comparison at the end takes."""
        return self.minutes is not None and now - self.begun > 60 * 0.95 * self.minutes


def finish(plan: Plan, run: Path) -> FineTuned:
    """Compare before and after, and say with what to segment."""
    model = run / "best.safetensors"
    improved = int(load_checkpoint(model).card.get("epoch", 0)) > 0
    return FineTuned(model, improved, compare(plan, run), usual_size(plan))


def usual_size(plan: Plan) -> float | None:
    """The median diameter of the cells in the images as they are; None where they differ much.

    Only for a training that shows all cells at one size: of others, images stay as they are.
    """
    sample, medians = plan.settings.sample, []
    if sample.cell_size_px is None:
        return None
    for pair in plan.train[:20]:
        _, labels = load_labelled(pair, plan.settings.preprocess, size_px=None)
        unknown = unknown_pixels(pair, labels.shape, size_px=None)
        sizes = cell_sizes(np.where(unknown, 0, labels))
        medians += [float(np.median(sizes))] if len(sizes) else []
    alike = medians and max(medians) <= ONE_SIZE * min(medians)
    return round(float(np.median(medians)), 1) if alike else None
