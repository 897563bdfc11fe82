from . import errors, figures, metrics, provenance
from .augment import NO_FAULTS, AugmentSettings
from .cells import mask_to_labels, probs_to_mask
from .checkpoint import Checkpoint, build_network, load_checkpoint, save_checkpoint
from .classical import METHODS
from .data import (
    SampleSettings,
    fold_pairs,
    hash_pairs,
    load_pair,
    prepare_pair,
    read_groups,
    select_pairs,
    split_pairs,
)
from .device import pick_device
from .errors import CoverslipError
from .evaluate import evaluate_folders, summarise
from .evaluate.score_model import score_model
from .figures import error_map, overlay
from .files import (
    Pair,
    check_pairs,
    find_images,
    find_pairs,
    only_here,
    open_frame,
    open_image,
    project,
    read_frame,
    read_frames,
    read_labels,
    read_truth,
    whole_or_nothing,
    write_bytes,
    write_label_regions,
    write_labels,
    write_text,
)
from .images import Preprocess, preprocess, resize_image, resize_labels
from .measure import MeasureSettings, confluence
from .method import Method
from .models import MODELS
from .pipeline import (
    Model,
    Segmentation,
    SegmentSettings,
    predict_prepared,
    prepare_image,
    segment,
    segment_files,
)
from .predict import PredictSettings
from .pretrained import load_pretrained
from .provenance import __version__
from .shipped import load_model, shipped_models
from .train import Plan, TrainSettings, fit, resume_plan, start_run

__all__ = [
    "METHODS",
    "MODELS",
    "NO_FAULTS",
    "AugmentSettings",
    "Checkpoint",
    "CoverslipError",
    "MeasureSettings",
    "Method",
    "Model",
    "Pair",
    "Plan",
    "PredictSettings",
    "Preprocess",
    "SampleSettings",
    "SegmentSettings",
    "Segmentation",
    "TrainSettings",
    "__version__",
    "build_network",
    "check_pairs",
    "confluence",
    "error_map",
    "errors",
    "evaluate_folders",
    "figures",
    "find_images",
    "find_pairs",
    "fit",
    "fold_pairs",
    "hash_pairs",
    "load_checkpoint",
    "load_model",
    "load_pair",
    "load_pretrained",
    "mask_to_labels",
    "metrics",
    "only_here",
    "open_frame",
    "open_image",
    "overlay",
    "pick_device",
    "predict_prepared",
    "prepare_image",
    "prepare_pair",
    "preprocess",
    "probs_to_mask",
    "project",
    "provenance",
    "read_frame",
    "read_frames",
    "read_groups",
    "read_labels",
    "read_truth",
    "resize_image",
    "resize_labels",
    "resume_plan",
    "save_checkpoint",
    "score_model",
    "segment",
    "segment_files",
    "select_pairs",
    "shipped_models",
    "split_pairs",
    "start_run",
    "summarise",
    "whole_or_nothing",
    "write_bytes",
    "write_label_regions",
    "write_labels",
    "write_text",
]
