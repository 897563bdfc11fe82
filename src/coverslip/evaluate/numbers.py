"""labels of one image → whether its cells have numbers, or are a mask whose pieces are counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from coverslip.cells import mask_to_labels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

# With one piece or none, a mask and numbered cells look the same: "unclear".
Kind = Literal["numbers", "mask", "unclear"]

# What programs write for "cell" in a mask.
MASK_VALUES = (1, 255)


def find_kind(labels: NDArray[Any]) -> Kind:
    """Tell numbered cells from a mask.

    Args:
        labels: (H, W), bool or integers; 0 and below is background.

    Returns:
        "mask" for a bool array, and for 0/1 and 0/255 in several 8-connected pieces; "unclear" for
        these in one piece and where there is none; otherwise "numbers".
    """
    if labels.dtype == np.bool_:
        return "mask"
    cells = labels > 0
    if not cells.any():
        return "unclear"
    value = labels.max()
    if value not in MASK_VALUES or (labels[cells] != value).any():
        return "numbers"
    return "mask" if mask_to_labels(cells).max() > 1 else "unclear"


def settle(kinds: Sequence[Kind]) -> list[Kind]:
    """Decide by the other images of a data set what one with one piece or none is.

    Among masks alone it is a mask: its one piece may be a clump of cells. Among images with
    numbered cells, or on its own, it is one cell.
    """
    doubt: Kind = "mask" if "mask" in kinds and "numbers" not in kinds else "numbers"
    return [doubt if kind == "unclear" else kind for kind in kinds]


def number_cells(labels: NDArray[Any]) -> tuple[NDArray[Any], str]:
    """Number the cells of a prediction, if it is a mask, by its 8-connected pieces.

    Returns:
        Labels, and what tells cells apart: "number" or "piece".
    """
    if find_kind(labels) == "mask":
        return mask_to_labels(labels > 0), "piece"
    return labels, "number"
