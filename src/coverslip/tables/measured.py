"""label files × image files → a table, one row per cell."""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.cells import mask_to_labels
from coverslip.errors import CoverslipError, DataError, list_problems
from coverslip.files import check_labels, open_image, project, read_labels
from coverslip.measure import measure
from coverslip.tables.channels import read_channels
from coverslip.tables.join import join_cells

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    import pandas as pd
    from numpy.typing import NDArray

    from coverslip.files import ImageFile
    from coverslip.measure import MeasureSettings
    from coverslip.tables.match import LabelFile


def measure_files(
    files: Iterable[LabelFile],
    *,
    settings: MeasureSettings | None = None,
    pixel_size_um: tuple[float, float] | None = None,
    project_as: str = "none",
    on_file: Callable[[Path], None] = lambda path: None,
    on_note: Callable[[str], None] = lambda text: None,
) -> pd.DataFrame:
    """Measure the cells of label files, one file in memory at a time.

    Args:
        files: labels with their images, from `match_labels`.
        settings: what to measure; None: everything.
        pixel_size_um: height and width of a pixel; None: what the image says, or else the labels.
        project_as: how an image's depths become one picture, see `coverslip.files.project`.
        on_file: called with each label file that is done.
        on_note: called with every decision that the user should be told.

    Returns:
        One row per cell: the label file, the frame, and the columns of `coverslip.measure.COLUMNS`.

    Raises:
        DataError: files that cannot be read or do not fit together; all are listed at once.
    """
    tables: list[pd.DataFrame] = []
    problems: list[str] = []
    for file in files:
        try:
            tables += _measure_file(
                file,
                settings=settings,
                pixel_size_um=pixel_size_um,
                project_as=project_as,
                on_note=on_note,
            )
        except CoverslipError as error:
            problems.append(str(error))
        on_file(file.labels)
    if problems:
        cure = "Nothing was measured: mend these, or leave them out"
        raise DataError(list_problems(problems, cure=cure))
    return join_cells(tables)


def _measure_file(
    file: LabelFile,
    *,
    settings: MeasureSettings | None,
    pixel_size_um: tuple[float, float] | None,
    project_as: str,
    on_note: Callable[[str], None],
) -> Iterator[pd.DataFrame]:
    """Measure a label file, a table for each frame."""

    def tell(path: Path) -> Callable[[str], None]:
        return lambda text: on_note(f"{path}: {text}")

    labels = _number(file.labels, read_labels(file.labels), tell=tell(file.labels))
    image = None if file.image is None else project(open_image(file.image), project_as)
    frames: Iterable[Any] = repeat(None)
    if image is not None:
        _check_fit(file.labels, labels, image)
        frames = read_channels(image, tell=tell(image.path))
    headers = [image] if image is not None else []
    sizes = [header.pixel_size_um for header in (*headers, open_image(file.labels))]
    size = pixel_size_um or next((size for size in sizes if size is not None), None)
    for number, (one, picture) in enumerate(zip(labels, frames, strict=False)):
        table = measure(one, picture, pixel_size_um=size, settings=settings)
        table.insert(0, "file", str(file.labels))
        table.insert(1, "frame", number)
        yield table


def _number(
    path: Path, labels: NDArray[Any], *, tell: Callable[[str], None]
) -> NDArray[np.integer[Any]]:
    """Frames of labels (n, H, W); the pieces of a mask get numbers.

    Raises:
        DataError: a mask with soft grey edges, each grey of which would be a cell.
    """
    check_labels(labels, what=path)
    frames = labels.reshape(-1, *labels.shape[-2:])
    values = np.unique(frames[frames > 0])
    if len(values) != 1:
        return frames
    pieces = np.stack([mask_to_labels(frame > 0) for frame in frames])
    if pieces.max() == 1:
        return frames
    tell(f"a mask, since all cells are {values[0]}; its connected pieces are taken for the cells")
    return pieces


def _check_fit(path: Path, labels: NDArray[Any], image: ImageFile) -> None:
    if labels.shape != (image.n_frames, *image.frame_shape):
        sizes = [
            f"{n} frames of {height} × {width}" if n > 1 else f"{height} × {width}"
            for n, height, width in (labels.shape, (image.n_frames, *image.frame_shape))
        ]
        raise DataError(
            f"{path}: the labels are {sizes[0]} pixels, their image {image.path} {sizes[1]}: "
            "wanted the same. Export the labels at the image's size."
        )
