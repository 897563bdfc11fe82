"""labels (+ images) → an OME-Zarr folder, version 0.5.

``NAME.ome.zarr`` holds the image, if there is one, and ``labels/cells`` in it the labels, both as
pyramids: each level is half as wide as the one before it. Source: https://ngff.openmicroscopy.org/0.5
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.export.colours import cell_colours
from coverslip.export.folder import whole_folder
from coverslip.export.optional import need
from coverslip.export.pyramid import image_pyramid, label_pyramid

if TYPE_CHECKING:
    from pathlib import Path

    from coverslip.export.pyramid import Pyramid
    from coverslip.export.source import LabelImage

VERSION = "0.5"
CHUNK_PX = 1024
KINDS = {"T": "time", "C": "channel", "Z": "space", "Y": "space", "X": "space"}


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
    levels = _create_levels(group, pyramid)
    for frame in range(source.n_frames):
        values = pyramid.planes(frame)
        place = source.place(frame)
        index = tuple(place.get(axis, slice(None)) for axis in pyramid.axes)
        for level in levels:
            level[index] = values
            values = pyramid.halve(values)
    multiscales = [_multiscale(pyramid, n_levels=len(levels), source=source)]
    group.attrs["ome"] = {"version": VERSION, "multiscales": multiscales}


def _create_levels(group: Any, pyramid: Pyramid) -> list[Any]:
    """Empty arrays called 0, 1, …, each half as high and wide as the one before it."""
    outer = pyramid.shape[:-2]
    return [
        group.create_array(
            str(level),
            shape=(*outer, *size),
            chunks=(*(1 for _ in outer), *(min(CHUNK_PX, length) for length in size)),
            dtype=pyramid.dtype,
            dimension_names=list(pyramid.axes.lower()),
        )
        for level, size in enumerate(pyramid.sizes)
    ]


def _multiscale(pyramid: Pyramid, *, n_levels: int, source: LabelImage) -> dict[str, Any]:
    units = {"T": "second"} if source.frame_interval_s is not None else {}
    if source.pixel_size_um is not None:
        units |= {"Y": "micrometer", "X": "micrometer"}
    axes = [
        {"name": axis.lower(), "type": KINDS[axis]}
        | ({"unit": units[axis]} if axis in units else {})
        for axis in pyramid.axes
    ]
    datasets = [
        {"path": str(level), "coordinateTransformations": _place(pyramid.axes, level, source)}
        for level in range(n_levels)
    ]
    return {"name": pyramid.name, "axes": axes, "datasets": datasets}


def _place(axes: str, level: int, source: LabelImage) -> list[dict[str, Any]]:
    """Size of a level's pixels, and where the centre of the first one is; level 0 begins at 0."""
    height, width = source.pixel_size_um or (1.0, 1.0)
    one = {"T": source.frame_interval_s or 1.0, "Y": height, "X": width}
    steps = [one.get(axis, 1.0) * (2**level if axis in "YX" else 1) for axis in axes]
    # A pixel of a level covers a block of pixels of level 0, and its centre is the block's.
    shifts = [one[axis] * (2**level - 1) / 2 if axis in "YX" else 0.0 for axis in axes]
    places = [{"type": "scale", "scale": steps}]
    return [*places, {"type": "translation", "translation": shifts}] if level else places
