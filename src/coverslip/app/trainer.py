"""a folder of annotated images + a model → a better model: the process that trains.

    python -m coverslip.app.trainer < WANTED.json

It is a process of its own, so that the page answers while it works, and so that it can be stopped
at any moment. It says how far it is by lines of JSON, and ends when nobody listens any more.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.errors import CoverslipError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from coverslip.io import Pair
    from coverslip.training import Plan

    Tell = Callable[[dict[str, Any]], None]

STEPS_PER_EPOCH = 25
BATCH = 4
RATE = 3e-4  # of a network that knows cells already: more would make it forget
PATIENCE = 12
MOST_EPOCHS = 60
HELD_BACK = 0.2  # of the images, by which the better model is chosen


@dataclass(frozen=True)
class Wanted:
    """What is to be trained.

    Attributes:
        data: a folder with ``images`` and ``labels``.
        run: the folder of the training.
        start: the model to go on from: the name of one that ships, or a path.
        minutes: how long it may take.
        ignored_from: labels from this number on are of pixels that say nothing.
    """

    data: Path
    run: Path
    start: str
    minutes: float
    ignored_from: int


class TimeIsUpError(Exception):
    """The minutes are over."""


def fine_tune_model(wanted: Wanted, tell: Tell) -> dict[str, Any]:
    """Go on from a trained model with some annotated images, for some minutes.

    Args:
        wanted: what is to be trained.
        tell: called with how far it is.

    Returns:
        The path of the model, and the scores before and after on what was held back.

    Raises:
        CoverslipError: the images cannot be trained on.
    """
    from coverslip.io import find_pairs
    from coverslip.training import start_run, train

    pairs = find_pairs(wanted.data / "images", wanted.data / "labels")
    plan = make_plan(pairs, wanted)
    start_run(wanted.run, plan)
    ends = time.monotonic() + 60 * wanted.minutes
    began = time.monotonic()

    def on_step(step: int, n_steps: int, loss: float) -> None:
        clock = time.monotonic()
        by_steps = (clock - began) / max(1, step) * (n_steps - step)
        left = max(0.0, min(ends - clock, by_steps))
        tell({"step": step, "n_steps": n_steps, "loss": loss, "seconds_left": round(left, 1)})
        if clock > ends and (wanted.run / "best.safetensors").exists():
            raise TimeIsUpError

    def on_epoch(row: dict[str, float]) -> None:
        tell({"epoch": row})

    try:
        train(plan, wanted.run, on_step=on_step, on_epoch=on_epoch, on_note=lambda text: None)
    except TimeIsUpError:
        pass
    path = wanted.run / "best.safetensors"
    tell({"note": "comparing the new model with the one before"})
    return {
        "model": str(path),
        "before": score(wanted.start, plan.val, wanted.ignored_from),
        "after": score(str(path), plan.val, wanted.ignored_from),
        "images": len(pairs),
    }


def make_plan(pairs: list[Pair], wanted: Wanted) -> Plan:
    """What is learnt from, and what it is judged by; of one image, the same."""
    from coverslip.checkpoints import find_model, load_checkpoint
    from coverslip.training import (
        Plan,
        SampleSettings,
        TrainSettings,
        settings_from,
        split_pairs,
    )

    size = load_checkpoint(find_model(wanted.start)).cell_size_px
    settings = TrainSettings(
        epochs=MOST_EPOCHS,
        steps_per_epoch=STEPS_PER_EPOCH,
        batch=BATCH,
        lr=RATE,
        patience=PATIENCE,
        sample=SampleSettings(
            cell_size_px=size, crop_px=192, tries=4, ignored_from=wanted.ignored_from
        ),
    )
    settings = settings_from(wanted.start, settings)
    if len(pairs) < 3:
        return Plan(settings, pairs, pairs)
    return Plan(settings, *split_pairs(pairs, fraction=HELD_BACK, seed=0))


def score(model: str, pairs: Sequence[Pair], ignored_from: int) -> dict[str, float]:
    """The F1 of cells (IoU 0.5) of a model on some images, where they are annotated."""
    from coverslip.checkpoints import load_model
    from coverslip.io import open_image, read_frame, read_truth
    from coverslip.metrics import cell_f1, count_cells, pool_cells
    from coverslip.pipeline import segment

    loaded = load_model(model)
    counts = []
    for pair in pairs:
        truth = read_truth(pair, ignored_from=ignored_from)
        known = truth < ignored_from
        found = segment(read_frame(open_image(pair.image)), loaded).labels
        counts.append(count_cells(np.where(known, found, 0), np.where(known, truth, 0)))
    f1 = cell_f1(pool_cells(counts))
    return {"f1": round(float(np.nan_to_num(f1)), 4), "images": len(pairs)}


def end_with_parent() -> None:
    """End when the process that started this one is gone: its end of the pipe is closed then."""
    import os

    sys.stdin.read()
    os._exit(1)


def main() -> None:
    """Train what is asked for on the first line of standard input."""
    out, sys.stdout = sys.stdout, sys.stderr

    def tell(content: dict[str, Any]) -> None:
        out.write(json.dumps(content) + "\n")
        out.flush()

    wanted = json.loads(sys.stdin.readline())
    threading.Thread(target=end_with_parent, daemon=True).start()
    paths = {name: Path(wanted[name]) for name in ("data", "run")}
    try:
        tell({"done": fine_tune_model(Wanted(**(wanted | paths)), tell)})
    except CoverslipError as error:
        tell({"error": str(error)})


if __name__ == "__main__":
    main()
