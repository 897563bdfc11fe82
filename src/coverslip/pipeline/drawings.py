"""table of cells + label files → the cells that the page shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coverslip.errors import FileError
from coverslip.figures import colour_cells
from coverslip.files import open_image, read_frame
from coverslip.outlines import labels_to_rings
from coverslip.report import Cells, Drawing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pandas as pd

    from coverslip.pipeline.outputs import Outputs


# Which cells are neighbours is seen on labels of this size; larger ones take long.
COLOUR_SIDE_PX = 400


def page_cells(cells: pd.DataFrame, targets: Mapping[Path, Outputs], *, form: str = "csv") -> Cells:
    """The cells of some images, with a way to their outlines.

    Args:
        cells: one row per cell; columns as in cells.csv, which lies beside the page.
        targets: where the labels of the images are.
        form: of the table beside the page, csv or parquet.
    """
    labels = {str(path): target.labels for path, target in targets.items()}
    return Cells(cells, lambda file, frame: draw_frame(labels[file], frame), csv=f"cells.{form}")


def draw_frame(path: Path, frame: int) -> Drawing | None:
    """The outlines of one frame of a label file; None where it cannot be read any more."""
    try:
        labels = read_frame(open_image(path), frame)
    except FileError:
        return None
    rings = labels_to_rings(labels)
    height, width = labels.shape
    step = max(1, max(height, width) // COLOUR_SIDE_PX)
    colours = colour_cells(labels[::step, ::step])
    # A cell between the pixels that were looked at has any colour.
    by_cell = {cell: int(colours[cell]) if cell < len(colours) else cell % 4 for cell in rings}
    return Drawing((height, width), rings, by_cell)
