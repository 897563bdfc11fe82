from .by_hand import HandLedger, read_label_frame, save_frames, save_large_frame, take_as_truth
from .choose import choice_message, choose_for_array, choose_model
from .demo import find_examples, segment_examples
from .executors import Executor, Outcome, Processes, Serial, Threads, died
from .fit import FITS
from .infer import Model, check_model, predict_prepared, prepare_image, probs_to_labels, resize_maps
from .job import Job, make_job, result_settings
from .outputs import Outputs, name_outputs
from .plan import OpenedImage
from .record import BatchResult, Record, read_any_record, read_record
from .run import segment_files
from .scale import resolve_settings, scale_messages
from .segmentation import Found, Segmentation, labels_of, segment
from .settings import (
    LEAST_SCALE,
    MOST_SCALE,
    SegmentSettings,
    least_area,
    own_settings,
    scale_for_size,
    scale_of,
    threshold_of,
)
from .sliders import explore
from .sources import keep_source, name_below
from .sureness import fit_score, sum_sureness
from .tasks import Task, image_to_tasks
from .time_lapse import share_scale
from .worker import Order, do_on_worker, job_to_order, settle_backend

__all__ = [
    "FITS",
    "LEAST_SCALE",
    "MOST_SCALE",
    "BatchResult",
    "Executor",
    "Found",
    "HandLedger",
    "Job",
    "Model",
    "OpenedImage",
    "Order",
    "Outcome",
    "Outputs",
    "Processes",
    "Record",
    "SegmentSettings",
    "Segmentation",
    "Serial",
    "Task",
    "Threads",
    "check_model",
    "choice_message",
    "choose_for_array",
    "choose_model",
    "died",
    "do_on_worker",
    "explore",
    "find_examples",
    "fit_score",
    "image_to_tasks",
    "job_to_order",
    "keep_source",
    "labels_of",
    "least_area",
    "make_job",
    "name_below",
    "name_outputs",
    "own_settings",
    "predict_prepared",
    "prepare_image",
    "probs_to_labels",
    "read_any_record",
    "read_label_frame",
    "read_record",
    "resize_maps",
    "resolve_settings",
    "result_settings",
    "save_frames",
    "save_large_frame",
    "scale_for_size",
    "scale_messages",
    "scale_of",
    "segment",
    "segment_examples",
    "segment_files",
    "settle_backend",
    "share_scale",
    "sum_sureness",
    "take_as_truth",
    "threshold_of",
]
