"""model + annotated images → scores per image: what a results page is made of."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from coverslip.evaluation.label_files import collect_scores, score_arrays
from coverslip.pipeline import labels_of, prepare_image
from coverslip.training import prepare_labelled

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from coverslip.evaluation.score_table import Scored
    from coverslip.io import Pair
    from coverslip.pipeline import Model, SegmentSettings

    Mask = NDArray[np.bool_]
    Image = NDArray[np.float32]


def score_model(
    model: Model,
    pairs: Sequence[Pair],
    *,
    settings: SegmentSettings,
    size_px: int | None = None,
    on_scored: Callable[[str, Image, Mask, Mask], None] = lambda name, image, truth, pred: None,
    on_note: Callable[[Path, str], None] = lambda path, text: None,
    on_failed: Callable[[Path, str], None] | None = None,
) -> pd.DataFrame:
    """Segment annotated images and score their pixels and, where the truth numbers them, cells.

    Args:
        model: a loaded model: a network's checkpoint, or a method without learning.
        pairs: images and their truth.
        settings: as for `coverslip.pipeline.segmentation`.
        size_px: resize image and truth to this square first, as the paper does, true labels with
            nearest neighbour; None: score at the native size.
        on_scored: called with each pair's name, image, true mask and predicted mask.
        on_note: called with a file and what was decided of it.
        on_failed: called with each image that cannot be scored, and why, while the others are;
            None: all such are raised in the end.

    Returns:
        One row per image; the columns are those of `coverslip.evaluation.evaluate`.

    Raises:
        DataError: images or masks that cannot be read or do not fit together, all at once.

    Example:
        >>> import coverslip
        >>> from pathlib import Path
        >>> pairs = coverslip.find_pairs(Path("examples/nuclei"), Path("examples/truth/nuclei"))
        >>> model = coverslip.load_model("egt")
        >>> scores = coverslip.score_model(model, pairs[:1], settings=coverslip.SegmentSettings())
        >>> bool(scores["jaccard"].between(0, 1).all())
        True
    """
    prepare = partial(prepare_image, model=model)

    def score(pair: Pair) -> list[Scored]:
        image, truth = prepare_labelled(pair, prepare, size_px=size_px, on_note=on_note)
        pred = labels_of(image, model, settings=settings).labels
        on_scored(pair.name, image, truth > 0, pred > 0)
        return score_arrays(pair.name, truth, pred)

    return collect_scores(pairs, name=lambda pair: pair.image, score=score, on_failed=on_failed)
