"""How good is a model after a fine-tuning without options, and what has it forgotten?

python benchmarks/fine_tuning.py DATA -o OUT --start phase --images 5,30 --held-back 20 --old OLD

DATA is an annotated folder of a kind that the start fails on, OLD one of a kind that it knows. The
images of DATA are shuffled by a seed: the last are held back, and nothing is chosen on them; of the
first, so many are given to `coverslip.fine_tune`, which is told nothing else. Each result is one
JSON: scores on what was held back and on OLD, of the start and of the new model, as a user would
segment; steps, wall-clock and CPU seconds. What is there is not done again.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from coverslip import SegmentSettings, find_pairs, fine_tune, load_model, score_model
from coverslip.io import write_text
from coverslip.provenance import provenance

if TYPE_CHECKING:
    from coverslip.io import Pair

SCORES = ["mean_ap", "cell_f1", "jaccard"]


def main() -> None:
    """Read the command line, score the start, and train and score what is missing."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--start", default="phase")
    parser.add_argument("--images", default="5,30")
    parser.add_argument("--held-back", type=int, default=20)
    parser.add_argument("--old", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    pairs = find_pairs(options.data)
    order = np.random.default_rng(options.seed).permutation(len(pairs))
    shuffled = [pairs[i] for i in order]
    pool, test = shuffled[: -options.held_back], shuffled[-options.held_back :]
    tests = {"new": test} | ({"old": find_pairs(options.old)} if options.old else {})
    for n in (0, *(int(n) for n in options.images.split(","))):
        path = options.out / f"{options.start}.{n:03}.{options.seed}.json"
        if path.exists():
            continue
        answer = answer_for(pool[:n], options.start, tests)
        write_text(path, json.dumps(answer, indent=1))
        shown = {kind: answer[kind]["mean"] for kind in tests}
        print(f"{n} images: {answer['steps']} steps, {answer['cpu_seconds']:.0f} CPU s, {shown}")


def answer_for(pairs: list[Pair], start: str, tests: dict[str, list[Pair]]) -> dict[str, Any]:
    """The scores of a start that has gone on with some images; of none: its own."""
    steps, told = 0, {}
    begun, spent = time.monotonic(), cpu_seconds()
    with TemporaryDirectory() as folder:
        model = start
        if pairs:

            def count(step: int, n_steps: int, left: float, losses: list[float]) -> None:
                nonlocal steps
                steps = step

            tuned = fine_tune(pairs, Path(folder, "run"), start=start, on_progress=count)
            model, told = str(tuned.model), tuned.comparison.table.mean(numeric_only=True).to_dict()
        took = {"seconds": time.monotonic() - begun, "cpu_seconds": cpu_seconds() - spent}
        scores = {kind: score(model, some) for kind, some in tests.items()}
    names = [pair.name for pair in pairs]
    about = {"start": start, "images": names, "steps": steps, "told": told}
    return about | took | scores | provenance()


def score(model: str, pairs: list[Pair]) -> dict[str, Any]:
    """The scores of each image as a user would segment it, and their means."""
    table = score_model(load_model(model), pairs, settings=SegmentSettings())
    means = table[SCORES].mean().round(4).to_dict()
    return {"mean": means, "images": table[["name", *SCORES]].to_dict("records")}


def cpu_seconds() -> float:
    """Processor time of this process, user's."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_utime


if __name__ == "__main__":
    main()
