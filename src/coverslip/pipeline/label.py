"""probabilities → labels, by the settings of a segmentation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coverslip.cells import (
    NOWHERE,
    at_the_edge,
    drop_cells,
    edge_distance,
    fill_cells,
    mask_to_labels,
    probs_to_mask,
    separate_part,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from coverslip.cells import Sides
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
    labels, _ = probs_to_parts(probs, maps, settings=settings)
    return drop_cells(
        labels, min_area_px=settings.min_area_px or 0, touching_border=settings.drop_border
    )


def probs_to_parts(
    probs: NDArray[np.float32],
    maps: Sequence[str],
    *,
    settings: SegmentSettings,
    beyond: Sides = NOWHERE,
) -> tuple[NDArray[np.uint32], NDArray[np.bool_]]:
    """The same for what may be a window of a larger image, before any cell is dropped.

    Args:
        probs: (K, H, W) in [0, 1].
        maps: as for `probs_to_labels`.
        settings: as for `probs_to_labels`.
        beyond: at which sides the image goes on.

    Returns:
        (H, W) uint32; and (H, W) bool, where the labels are not sure, since the image goes on.
    """
    mask = probs_to_mask(probs[0], threshold=settings.threshold)
    if settings.separate:
        labels, edge = separate_part(mask, dict(zip(maps, probs, strict=False)), beyond=beyond)
    else:
        distance = edge_distance(mask.shape, beyond)
        labels, edge = mask_to_labels(mask & (distance > 0)), at_the_edge(distance)
    return fill_cells(labels) if settings.fill_holes else labels, edge
