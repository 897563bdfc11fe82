"""ROIs of ImageJ and Fiji, one or a zip of them → labels, drawn on an image of known size.

Areas count corners, in whole numbers or in fractions: a rectangle from 2 to 5 has the pixels 2, 3
and 4. Cellpose writes the indices of the rim's pixels for corners, so that cells read from its ROIs
lack a row and a column; read its _seg.npy instead. Lines, angles and points are no cells.
Source: https://imagej.net/ij/developer/source/ij/io/RoiDecoder.java.html
"""

from __future__ import annotations

import re
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip._optional import need
from coverslip.errors import FileError
from coverslip.io.annotations.rasterise import Canvas, Cell, box_ring, draw_cells, ellipse_ring
from coverslip.io.formats.guard import HARMLESS_BYTES

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

AREAS = ("POLYGON", "FREEHAND", "TRACED", "RECT", "OVAL")
# How many coordinates a segment of a composite ROI has: to, line, quadratic, cubic, close.
N_COORDINATES = {0: 2, 1: 2, 2: 4, 3: 6, 4: 0}
MOVE, CLOSE = 0, 4


def holds_rois(path: Path) -> bool:
    """Whether a zip has ROIs in it and nothing else."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (OSError, zipfile.BadZipFile):
        return False
    return bool(names) and all(name.lower().endswith(".roi") for name in names)


def read(path: Path, canvas: Canvas) -> NDArray[np.int32]:
    """Draw the ROIs that are areas.

    Returns:
        Labels of the canvas's shape: by the ROIs' names if these are numbers, as in our own
        exports, else from 1 in the order of the file.

    Raises:
        FileError: No area among the ROIs, or a damaged file.
        SettingsError: The package roifile is not installed.
    """
    roifile = need("roifile", extra="roi", what="a file of ImageJ's ROIs")
    rois = [roifile.ImagejRoi.frombytes(data) for data in _contents(path)]
    areas = [roi for roi in rois if roi.roitype.name in AREAS]
    if not areas:
        raise FileError(
            f"{path}: {len(rois)} ROIs, none of them an area. Draw the cells as polygons, "
            "freehand, rectangles or ovals, and save them in the ROI Manager."
        )
    return draw_cells(path, [_to_cell(path, roi, canvas) for roi in areas], canvas)


def _contents(path: Path) -> list[bytes]:
    if path.suffix.lower() != ".zip":
        return [path.read_bytes()]
    with zipfile.ZipFile(path) as archive:
        entries = [one for one in archive.infolist() if one.filename.lower().endswith(".roi")]
        limit = max(HARMLESS_BYTES, 1_100 * path.stat().st_size)  # deflate gives no more
        if sum(entry.file_size for entry in entries) > limit:
            raise FileError(f"{path}: claims more bytes than it can hold. Save it again in Fiji.")
        return [archive.read(entry) for entry in entries]


def _to_cell(path: Path, roi: Any, canvas: Canvas) -> Cell:
    time, depth = max(roi.t_position - 1, 0), max(roi.z_position - 1, 0)
    frame = canvas.frame(time=time, depth=depth)
    if roi.position > 0 and canvas.n_frames > 1 and not (roi.t_position or roi.z_position):
        frame = roi.position - 1
    found = re.fullmatch(r"(?:\d+-)?(\d+)", roi.name or "")
    is_ours = found is not None and not re.fullmatch(r"\d{4}-\d{4}(-\d{4})?", roi.name)
    number = int(found[1]) if is_ours and found is not None else None
    return Cell(parts=[_rings(path, roi)], number=number, frame=frame)


def _rings(path: Path, roi: Any) -> list[NDArray[Any]]:
    kind = roi.roitype.name
    if roi.multi_coordinates is not None:
        return _path_rings(path, roi.multi_coordinates.tolist())
    left, top, right, bottom = roi.left, roi.top, roi.right, roi.bottom
    if roi.subpixelrect:
        left, top = roi.xd, roi.yd
        right, bottom = left + roi.widthd, top + roi.heightd
    if kind == "RECT":
        return [box_ring(left, top, right, bottom)]
    if kind == "OVAL":
        middle = (top + bottom) / 2, (left + right) / 2
        return [ellipse_ring(middle, ((bottom - top) / 2, (right - left) / 2))]
    return [np.asarray(roi.coordinates())[:, ::-1]]


def _path_rings(path: Path, numbers: list[float]) -> list[NDArray[Any]]:
    """The rings of a composite ROI; its curves become lines between their ends."""
    rings: list[list[tuple[float, float]]] = []
    at = 0
    while at < len(numbers):
        segment = int(numbers[at])
        count = N_COORDINATES.get(segment)
        if count is None or at + count >= len(numbers) + (segment == CLOSE):
            raise FileError(f"{path}: a damaged composite ROI. Save it again in Fiji.")
        if segment == MOVE or not rings:
            rings.append([])
        if segment != CLOSE:
            x, y = numbers[at + count - 1 : at + count + 1]
            rings[-1].append((y, x))
        at += 1 + count
    return [np.array(ring) for ring in rings if len(ring) > 2]
