"""How many frames must be annotated? Scores of models that learnt from 1, 2, 5 … images.

python benchmarks/learning_curve.py phase_contrast -o OUT --starts none,ENCODER.safetensors,nuclei

For each start, number of images and draw: a training of a fixed number of steps from images drawn
at random outside of a fold, none of them set aside, the last weights taken, so that nothing is
chosen by any score; then the scores on that fold. One JSON for each; what is there is not done
again. At the end a table and a figure of all that is there, by which the page can be made anew
(--steps 0).
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd

from coverslip.checkpoints import load_checkpoint, shipped_models
from coverslip.evaluation import score_model
from coverslip.figures import figure_to_bytes
from coverslip.inference import PredictSettings
from coverslip.io import Pair, find_pairs, write_bytes, write_text
from coverslip.pipeline import SegmentSettings
from coverslip.provenance import provenance
from coverslip.reproduction.figures.learning import learning_figure
from coverslip.reproduction.tables.write import table_to_markdown
from coverslip.training import (
    Plan,
    SampleSettings,
    TrainSettings,
    select_pairs,
    settings_from,
    start_run,
    train,
)

SIZE_PX = 512


@dataclass(frozen=True)
class Question:
    """One training."""

    start: str  # "none", a model's name, or a file of encoder weights of ImageNet
    images: int
    draw: int
    steps: int

    @property
    def stem(self) -> str:
        """Of its file."""
        name = short(self.start).replace(" ", "_")
        return f"{name}.{self.steps:05}.{self.images:03}.{self.draw}"


def main() -> None:
    """Read the command line, train what is missing, write table and figure."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--starts", default="none,nuclei")
    parser.add_argument("--images", default="1,2,5,10,30")
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--fold", default="0")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--time-limit", type=float, default=float("inf"), help="minutes")
    options = parser.parse_args()
    until = time.monotonic() + 60 * options.time_limit
    for question in questions(options) if options.steps else ():
        path = options.out / "runs" / f"{question.stem}.json"
        if path.exists():
            continue
        if time.monotonic() > until:
            print("time is up: start it again to go on")
            break
        answer = train_and_score(question, options)
        write_text(path, json.dumps(answer, indent=1))
        print(f"{question.stem}: mean AP {answer['mean_ap']:.3f}, {answer['seconds']:.0f} s")
    report(options.out)


def questions(options: argparse.Namespace) -> list[Question]:
    """All trainings, draw by draw, so that an early stop leaves a whole curve."""
    numbers = [int(n) for n in options.images.split(",")]
    starts = options.starts.split(",")
    return [
        Question(start, n, draw, options.steps)
        for draw in range(options.draws)
        for n in numbers
        for start in starts
        if draw == 0 or n < max(numbers)  # of all images there is one draw
    ]


def train_and_score(question: Question, options: argparse.Namespace) -> dict[str, Any]:
    """Train from the drawn images, and score on the fold."""
    pairs = find_pairs(options.data)
    folds = options.data / "folds.csv"
    test = select_pairs(pairs, folds, where=f"fold={options.fold}")
    rest = select_pairs(pairs, folds, where=f"fold!={options.fold}")
    order = np.random.default_rng(question.draw).permutation(len(rest))
    drawn = [rest[i] for i in order[: question.images]]
    settings = make_settings(question, options)
    begun = time.monotonic()
    with TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        plan = Plan(settings, drawn, drawn[:1])  # of one epoch the last is the best
        start_run(run, plan)
        model = load_checkpoint(train(plan, run))
        seconds = time.monotonic() - begun
        scores = score(model, test, device=options.device)
    return {
        "start": short(question.start),
        "images": question.images,
        "draw": question.draw,
        "drawn": [pair.name for pair in drawn],
        "steps": question.steps,
        "seconds": seconds,
        **scores.mean(numeric_only=True)[["mean_ap", "ap50", "jaccard"]].to_dict(),
        "scores": scores[["name", "mean_ap", "ap50", "jaccard"]].to_dict("records"),
        **provenance(),
    }


def make_settings(question: Question, options: argparse.Namespace) -> TrainSettings:
    """Those of all trainings, but for what they start from and the order of the images."""
    settings = TrainSettings(
        maps=("mask", "distance"),
        epochs=1,
        steps_per_epoch=question.steps,
        batch=6,
        seed=question.draw,
        device=options.device,
        sample=SampleSettings(size_px=SIZE_PX, crop_px=160),
    )
    settings = replace(settings, augment=replace(settings.augment, zoom=2.0))
    if question.start in shipped_models():
        return settings_from(question.start, settings)
    return replace(settings, encoder=question.start)


def score(model: Any, pairs: list[Pair], *, device: str) -> pd.DataFrame:
    """The scores of every test image, without test-time augmentation."""
    how = SegmentSettings(threshold=0.5, predict=PredictSettings(device=device))
    return score_model(model, pairs, settings=how, size_px=SIZE_PX)


def short(start: str) -> str:
    """What a start is called: a file of encoder weights is one of ImageNet's."""
    if start == "none":
        return "from scratch"
    return f"from {start}" if start in shipped_models() else "from ImageNet"


def report(out: Path) -> None:
    """Table and figure of all that is there."""
    answers = [json.loads(path.read_text()) for path in sorted((out / "runs").glob("*.json"))]
    columns = ["start", "images", "draw", "mean_ap", "ap50", "jaccard", "steps", "seconds"]
    table = pd.DataFrame(answers)[columns]
    write_text(out / "learning_curve.csv", table.to_csv(index=False, float_format="%.4f"))
    table["start"] = table["start"] + ", " + table["steps"].astype(str) + " steps"
    spread = table.groupby(["start", "images"])["mean_ap"].agg(["mean", "min", "max", "count"])
    wide = (100 * spread.drop(columns="count")).round(1).assign(draws=spread["count"]).reset_index()
    write_text(out / "learning_curve.md", table_to_markdown(wide.astype(str)))
    figure = learning_figure(table, score="mean_ap", name="Mean average precision")
    for form in ("png", "pdf"):
        write_bytes(out / f"learning_curve.{form}", figure_to_bytes(figure, form=form))


if __name__ == "__main__":
    main()
