"""LIF of Leica's LAS → Header, and parts of its pictures, by the package liffile.

One file holds all images of a session; each is read by its number, session.lif/0, and so is each
field of a mosaic.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coverslip._optional import need
from coverslip.errors import FileError
from coverslip.io.formats.guard import check_claim, check_series, check_size, readable
from coverslip.io.formats.units import s_per_unit, scaled, square, um_per_unit
from coverslip.io.header import Header, ImageFile

IDS = {"X": "1", "Y": "2", "Z": "3", "T": "4"}  # of dimensions, in the file's XML
LETTERS = {"λ": "C", "Λ": "C"}  # of liffile: wavelengths are channels
FIELD, FIELD_ID = "M", "10"  # of a mosaic


def read_header(path: Path, series: int = 0) -> Header:
    """Read what a LIF says of one of its images.

    Raises:
        FileError: The file is damaged, or has no such image.
        SettingsError: The package liffile is not installed.
    """
    with readable(path), _package(path).LifFile(path) as file:
        names = tuple(name for image in file.images for name in _field_names(path, image))
        image, _ = _image(path, file, series)
        sizes = _sizes(image)
        check_picture(path, str(image.name), sizes)
        dtype = np.dtype(image.dtype)
        check_size(path, height=sizes["Y"], width=sizes["X"])
        n_bytes = dtype.itemsize * int(np.prod(list(sizes.values()), dtype=float))
        check_claim(path, n_bytes, per_byte=2)
        size, note = _pixel_size(image, sizes)
        interval = _step(image, "T", sizes.get("T", 1), s_per_unit) or _between_stamps(image, sizes)
        return Header(
            axes="".join(_letters(sizes)),
            shape=tuple(sizes.values()),
            dtype=dtype.newbyteorder("="),
            bit_depth=_bit_depth(image) or 8 * dtype.itemsize,
            samples="rgb" if "S" in sizes else "grey",
            pixel_size_um=size,
            channel_names=_channel_names(image, sizes),
            frame_interval_s=interval,
            slice_distance_um=_step(image, "Z", sizes.get("Z", 1), um_per_unit),
            notes=(note,) if note else (),
            has_pages=False,
            names=names,
        )


def count_images(path: Path) -> int:
    """How many images and fields of mosaics a LIF holds, whatever the first of them is.

    Raises:
        FileError: The file is damaged.
        SettingsError: The package liffile is not installed.
    """
    with readable(path), _package(path).LifFile(path) as file:
        return sum(_count_fields(path, image) for image in file.images)


@contextmanager
def open_windows(file: ImageFile) -> Iterator[Any]:
    """Yield a function that reads a part of a picture, as `read.Window` is."""
    path = file.source
    with readable(path), _package(path).LifFile(path) as opened:
        image, field = _image(path, opened, file.series)
        sizes = _sizes(image)
        letters = dict(zip(sizes, file.stored_axes, strict=True))
        last: dict[tuple[int, ...], NDArray[Any]] = {}

        def window(index: Mapping[str, int], rows: slice, columns: slice) -> NDArray[Any]:
            places = {name: index.get(letters[name], 0) for name in sizes if name not in "YXS"}
            key = tuple(places.values())
            if key not in last:
                last.clear()
                last[key] = np.asarray(image.frame(**places, **field))
            picture = last[key][rows, columns]
            native = picture.astype(picture.dtype.newbyteorder("="))
            return native[..., :3] if native.ndim == 3 else native

        yield window


def _package(path: Path) -> Any:
    return need("liffile", extra="lif", what=f"{path}: Leica's LIF")


def _image(path: Path, file: Any, series: int) -> tuple[Any, dict[str, int]]:
    """An image, and which field of it, if it is a mosaic."""
    images = list(file.images)
    if not images:
        raise FileError(f"{path}: no image in this file. Export it again from LAS X.")
    counts = [_count_fields(path, image) for image in images]
    check_series(path, series, sum(counts))
    number = int(np.searchsorted(np.cumsum(counts), series, side="right"))
    field = series - sum(counts[:number])
    return images[number], {FIELD: field} if counts[number] > 1 else {}


def _count_fields(path: Path, image: Any) -> int:
    """How many fields a mosaic has, each of at least one byte in the file; 1 of other images."""
    for one in _about(image, "Dimensions/DimensionDescription"):
        if one.get("DimID") == FIELD_ID:
            n = max(1, int(one.get("NumberOfElements", "1")))
            check_claim(path, n, per_byte=2)
            return n
    return 1


def _field_names(path: Path, image: Any) -> list[str]:
    n, name = _count_fields(path, image), str(image.name)
    return [name] if n == 1 else [f"{name}, field {field}" for field in range(n)]


def check_picture(path: Path, name: str, sizes: Mapping[str, int]) -> None:
    """Refuse what is no picture of rows and columns, such as a scan along one line.

    Raises:
        FileError: it is none.
    """
    if not {"Y", "X"} <= set(sizes):
        by = " × ".join(f"{axis} {n}" for axis, n in sizes.items()) or "one pixel"
        raise FileError(
            f"{path}: {name} has no rows and columns ({by}), as a scan along a line has not: leave "
            "it out, and name the other images of the file, such as FILE.lif/0."
        )


def _sizes(image: Any) -> dict[str, int]:
    """Length of each dimension but fields by liffile's names, those of a picture last."""
    sizes = {name: int(n) for name, n in image.sizes.items() if name != FIELD}
    inner = [name for name in ("Y", "X", "S") if name in sizes]
    outer = {name: n for name, n in sizes.items() if name not in inner}
    return outer | {name: sizes[name] for name in inner}


