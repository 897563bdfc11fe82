"""image files + model → masks, cells and tables: the story on one page."""

from coverslip.pipeline.batch import segment_files
from coverslip.pipeline.demo import segment_examples
from coverslip.pipeline.record import BatchResult, Job, Record
from coverslip.pipeline.segment import Segmentation, SegmentSettings, segment

__all__ = [
    "BatchResult",
    "Job",
    "Record",
    "SegmentSettings",
    "Segmentation",
    "segment",
    "segment_examples",
    "segment_files",
]
