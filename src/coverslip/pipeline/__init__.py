"""image files + model → masks, cells and tables: the story on one page."""

from coverslip.pipeline.batch import segment_files
from coverslip.pipeline.begin import Begun
from coverslip.pipeline.demo import segment_examples
from coverslip.pipeline.label import probs_to_labels
from coverslip.pipeline.model import Model, check_model, predict_prepared, prepare_image
from coverslip.pipeline.pieces import Piece, do_piece, image_to_pieces
from coverslip.pipeline.record import BatchResult, Job, Record, read_record
from coverslip.pipeline.segment import Segmentation, segment
from coverslip.pipeline.settings import (
    LEAST_SCALE,
    MOST_SCALE,
    SegmentSettings,
    least_area,
    usual_settings,
)
from coverslip.pipeline.size import settle

__all__ = [
    "LEAST_SCALE",
    "MOST_SCALE",
    "BatchResult",
    "Begun",
    "Job",
    "Model",
    "Piece",
    "Record",
    "SegmentSettings",
    "Segmentation",
    "check_model",
    "do_piece",
    "image_to_pieces",
    "least_area",
    "predict_prepared",
    "prepare_image",
    "probs_to_labels",
    "read_record",
    "segment",
    "segment_examples",
    "segment_files",
    "settle",
    "usual_settings",
]
