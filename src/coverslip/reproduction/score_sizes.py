"""model + annotated images → pixel counts at the networks' size and at the images' own."""

from __future__ import annotations

from dataclasses import astuple
from functools import partial
from typing import TYPE_CHECKING

from coverslip import (
    PredictSettings,
    SegmentSettings,
    predict_prepared,
    prepare_image,
    prepare_pair,
    resize_image,
    resize_labels,
)
from coverslip.metrics import count_pixels

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from coverslip import Model, Pair

    Mask = NDArray[np.bool_]
    Scores = dict[str, dict[str, dict[str, list[int]]]]

THRESHOLD = 0.5  # the paper names none


def score_at_both_sizes(
    model: Model,
    pairs: Sequence[Pair],
    *,
    size_px: int,
    ttas: Sequence[str],
    device: str,
    on_scored: Callable[[int, int], None] = lambda done, n: None,
) -> tuple[Scores, dict[str, Mask]]:
    """Predict annotated images, resized as the paper resizes them, and score the masks twice.

    Once as they are, against the truth resized likewise; and once with the probabilities brought
    back to the image's own size, against the truth as it was drawn: what a user gets.

    Args:
        model: a loaded model.
        pairs: images and their truth.
        size_px: side of the square.
        ttas: test-time augmentations; the masks are those of the last but "d4".
        device: auto, cpu, cuda or mps.
        on_scored: called after each image with how many are done, and of how many.

    Returns:
        size ("resized", "native") → augmentation → image → [tp, fp, fn, tn] in px; and the masks,
        (size_px, size_px), by image.

    Raises:
        CoverslipError: an image or mask cannot be read, or they do not fit together.
    """
    scores: Scores = {size: {tta: {} for tta in ttas} for size in ("resized", "native")}
    masks: dict[str, Mask] = {}
    for done, pair in enumerate(pairs, start=1):
        image, truth = prepare_pair(pair, partial(prepare_image, model=model), size_px=None)
        small = resize_image(image, (size_px, size_px))
        small_truth = resize_labels(truth, (size_px, size_px))
        for tta in ttas:
            settings = SegmentSettings(
                threshold=THRESHOLD,
                # one backend for all tables, whatever is installed
                predict=PredictSettings(tta=tta, device=device, backend="torch"),
            )
            probs = predict_prepared(small, model, settings=settings).probs[0]
            pred = probs > THRESHOLD
            scores["resized"][tta][pair.name] = count(small_truth, pred)
            native = resize_image(probs, (truth.shape[0], truth.shape[1])) > THRESHOLD
            scores["native"][tta][pair.name] = count(truth, native)
            if tta != "d4":
                masks[pair.name] = pred
        on_scored(done, len(pairs))
    return scores, masks


def count(truth: Mask, pred: Mask) -> list[int]:
    """[tp, fp, fn, tn] in px."""
    return list(astuple(count_pixels(truth, pred)))
