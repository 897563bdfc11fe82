"""task → a method without learning, its settings fixed or searched on the images to learn from."""

from __future__ import annotations

import time
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from coverslip.classical import PhantastSettings, tune_phantast
from coverslip.data import prepare_pair
from coverslip.experiments.learnt import Learnt
from coverslip.experiments.record import NO_LEARNING
from coverslip.method import Method, build_method
from coverslip.metrics import count_pixels, jaccard
from coverslip.pipeline import prepare_image

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from coverslip.experiments.split import Parts
    from coverslip.experiments.task import Task

SIGMAS = (0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0)  # px at the networks' size; the authors' 1.4 inside
EPSILONS = (0.01, 0.015, 0.02, 0.03, 0.04, 0.06, 0.09, 0.13)
MAX_IMAGES = 60  # of hundreds, so many, drawn by the seed, find the same settings sooner


GRID = {"sigma": SIGMAS, "epsilon": EPSILONS, "images": MAX_IMAGES}


def tune(task: Task, parts: Parts) -> Learnt:
    """Make a task's method; PHANTAST's window and threshold by grid search where they are tuned."""
    clock = time.perf_counter()
    method = build_method(task.what.model, task.what.arguments)
    if task.what.tuned:
        settings = search(method, task, parts)
        method = Method(method.name, settings)
    return Learnt(
        model=method,
        settings=asdict(method.settings),
        pretrained=NO_LEARNING,
        seconds=time.perf_counter() - clock,
    )


def search(method: Method, task: Task, parts: Parts) -> PhantastSettings:
    """The best of the grid by mean Jaccard over the training and inner validation images."""
    pairs = [*parts.train, *parts.val]
    chosen = np.random.default_rng(task.split.seed).permutation(len(pairs))[:MAX_IMAGES]
    prepare = partial(prepare_image, model=method)
    images = [prepare_pair(pairs[i], prepare, size_px=task.size_px) for i in chosen]
    return tune_phantast(images, sigmas=SIGMAS, epsilons=EPSILONS, score=score)


def score(truth: NDArray[np.bool_], pred: NDArray[np.bool_]) -> float:
    """The Jaccard index."""
    return jaccard(count_pixels(truth, pred))
