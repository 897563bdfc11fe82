"""OME-Zarr (0.4, 0.5) or a plain Zarr array → Header, and parts of its image.

Source: https://ngff.openmicroscopy.org/0.5 and /0.4. A pyramid's first level is the image.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip._optional import need
from coverslip.errors import FileError
from coverslip.io.formats.guard import check_size, readable
from coverslip.io.formats.links import ZARR_MARKERS, is_zarr
from coverslip.io.formats.units import square, to_s, to_um
from coverslip.io.header import Header, ImageFile

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

MOST_CHANNELS = 10  # of an array (H, W, C) without names for its dimensions
LEAST_SIDE = 16  # below, a picture and a row of samples cannot be told apart
MOST_NAMED = 5  # images of a group that holds several


@dataclass(frozen=True)
class OpenZarr:
    """An array, and the metadata of the image that it is the full size of.

    Attributes:
        array: zarr's own.
        about: Metadata of the image's group, those of OME.
        multiscale: The entry of "multiscales" that names the array; empty for a plain array.
        dataset: The entry of its "datasets".
        notes: What the user should know of how it was found.
    """

    array: Any
    about: Mapping[str, Any] = field(default_factory=dict)
    multiscale: Mapping[str, Any] = field(default_factory=dict)
    dataset: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def open_zarr(path: Path) -> OpenZarr:
    """Find the image in a Zarr array or group, of version 2 or 3.

    Args:
        path: The folder of an OME-Zarr image, of a group that holds one image, or of an array.

    Raises:
        FileError: It holds no image, or several.
        SettingsError: The package zarr is not installed.
    """
    return _open(path, need("zarr", extra="zarr", what=f"{path}: OME-Zarr"))


def _open(path: Path, zarr: Any) -> OpenZarr:
    if path.is_file():
        return _in_zip(path, zarr)
    node = zarr.open(path, mode="r")
    return _in_group(path, node, zarr) if isinstance(node, zarr.Group) else _alone(path, node, zarr)


def _in_zip(path: Path, zarr: Any) -> OpenZarr:
    """The image of a Zarr that was packed into one file, at its root or in a folder there."""
    with zipfile.ZipFile(path) as packed:
        places = [PurePosixPath(name) for name in packed.namelist()]
    roots = {one.parent.as_posix() for one in places if one.name in ZARR_MARKERS}
    if not roots:
        raise FileError(f"{path}: no Zarr in this file. Copy it again from its source.")
    root = min(roots, key=lambda one: (one.count("/"), len(one))).removeprefix(".")
    node = zarr.open(zarr.storage.ZipStore(path, mode="r"), path=root, mode="r")
    if not isinstance(node, zarr.Group):
        return OpenZarr(node)
    about = _about(node)
    if about.get("multiscales"):
        return _multiscale(path, node, about)
    arrays = [name for name, _ in node.arrays()]
    groups = [one for _, one in node.groups() if _about(one).get("multiscales")]
    if len(groups) == 1:
        return _multiscale(path, groups[0], _about(groups[0]))
    if len(arrays) == 1 and not groups:
        return OpenZarr(node[arrays[0]])
    raise FileError(
        f"{path}: it holds {len(groups) or len(arrays)} images, where one is wanted. Unpack it, "
        "and name one of the images in the folder."
    )


@contextmanager
def open_windows(file: ImageFile) -> Iterator[Any]:
    """Yield a function that reads a part of a picture, as `read.Window` is.

    zarr opens the file of a chunk for as long as it reads it, so nothing is kept open.
    """
    array, axes = open_zarr(file.path).array, file.stored_axes

    def window(index: Mapping[str, int], rows: slice, columns: slice) -> NDArray[Any]:
        parts = {"Y": rows, "X": columns, "S": slice(0, 3)}
        values = np.asarray(array[tuple(parts.get(a, index.get(a, 0)) for a in axes)])
        kept = [axis for axis in axes if axis in "YXS"]
        picture = values.transpose([kept.index(axis) for axis in "YXS" if axis in kept])
        native = picture.astype(picture.dtype.newbyteorder("="), copy=False)
        return native.astype(np.uint8) if native.dtype == np.bool_ else native

    yield window


def _in_group(path: Path, group: Any, zarr: Any) -> OpenZarr:
    about = _about(group)
    if about.get("multiscales"):
        return _multiscale(path, group, about)
    if "plate" in about:
        wells = about["plate"].get("wells", [])
        first = f"{path}/{wells[0]['path']}/0" if wells else f"{path}/A/1/0"
        raise FileError(
            f"{path}: a plate of {len(wells)} wells, where one image is wanted. Name a field of a "
            f"well, such as {first}."
        )
    if "well" in about:
        return _only(path, zarr, [str(one["path"]) for one in about["well"].get("images", [])])
    if isinstance(about.get("labels"), list):
        return _only(path, zarr, [str(name) for name in about["labels"]])
    # Listed by hand: zarr warns of every other file that lies there.
    names = sorted((one.name for one in path.iterdir() if is_zarr(one)), key=lambda n: (len(n), n))
    images = [name for name in names if name not in ("OME", "labels")]
    # Labels without their image, as coverslip writes them.
    return _only(path, zarr, images or [name for name in names if name == "labels"])


def _about(group: Any) -> Mapping[str, Any]:
    """The metadata of OME: version 0.5 has a place of its own for them."""
    attributes = dict(group.attrs)
    own = attributes.get("ome")
    return own if isinstance(own, Mapping) else attributes


def _multiscale(path: Path, group: Any, about: Mapping[str, Any]) -> OpenZarr:
    first, *others = about["multiscales"]
    datasets = first.get("datasets") or []
    name = datasets[0]["path"] if datasets else ""
    check_inside(path, name)
    if not name or name not in group:
        raise FileError(
            f"{path}: its metadata name the array {name or '(none)'}, which is not there. "
            "Copy it again from its source."
        )
    notes = (f"it holds {1 + len(others)} images; only the first is read",) if others else ()
    return OpenZarr(group[name], about, first, datasets[0], notes)


def _only(path: Path, zarr: Any, names: list[str]) -> OpenZarr:
    """The one image of a group, or an error that names them all."""
    for name in names:
        check_inside(path, name)
    if len(names) == 1:
        inner = path / names[0]
        found = _open(inner, zarr)
        return replace(found, notes=found.notes or (f"its one image, {inner}, is read",))
    if not names:
        raise FileError(f"{path}: a Zarr group without an image. Check its path.")
    shown = ", ".join(str(path / name) for name in names[:MOST_NAMED])
    more = ", …" if len(names) > MOST_NAMED else ""
    raise FileError(f"{path}: it holds {len(names)} images. Name one of them: {shown}{more}")


def check_inside(path: Path, name: object) -> None:
    """Refuse a name in a Zarr's metadata that leads out of it.

    Raises:
        FileError: an absolute path, or one with two dots in it; or no text.
    """
    there = PureWindowsPath(str(name))  # which knows the separators of all systems
    if not isinstance(name, str) or there.anchor or ".." in there.parts:
        raise FileError(
            f"{path}: its metadata name {str(name)[:100]!r}, which does not lie in it, and is not "
            "read. Copy it again from its source."
        )


def _alone(path: Path, array: Any, zarr: Any) -> OpenZarr:
    """An array; where it is a level of an OME-Zarr's pyramid, with what that says of it."""
    parent = path.absolute().parent
    if is_zarr(parent):
        group = zarr.open(parent, mode="r")
        about = _about(group)
        for multiscale in about.get("multiscales") or ():
            for dataset in multiscale.get("datasets") or ():
                if dataset.get("path") == path.name:
                    return OpenZarr(array, about, multiscale, dataset)
    return OpenZarr(array)


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
            slice_distance_um=_slice_distance(file, axes),
            notes=(*notes, *unit_notes),
            has_pages=False,
            is_free=True,
        )


