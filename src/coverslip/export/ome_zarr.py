"""labels (+ images) → an OME-Zarr folder, version 0.5.

``NAME.ome.zarr`` holds the image, if there is one, and ``labels/cells`` in it the labels, both as
pyramids: each level is half as wide as the one before it. Source:
https://ngff.openmicroscopy.org/0.5
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip._optional import need
from coverslip.export.colours import cell_colours
from coverslip.export.pyramid import image_pyramid, label_pyramid
from coverslip.io import OME_ZARR_VERSION as VERSION
from coverslip.io import create_levels, describe_levels, whole_folder

if TYPE_CHECKING:
    from pathlib import Path

    from coverslip.export.pyramid import Pyramid
    from coverslip.export.source import LabelImage


def write_ome_zarr(path: Path, source: LabelImage) -> None:
    """Write labels, and their images if there are any, whole or not at all.

    Args:
        path: The folder, best called ``NAME.ome.zarr``; an older Zarr of that name is replaced.
        source: The labels; a film keeps its axes. Of colour images, red, green and blue are
            channels.

    Raises:
        SettingsError: The package zarr is not installed.
        DataError: An image is of another size than the labels.
        FileError: The folder cannot be written.
    """
    zarr = need("zarr", extra="zarr", what="OME-Zarr")
    with whole_folder(path, marker="zarr.json") as temporary:
        root = zarr.open_group(temporary, mode="w", zarr_format=3)
        root.attrs["ome"] = {"version": VERSION}
        if source.images is not None:
            pyramid = image_pyramid(source)
            _write_pyramid(root, pyramid, source=source)
            root.attrs["ome"] = {**root.attrs["ome"], **_display(pyramid)}
        labels = root.create_group("labels")
        labels.attrs["ome"] = {"version": VERSION, "labels": ["cells"]}
        cells = labels.create_group("cells")
        _write_pyramid(cells, label_pyramid(source), source=source)
        cells.attrs["ome"] = {**cells.attrs["ome"], "image-label": _image_label(source)}


def _display(pyramid: Pyramid) -> dict[str, Any]:
    """That three channels are red, green and blue; without it, viewers choose colours of theirs."""
    if "C" not in pyramid.axes or pyramid.dtype.kind != "u":
        return {}
    highest = int(np.iinfo(pyramid.dtype).max)
    window = {"min": 0, "max": highest, "start": 0, "end": highest}
    colours = {"red": "FF0000", "green": "00FF00", "blue": "0000FF"}
    channels = [
        {"label": name, "color": colour, "active": True, "window": window}
        for name, colour in colours.items()
    ]
    return {"omero": {"channels": channels}}


def _image_label(source: LabelImage) -> dict[str, Any]:
    labels = source.labels if source.labels.ndim == 2 else source.frames
    about: dict[str, Any] = {
        "colors": [
            {"label-value": number, "rgba": [*colour, 255]}
            for number, colour in cell_colours(labels).items()
        ]
    }
    if not about["colors"]:  # an empty list is not allowed
        del about["colors"]
    return about if source.images is None else {**about, "source": {"image": "../../"}}


def _write_pyramid(group: Any, pyramid: Pyramid, *, source: LabelImage) -> None:
    """Write all levels frame by frame, and what they are."""
    levels = create_levels(group, pyramid.shape, axes=pyramid.axes, dtype=pyramid.dtype)
    for frame in range(source.n_frames):
        values = pyramid.planes(frame)
        place = source.place(frame)
        index = tuple(place.get(axis, slice(None)) for axis in pyramid.axes)
        for level in levels:
            level[index] = values
            values = pyramid.halve(values)
    multiscale = describe_levels(
        pyramid.name,
        axes=pyramid.axes,
        n_levels=len(levels),
        pixel_size_um=source.pixel_size_um,
        frame_interval_s=source.frame_interval_s,
    )
    group.attrs["ome"] = {"version": VERSION, "multiscales": [multiscale]}
