"""Scores of cells are those of ``stardist.matching``, the reference of the field."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from coverslip.metrics import (
    THRESHOLDS,
    average_precision,
    cell_f1,
    cell_precision,
    cell_recall,
    count_cells,
    panoptic_quality,
    segmentation_quality,
)
from labelled import random_pair

# What StarDist 0.9.2 says of the first pairs; the second test tells whether it still does.
FROZEN = Path(__file__).parent / "stardist_matching.json"


@pytest.mark.parametrize("seed", range(40))
def test_agrees_with_what_stardist_said(seed):
    expected = json.loads(FROZEN.read_text(encoding="utf-8"))[str(seed)]
    counts = count_cells(*random_pair(seed))
    assert [counts.n_true, counts.n_pred] == expected["n"]
    assert list(counts.tp) == expected["tp"]
    if counts.n_true or counts.n_pred:  # where both are empty, StarDist says 0 and we say 1
        assert panoptic_quality(counts) == pytest.approx(expected["pq"], abs=1e-6)
        precisions = [average_precision(counts, threshold=threshold) for threshold in THRESHOLDS]
        assert precisions == pytest.approx(expected["accuracy"], abs=1e-6)


@pytest.mark.filterwarnings("ignore")  # theirs
def test_agrees_with_stardist_itself_on_a_thousand_pairs():
    matching = pytest.importorskip("stardist.matching").matching
    frozen = json.loads(FROZEN.read_text(encoding="utf-8"))
    empty = halved = 0
    for seed in range(1000):
        truth, pred = random_pair(seed)
        counts, theirs = count_cells(truth, pred), matching(truth, pred, thresh=THRESHOLDS)
        assert list(counts.tp) == [it.tp for it in theirs], seed
        assert (counts.n_true, counts.n_pred) == (theirs[0].n_true, theirs[0].n_pred), seed
        if str(seed) in frozen:
            assert frozen[str(seed)] == as_frozen(theirs)
        if not counts.n_true and not counts.n_pred:
            empty += 1
            continue
        for threshold, it in zip(THRESHOLDS, theirs, strict=True):
            ours = [
                score(counts, threshold=threshold)
                for score in (average_precision, cell_f1, cell_precision, cell_recall)
            ]
            assert ours == pytest.approx([it.accuracy, it.f1, it.precision, it.recall]), seed
        # they compute the IoU in single precision
        assert panoptic_quality(counts) == pytest.approx(theirs[0].panoptic_quality, abs=1e-6)
        assert segmentation_quality(counts) == pytest.approx(
            theirs[0].mean_matched_score, abs=1e-6
        ), seed
        halved += has_equal_halves(truth, pred)
    assert empty > 10 and halved > 50  # the pairs are as hard as they were meant


def as_frozen(theirs) -> dict[str, object]:
    """What the file has of one pair."""
    return {
        "n": [int(theirs[0].n_true), int(theirs[0].n_pred)],
        "tp": [int(it.tp) for it in theirs],
        "pq": round(float(theirs[0].panoptic_quality), 7),
        "accuracy": [round(float(it.accuracy), 6) for it in theirs],
    }


def has_equal_halves(truth: np.ndarray, pred: np.ndarray) -> bool:
    """A true cell that two predicted ones share to equal parts, each with an IoU of 0.5."""
    for number in np.unique(truth[truth > 0]):
        parts, sizes = np.unique(pred[truth == number], return_counts=True)
        whole = [np.count_nonzero(pred == part) for part in parts]
        if 0 not in parts and len(parts) == 2 and sizes[0] == sizes[1] and whole == list(sizes):
            return True
    return False
