"""label or mask file → integers, 0 for background."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.errors import DataError, FileError
from coverslip.io.formats import raster, tiff
from coverslip.io.formats.guard import check_whole, sniff
from coverslip.io.read import open_image
from coverslip.io.windows import everything, find_places, open_windows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from coverslip.io.header import ImageFile

# A mask saved as JPEG has dozens of grey values beside 0 and 255; two or three may be meant.
SOFT_VALUES = 8


def read_labels(path: str | Path) -> NDArray[Any]:
    """Read a label or mask file, its numbers as they are.

    Args:
        path: PNG, BMP, TIFF or OME-Zarr: cell ids of 8, 16 or 32 bits, or a mask of 0 and 1 or
            0 and 255. Ids may be stored as whole real numbers, as entries of a colour table, or
            three times over as an RGB picture of greys.

    Returns:
        (H, W), or with the file's times and depths before it; integers.

    Raises:
        FileError: The file cannot be read, or its numbers are no ids.
    """
    path = Path(path)
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
    if sniff(path) in ("png", "bmp"):
        return _as_ids(path, raster.read_ids(path))
    frames = [_as_ids(path, values) for values in _stored(file)]
    lengths = tuple(file.length(axis) for axis in file.frame_axes)
    return np.stack(frames).reshape(*lengths, *frames[0].shape)


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
        held = _as_ids(path, raster.read_ids(path))
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
            path, read(find_places(file, frame, channel=0)[0], *window)
        )


def check_labels(labels: NDArray[Any], *, what: str | Path) -> None:
    """Refuse what only looks like labels.

    Args:
        labels: Any shape.
        what: The name of them, which the message begins with.

    Raises:
        DataError: Neither bool nor integers, a mask with soft grey edges, or a photograph.
    """
    if labels.dtype == np.bool_:
        return
    if not np.issubdtype(labels.dtype, np.integer):
        raise DataError(
            f"{what}: values of type {labels.dtype}, a mask or integer labels were wanted. "
            "Threshold a probability map first."
        )
    if _has_soft_edges(labels):
        raise DataError(
            f"{what}: grey values between 0 and 255, as in a mask saved as JPEG or resized with "
            "smoothing; each would count as a cell. Save it as 0/255 PNG or TIFF, resized with "
            "nearest neighbour."
        )
    if is_photograph(labels):
        raise DataError(
            f"{what}: a photograph and no labels, by its look: most of its numbers lie in many "
            "scattered specks, as grey values do, where every cell should have one number in one "
            "place. Name the label file that belongs to it; coverslip segment makes one."
        )


def _has_soft_edges(labels: NDArray[Any]) -> bool:
    """Tell a 0/255 mask with grey edges from instance ids, where no id has most of the pixels."""
    if labels.size == 0 or labels.min() < 0 or labels.max() != 255:
        return False
    counts = np.bincount(labels.astype(np.uint8).ravel(), minlength=256)[1:]
    return bool(counts[254] * 2 > counts.sum() and np.count_nonzero(counts) > SOFT_VALUES)


def _as_ids(path: Path, values: NDArray[Any]) -> NDArray[Any]:
    if values.ndim == 3:
        values = _one_sample(path, values)
    if values.dtype.kind == "f":
        values = _whole_numbers(path, values)
    if values.dtype.kind == "i" and values.size and values.min() < 0:
        raise FileError(
            f"{path}: holds the negative number {values.min()}, where cell ids count from 1 and "
            "0 is background. Export the labels again."
        )
    return values


def _one_sample(path: Path, values: NDArray[Any]) -> NDArray[Any]:
    """A grey mask stored as RGB(A) says everything three times; colours are another matter."""
    colours = values[..., :3] if values.shape[2] >= 3 else values[..., :1]
    if (colours != colours[..., :1]).any():
        raise FileError(
            f"{path}: a colour picture, where every cell should have a number. Export the labels "
            "as 16-bit ids (in Fiji: Image > Type > 16-bit; in Cellpose: save masks as PNG/TIFF)."
        )
    return colours[..., 0]


def _whole_numbers(path: Path, values: NDArray[Any]) -> NDArray[np.int64]:
    if not np.isfinite(values).all() or (values != np.rint(values)).any():
        raise FileError(
            f"{path}: holds fractions or NaN, where every cell should have a whole number; it may "
            "be a probability map. Threshold it first, and save the mask as 8 or 16 bit."
        )
    return values.astype(np.int64)


MOST_CLASSES = 32  # fewer numbers may be kinds of tissue, each of which lies in many places
MANY_PIECES = 8  # a cell that was cut by others, or badly resized, has two or three
PIECE_PX = 16  # smaller pieces are specks and no cells
SHARE = 0.25  # of a cell's pixels lie in its largest piece, at the least
SMALLEST_PX = 4096  # in a smaller picture chance might do it


def is_photograph(labels: NDArray[Any]) -> bool:
    """Tell the grey values of a photograph from the numbers of cells.

    A grey value lies all over a photograph, in specks of a few pixels; where there are nearly as
    many values as pixels, there are nearly as many specks. A cell lies in one place, and however
    crowded, cut or ragged, its largest piece is most of it. In doubt they are cells.

    Args:
        labels: (..., H, W) integers from 0 on. Of several frames, the first with a number counts.
    """
    frames = labels.reshape(-1, *labels.shape[-2:]) if labels.size else labels[None][:0]
    frame = next((frame for frame in frames if frame.any()), None)
    if frame is None or frame.size < SMALLEST_PX or _count(frame) <= MOST_CLASSES:
        return False
    from skimage.measure import label  # its import takes longer than all of the above

    pieces, n_pieces = label(  # type: ignore[no-untyped-call]
        frame, connectivity=2, background=0, return_num=True
    )
    areas = np.bincount(pieces.ravel())[1:]
    if np.median(areas) >= PIECE_PX:
        return False
    value = np.zeros(n_pieces + 1, dtype=frame.dtype)
    value[pieces.ravel()] = frame.ravel()
    _, of, n_each = np.unique(value[1:], return_inverse=True, return_counts=True)
    largest = np.zeros(len(n_each), dtype=areas.dtype)
    np.maximum.at(largest, of, areas)
    share = np.median(largest / np.bincount(of, weights=areas))
    is_scattered = np.median(n_each) > MANY_PIECES and share < SHARE
    return bool(is_scattered or n_pieces > frame.size / 4)


def _count(frame: NDArray[Any]) -> int:
    values = np.unique(frame)
    return int(np.count_nonzero(values))
