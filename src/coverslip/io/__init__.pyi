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
    group_label_files,
    is_one_image,
    label_files_in,
    label_name,
    mask_stem,
    pair_images,
    say_ambiguous,
    stem,
)
from .formats.guard import split_series
from .formats.units import s_per_unit
from .header import ImageFile, channel_number, fingerprint
from .labels import check_labels, open_label_file, open_label_frames, read_labels
from .lock import IN_USE, only_here
from .pairing import Pair, check_pairs, find_pairs, read_truth
from .projection import check_projection, project
from .read import list_series, open_image, read_frame, read_frames
from .region_reader import FrameReader, open_frame
from .stack import open_pages, smallest_dtype, write_labels
from .windows import find_gap, is_there
from .write_regions import (
    OME_ZARR_VERSION,
    create_levels,
    describe_levels,
    level_sizes,
    write_label_regions,
)
from .written import Ledger, hash_content, is_written, writing

__all__ = [
    "CURES",
    "IN_USE",
    "OME_ZARR_VERSION",
    "FrameReader",
    "ImageFile",
    "Ledger",
    "Pair",
    "channel_number",
    "check_labels",
    "check_pairs",
    "check_projection",
    "check_writable",
    "create_levels",
    "describe_levels",
    "find_gap",
    "find_images",
    "find_pairs",
    "fingerprint",
    "group_label_files",
    "hash_content",
    "is_one_image",
    "is_there",
    "is_written",
    "label_files_in",
    "label_name",
    "level_sizes",
    "list_series",
    "mask_stem",
    "only_here",
    "open_frame",
    "open_image",
    "open_label_file",
    "open_label_frames",
    "open_pages",
    "pair_images",
    "project",
    "read_error",
    "read_frame",
    "read_frames",
    "read_labels",
    "read_truth",
    "remove_leftovers",
    "s_per_unit",
    "say_ambiguous",
    "smallest_dtype",
    "split_series",
    "stem",
    "whole_folder",
    "whole_or_nothing",
    "write_bytes",
    "write_error",
    "write_image",
    "write_label_regions",
    "write_labels",
    "write_text",
    "writing",
]
