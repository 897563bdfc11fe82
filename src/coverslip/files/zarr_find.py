"""a folder of Zarr → the one image in it: its largest array, and what is said about it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coverslip.errors import FileError
from coverslip.files.guard import is_zarr
from coverslip.files.record import ImageFile
from coverslip.optional import need

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
    node = zarr.open(path, mode="r")
    return _in_group(path, node, zarr) if isinstance(node, zarr.Group) else _alone(path, node, zarr)


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
    if not name or name not in group:
        raise FileError(
            f"{path}: its metadata name the array {name or '(none)'}, which is not there. "
            "Copy it again from its source."
        )
    notes = (f"it holds {1 + len(others)} images; only the first is read",) if others else ()
    return OpenZarr(group[name], about, first, datasets[0], notes)


def _only(path: Path, zarr: Any, names: list[str]) -> OpenZarr:
    """The one image of a group, or an error that names them all."""
    if len(names) == 1:
        inner = path / names[0]
        found = _open(inner, zarr)
        return replace(found, notes=found.notes or (f"its one image, {inner}, is read",))
    if not names:
        raise FileError(f"{path}: a Zarr group without an image. Check its path.")
    shown = ", ".join(str(path / name) for name in names[:MOST_NAMED])
    more = ", …" if len(names) > MOST_NAMED else ""
    raise FileError(f"{path}: it holds {len(names)} images. Name one of them: {shown}{more}")


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
