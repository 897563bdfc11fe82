"""the columns of the tables of scores, with what each of them is."""

from coverslip.metrics import THRESHOLDS

PIXEL_COLUMNS: dict[str, str] = {
    "tp": "cell pixels predicted as cell",
    "fp": "background pixels predicted as cell",
    "fn": "cell pixels predicted as background",
    "tn": "background pixels predicted as background",
    "precision": "tp / (tp + fp), 0 to 1",
    "recall": "tp / (tp + fn), 0 to 1",
    "jaccard": "tp / (tp + fp + fn), 0 to 1; 1 for two empty masks",
    "dice": "2 tp / (2 tp + fp + fn), 0 to 1; 1 for two empty masks",
}

SCORES: dict[str, str] = {
    "ap50": "matched / (matched + missed + invented) cells at an IoU of 0.5, 0 to 1",
    "ap75": "the same at an IoU of 0.75",
    "mean_ap": "mean of the same at an IoU of 0.5, 0.55 … 0.95",
    "cell_precision": "matched / predicted cells at an IoU of 0.5, 0 to 1",
    "cell_recall": "matched / true cells at an IoU of 0.5, 0 to 1",
    "cell_f1": "2 matched / (true + predicted) cells at an IoU of 0.5, 0 to 1",
    "sq": "mean IoU of the cells matched at 0.5, 0 to 1",
    "pq": "panoptic quality at an IoU of 0.5, sq × cell_f1, 0 to 1",
    "aji": "aggregated Jaccard index, 0 to 1",
    "boundary_f": "boundary F-score: agreement of the cells' outlines within 2 px, 0 to 1",
}

ERRORS: dict[str, str] = {
    "splits": "true cells that were split",
    "merges": "predicted cells that merge several true ones",
}

COUNTS: dict[str, str] = {
    f"tp{round(100 * threshold)}": f"cells matched at an IoU of {threshold}"
    for threshold in THRESHOLDS
} | {
    "iou_sum": "sum of the IoU of the cells matched at 0.5",
    "aji_shared_px": "numerator of aji, in pixels",
    "aji_union_px": "denominator of aji, in pixels",
    "outline_true_px": "pixels of the outlines of true cells",
    "outline_pred_px": "pixels of the outlines of predicted cells",
    "outline_true_near_px": "those of outline_true_px within 2 px of a predicted outline",
    "outline_pred_near_px": "those of outline_pred_px within 2 px of a true outline",
}

# Missing in the rows of images whose truth has no cell numbers.
CELL_COLUMNS: dict[str, str] = {
    "cells_by": "what tells predicted cells apart: their number, or the piece of a mask",
    "n_true": "true cells",
    "n_pred": "predicted cells",
    **SCORES,
    **ERRORS,
    **COUNTS,
}

COLUMNS: dict[str, str] = {"name": "image, or image and frame", **PIXEL_COLUMNS, **CELL_COLUMNS}

SUMMARY_COLUMNS: dict[str, str] = {
    "metric": "precision, recall, jaccard, dice; of cells, a column from ap50 to merges",
    "mean": "mean over images",
    "sd": "sample standard deviation over images; missing for one image",
    "median": "median over images",
    "pooled": "score of the pixels, or cells, of all images together; number of splits or merges",
    "n": "number of images",
}