def _letters(sizes: Mapping[str, int]) -> list[str]:
    return [LETTERS.get(name, name[:1]) for name in sizes]


def _bit_depth(image: Any) -> int:
    found = [one.get("Resolution", "") for one in _about(image, "Channels/ChannelDescription")]
    return max((int(text) for text in found if text.isdecimal()), default=0)


def _about(image: Any, what: str) -> list[Any]:
    return list(image.xml_element.findall(f"./Data/Image/ImageDescription/{what}"))


def _step(image: Any, axis: str, count: int, scale_of: Any) -> float | None:
    """The step of a dimension, whose length is that from its first element to its last."""
    for one in _about(image, "Dimensions/DimensionDescription"):
        if one.get("DimID") == IDS[axis] and count > 1:
            length = scaled(one.get("Length"), scale_of(one.get("Unit")))
            return length / (count - 1) if length else None
    return None


def _between_stamps(image: Any, sizes: Mapping[str, int]) -> float | None:
    """Seconds between the times of a film by when its pictures were taken, where no length says."""
    n_times = sizes.get("T", 1)
    stamps = image.timestamps if n_times > 1 and FIELD not in image.sizes else None
    if stamps is None or len(stamps) % n_times or not len(stamps):
        return None
    firsts = stamps[:: len(stamps) // n_times].astype("datetime64[ms]")
    seconds = float((firsts[-1] - firsts[0]) / np.timedelta64(1, "s")) / (n_times - 1)
    return seconds if seconds > 0 else None


def _pixel_size(
    image: Any, sizes: Mapping[str, int]
) -> tuple[tuple[float, float] | None, str | None]:
    height, width = (_step(image, axis, sizes[axis], um_per_unit) for axis in "YX")
    return square(height, width)


def _channel_names(image: Any, sizes: Mapping[str, int]) -> tuple[str, ...]:
    """The colours that LAS shows the channels in, where each has its own: it has no other names."""
    names = [one.get("LUTName", "") for one in _about(image, "Channels/ChannelDescription")]
    count = sizes.get("C", 1)
    return tuple(names) if len(set(names)) == len(names) == count > 1 and all(names) else ()
