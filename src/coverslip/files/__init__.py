"""files ↔ arrays: images, label masks, stacks and series; images paired with their masks."""

from coverslip.files.find import find_images, stem
from coverslip.files.labels import check_labels, read_labels
from coverslip.files.match import (
    group_label_files,
    label_files_in,
    label_name,
    pair_images,
    say_ambiguous,
)
from coverslip.files.names import mask_stem
from coverslip.files.pairs import Pair, find_pairs
from coverslip.files.read import open_image, read_frame, read_frames
from coverslip.files.record import ImageFile
from coverslip.files.stack import open_pages, write_labels
from coverslip.files.truth import check_pairs, read_truth
from coverslip.files.write import (
    check_writable,
    remove_leftovers,
    whole_or_nothing,
    write_bytes,
    write_image,
    write_text,
)

__all__ = [
    "ImageFile",
    "Pair",
    "check_labels",
    "check_pairs",
    "check_writable",
    "find_images",
    "find_pairs",
    "group_label_files",
    "label_files_in",
    "label_name",
    "mask_stem",
    "open_image",
    "open_pages",
    "pair_images",
    "read_frame",
    "read_frames",
    "read_labels",
    "read_truth",
    "remove_leftovers",
    "say_ambiguous",
    "stem",
    "whole_or_nothing",
    "write_bytes",
    "write_image",
    "write_labels",
    "write_text",
]
