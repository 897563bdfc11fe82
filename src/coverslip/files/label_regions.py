"""labels of any size, region by region → a tiled TIFF or an OME-Zarr, whole or not at all."""

import itertools
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from coverslip.files.folder import whole_folder
from coverslip.files.stack import check_axes, needs_bigtiff, ome_metadata
from coverslip.files.write import whole_or_nothing
from coverslip.files.zarr_levels import (
    CHUNK_PX,
    OME_ZARR_VERSION,
    create_levels,
    describe_levels,
)
from coverslip.optional import need

TILE_PX = 512  # what QuPath and Bio-Formats like; four of them are 4 MB

# Rows and columns → (h, w) labels of one frame, 0 is background.
ReadLabels = Callable[[slice, slice], NDArray[np.uint32]]


def write_label_regions(
    path: Path,
    *,
    shape: tuple[int, ...],
    read: ReadLabels | Iterable[ReadLabels],
    axes: str = "YX",
    pixel_size_um: tuple[float, float] | None = None,
    frame_interval_s: float | None = None,
    channel_name: str | None = None,
) -> None:
    """Write uint32 labels that need not fit into memory.

    A TIFF is tiled, deflated and has the metadata of `write_labels`; beyond 4 GB it is a BigTIFF.
    An OME-Zarr (0.5) has them as `labels/cells`, a pyramid whose smaller levels keep every second
    number of the level before; it is written chunk by chunk, each level from the one before it.

    Args:
        path: A ``.tif`` or ``.tiff``, or a folder ``.zarr``, best called ``NAME.ome.zarr``.
        shape: Lengths of the axes, H and W last.
        read: Gives the labels of a region of rows and columns, each with both ends. It is asked for
            every region once: for tiles of 512 px a row of tiles after the other in a TIFF, for
            chunks of 1024 px in a Zarr. Of several frames, one such function for each, the slowest
            axis outermost; a generator is asked for the next when a frame is written.
        axes: One letter per length: "YX", "TYX", "ZYX" or "TZYX".
        pixel_size_um: Height and width of a pixel in µm, or None where they are not known.
        frame_interval_s: Seconds from one time to the next, or None where they are not known.
        channel_name: Of the channel that they were found in, or None where it has no name.

    Raises:
        FileError: The file cannot be written.
        SettingsError: A Zarr, and the package zarr is not installed.
        ValueError: Another suffix, or axes, frames or regions that do not fit the shape.
    """
    check_axes(axes, shape)
    suffix = path.suffix.lower()
    if suffix not in (".tif", ".tiff", ".zarr"):
        raise ValueError(f"{path}: labels are written as .tif, .tiff or .zarr")
    frames = [read] if callable(read) else read
    about: dict[str, Any] = {
        "axes": axes,
        "pixel_size_um": pixel_size_um,
        "frame_interval_s": frame_interval_s,
        "channel_name": channel_name,
    }
    if suffix == ".zarr":
        _write_zarr(path, frames, shape=shape, **about)
    else:
        _write_tiff(path, frames, shape=shape, metadata=ome_metadata(path, shape=shape, **about))


def _write_tiff(
    path: Path, frames: Iterable[ReadLabels], *, shape: tuple[int, ...], metadata: dict[str, Any]
) -> None:
    with (
        whole_or_nothing(path) as temporary,
        tifffile.TiffWriter(temporary, ome=True, bigtiff=needs_bigtiff(shape)) as writer,
    ):
        tiles = _tiles(frames, shape=shape)
        writer.write(
            tiles,
            shape=shape,
            dtype=np.uint32,
            photometric="minisblack",
            compression="zlib",
            tile=(TILE_PX, TILE_PX),
            metadata=metadata,
        )
        for _ in tiles:  # there are no more; a frame too many is told
            pass


