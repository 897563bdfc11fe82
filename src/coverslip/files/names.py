"""a mask file's name → that of its image."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from coverslip.files.find import stem

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MASK_FOLDERS = ("labels", "masks")

# What tools append to an image's name when they write its mask.
MASK_SUFFIXES = ("_cp_masks", "_labels", "_masks", "_mask", "_seg")

# Where two files are compared by name, either may say which of the two it is.
LABEL_SUFFIXES = (*MASK_SUFFIXES, "_label", "_prediction", "_pred", "_truth", "_gt")

# What lies beside the labels that this package writes, and is no mask.
BY_PRODUCTS = ("_overlay", "_probs", "_uncertainty")

# How the name of a file ends that this package kept instead of replacing it.
KEPT = re.compile(r"_(labels|overlay|probs|uncertainty)\.corrected\d*$")


def mask_stem(path: Path, *, suffixes: Sequence[str] = MASK_SUFFIXES) -> str:
    """The name of the image that a mask file belongs to: a_cp_masks.png → a.

    A name that is nothing but a suffix stays as it is.
    """
    return re.sub(rf"(?i)(?<=.)({'|'.join(suffixes)})$", "", stem(path))
