"""The grid search for the settings of PHANTAST, held against a search written out here."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from coverslip.reproduction.tune_method import find_best
from coverslip.segmentation.classical import PHANTAST_GUI, segment_phantast
from textured import cells


def jaccard(truth: np.ndarray, pred: np.ndarray) -> float:
    return float((truth & pred).sum() / (truth | pred).sum())


def test_the_best_of_all_pairs_is_found_with_the_method_s_other_settings():
    images = [cells(n) for n in (1, 2)]
    sigmas, epsilons = [0.8, 1.4], [0.03, 0.06, 0.12]
    scores = {
        (sigma, epsilon): np.mean(
            [
                jaccard(
                    truth,
                    segment_phantast(
                        image, settings=replace(PHANTAST_GUI, sigma=sigma, epsilon=epsilon)
                    ),
                )
                for image, truth in images
            ]
        )
        for sigma in sigmas
        for epsilon in epsilons
    }
    sigma, epsilon = max(scores, key=scores.__getitem__)
    best = find_best("phantast_gui", images, sigmas=sigmas, epsilons=epsilons)
    assert best == {"sigma": sigma, "epsilon": epsilon}


def test_the_first_of_equals_is_taken():
    image, truth = np.full((32, 32), 0.5, dtype=np.float32), np.zeros((32, 32), dtype=bool)
    best = find_best("phantast", [(image, truth)], sigmas=[2, 1], epsilons=[0.1, 0.2])
    assert best == {"sigma": 2, "epsilon": 0.1}
