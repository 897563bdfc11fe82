"""OME-Zarr (0.4, 0.5) or a plain Zarr array → Header: axes, pixel size, names of channels.

Source: https://ngff.openmicroscopy.org/0.5 and /0.4. A pyramid's first level is the image.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from coverslip.errors import FileError
from coverslip.files.calibration import S_PER_UNIT, scaled, um_per_unit
from coverslip.files.guard import check_size, readable
from coverslip.files.record import Header
from coverslip.files.zarr_find import OpenZarr, open_zarr

LETTERS = {"time": "T", "depth": "Z", "channel": "C", "row": "Y", "column": "X", "sample": "S"}
COLOURS = ("red", "green", "blue")


def read_header(path: Path) -> Header:
    """Read what a Zarr says of itself.

    Raises:
        FileError: It holds no image, or several, or numbers that we cannot read.
        SettingsError: The package zarr is not installed.
    """
    with readable(path):
        file = open_zarr(path)
        stored = np.dtype(file.array.dtype)
        if stored.kind not in "buif":
            raise FileError(
                f"{path}: its values are {stored}; integers and real numbers are read. "
                "Save it as one of them."
            )
        dtype = np.dtype(np.uint8) if stored.kind == "b" else stored
        axes, shape = letters(file), tuple(file.array.shape)
        names = _channel_names(file)
        notes = list(file.notes)
        if _is_colour(axes, shape, names=names, dtype=dtype):
            axes = axes.replace("C", "S")
            notes.append(
                "its channels red, green and blue are read as one picture in colour; "
                "--axes overrides"
            )
        _check_size(path, axes=axes, array=file.array)
        size, interval, unit_notes = _scales(file, axes)
        return Header(
            axes=axes,
            shape=shape,
            dtype=dtype.newbyteorder("="),
            bit_depth=8 * dtype.itemsize,
            pixel_size_um=size,
            channel_names=names if "S" not in axes else (),
            frame_interval_s=interval,
            notes=(*notes, *unit_notes),
            has_pages=False,
        )


def letters(file: OpenZarr) -> str:
    """A letter for each dimension; "?" for one whose name says nothing."""
    n_axes = file.array.ndim
    named = [_letter(axis) for axis in file.multiscale.get("axes") or _dimension_names(file.array)]
    if len(named) == n_axes:
        return "".join(named)
    if file.multiscale:  # before 0.3, axes had no names and were always these
        return "TCZYX"[-n_axes:].rjust(n_axes, "?")
    return "YX"[-n_axes:].rjust(n_axes, "?")


def _letter(axis: Any) -> str:
    """Of an axis as OME-Zarr has it, {"name": "y", "type": "space"}, or of a name alone."""
    name = str(axis.get("name", "") if isinstance(axis, Mapping) else axis or "").lower()
    kind = str(axis.get("type", "")) if isinstance(axis, Mapping) else ""
    if len(name) == 1 and name in "tzcyxs":
        return name.upper()
    return LETTERS.get(name) or LETTERS.get(kind, "?")


def _dimension_names(array: Any) -> Sequence[Any]:
    """Version 3 has names for them; in version 2, xarray's are usual."""
    own = getattr(array.metadata, "dimension_names", None)
    return own or array.attrs.get("_ARRAY_DIMENSIONS") or ()


def _channel_names(file: OpenZarr) -> tuple[str, ...]:
    channels = (file.about.get("omero") or {}).get("channels") or []
    names = [channel.get("label") for channel in channels]
    if names and all(names):
        return tuple(str(name) for name in names)
    of_labels = (file.multiscale.get("metadata") or {}).get("channel")
    return (str(of_labels),) if of_labels else ()


def _is_colour(
    axes: str, shape: tuple[int, ...], *, names: tuple[str, ...], dtype: np.dtype[Any]
) -> bool:
    """A colour picture has no axis of its own in OME-Zarr; it is three channels of these names."""
    lowered = tuple(name.lower() for name in names)
    return "C" in axes and shape[axes.index("C")] == 3 and lowered == COLOURS and dtype.kind == "u"


def _check_size(path: Path, *, axes: str, array: Any) -> None:
    if "Y" not in axes or "X" not in axes:  # settle says so, with the cure
        return
    rows, columns = axes.index("Y"), axes.index("X")
    chunk = list(array.chunks)
    width = chunk.pop(columns)
    check_size(
        path,
        height=array.shape[rows],
        width=array.shape[columns],
        piece=(int(np.prod(chunk)), width),
    )


def _scales(
    file: OpenZarr, axes: str
) -> tuple[tuple[float, float] | None, float | None, tuple[str, ...]]:
    """Pixel size, time between frames, and what was left aside."""
    units = [
        a.get("unit") if isinstance(a, Mapping) else None for a in file.multiscale.get("axes", [])
    ]
    steps = dict(zip(axes, zip(_steps(file), units, strict=False), strict=False))

    def size(axis: str) -> float | None:
        step, unit = steps.get(axis, (None, None))
        return scaled(step, um_per_unit(unit or ""))

    time_step, time_unit = steps.get("T", (None, None))
    interval = scaled(time_step, S_PER_UNIT.get(time_unit or ""))
    height, width = size("Y"), size("X")
    if height and width:
        return (height, width), interval, ()
    step, unit = steps.get("X", (None, None))
    if step is not None and step != 1:
        said = f"in {unit}" if unit else "without a unit"
        return None, interval, (f"its pixel size, {step:g} {said}, was ignored",)
    return None, interval, ()


def _steps(file: OpenZarr) -> list[float]:
    """The scale of the first level: its own times that of all levels."""
    steps = np.ones(file.array.ndim)
    for transformation in _transformations(file):
        scale = transformation.get("scale")
        if transformation.get("type") == "scale" and scale and len(scale) == len(steps):
            steps *= np.asarray(scale, float)
    return [float(step) for step in steps] if file.multiscale else []


def _transformations(file: OpenZarr) -> Iterator[Mapping[str, Any]]:
    for place in (file.dataset, file.multiscale):
        yield from place.get("coordinateTransformations") or ()