def _tiles(frames: Iterable[ReadLabels], *, shape: tuple[int, ...]) -> Iterator[NDArray[np.uint32]]:
    """All tiles in the order of the file, those at the edges filled up with background."""
    for read, _ in _one_for_each(frames, shape=shape):
        for rows, columns in regions(shape[-2:], side=TILE_PX):
            labels = _checked(read(rows, columns), rows, columns)
            tile = np.zeros((TILE_PX, TILE_PX), np.uint32)
            tile[: labels.shape[0], : labels.shape[1]] = labels
            yield tile


def _write_zarr(
    path: Path,
    frames: Iterable[ReadLabels],
    *,
    shape: tuple[int, ...],
    axes: str,
    pixel_size_um: tuple[float, float] | None,
    frame_interval_s: float | None,
    channel_name: str | None,
) -> None:
    zarr = need("zarr", extra="zarr", what="OME-Zarr")
    with whole_folder(path, marker="zarr.json") as temporary:
        root = zarr.open_group(temporary, mode="w", zarr_format=3)
        root.attrs["ome"] = {"version": OME_ZARR_VERSION}
        labels = root.create_group("labels")
        labels.attrs["ome"] = {"version": OME_ZARR_VERSION, "labels": ["cells"]}
        cells = labels.create_group("cells")
        levels = create_levels(cells, shape, axes=axes, dtype=np.uint32)
        for read, place in _one_for_each(frames, shape=shape):
            for rows, columns in regions(shape[-2:], side=CHUNK_PX):
                levels[0][(*place, rows, columns)] = _checked(read(rows, columns), rows, columns)
        for before, level in itertools.pairwise(levels):
            _halve(before, level)
        multiscale = describe_levels(
            "cells",
            axes=axes,
            n_levels=len(levels),
            pixel_size_um=pixel_size_um,
            frame_interval_s=frame_interval_s,
        )
        # "type" and "metadata" are the specification's own places for how levels were made.
        multiscale["type"] = "nearest"
        multiscale["metadata"] = {"channel": channel_name} if channel_name else {}
        cells.attrs["ome"] = {
            "version": OME_ZARR_VERSION,
            "multiscales": [multiscale],
            "image-label": {},
        }


def _halve(before: Any, level: Any) -> None:
    """Fill a level with every second number of the one before; a mean would be another cell's."""
    for place in np.ndindex(level.shape[:-2]):
        for rows, columns in regions(level.shape[-2:], side=CHUNK_PX):
            twice = (
                slice(2 * rows.start, 2 * rows.stop),
                slice(2 * columns.start, 2 * columns.stop),
            )
            level[(*place, rows, columns)] = before[(*place, *twice)][::2, ::2]


def regions(shape: tuple[int, ...], *, side: int) -> Iterator[tuple[slice, slice]]:
    """Rows and columns of squares that cover a picture, row after row; cut off at its edges."""
    height, width = shape
    for top in range(0, height, side):
        for left in range(0, width, side):
            yield slice(top, min(top + side, height)), slice(left, min(left + side, width))


def _one_for_each(
    frames: Iterable[ReadLabels], *, shape: tuple[int, ...]
) -> Iterator[tuple[ReadLabels, tuple[int, ...]]]:
    """Every frame with its place among them; as many as the shape has, or an error."""
    places = list(np.ndindex(shape[:-2]))
    n_frames = 0
    for read in frames:
        if n_frames < len(places):
            yield read, places[n_frames]
        n_frames += 1
    if n_frames != len(places):
        raise ValueError(f"{n_frames} frames of labels for the shape {shape}")


def _checked(labels: NDArray[Any], rows: slice, columns: slice) -> NDArray[np.uint32]:
    wanted = rows.stop - rows.start, columns.stop - columns.start
    lowest = labels.min(initial=0)
    if labels.shape != wanted or lowest < 0:
        raise ValueError(f"labels {labels.shape} from {lowest} on: wanted {wanted} from 0")
    return labels.astype(np.uint32, copy=False)
