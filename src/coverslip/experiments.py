"""model + annotated images → scores per image: what a results page is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coverslip.cells import probs_to_mask
from coverslip.data import load_pair
from coverslip.evaluate import evaluate
from coverslip.images import normalise
from coverslip.predict import predict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from coverslip.checkpoint import Checkpoint
    from coverslip.files import Pair
    from coverslip.pipeline import SegmentSettings

    Mask = NDArray[np.bool_]


def score_model(
    model: Checkpoint,
    pairs: Sequence[Pair],
    *,
    settings: SegmentSettings,
    size_px: int | None = None,
    on_image: Callable[[str], None] = lambda name: None,
) -> pd.DataFrame:
    """Segment annotated images and score the masks.

    Args:
        model: a loaded checkpoint.
        pairs: images and their truth.
        settings: as for `coverslip.pipeline.segment`.
        size_px: resize image and truth to this square first, as the paper does; None: score at the
            native size.
        on_image: called with each pair's name when it is scored.

    Returns:
        One row per image; the columns are those of `coverslip.evaluate.evaluate`.

    Raises:
        CoverslipError: an image or mask cannot be read, or they do not fit together.
    """

    def predictions() -> Iterator[tuple[str, Mask, Mask]]:
        for pair in pairs:
            image, truth = load_pair(pair, model.preprocess, size_px=size_px)
            prepared = normalise(image, model.preprocess)
            probs = predict(model.network, prepared, settings=settings.predict).probs[0]
            pred = probs_to_mask(
                probs,
                threshold=settings.threshold,
                min_area_px=settings.min_area_px,
                fill_holes=settings.fill_holes,
            )
            on_image(pair.name)
            yield pair.name, truth, pred

    return evaluate(predictions())
