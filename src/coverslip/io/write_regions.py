"""labels of any size, region by region → a tiled TIFF or an OME-Zarr pyramid.

It writes the labels of whole-slide images, which need not fit into memory.

Each level is half as wide as the one before it. Source: https://ngff.openmicroscopy.org/0.5
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from coverslip._optional import need
from coverslip.io.atomic import whole_folder
from coverslip.io.imagej_tag import imagej_description
from coverslip.io.stack import check_axes, needs_bigtiff, ome_metadata, open_writer, resolution

if TYPE_CHECKING:
    from pathlib import Path

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
    dtype: DTypeLike = np.uint32,
) -> None:
    """Write labels that need not fit into memory.

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
        dtype: What a number in a TIFF is stored as, uint16 or uint32; in a Zarr it is uint32.

    Raises:
        FileError: The file cannot be written.
        SettingsError: A Zarr, and the package zarr is not installed.
        ValueError: Another suffix, or axes, frames or regions that do not fit the shape.

    Example:
        >>> import coverslip, numpy as np
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> labels = np.arange(12).reshape(3, 4)
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder, "a_labels.tif")
        ...     coverslip.write_label_regions(path, shape=(3, 4), read=lambda *at: labels[at])
        ...     print(bool((coverslip.read_labels(path) == labels).all()))
        True
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
        _write_tiff(path, frames, shape=shape, about=about, dtype=dtype)


def _write_tiff(
    path: Path,
    frames: Iterable[ReadLabels],
    *,
    shape: tuple[int, ...],
    about: dict[str, Any],
    dtype: DTypeLike,
) -> None:
    largest = [0]

    def stored() -> Iterator[NDArray[Any]]:
        for tile in tiles:
            largest[0] = max(largest[0], int(tile.max()))
            yield tile.astype(dtype, copy=False)

    def describe() -> str:
        known = {name: about[name] for name in ("axes", "pixel_size_um", "frame_interval_s")}
        return imagej_description(shape=shape, largest=largest[0], **known)

    tiles = _tiles(frames, shape=shape)
    bigtiff = needs_bigtiff(shape)
    with open_writer(path, ome=True, bigtiff=bigtiff, describe=describe) as writer:
        writer.write(
            stored(),
            shape=shape,
            dtype=dtype,
            photometric="minisblack",
            compression="zlib",
            tile=(TILE_PX, TILE_PX),
            metadata=ome_metadata(path, shape=shape, **about),
            **resolution(about["pixel_size_um"]),
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


OME_ZARR_VERSION = "0.5"
CHUNK_PX = 1024
# Viewers fetch the level that fits their window; below this there is no gain in another one.
SMALLEST_PX = 256
KINDS = {"T": "time", "C": "channel", "Z": "space", "Y": "space", "X": "space"}


def level_sizes(height: int, width: int) -> list[tuple[int, int]]:
    """Height and width of every level, the largest first.

    >>> level_sizes(300, 1000)
    [(300, 1000), (150, 500), (75, 250)]
    """
    sizes = [(height, width)]
    while max(height, width) > SMALLEST_PX:
        height, width = (height + 1) // 2, (width + 1) // 2
        sizes.append((height, width))
    return sizes


def create_levels(group: Any, shape: tuple[int, ...], *, axes: str, dtype: DTypeLike) -> list[Any]:
    """Make empty arrays called 0, 1, …, each half as high and wide as the one before it.

    Args:
        group: zarr's own.
        shape: Of the largest level, H and W last.
        axes: A letter for each length.
        dtype: Of the values.
    """
    *outer, height, width = shape
    return [
        group.create_array(
            str(level),
            shape=(*outer, *size),
            chunks=(*(1 for _ in outer), *(min(CHUNK_PX, length) for length in size)),
            dtype=dtype,
            dimension_names=list(axes.lower()),
        )
        for level, size in enumerate(level_sizes(height, width))
    ]


def describe_levels(
    name: str,
    *,
    axes: str,
    n_levels: int,
    pixel_size_um: tuple[float, float] | None,
    frame_interval_s: float | None,
) -> dict[str, Any]:
    """The entry of "multiscales" for such levels."""
    units = {"T": "second"} if frame_interval_s is not None else {}
    if pixel_size_um is not None:
        units |= {"Y": "micrometer", "X": "micrometer"}
    height, width = pixel_size_um or (1.0, 1.0)
    one = {"T": frame_interval_s or 1.0, "Y": height, "X": width}
    return {
        "name": name,
        "axes": [
            {"name": axis.lower(), "type": KINDS[axis]}
            | ({"unit": units[axis]} if axis in units else {})
            for axis in axes
        ],
        "datasets": [
            {"path": str(level), "coordinateTransformations": _place(axes, level, one)}
            for level in range(n_levels)
        ],
    }


def _place(axes: str, level: int, one: dict[str, float]) -> list[dict[str, Any]]:
    """Size of a level's pixels, and where the centre of the first one is; level 0 begins at 0."""
    steps = [one.get(axis, 1.0) * (2**level if axis in "YX" else 1) for axis in axes]
    # A pixel of a level covers a block of pixels of level 0, and its centre is the block's.
    shifts = [one[axis] * (2**level - 1) / 2 if axis in "YX" else 0.0 for axis in axes]
    places = [{"type": "scale", "scale": steps}]
    return [*places, {"type": "translation", "translation": shifts}] if level else places
