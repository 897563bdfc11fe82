"""files ↔ arrays: images, label masks, stacks and series; images paired with their masks."""

from coverslip.files.channel import channel_number
from coverslip.files.find import find_images, is_one_image, stem
from coverslip.files.folder import whole_folder
from coverslip.files.label_regions import write_label_regions
from coverslip.files.labels import check_labels, open_label_file, open_label_frames, read_labels
from coverslip.files.lock import IN_USE, only_here
from coverslip.files.match import (
    group_label_files,
    label_files_in,
    label_name,
    pair_images,
    say_ambiguous,
)
from coverslip.files.names import mask_stem
from coverslip.files.pairs import Pair, find_pairs
from coverslip.files.projection import check_projection, project
from coverslip.files.read import open_image, read_frame, read_frames
from coverslip.files.record import ImageFile
from coverslip.files.region import FrameReader, open_frame
from coverslip.files.stack import open_pages, write_labels
from coverslip.files.state import fingerprint
from coverslip.files.trouble import read_error
from coverslip.files.truth import check_pairs, read_truth
from coverslip.files.write import (
    CURES,
    check_writable,
    remove_leftovers,
    whole_or_nothing,
    write_bytes,
    write_error,
    write_image,
    write_text,
)
from coverslip.files.written import Ledger, hash_content, is_written, writing
from coverslip.files.zarr_levels import (
    OME_ZARR_VERSION,
    create_levels,
    describe_levels,
    level_sizes,
)

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
    "find_images",
    "find_pairs",
    "fingerprint",
    "group_label_files",
    "hash_content",
    "is_one_image",
    "is_written",
    "label_files_in",
    "label_name",
    "level_sizes",
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
    "say_ambiguous",
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
