"""label or mask file → integers, 0 for background."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.errors import DataError, FileError
from coverslip.io.annotations.readers import PictureSize, is_annotation, read_annotations
from coverslip.io.formats import orientation, raster, tiff
from coverslip.io.formats.guard import check_whole, sniff
from coverslip.io.label_values import as_integers, check_labels, colours_to_labels
from coverslip.io.read import open_image
from coverslip.io.windows import everything, find_places, open_windows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from coverslip.io.header import ImageFile
    from coverslip.io.label_values import CheckedLabels


def read_labels(path: str | Path, *, image: Path | PictureSize | None = None) -> NDArray[Any]:
    """Read a label or mask file, its numbers as they are.

    Args:
        path: PNG, BMP, TIFF or OME-Zarr: cell ids of 8, 16 or 32 bits, or a mask of 0 and 1 or
            0 and 255. Ids may be stored as whole real numbers, as entries of a colour table, or
            three times over as an RGB picture of greys. Or annotations of another tool: Cellpose's
            ``_seg.npy``, ilastik's HDF5, labelme's, COCO's or QuPath's JSON, ImageJ's ROIs.
        image: The image that was annotated, or its size, for annotations that do not say it.

    Returns:
        (H, W), or with the file's times and depths before it; integers.

    Raises:
        FileError: The file cannot be read, or its numbers are no ids.

    Example:
        >>> import coverslip
        >>> labels = coverslip.read_labels("examples/truth/nuclei/stained_tissue.png")
        >>> labels.ndim, int(labels.min())
        (2, 0)
    """
    return _read(Path(path), image)[0]


def read_checked(
    path: str | Path,
    *,
    image: Path | PictureSize | None = None,
    ignored_from: int | None = None,
) -> CheckedLabels:
    """Read a label or mask file and look whether it holds labels: for every verb the same.

    Args:
        path: As for `read_labels`.
        image: As for `read_labels`.
        ignored_from: As for `coverslip.io.check_labels`.

    Raises:
        FileError: The file cannot be read, or its numbers are no ids.
        DataError: It only looks like labels.
    """
    labels, notes = _read(Path(path), image)
    found = check_labels(labels, what=path, ignored_from=ignored_from)
    return replace(found, notes=(*notes, *found.notes))


def _read(path: Path, image: Path | PictureSize | None) -> tuple[NDArray[Any], list[str]]:
    """The numbers of a file as integers, and what was decided."""
    if is_annotation(path):
        drawn = read_annotations(path, image=image)
        planes = [_as_ids(path, plane) for plane in drawn.reshape(-1, *drawn.shape[-2:])]
        return np.stack(planes).reshape(drawn.shape), []
    if sniff(path) == "jpeg":
        raise FileError(
            f"{path}: a JPEG cannot hold labels, since its compression changes the numbers. "
            "Export the mask again as PNG or TIFF."
        )
    file = open_image(path)
    if file.n_channels > 1:
        raise FileError(
            f"{path}: {file.n_channels} channels, where a mask has one. Export them one by one."
        )
    check_whole(path, *file.frame_shape)
    turned = [note for note in file.notes if note in orientation.NOTES]
    if sniff(path) in ("png", "bmp"):
        labels, notes = _read_raster(path)
        return labels, [*turned, *notes]
    stored = list(_stored(file))
    frames = [_as_ids(path, values) for values in stored]
    lengths = tuple(file.length(axis) for axis in file.frame_axes)
    labels = np.stack(frames).reshape(*lengths, *frames[0].shape)
    return labels, [*turned, *_say_colours(stored[0])]


def _say_colours(values: NDArray[Any]) -> list[str]:
    if values.ndim < 3 or not (values[..., :3] != values[..., :1]).any():
        return []
    return ["each of its colours is taken for a number, black for 0"]


def _read_raster(path: Path) -> tuple[NDArray[Any], list[str]]:
    """A PNG or BMP: a mask may be its transparency, and its colour table say what is black."""
    values = raster.read_ids(path)
    labels, notes = _as_ids(path, values), _say_colours(values)
    black = raster.black_entry(path)
    if black:
        notes.append(
            f"entry {black} of its colour table is black and taken for the background, entry 0 is "
            f"not and has the number {black}"
        )
        return np.where(labels == black, 0, np.where(labels == 0, black, labels)), notes
    if labels.min() == labels.max():
        alpha = raster.read_alpha(path)
        if alpha is not None and alpha.min() < alpha.max():
            notes.append("its colours are all the same: its transparency is taken for the mask")
            return alpha, notes
    return labels, notes


def _stored(file: ImageFile) -> Iterator[NDArray[Any]]:
    """Every frame as it is stored; of a TIFF, the entries of a colour table and not its colours."""
    places = [find_places(file, frame, channel=0)[0] for frame in range(file.n_frames)]
    if sniff(file.path) == "tiff":
        with tiff.opened(file.source, file.series) as opened:
            for place in places:
                yield tiff.plane(opened, axes=file.stored_axes, index=place)
    else:
        with open_windows(file) as window:
            for place in places:
                yield window(place, *everything(file))


def open_label_file(path: Path) -> ImageFile:
    """Open a label file; frames that a tool saved as channels, as Python's may, are frames.

    Raises:
        FileError: The file cannot be read.
    """
    file = open_image(path)
    if file.n_channels > 1 and file.n_frames == 1:
        return open_image(path, axes=file.stored_axes.replace("C", "T"))
    return file


@contextmanager
def open_label_frames(
    path: Path, *, whole: bool = False
) -> Iterator[Callable[[int, tuple[slice, slice]], NDArray[Any]]]:
    """Read rows and columns of the frames of a label file.

    Args:
        path: The file, or an OME-Zarr.
        whole: Decode a frame whole and keep it for the next call, as `read_labels` would.

    Yields:
        A function of the frame and the window that gives integers.

    Raises:
        FileError: The file cannot be read, or its numbers are no ids.
    """
    file = open_label_file(path)
    if sniff(path) in ("png", "bmp"):
        held = _read_raster(path)[0]
        yield lambda frame, window: held[window]
        return
    if whole and sniff(path) == "tiff":
        with tiff.opened(file.source, file.series) as opened:
            kept: dict[int, NDArray[Any]] = {}

            def read_plane(frame: int, window: tuple[slice, slice]) -> NDArray[Any]:
                if frame not in kept:
                    place = find_places(file, frame, channel=0)[0]
                    plane = tiff.plane(opened, axes=file.stored_axes, index=place)
                    kept.clear()
                    kept[frame] = _as_ids(path, plane)
                return kept[frame][window]

            yield read_plane
        return
    with open_windows(file) as read:
        yield lambda frame, window: _as_ids(
            path, read(find_places(file, frame, channel=0)[0], *window), is_whole=False
        )


def _as_ids(path: Path, values: NDArray[Any], *, is_whole: bool = True) -> NDArray[Any]:
    """Numbers of a file as integers; colours are numbered only where the whole picture is there."""
    try:
        if values.ndim == 3:
            values = _one_sample(path, values, is_whole=is_whole)
        return as_integers(values, what=path)
    except DataError as error:
        raise FileError(str(error)) from error


def _one_sample(path: Path, values: NDArray[Any], *, is_whole: bool) -> NDArray[Any]:
    """A grey mask stored as RGB(A) says everything three times; colours are another matter."""
    colours = values[..., :3] if values.shape[2] >= 3 else values[..., :1]
    if not is_whole and (colours != colours[..., :1]).any():
        raise DataError(f"{path}: a colour picture, where every cell should have a number.")
    return colours_to_labels(colours, what=path)
