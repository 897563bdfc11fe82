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


def page_cells(
    cells: pd.DataFrame,
    targets: Mapping[Path, Outputs],
    *,
    form: str = "csv",
    n_left_out: int = 0,
) -> Cells:
    """The cells of some images, with a way to their outlines.

    Args:
        cells: one row per cell; columns as in cells.csv, which lies beside the page.
        targets: where the labels of the images are.
        form: of the table beside the page, csv or parquet.
        n_left_out: how many further cells that table has.
    """
    by_file = {str(path): target for path, target in targets.items()}

    def draw(file: str, frame: int) -> Drawing | None:
        target = by_file[file]
        small = target.small_labels(frame)
        if small.is_file():
            return draw_frame(small, 0)
        if target.rows(frame, 0).is_file():  # done region by region: too many cells to be drawn
            return None
        return draw_frame(target.labels, frame)

    return Cells(cells, draw, csv=f"cells.{form}", n_left_out=n_left_out)


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
