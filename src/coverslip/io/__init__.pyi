from .acquired import order_by_time
from .annotations.readers import (
    PictureSize,
    annotated_file,
    describe_labels,
    find_annotations,
    is_annotation,
)
from .atomic import (
    CURES,
    check_writable,
    read_error,
    remove_leftovers,
    whole_folder,
    whole_or_nothing,
    write_bytes,
    write_error,
    write_image,
    write_text,
)
from .discovery import (
    find_images,
    find_label_files,
    group_label_files,
    is_image,
    is_one_image,
    label_files_in,
    label_name,
    mask_stem,
    natural,
    part_masks,
    stem,
    without_zeros,
)
from .formats.guard import split_series
from .formats.links import check_regular
from .formats.units import s_per_unit
from .header import ImageFile, channel_number, fingerprint
from .label_values import CheckedLabels, check_labels
from .labels import open_label_file, open_label_frames, read_checked, read_labels
from .lock import IN_USE, only_here
from .pairing import (
    Matched,
    Named,
    Pair,
    find_pairs,
    match_names,
    pair_images,
    say_ambiguous,
)
from .projection import check_projection, project
from .read import channel_notes, list_series, open_image, read_frame, read_frames
from .reading import Reading, dict_to_reading, find_channel, open_reading
from .rectangles import Rectangle, known_pixels, read_rectangles, rectangles_file
from .region_reader import FrameReader, open_frame
from .stack import open_pages, smallest_dtype, write_labels
from .truth import check_pairs, read_noted_truth, read_truth, say_sizes
from .windows import find_gap, is_there
from .write_regions import (
    OME_ZARR_VERSION,
    create_levels,
    describe_levels,
    level_sizes,
    write_label_regions,
)
from .written import Ledger, check_ours, hash_content, is_written, writing

__all__ = [
    "CURES",
    "IN_USE",
    "OME_ZARR_VERSION",
    "CheckedLabels",
    "FrameReader",
    "ImageFile",
    "Ledger",
    "Matched",
    "Named",
    "Pair",
    "PictureSize",
    "Reading",
    "Rectangle",
    "annotated_file",
    "channel_notes",
    "channel_number",
    "check_labels",
    "check_ours",
    "check_pairs",
    "check_projection",
    "check_regular",
    "check_writable",
    "create_levels",
    "describe_labels",
    "describe_levels",
    "dict_to_reading",
    "find_annotations",
    "find_channel",
    "find_gap",
    "find_images",
    "find_label_files",
    "find_pairs",
    "fingerprint",
    "group_label_files",
    "hash_content",
    "is_annotation",
    "is_image",
    "is_one_image",
    "is_there",
    "is_written",
    "known_pixels",
    "label_files_in",
    "label_name",
    "level_sizes",
    "list_series",
    "mask_stem",
    "match_names",
    "natural",
    "only_here",
    "open_frame",
    "open_image",
    "open_label_file",
    "open_label_frames",
    "open_pages",
    "open_reading",
    "order_by_time",
    "pair_images",
    "part_masks",
    "project",
    "read_checked",
    "read_error",
    "read_frame",
    "read_frames",
    "read_labels",
    "read_noted_truth",
    "read_rectangles",
    "read_truth",
    "rectangles_file",
    "remove_leftovers",
    "s_per_unit",
    "say_ambiguous",
    "say_sizes",
    "smallest_dtype",
    "split_series",
    "stem",
    "whole_folder",
    "whole_or_nothing",
    "without_zeros",
    "write_bytes",
    "write_error",
    "write_image",
    "write_label_regions",
    "write_labels",
    "write_text",
    "writing",
]
