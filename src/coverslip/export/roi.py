"""labels → a zip of ImageJ's ROIs, for the ROI Manager of Fiji.

Fiji counts the corners of a traced ROI as whole numbers, and the pixels inside are those whose
centres are: an outline on the pixels' edges gives every cell back as it is. A cell with holes or
in several parts is a composite ROI.
"""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip._optional import need
from coverslip.contours import find_outlines
from coverslip.errors import DataError
from coverslip.io import write_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from coverslip.contours import Outline
    from coverslip.export.source import LabelImage

# Corners are stored in 16 bits; ImageJ takes what is below -5000 for a number beyond 32,767.
LARGEST_SIDE_PX = 60_535
MOVE_TO, LINE_TO, CLOSE = 0.0, 1.0, 4.0


def write_roi_zip(path: Path, source: LabelImage) -> None:
    """Write a ROI for every cell of every frame, whole or not at all.

    A ROI is called by its cell's number, in a film ``FRAME-NUMBER`` with the frame counted from 0,
    and is tied to its time and depth.

    Raises:
        SettingsError: The package roifile is not installed.
        DataError: An image too large for the format.
        FileError: The file cannot be written.
    """
    write_bytes(path, labels_to_roi_zip(source))


def labels_to_roi_zip(source: LabelImage) -> bytes:
    """The bytes of the zip; equal labels give equal bytes."""
    roifile = need("roifile", extra="roi", what="a zip of ImageJ's ROIs")
    if max(source.size) > LARGEST_SIDE_PX:
        raise DataError(
            f"{source.name}: {max(source.size)} pixels a side, where a ROI can hold "
            f"{LARGEST_SIDE_PX}. Export it as geojson, ome-tiff or ome-zarr."
        )
    width = len(str(max(source.n_frames - 1, 0)))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for frame, labels in enumerate(source.frames):
            place = source.place(frame)
            for outline in find_outlines(labels):
                name = f"{frame:0{width}}-{outline.label}" if place else str(outline.label)
                roi = _to_roi(roifile, outline, name=name)
                _tie(roi, place)
                roi.props = _properties(source.measurements.get((frame, outline.label), {}))
                # A ZipInfo of our own has a fixed date; the default is the time of writing.
                entry = zipfile.ZipInfo(f"{name}.roi")
                archive.writestr(entry, roi.tobytes(), zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def _properties(known: Mapping[str, float]) -> str:
    """Measurements as Fiji shows them under *Properties* of a ROI: a line of each."""
    return "".join(f"{name}: {value:.8g}\n" for name, value in known.items())


def _to_roi(roifile: Any, outline: Outline, *, name: str) -> Any:
    rings = [ring[:, ::-1] for part in outline.parts for ring in part]
    corners = np.concatenate(rings)
    (left, top), (right, bottom) = corners.min(0).tolist(), corners.max(0).tolist()
    box = {"left": left, "top": top, "right": right, "bottom": bottom, "name": name}
    if len(rings) == 1:
        return roifile.ImagejRoi(
            roitype=roifile.ROI_TYPE.TRACED,
            n_coordinates=len(corners),
            integer_coordinates=corners - np.array([left, top], np.int32),
            **box,
        )
    path = np.concatenate([_to_path(ring) for ring in rings]).astype(np.float32)
    return roifile.ImagejRoi(
        roitype=roifile.ROI_TYPE.RECT, multi_coordinates=path, shape_roi_size=len(path), **box
    )


def _to_path(ring: np.ndarray[Any, np.dtype[np.int32]]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """A ring as ImageJ stores shapes: move to the first corner, draw to the others, close."""
    steps = np.column_stack([np.full(len(ring), LINE_TO), ring])
    steps[0, 0] = MOVE_TO
    return np.append(steps.ravel(), CLOSE)


def _tie(roi: Any, place: dict[str, int]) -> None:
    """Give a ROI its place in a film or stack; Fiji counts from 1.

    Along one axis that is the number of the slice, by which the ROI Manager finds it in a plain
    stack and in a hyperstack; time and depth by their names it finds in a hyperstack alone.
    """
    if len(place) == 1:
        roi.position = next(iter(place.values())) + 1
    elif place:
        roi.z_position, roi.t_position = place["Z"] + 1, place["T"] + 1
