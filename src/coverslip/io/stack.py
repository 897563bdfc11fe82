"""frames, one at a time → one TIFF, whole or not at all.

It writes label masks, of one image or of a time-lapse, as OME-TIFF.
"""

import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import DTypeLike, NDArray

from coverslip.io.atomic import whole_or_nothing
from coverslip.io.imagej_tag import add_description, imagej_description


def write_labels(
    path: Path,
    frames: Iterable[NDArray[Any]],
    *,
    shape: tuple[int, ...],
    axes: str,
    pixel_size_um: tuple[float, float] | None = None,
    frame_interval_s: float | None = None,
    slice_distance_um: float | None = None,
    channel_name: str | None = None,
    dtype: DTypeLike = np.uint32,
) -> None:
    """Write labels as an OME-TIFF with deflate compression, which ImageJ's own reader knows too.

    Args:
        path: A ``.tif`` or ``.tiff``.
        frames: The (H, W) label images, the slowest axis outermost; 0 is background. A generator is
            asked for one at a time, so that a film need not fit into memory.
        shape: Lengths of the axes, H and W last.
        axes: One letter per length: "YX", "TYX", "ZYX" or "TZYX".
        pixel_size_um: Height and width of a pixel in µm, or None where they are not known.
        frame_interval_s: Seconds from one time to the next, or None where they are not known.
        slice_distance_um: From one depth to the next in µm, or None where it is not known.
        channel_name: Of the channel that they were found in, or None where it has no name.
        dtype: What a number is stored as; a smaller one than uint32 must hold all of them.

    Raises:
        FileError: The file cannot be written.
        ValueError: `axes` does not fit the shape, or a frame does not, or a label is negative.

    Example:
        >>> import coverslip, numpy as np
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> labels = np.array([[0, 1], [2, 70_000]])
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder, "a_labels.tif")
        ...     coverslip.write_labels(path, [labels], shape=labels.shape, axes="YX")
        ...     print(coverslip.read_labels(path))
        [[    0     1]
         [    2 70000]]
    """
    check_axes(axes, shape)
    metadata = ome_metadata(
        path,
        shape=shape,
        axes=axes,
        pixel_size_um=pixel_size_um,
        frame_interval_s=frame_interval_s,
        channel_name=channel_name,
    )
    if slice_distance_um is not None and "Z" in axes:
        metadata |= {"PhysicalSizeZ": slice_distance_um, "PhysicalSizeZUnit": "µm"}
    largest = [0]

    def stored() -> Iterator[NDArray[Any]]:
        for frame in to_uint32(frames, shape=shape[-2:]):
            largest[0] = max(largest[0], int(frame.max(initial=0)))
            yield frame.astype(dtype, copy=False)

    def describe() -> str:
        return imagej_description(
            shape=shape,
            axes=axes,
            pixel_size_um=pixel_size_um,
            frame_interval_s=frame_interval_s,
            slice_distance_um=slice_distance_um,
            largest=largest[0],
        )

    bigtiff = needs_bigtiff(shape)
    with open_writer(path, ome=True, bigtiff=bigtiff, describe=describe) as writer:
        writer.write(
            stored(),
            shape=shape,
            dtype=dtype,
            photometric="minisblack",
            compression="zlib",
            metadata=metadata,
            **resolution(pixel_size_um),
        )


def check_axes(axes: str, shape: tuple[int, ...]) -> None:
    """Refuse what labels cannot have.

    Raises:
        ValueError: Other letters than those of frames, or not one for each length.
    """
    if axes not in ("YX", "TYX", "ZYX", "TZYX") or len(shape) != len(axes):
        raise ValueError(f"labels of shape {shape} with the axes {axes!r}")


def ome_metadata(
    path: Path,
    *,
    shape: tuple[int, ...],
    axes: str,
    pixel_size_um: tuple[float, float] | None,
    frame_interval_s: float | None,
    channel_name: str | None,
) -> dict[str, Any]:
    """What tifffile makes the OME-XML of a label file from; equal labels are equal bytes."""
    # tifffile's own identity is made of the time and the machine
    identity = uuid.uuid5(uuid.NAMESPACE_OID, f"{path.name} {shape}")
    metadata = {"axes": axes, "UUID": str(identity), **physical_size(pixel_size_um)}
    if frame_interval_s is not None and "T" in axes:
        metadata |= {"TimeIncrement": frame_interval_s, "TimeIncrementUnit": "s"}
    if channel_name:
        metadata |= {"Channel": {"Name": [channel_name]}}
    return metadata


@contextmanager
def open_writer(
    path: Path, *, ome: bool, bigtiff: bool, describe: Callable[[], str] | None = None
) -> Iterator[tifffile.TiffWriter]:
    """Write a TIFF, whole or not at all.

    When all is written, `describe` says what the first page is to say beside its OME-XML.

    The file is opened and closed here: some disks tell only then that they are full, and tifffile,
    where it closes a file itself, does not listen.

    Raises:
        FileError: The file cannot be written.
    """
    with whole_or_nothing(path) as temporary, temporary.open("w+b") as file:
        with tifffile.TiffWriter(file, ome=ome, bigtiff=bigtiff) as writer:
            yield writer
        if describe is not None:
            add_description(file, describe())


def to_uint32(
    frames: Iterable[NDArray[Any]], *, shape: tuple[int, ...]
) -> Iterator[NDArray[np.uint32]]:
    """Yield labels as they are stored; what uint32 would distort is refused."""
    for frame in frames:
        if frame.shape != shape or frame.min(initial=0) < 0:
            lowest = frame.min(initial=0)
            raise ValueError(f"labels {frame.shape} from {lowest} on: wanted {shape} from 0")
        yield frame.astype(np.uint32, copy=False)


def physical_size(pixel_size_um: tuple[float, float] | None) -> dict[str, Any]:
    """A pixel's height and width under OME's names; nothing where they are not known."""
    if pixel_size_um is None:
        return {}
    height, width = pixel_size_um
    return {
        "PhysicalSizeY": height,
        "PhysicalSizeYUnit": "µm",
        "PhysicalSizeX": width,
        "PhysicalSizeXUnit": "µm",
    }


def resolution(pixel_size_um: tuple[float, float] | None) -> dict[str, Any]:
    """The same in TIFF's own tags: pixels in a centimetre, across and down."""
    if pixel_size_um is None:
        return {}
    height, width = pixel_size_um
    return {"resolution": (1e4 / width, 1e4 / height), "resolutionunit": "CENTIMETER"}


def smallest_dtype(largest: int) -> type[np.unsignedinteger[Any]]:
    """uint16 where it holds all numbers, which Fiji counts exactly; else uint32."""
    return np.uint16 if largest <= np.iinfo(np.uint16).max else np.uint32


@contextmanager
def open_pages(path: Path) -> Iterator[Callable[[NDArray[np.float32]], None]]:
    """Write float32 maps page by page; the file gets its name when the block ends well.

    Yields:
        A function that takes the next (H, W) map.

    Raises:
        FileError: The file cannot be written.
    """
    # How many pages come is not known; a TIFF of more than 4 GB must be a BigTIFF.
    with open_writer(path, ome=False, bigtiff=True) as writer:

        def write_page(page: NDArray[np.float32]) -> None:
            # With metadata of its own, every page would be a picture of its own to other programs.
            writer.write(page, photometric="minisblack", compression="zlib", metadata=None)

        yield write_page


def needs_bigtiff(shape: tuple[int, ...]) -> bool:
    """Whether uint32 labels of this shape may not fit into the 4 GB of a plain TIFF."""
    return 4 * int(np.prod(shape, dtype=np.int64)) > 2**32 - 2**25
