"""files ↔ arrays: images, label masks, stacks and series; images paired with their masks."""

from coverslip.files.find import find_images, stem
from coverslip.files.labels import read_labels
from coverslip.files.pairs import Pair, find_pairs, mask_stem
from coverslip.files.read import open_image, read_frame, read_frames
from coverslip.files.record import ImageFile
from coverslip.files.stack import open_pages, write_labels
from coverslip.files.truth import check_pairs, read_truth
from coverslip.files.write import (
    remove_leftovers,
    whole_or_nothing,
    write_bytes,
    write_image,
    write_text,
)

__all__ = [
    "ImageFile",
    "Pair",
    "check_pairs",
    "find_images",
    "find_pairs",
    "mask_stem",
    "open_image",
    "open_pages",
    "read_frame",
    "read_frames",
    "read_labels",
    "read_truth",
    "remove_leftovers",
    "stem",
    "whole_or_nothing",
    "write_bytes",
    "write_image",
    "write_labels",
    "write_text",
]
