"""image files + model → masks, cells and tables: the story on one page."""

from coverslip.pipeline.batch import BatchResult, segment_files
from coverslip.pipeline.segment import Segmentation, SegmentSettings, segment

__all__ = ["BatchResult", "SegmentSettings", "Segmentation", "segment", "segment_files"]
