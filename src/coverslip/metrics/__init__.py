"""truth × prediction, one image → scores: of its pixels, and of its cells.

Each kind in two steps: counts once, then any score from the counts. Counts add up, so a pooled
score is that of the sum of the images' counts. One rule holds for all where a denominator is zero:
nothing to find and nothing claimed is perfect (1); otherwise the score is 0.
"""

from coverslip.metrics.cell_scores import (
    aggregated_jaccard,
    average_precision,
    boundary_f,
    boundary_precision,
    boundary_recall,
    cell_f1,
    cell_precision,
    cell_recall,
    cell_scores,
    mean_average_precision,
    panoptic_quality,
    segmentation_quality,
)
from coverslip.metrics.cells import THRESHOLDS, CellCounts, count_cells, pool_cells
from coverslip.metrics.outlines import TOLERANCE_PX, Outlines, count_outlines, outline
from coverslip.metrics.overlaps import Overlaps, count_overlaps, match_cells
from coverslip.metrics.pixels import (
    Counts,
    count_pixels,
    dice,
    jaccard,
    pool,
    precision,
    recall,
    scores,
)

__all__ = [
    "THRESHOLDS",
    "TOLERANCE_PX",
    "CellCounts",
    "Counts",
    "Outlines",
    "Overlaps",
    "aggregated_jaccard",
    "average_precision",
    "boundary_f",
    "boundary_precision",
    "boundary_recall",
    "cell_f1",
    "cell_precision",
    "cell_recall",
    "cell_scores",
    "count_cells",
    "count_outlines",
    "count_overlaps",
    "count_pixels",
    "dice",
    "jaccard",
    "match_cells",
    "mean_average_precision",
    "outline",
    "panoptic_quality",
    "pool",
    "pool_cells",
    "precision",
    "recall",
    "scores",
    "segmentation_quality",
]
