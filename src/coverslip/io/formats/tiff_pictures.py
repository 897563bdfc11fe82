"""the pages of a TIFF → the images that they make, each with its axes.

Pages without metadata of their own are a film in the order of the file: one of another size or type
keeps its place in time and is left empty. Small copies and thumbnails are no images.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.errors import FileError
from coverslip.io.axes import describe
from coverslip.io.formats.guard import check_pictures
from coverslip.io.formats.ome_set import TiffFiles, find_set
from coverslip.io.formats.tiff_picture import (
    Picture,
    page_kind,
    picture_of_set,
    say_kind,
    set_notes,
    some_names,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import tifffile

UNNAMED = "IQ"  # tifffile's letters for "a sequence of pages" and "something"
POSITIONS = "RM"  # its letters for regions and fields of a mosaic
PLAIN = ("generic", "uniform", "shaped")  # kinds of series without axes but those of tifffile
NO_IMAGES = ("thumbnail", "label", "macro", "map", "overview", "preview")
MOST_CHANNELS = 10  # of an array (H, W, C) that was written page by page
LEAST_SIDE = 16  # below, a picture and a row of samples cannot be told apart


def find_pictures(
    path: Path, tif: tifffile.TiffFile, files: TiffFiles, *, look: bool = False
) -> list[Picture]:
    """The images of a TIFF; at least one.

    Args:
        path: The file.
        tif: The same, open.
        files: Where the other files of its set are opened.
        look: Whether to look at every page of a set, for those that cannot be given.

    Raises:
        FileError: Its pages do not fit its metadata, or nothing of its set is there.
    """
    notes: tuple[str, ...] = ()
    if tif.is_ome and tif.ome_metadata:
        found = find_set(path, tif.ome_metadata)
        if found is not None and found.is_several and found.is_in:
            return [picture_of_set(found, n, files, look=look) for n in range(len(found.images))]
        notes = set_notes(found, tif.ome_metadata)
    _check_ome_claim(path, tif)
    pictures = [_with_notes(one, notes) for one in _of_series(path, tif)]
    if not pictures:
        raise FileError(f"{path}: no picture in this file. Export it again.")
    return pictures


def _check_ome_claim(path: Path, tif: tifffile.TiffFile) -> None:
    """Refuse pictures that a file cannot hold, for which tifffile would lay out a list at once."""
    if not tif.is_ome:
        return
    for pixels_ in re.findall(r"<(?:\w+:)?Pixels\s[^>]*>", tif.ome_metadata or ""):
        lengths = re.findall(r"\sSize[ZCT]\s*=\s*[\"'](\d{1,19})[\"']", pixels_)
        check_pictures(path, math.prod(map(int, lengths)))


def _with_notes(picture: Picture, notes: tuple[str, ...]) -> Picture:
    return replace(picture, notes=(*notes, *picture.notes))


def _of_series(path: Path, tif: tifffile.TiffFile) -> list[Picture]:
    """The images of a file that is no part of a set."""
    numbered = [(n, one) for n, one in enumerate(tif.series) if not _is_no_image(one, n)]
    series = [one for _, one in numbered]
    kind = getattr(series[0], "kind", "") if series else ""
    if kind == "imagej" and len(series[0]) > 1:
        return [_of_imagej(tif, series[0])]
    if kind in PLAIN and (len(series) > 1 or kind != "shaped"):
        return _of_pages(path, series)
    return [_of_one(path, one, number) for number, one in numbered]


def _is_no_image(series: tifffile.TiffPageSeries, number: int) -> bool:
    """Whether a series is a thumbnail, or what a slide scanner adds to the picture."""
    key = series.keyframe
    is_small_copy = bool(key.is_reduced or key.is_mask) and number > 0
    return is_small_copy or str(series.name).lower() in NO_IMAGES


def _of_one(path: Path, series: tifffile.TiffPageSeries, number: int) -> Picture:
    """A series as tifffile understands it."""
    key = series.keyframe
    axes, shape = _fit(path, series)
    axes = "".join("?" if axis in UNNAMED else axis for axis in axes)
    for letter in POSITIONS:
        axes = axes if "P" in axes else axes.replace(letter, "P")
    axes = axes if "C" in axes else axes.replace("E", "C")  # wavelengths
    n_pages = math.prod(shape) // math.prod(key.shape)
    is_virtual = bool(series.is_truncated) or len(series) < n_pages

    def find(page: int) -> Any:
        return None if is_virtual and series.dataoffset is not None else series[page]

    gaps = {}
    if len(series) >= n_pages and getattr(series, "kind", "") == "ome":
        pages = [series[page] for page in range(n_pages)]
        gaps = {n: "its page is missing from the file" for n, p in enumerate(pages) if p is None}
    elif is_virtual and series.dataoffset is None:
        raise FileError(
            f"{path}: {n_pages} pages are promised, {len(series)} are there. "
            "Copy it again from its source."
        )
    picture = Picture(axes, shape, key, find, gaps, (), str(series.name), number)
    return _as_array(replace(picture, offset=series.dataoffset or 0))


def _fit(path: Path, series: tifffile.TiffPageSeries) -> tuple[str, tuple[int, ...]]:
    """Axes and shape of a series, without those of length 1 that its pages do not have."""
    axes, shape, page = series.axes, tuple(series.shape), tuple(series.keyframe.shape)
    while len(shape) > len(page) and shape[-1] == 1 and shape[-len(page) :] != page:
        axes, shape = axes[:-1], shape[:-1]
    if shape[len(shape) - len(page) :] != page or "Y" not in axes:
        raise FileError(
            f"{path}: its pages ({describe(page)}) do not fit the shape in its metadata "
            f"({describe(tuple(series.shape))}). Open it in Fiji and save it as TIFF."
        )
    return axes, shape


def _as_array(picture: Picture) -> Picture:
    """An array (…, H, W, C) that was written page by page is a picture with channels.

    tifffile takes the last two dimensions of any array for pages: (W, C) here.
    """
    n_page = len(picture.key.shape)
    shape, outer = picture.shape, picture.axes[: len(picture.axes) - n_page]
    is_plain = n_page == 2 and "?" in outer[-1:] and set(outer) <= {"?"}
    if not is_plain or shape[-1] > MOST_CHANNELS or min(shape[-3:-1]) < LEAST_SIDE:
        return picture
    letter = "S" if shape[-1] in (3, 4) and np.dtype(picture.key.dtype).kind == "u" else "C"
    axes = f"{outer[:-1]}YX{letter}"
    if shape[-1] == 1:
        return picture
    note = (
        f"{shape[-3]} pages of {describe(shape[-2:])} are read as a picture of "
        f"{describe(shape[-3:-1])} with {shape[-1]} "
        f"{'colour samples' if letter == 'S' else 'channels'} (axes {axes}); --axes overrides"
    )
    return replace(picture, axes=axes, notes=(*picture.notes, note))


def _of_imagej(tif: tifffile.TiffFile, series: tifffile.TiffPageSeries) -> Picture:
    """ImageJ's hyperstack, whose counts must be those of the pages."""
    key, pages = series.keyframe, list(series)
    axes = "".join("?" if axis in UNNAMED else axis for axis in series.axes)
    shape = tuple(series.shape)
    outer = len(shape) - len(key.shape)
    about = tif.imagej_metadata or {}
    counted = math.prod(shape[:outer])
    said = int(about.get("images", counted) or counted)
    if counted == len(pages) and "?" not in axes:
        notes: tuple[str, ...] = ()
        if said != counted:
            notes = (
                f"ImageJ counts {said} images in it, and it has {counted} pages: all are read",
            )
        return Picture(axes, shape, key, pages.__getitem__, notes=notes)
    lengths = dict(zip(axes[:outer], shape[:outer], strict=True))
    lengths.pop("?", None)
    times, left = divmod(len(pages), math.prod(lengths.values()) // lengths.get("T", 1))
    is_film = not left and times > 0
    if is_film:
        lengths = {"T": times} | {a: n for a, n in lengths.items() if a != "T"}
    else:
        lengths = {"?": len(pages)}
    note = (
        f"ImageJ counts {counted} images in it, and it has {len(pages)} pages: "
        + (f"they are read as {times} times" if is_film else "its axes are left aside")
        + "; --axes overrides"
    )
    axes = "".join(lengths) + key.axes
    shape = (*lengths.values(), *key.shape)
    return Picture(axes, shape, key, pages.__getitem__, notes=(note,))


def _of_pages(path: Path, series: Sequence[tifffile.TiffPageSeries]) -> list[Picture]:
    """Pages without axes in metadata: a film, or images that have nothing in common."""
    if len(series) == 1:
        return [_of_one(path, series[0], 0)]
    if len({(one.shape, one.axes, one.dtype) for one in series}) == 1 and len(series[0]) > 1:
        return [_film_of_arrays(path, series)]
    found: list[Any] = [page for one in series for page in one.pages]
    pages = sorted(found, key=lambda page: page.index)
    kinds = Counter(map(page_kind, pages))
    kind, n_same = kinds.most_common(1)[0]
    if len(kinds) == 1 or (n_same > 1 and 2 * n_same >= len(pages)):
        return [_film(pages, kind)]
    if _is_pyramid(pages):
        note = f"its {len(pages) - 1} smaller copies of the picture are left aside"
        return [_with_notes(_of_one(path, series[0], 0), (note,))]
    return [_of_one(path, one, number) for number, one in enumerate(series)]


def _film_of_arrays(path: Path, series: Sequence[tifffile.TiffPageSeries]) -> Picture:
    """Arrays of one shape that were written one after the other: each is a time."""
    one = _of_one(path, series[0], 0)
    n_each = one.n_pages
    if set(one.axes[: len(one.axes) - len(one.key.shape)]) & set("T?") or one.axes[-1] != "X":
        pages = [page for each in series for page in each.pages]
        return Picture("?" + one.key.axes, (len(pages), *one.key.shape), one.key, pages.__getitem__)
    return replace(
        one,
        axes="T" + one.axes,
        shape=(len(series), *one.shape),
        find=lambda number: series[number // n_each][number % n_each],
        notes=(f"{len(series)} arrays of one shape are read as {len(series)} times (T)",),
    )


def _film(pages: list[Any], kind: tuple[tuple[int, ...], str]) -> Picture:
    """A film in which pages of another kind keep their place."""
    key = next(page for page in pages if page_kind(page) == kind)
    gaps = {
        number: f"its page is {say_kind(page_kind(page))}, the others {say_kind(kind)}"
        for number, page in enumerate(pages)
        if page_kind(page) != kind
    }
    notes = []
    if gaps:
        numbers = [str(number) for number in gaps]
        which = f"frame {numbers[0]}" if len(gaps) == 1 else f"frames {some_names(numbers)}"
        first = pages[min(gaps)]
        notes = [
            f"{which} (counted from 0) of {len(pages)} cannot be part of the film and "
            f"{'is' if len(gaps) == 1 else 'are'} left empty: page {min(gaps) + 1} is "
            f"{say_kind(page_kind(first))}, the others {say_kind(kind)}"
        ]
    picture = Picture(
        "?" + key.axes, (len(pages), *key.shape), key, pages.__getitem__, gaps, tuple(notes)
    )
    return _as_array(picture) if not gaps else picture


def _is_pyramid(pages: Sequence[Any]) -> bool:
    """Whether each page is the one before it made smaller."""
    sizes = np.array([(page.imagelength, page.imagewidth) for page in pages], float)
    if len({str(page.dtype) for page in pages}) > 1 or len({len(page.shape) for page in pages}) > 1:
        return False
    ratios = sizes[:-1] / sizes[1:]
    is_smaller = (ratios >= 1.5).all()
    is_alike = np.abs(ratios[:, 0] - ratios[:, 1]) <= 0.1 * ratios[:, 0]
    return bool(is_smaller and is_alike.all())
