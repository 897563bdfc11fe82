"""what the page knows of each image."""

import os
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

# The columns of a table of images. Only the first three must be there.
IMAGE_COLUMNS: dict[str, str] = {
    "file": "image file, as the reader knows it",
    "n_cells": "number of cells",
    "confluence": "share of the image covered by cells, 0 to 1",
    "fit": "how well the model fits, 0 to 1: about the share of what it calls cell that is right",
    "frame": "frame of the file, from 0; without this column, in the order of the rows",
    "time_s": "time since the first frame, in seconds",
    "height_px": "image height, in pixels",
    "width_px": "image width, in pixels",
    "pixel_size_um": "height of a pixel, in micrometres",
    "median_area_px": "median area of the cells, in pixels",
    "median_area_um2": "median area of the cells, in square micrometres",
    "overlay": "overlay file, as a path from the page",
    "labels": "label file, as a path from the page",
    "model": "which model found the cells; empty of labels that a person corrected",
    "precision": "numbers that the network computed with: float32, int8, or auto, a GPU's choice",
    "notes": "what the reader should know of this image, one note a line",
}
NEEDED = ("file", "n_cells", "confluence")
TEXT = ("file", "overlay", "labels", "model", "precision", "notes")

# Of a long series, so many frames have a picture: enough for a film that plays. All films share a
# number of them.
MOST_FRAMES = 60
MOST_FRAMES_OF_ALL = 400


def complete(images: pd.DataFrame, *, folder: str) -> pd.DataFrame:
    """Add the optional columns that are missing, empty, and number the rows from 0.

    Args:
        images: Table of images, with some of `IMAGE_COLUMNS`.
        folder: Folder that all files lie in; the new column `name` does not repeat it.

    Raises:
        ValueError: A needed column is missing.
    """
    missing = [column for column in NEEDED if column not in images]
    if missing:
        raise ValueError(f"table of images without {', '.join(missing)}; see IMAGE_COLUMNS")
    table = images.reindex(columns=list(IMAGE_COLUMNS)).reset_index(drop=True)
    for column in IMAGE_COLUMNS:
        if column in TEXT:
            texts = table[column].astype(object)
            table[column] = _as_texts(texts.where(texts.notna(), ""), table)
        else:
            table[column] = pd.to_numeric(table[column], errors="coerce").astype(float)
    in_order = table.groupby(_codes(table)).cumcount()
    table["frame"] = table["frame"].fillna(in_order).astype(int)
    names = (short_name(file, folder=folder) for file in table["file"])
    table["name"] = _as_texts(names, table)
    return table


def _as_texts(values: Iterable[object], table: pd.DataFrame) -> "pd.Series[str]":
    """A column of strings as they are: pandas' own text type refuses names that are no text."""
    return pd.Series([str(value) for value in values], index=table.index, dtype=object)


def common_folder(paths: Sequence[str]) -> str:
    """The folder that all paths lie in; "" if there is none, or none worth naming."""
    try:
        shared = os.path.commonpath([os.path.dirname(path) for path in paths])
    except ValueError:  # no path at all, or relative beside absolute ones
        return ""
    return "" if shared == os.path.dirname(shared) else shared


def short_name(path: str, *, folder: str) -> str:
    """A path as seen from the folder that all share."""
    return os.path.relpath(path, folder) if folder else path


def pick_frames(n_frames: int, *, most: int = MOST_FRAMES) -> list[int]:
    """Choose the frames of a series that the page shows: first, last and evenly between them.

    Example:
        >>> from coverslip.report import pick_frames
        >>> pick_frames(100, most=5)
        [0, 25, 50, 74, 99]
    """
    if n_frames <= most:
        return list(range(n_frames))
    return [round(i * (n_frames - 1) / (most - 1)) for i in range(most)]


def frames_to_show(n_frames: int, *, n_films: int) -> list[int]:
    """Those of the frames with a picture that a page of so many films has room for.

    Example:
        >>> from coverslip.report.images import frames_to_show
        >>> frames_to_show(100, n_films=200)
        [0, 99]
    """
    pictured = pick_frames(n_frames)
    most = max(2, MOST_FRAMES_OF_ALL // max(1, n_films))
    return [pictured[place] for place in pick_frames(len(pictured), most=most)]


def by_file(table: pd.DataFrame) -> Mapping[str, pd.DataFrame]:
    """Split a completed table by file, in the order of the rows; more than one row: a series."""
    groups = (rows for _, rows in table.groupby(_codes(table)))
    return {rows["file"].iloc[0]: rows for rows in groups}


def _codes(table: pd.DataFrame) -> NDArray[np.intp]:
    """A number for each file, in the order of the rows."""
    return pd.factorize(table["file"].to_numpy(dtype=object))[0]
