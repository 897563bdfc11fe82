"""a stack of depths → one picture: its greatest values, its mean, or one of its slices.

Maximum and mean intensity projection of a z-stack.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coverslip.errors import SettingsError
from coverslip.io.header import ImageFile, Projection

WAYS = ("none", "max", "mean", "middle")


def check_projection(how: str) -> None:
    """Find what would stop `project`, before a file is opened.

    Raises:
        SettingsError: Neither one of WAYS nor a number.

    Example:
        >>> from coverslip.io import check_projection
        >>> check_projection("max")
    """
    if how not in WAYS and not how.isdecimal():
        raise SettingsError(
            f"--project {how}: wanted {', '.join(WAYS)} or the number of a slice, from 0."
        )


def project(file: ImageFile, how: str) -> ImageFile:
    """Have a file's depths (Z) read as one picture; each is read when that picture is asked for.

    Args:
        file: From `open_image`.
        how: "none" leaves each depth a picture of its own; "max" and "mean" are of all depths,
            pixel by pixel, the mean as float32; "middle" takes the depth in the middle, the later
            of two; a number takes the depth of that number, from 0.

    Returns:
        The same file without an axis Z. One that has none is returned as it is, with a note if it
        has several times, which may be meant.

    Raises:
        SettingsError: Another word, or a number beyond the depths.

    Example:
        >>> import coverslip
        >>> file = coverslip.open_image("examples/phase/t98g_film.tif", axes="ZYX")
        >>> coverslip.project(file, "max").n_frames
        1
    """
    check_projection(how)
    n_depths = file.length("Z")
    if how == "none" or file.projection is not None:
        return file
    if how.isdecimal() and int(how) >= n_depths:
        raise SettingsError(
            f"{file.path}: --project {how}: it has {n_depths} slices (Z), counted from 0."
        )
    if "Z" not in file.axes:
        return replace(file, notes=(*file.notes, *_note(file, how)))
    axes, shape = zip(
        *(p for p in zip(file.axes, file.shape, strict=True) if p[0] != "Z"), strict=True
    )
    is_mean = how == "mean"
    return replace(
        file,
        axes="".join(axes),
        shape=shape,
        dtype=np.dtype(np.float32) if is_mean else file.dtype,
        bit_depth=32 if is_mean else file.bit_depth,
        projection=_projection(how, n_depths),
    )


def _note(file: ImageFile, how: str) -> list[str]:
    if file.n_frames == 1:
        return []
    return [
        f"--project {how}: its {file.n_frames} frames are times (T) and no slices (Z), so each "
        "is a picture of its own; --axes overrides"
    ]


def _projection(how: str, n_depths: int) -> Projection:
    if how in ("max", "mean"):
        return Projection(how, tuple(range(n_depths)))
    return Projection("slice", (n_depths // 2 if how == "middle" else int(how),))


def combine(pictures: Iterable[NDArray[Any]], projection: Projection) -> NDArray[Any]:
    """Make one picture of those of the depths, one of them in memory at a time.

    Args:
        pictures: One for each of `projection.depths`, of one shape and type.
        projection: How.

    Returns:
        The same shape; float32 for the mean, otherwise the same type.
    """
    result: NDArray[Any] | None = None
    for picture in pictures:
        if result is None:
            result = picture.astype(np.float64) if projection.how == "mean" else picture.copy()
        elif projection.how == "mean":
            result += picture
        else:
            np.maximum(result, picture, out=result)
    if result is None:
        raise ValueError("a projection of no depth")
    if projection.how == "mean":
        return (result / len(projection.depths)).astype(np.float32)
    return result
