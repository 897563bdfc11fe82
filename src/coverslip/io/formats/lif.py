"""LIF of Leica's LAS → Header, and parts of its pictures, by the package liffile.

One file holds all images of a session; each is read by its number, session.lif/0.
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
# liffile's letters: fields of a mosaic are positions, wavelengths are channels.
LETTERS = {"M": "P", "λ": "C", "Λ": "C"}


def read_header(path: Path, series: int = 0) -> Header:
    """Read what a LIF says of one of its images.

    Raises:
        FileError: The file is damaged, or has no such image.
        SettingsError: The package liffile is not installed.
    """
    with readable(path), _package(path).LifFile(path) as file:
        names = tuple(str(image.name) for image in file.images)
        image = _image(path, file, series)
        sizes = _sizes(image)
        dtype = np.dtype(image.dtype)
        check_size(path, height=sizes["Y"], width=sizes["X"])
        n_bytes = dtype.itemsize * int(np.prod(list(sizes.values()), dtype=float))
        check_claim(path, n_bytes, per_byte=2)
        size, note = _pixel_size(image, sizes)
        return Header(
            axes="".join(_letters(sizes)),
            shape=tuple(sizes.values()),
            dtype=dtype.newbyteorder("="),
            bit_depth=_bit_depth(image) or 8 * dtype.itemsize,
            samples="rgb" if "S" in sizes else "grey",
            pixel_size_um=size,
            channel_names=_channel_names(image, sizes),
            frame_interval_s=_step(image, "T", sizes.get("T", 1), s_per_unit),
            slice_distance_um=_step(image, "Z", sizes.get("Z", 1), um_per_unit),
            notes=(note,) if note else (),
            has_pages=False,
            names=names if "P" not in _letters(sizes) else names[:1],
        )


@contextmanager
def open_windows(file: ImageFile) -> Iterator[Any]:
    """Yield a function that reads a part of a picture, as `read.Window` is."""
    path = file.source
    with readable(path), _package(path).LifFile(path) as opened:
        image = _image(path, opened, file.series)
        sizes = _sizes(image)
        letters = dict(zip(sizes, file.stored_axes, strict=True))
        last: dict[tuple[int, ...], NDArray[Any]] = {}

        def window(index: Mapping[str, int], rows: slice, columns: slice) -> NDArray[Any]:
            places = {name: index.get(letters[name], 0) for name in sizes if name not in "YXS"}
            key = tuple(places.values())
            if key not in last:
                last.clear()
                last[key] = np.asarray(image.frame(**places))
            picture = last[key][rows, columns]
            native = picture.astype(picture.dtype.newbyteorder("="))
            return native[..., :3] if native.ndim == 3 else native

        yield window


def _package(path: Path) -> Any:
    return need("liffile", extra="lif", what=f"{path}: Leica's LIF")


def _image(path: Path, file: Any, series: int) -> Any:
    images = list(file.images)
    if not images:
        raise FileError(f"{path}: no image in this file. Export it again from LAS X.")
    check_series(path, series, len(images))
    return images[series]


def _sizes(image: Any) -> dict[str, int]:
    """Length of each dimension by liffile's names, those of a picture last."""
    sizes = {name: int(n) for name, n in image.sizes.items()}
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
