"""a folder of annotated images + a model → a better model: the process that trains.

    python -m coverslip.app.trainer < WANTED.json

It is a process of its own, so that the page answers while it works, and so that it can be stopped
at any moment. It says how far it is by lines of JSON, and ends when nobody listens any more.
"""

from __future__ import annotations

import json
import math
import os
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coverslip.errors import CoverslipError

if TYPE_CHECKING:
    from collections.abc import Callable

    from coverslip.training import Comparison

    Tell = Callable[[dict[str, Any]], None]

HISTORY = "history.csv"  # which a training writes anew after each epoch
SCORES = ("ap", "f1", "jaccard")
STOP = "stop"  # the line that ends a training with the best model so far


@dataclass(frozen=True)
class Wanted:
    """What is to be trained.

    Attributes:
        data: a folder with ``images`` and ``labels``.
        run: the folder of the training.
        start: the model to go on from: the name of one that ships, or a path.
        minutes: how long it may take.
        is_stopped: set when it is to end with the best model so far.
    """

    data: Path
    run: Path
    start: str
    minutes: float
    is_stopped: threading.Event = field(default_factory=threading.Event)


def fine_tune_model(wanted: Wanted, tell: Tell) -> dict[str, Any]:
    """Go on from a trained model with some annotated images, for some minutes.

    Args:
        wanted: what is to be trained.
        tell: called with how far it is.

    Returns:
        The path of the model, whether it is better than the one it began with, and the scores
        before and after on what was held out, and between which the mean AP after lies in 95 % of
        resamplings.

    Raises:
        CoverslipError: the images cannot be trained on.
    """
    from coverslip.training import fine_tune

    n_told = 0

    def tell_epochs() -> None:
        nonlocal n_told
        rows = read_history(wanted.run)
        for row in rows[n_told:]:
            tell({"epoch": row})
        n_told = len(rows)

    def on_progress(step: int, n_steps: int, seconds_left: float, losses: list[float]) -> None:
        left = round(seconds_left, 1)
        tell_epochs()
        tell({"step": step, "n_steps": n_steps, "loss": losses[-1], "seconds_left": left})

    tuned = fine_tune(
        wanted.data,
        wanted.run,
        start=wanted.start,
        minutes=wanted.minutes,
        on_progress=on_progress,
        should_stop=wanted.is_stopped.is_set,
    )
    tell_epochs()
    return {
        "model": str(tuned.model),
        "improved": tuned.improved,
        "before": mean_scores(tuned.comparison, "before"),
        "after": mean_scores(tuned.comparison, "after") | how_sure(tuned.comparison),
    }


def read_history(run: Path) -> list[dict[str, float]]:
    """The rows of a training's epochs so far, without what is not a number."""
    import pandas as pd

    path = run / HISTORY
    if not path.exists():
        return []
    rows = pd.read_csv(path).to_dict("records")
    return [{str(k): v for k, v in row.items() if not math.isnan(v)} for row in rows]


def mean_scores(comparison: Comparison, when: str) -> dict[str, Any]:
    """The means of all scores over the images, before or after, and how many images there are."""
    table = comparison.table
    means = {
        score: table[f"{score}_{when}"].mean() for score in SCORES if f"{score}_{when}" in table
    }
    known = {score: round(float(mean), 4) for score, mean in means.items() if not math.isnan(mean)}
    return {**known, "images": len(table)}


def how_sure(comparison: Comparison) -> dict[str, list[float]]:
    """Between which the mean AP after lies in 95 % of resamplings; nothing of too few cells."""
    found = comparison.interval_after()
    return {} if found is None else {"ap_95": [round(limit, 4) for limit in found]}


def listen(wanted: Wanted) -> None:
    """End as asked, and at once when the process that started this one is gone.

    Before the first epoch there is nothing to keep, so that it then ends at once too.
    """
    for line in sys.stdin:
        if line.strip() == STOP:
            wanted.is_stopped.set()
            if not (wanted.run / HISTORY).exists():
                break
    os._exit(1)


def main() -> None:
    """Train what is asked for on the first line of standard input."""
    out, sys.stdout = sys.stdout, sys.stderr

    def tell(content: dict[str, Any]) -> None:
        out.write(json.dumps(content) + "\n")
        out.flush()

    asked = json.loads(sys.stdin.readline())
    paths = {name: Path(asked[name]) for name in ("data", "run")}
    wanted = Wanted(**(asked | paths))
    threading.Thread(target=listen, args=(wanted,), daemon=True).start()
    try:
        tell({"done": fine_tune_model(wanted, tell)})
    except CoverslipError as error:
        tell({"error": str(error)})


if __name__ == "__main__":
    main()
