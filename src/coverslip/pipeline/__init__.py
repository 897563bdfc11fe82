"""image files + model → masks, cells and tables: the story on one page."""

from coverslip.pipeline.batch import segment_files
from coverslip.pipeline.demo import segment_examples
from coverslip.pipeline.record import BatchResult, Job, Record
from coverslip.pipeline.segment import (
    Segmentation,
    SegmentSettings,
    predict_stretched,
    segment,
    settings_to_mask,
)

__all__ = [
    "BatchResult",
    "Job",
    "Record",
    "SegmentSettings",
    "Segmentation",
    "predict_stretched",
    "segment",
    "segment_examples",
    "segment_files",
    "settings_to_mask",
]
