from .cells import mask_to_labels, probs_to_mask
from .checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from .errors import CoverslipError
from .evaluate import evaluate_folders, summarise
from .experiments import score_model
from .figures import error_map, overlay
from .files import (
    find_images,
    find_pairs,
    open_frame,
    open_image,
    project,
    read_frame,
    read_frames,
    read_labels,
    write_label_regions,
    write_labels,
)
from .images import Preprocess, preprocess
from .measure import MeasureSettings, confluence
from .models import MODELS
from .pipeline import Segmentation, SegmentSettings, segment, segment_files
from .predict import PredictSettings
from .provenance import __version__
from .shipped import load_model, shipped_models
from .train import Plan, TrainSettings, fit, start_run

__all__ = [
    "MODELS",
    "Checkpoint",
    "CoverslipError",
    "MeasureSettings",
    "Plan",
    "PredictSettings",
    "Preprocess",
    "SegmentSettings",
    "Segmentation",
    "TrainSettings",
    "__version__",
    "confluence",
    "error_map",
    "evaluate_folders",
    "find_images",
    "find_pairs",
    "fit",
    "load_checkpoint",
    "load_model",
    "mask_to_labels",
    "open_frame",
    "open_image",
    "overlay",
    "preprocess",
    "probs_to_mask",
    "project",
    "read_frame",
    "read_frames",
    "read_labels",
    "save_checkpoint",
    "score_model",
    "segment",
    "segment_files",
    "shipped_models",
    "start_run",
    "summarise",
    "write_label_regions",
    "write_labels",
]