def letters(file: OpenZarr) -> str:
    """A letter for each dimension; "?" for one whose name says nothing."""
    n_axes = file.array.ndim
    named = [_letter(axis) for axis in file.multiscale.get("axes") or _dimension_names(file.array)]
    if len(named) == n_axes:
        return "".join(named)
    if file.multiscale:  # before 0.3, axes had no names and were always these
        return "TCZYX"[-n_axes:].rjust(n_axes, "?")
    shape = tuple(file.array.shape)
    if n_axes > 2 and shape[-1] <= MOST_CHANNELS and min(shape[-3:-1]) >= LEAST_SIDE:
        is_colour = shape[-1] in (3, 4) and np.dtype(file.array.dtype).kind == "u"
        return ("YXS" if is_colour else "YXC").rjust(n_axes, "?")
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

    found = {axis: _size(*steps.get(axis, (None, None))) for axis in "YX"}
    size, note = square(found["Y"][0], found["X"][0])
    notes = [found["X"][1] or found["Y"][1], note]
    time_step, time_unit = steps.get("T", (None, None))
    interval = None
    if time_unit or time_step != 1:  # a step of 1 without a unit is what all others have
        interval, note = to_s(time_step, time_unit)
        notes.append(note)
    return size, interval, tuple(note for note in notes if note)


def _slice_distance(file: OpenZarr, axes: str) -> float | None:
    """From a depth to the next in µm, where the axis Z has a unit or a step other than 1."""
    steps = _steps(file)
    place = axes.find("Z")
    if not 0 <= place < len(steps):
        return None
    about = file.multiscale.get("axes", [])
    axis = about[place] if place < len(about) else None
    return _size(steps[place], axis.get("unit") if isinstance(axis, Mapping) else None)[0]


def _size(step: float | None, unit: str | None) -> tuple[float | None, str | None]:
    """The length of a step in µm; one of 1 without a unit says nothing."""
    return (None, None) if step == 1 and not unit else to_um(step, unit)


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
