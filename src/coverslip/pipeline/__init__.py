"""image files + model → masks, cells and tables: the story on one page."""

from coverslip.pipeline.demo import segment_examples
from coverslip.pipeline.executors import Executor, Outcome, Processes, Serial, Threads, died
from coverslip.pipeline.infer import (
    Model,
    check_model,
    predict_prepared,
    prepare_image,
    probs_to_labels,
    resize_maps,
)
from coverslip.pipeline.plan import OpenedImage
from coverslip.pipeline.record import BatchResult, Job, Record, read_record, result_settings
from coverslip.pipeline.run import segment_files
from coverslip.pipeline.scale import resolve_settings
from coverslip.pipeline.segment import Found, Segmentation, labels_of, segment
from coverslip.pipeline.settings import (
    LEAST_SCALE,
    MOST_SCALE,
    SegmentSettings,
    least_area,
    own_settings,
    scale_for_size,
    scale_of,
    threshold_of,
)
from coverslip.pipeline.tasks import Task, image_to_tasks
from coverslip.pipeline.worker import Order, do_on_worker, job_to_order, settle_backend

__all__ = [
    "LEAST_SCALE",
    "MOST_SCALE",
    "BatchResult",
    "Executor",
    "Found",
    "Job",
    "Model",
    "OpenedImage",
    "Order",
    "Outcome",
    "Processes",
    "Record",
    "SegmentSettings",
    "Segmentation",
    "Serial",
    "Task",
    "Threads",
    "check_model",
    "died",
    "do_on_worker",
    "image_to_tasks",
    "job_to_order",
    "labels_of",
    "least_area",
    "own_settings",
    "predict_prepared",
    "prepare_image",
    "probs_to_labels",
    "read_record",
    "resize_maps",
    "resolve_settings",
    "result_settings",
    "scale_for_size",
    "scale_of",
    "segment",
    "segment_examples",
    "segment_files",
    "settle_backend",
    "threshold_of",
]
