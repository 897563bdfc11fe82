"""probabilities → labels, by the settings of a segmentation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coverslip.cells import drop_cells, fill_cells, mask_to_labels, probs_to_mask, separate

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from coverslip.pipeline.settings import SegmentSettings


def probs_to_labels(
    probs: NDArray[np.float32], maps: Sequence[str], *, settings: SegmentSettings
) -> NDArray[np.uint32]:
    """Turn what a model says into cells.

    Args:
        probs: (K, H, W) in [0, 1].
        maps: what they are of, the mask first; further ones than are named are passed over.
        settings: threshold, and what counts as a cell; without a least area all pieces do.

    Returns:
        (H, W) uint32: 0 is background, the cells are 1 to n in reading order.
    """
    mask = probs_to_mask(probs[0], threshold=settings.threshold)
    if settings.separate:
        labels = separate(mask, dict(zip(maps, probs, strict=False)))
    else:
        labels = mask_to_labels(mask)
    if settings.fill_holes:
        labels = fill_cells(labels)
    return drop_cells(
        labels, min_area_px=settings.min_area_px or 0, touching_border=settings.drop_border
    )
