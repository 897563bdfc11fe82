"""ilastik's HDF5 export → labels, its axes by the names that it gives them.

Object Identities number the cells, a Simple Segmentation numbers the classes, Probabilities are no
labels. ilastik writes the axes in the order that its export was set to, and says which with
`axistags`; a channel of length 1 stands last, as a rule.
Source: https://www.ilastik.org/documentation/basics/export
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip._optional import need
from coverslip.errors import FileError
from coverslip.io.formats.guard import MOST_PER_BYTE, check_claim

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

USUAL = {2: "yx", 3: "tyx", 4: "tzyx", 5: "tzyxc"}
NAME = "exported_data"


def read(path: Path) -> NDArray[Any]:
    """Read the exported labels.

    Returns:
        Numbers as they are stored, (H, W) or with times and depths before it.

    Raises:
        FileError: No data set or several, axes that are not known, or more than one channel.
        SettingsError: The package h5py is not installed.
    """
    h5py = need("h5py", extra="hdf5", what="an HDF5 file of ilastik")
    with h5py.File(path, "r") as file:
        dataset = _choose(path, file, h5py)
        if dataset.external or dataset.is_virtual:
            raise FileError(f"{path}: its pixels lie in other files. Export it again as one file.")
        claimed = math.prod(dataset.shape) * dataset.dtype.itemsize
        check_claim(path, claimed, per_byte=MOST_PER_BYTE)
        axes = _axes(path, dataset)
        values = dataset[()]
    return _in_order(path, values, axes)


def _choose(path: Path, file: Any, h5py: Any) -> Any:
    """The data set `exported_data`, or the only one there is."""
    own = {
        name: file[name]
        for name in file
        if isinstance(file.get(name, getlink=True), h5py.HardLink)
        and isinstance(file[name], h5py.Dataset)
    }
    if NAME in own:
        return own[NAME]
    if len(own) == 1:
        return next(iter(own.values()))
    names = ", ".join(own) or "none"
    raise FileError(
        f"{path}: wanted one data set, called {NAME} as ilastik's exports are; at its top it has "
        f"{names}. Export it again in ilastik, as HDF5 or TIFF."
    )


def _axes(path: Path, dataset: Any) -> str:
    tags = dataset.attrs.get("axistags")
    if tags is not None:
        axes = "".join(str(axis["key"]) for axis in json.loads(tags)["axes"])
    else:
        axes = USUAL.get(dataset.ndim, "")
    if len(axes) != dataset.ndim or len(set(axes)) != len(axes) or not set("yx") <= set(axes):
        raise FileError(
            f"{path}: axes {axes!r} for {dataset.ndim} dimensions; wanted y and x, and some of "
            "t, z and c. Export it again in ilastik."
        )
    return axes


def _in_order(path: Path, values: NDArray[Any], axes: str) -> NDArray[Any]:
    for axis in set(axes) - set("tzyx"):
        length = values.shape[axes.index(axis)]
        if length != 1:
            raise FileError(
                f"{path}: {length} along {axis}, where labels have one, so these may be "
                "probabilities. Export Object Identities, or threshold them first."
            )
        values, axes = values.take(0, axes.index(axis)), axes.replace(axis, "")
    for axis in "tz":  # one time or one depth is a picture
        if axis in axes and values.shape[axes.index(axis)] == 1:
            values, axes = values.take(0, axes.index(axis)), axes.replace(axis, "")
    wanted = [axis for axis in "tzyx" if axis in axes]
    return np.ascontiguousarray(values.transpose([axes.index(axis) for axis in wanted]))
