"""task → a method without learning, its settings fixed or searched on the images to learn from."""

from __future__ import annotations

import time
from dataclasses import asdict
from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip import Method, load_model, prepare_image, prepare_pair
from coverslip.metrics import count_pixels, jaccard
from coverslip.reproduction.fitted import Fitted
from coverslip.reproduction.result_file import NO_LEARNING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from coverslip.reproduction.task import Parts, Task

SIGMAS = (0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0)  # px at the networks' size; the authors' 1.4 inside
EPSILONS = (0.01, 0.015, 0.02, 0.03, 0.04, 0.06, 0.09, 0.13)
MAX_IMAGES = 60  # of hundreds, so many, drawn by the seed, find the same settings sooner
GRID = {"sigma": SIGMAS, "epsilon": EPSILONS, "images": MAX_IMAGES}


def tune_method(task: Task, parts: Parts) -> Fitted:
    """Make a task's method; PHANTAST's window and threshold by grid search where they are tuned."""
    clock = time.perf_counter()
    arguments = task.what.arguments
    if task.what.tuned:
        arguments = arguments | search_grid(task, parts)
    method = load_method(task.what.model, arguments)
    return Fitted(
        model=method,
        settings=asdict(method.settings),
        pretrained=NO_LEARNING,
        seconds=time.perf_counter() - clock,
    )


def load_method(name: str, arguments: Mapping[str, Any]) -> Method:
    """A method without learning, with the settings that are given in place of its usual ones."""
    method = load_model(name, arguments)
    if not isinstance(method, Method):
        raise TypeError(f"{name} is a network, a method without learning was wanted")
    return method


def search_grid(task: Task, parts: Parts) -> dict[str, float]:
    """The best sigma and epsilon for the training and inner validation images of a task."""
    pairs = [*parts.train, *parts.val]
    chosen = np.random.default_rng(task.split.seed).permutation(len(pairs))[:MAX_IMAGES]
    name = task.what.model
    prepare = partial(prepare_image, model=load_method(name, {}))
    images = [prepare_pair(pairs[i], prepare, size_px=task.size_px) for i in chosen]
    return find_best(name, images, sigmas=SIGMAS, epsilons=EPSILONS)


def find_best(
    name: str,
    images: Sequence[tuple[NDArray[np.float32], NDArray[np.bool_]]],
    *,
    sigmas: Sequence[float],
    epsilons: Sequence[float],
) -> dict[str, float]:
    """Try every sigma with every epsilon and take the pair of greatest mean Jaccard index.

    Args:
        name: of the method, ``"phantast"`` or ``"phantast_gui"``.
        images: prepared images (H, W) and their true masks, of those to learn from alone.
        sigmas: windows to try, in px.
        epsilons: thresholds to try.

    Returns:
        The best sigma and epsilon; of equals, the first sigma, then the first epsilon.
    """

    def total(found: dict[str, float]) -> float:
        method = load_method(name, found)
        return sum(jaccard(count_pixels(truth, method.mask(image))) for image, truth in images)

    return max(
        ({"sigma": s, "epsilon": e} for s, e in product(sigmas, epsilons)),
        key=total,
    )
