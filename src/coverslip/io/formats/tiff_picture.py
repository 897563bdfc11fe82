"""one image of a TIFF: its axes and its pages; those of an OME-TIFF set lie in several files."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from coverslip.errors import FileError
from coverslip.io.axes import describe
from coverslip.io.formats.guard import check_pictures
from coverslip.io.formats.ome_set import OmeSet, TiffFiles, master_of
from coverslip.io.formats.ome_xml import FileName, OmeImage, find_planes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import tifffile

MOST_SAID = 3


@dataclass(frozen=True)
class Picture:
    """One image of a TIFF.

    Attributes:
        axes: A letter for each dimension as stored; "?" for one without a name.
        shape: Length of each.
        key: The page that stands for all.
        find: Gives the page of a number, counted over the dimensions that are not in a page; None
            where there is none, since all pages lie behind each other under one header.
        gaps: Why a page cannot be given, by its number.
        notes: What the user should know.
        name: What the file calls it, or "".
        number: Which it is in the file's OME-XML.
        offset: Where its first page's values lie, for pages without a header.
    """

    axes: str
    shape: tuple[int, ...]
    key: tifffile.TiffPage
    find: Callable[[int], Any]
    gaps: Mapping[int, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    name: str = ""
    number: int = 0
    offset: int = 0

    @property
    def n_pages(self) -> int:
        """How many pages it takes."""
        return math.prod(self.shape) // math.prod(self.key.shape)


def picture_of_set(found: OmeSet, index: int, files: TiffFiles, *, look: bool) -> Picture:
    """An image of an OME-TIFF set."""
    image = found.images[index]
    check_pictures(found.path, image.n_planes, files=found.where.values())
    places: dict[int, tuple[FileName, int]] = {}

    def count_pages(file: FileName) -> int:
        return len(files.get(found.where[file]).pages) if file in found.where else 0

    for number, file, page in find_planes(image, count_pages):
        places[number] = (file, page)
    there = {number: at for number, at in places.items() if at[0] in found.where}

    def find(number: int) -> Any:
        if number not in there:
            return None
        file, page = there[number]
        return files.page(found.where[file], page)

    first = next((page for page in map(find, sorted(there)) if page is not None), None)
    if first is None:
        raise FileError(_nothing_there(found, image))
    gaps = _set_gaps(found, image, places)
    if look:
        gaps |= _odd_pages({number: find(number) for number in sorted(there)}, first)
    axes, shape = _squeezed(image.axes, image.lengths)
    return Picture(
        axes=axes + first.axes,
        shape=(*shape, *first.shape),
        key=first,
        find=find,
        gaps=gaps,
        notes=_say_set(found, image),
        name=image.name,
        number=found.numbers[index],
    )


def _nothing_there(found: OmeSet, image: OmeImage) -> str:
    missing = found.missing(image)
    return (
        f"{found.path}: its image {image.name or ''} lies in {some_names(missing)}, which is not "
        "there. Put all files of the set into one folder."
    )


def _set_gaps(
    found: OmeSet, image: OmeImage, places: Mapping[int, tuple[FileName, int]]
) -> dict[int, str]:
    """The planes that are not there, with the file that is missing."""
    gaps = {}
    for number in range(image.n_planes):
        if number not in places:
            gaps[number] = "the metadata name no page for it"
        elif places[number][0] not in found.where:
            gaps[number] = f"{places[number][0].name or places[number][0].uuid} is missing"
    return gaps


def _odd_pages(pages: Mapping[int, Any], key: Any) -> dict[int, str]:
    """Pages that are not there, or of another kind than all others."""
    gaps = {}
    for number, page in pages.items():
        if page is None:
            gaps[number] = "its file has fewer pages than the metadata say"
        elif page_kind(page) != page_kind(key):
            gaps[number] = (
                f"its page is {say_kind(page_kind(page))}, others {say_kind(page_kind(key))}"
            )
    return gaps


def _say_set(found: OmeSet, image: OmeImage) -> tuple[str, ...]:
    names = [file.name for file in image.files]
    if len(names) < 2:
        return ()
    missing = found.missing(image)
    said = f"an OME-TIFF set of {len(names)} files ({some_names(names)}), read as one image"
    if not missing:
        return (said,)
    is_are = "is" if len(missing) == 1 else "are"
    return (
        f"{said}; {some_names(missing)} {is_are} missing, and what lies there is left empty: put "
        "all files of the set into one folder",
    )


def some_names(names: Sequence[str]) -> str:
    """A few names, and how many more there are."""
    more = f" and {len(names) - MOST_SAID} more" if len(names) > MOST_SAID else ""
    return ", ".join(names[:MOST_SAID]) + more


def _squeezed(axes: str, shape: Sequence[int]) -> tuple[str, tuple[int, ...]]:
    kept = [(axis, n) for axis, n in zip(axes, shape, strict=True) if n > 1]
    return "".join(axis for axis, _ in kept), tuple(n for _, n in kept)


def set_notes(found: OmeSet | None, xml: str) -> tuple[str, ...]:
    """What is said of a file whose OME-XML names a set that it is not read as."""
    if found is None and (master := master_of(xml)):
        return (
            f"the metadata of its set are in {master}, which is not there or cannot be read: its "
            "own pages are read alone",
        )
    if found is not None and found.is_several:
        return ("its OME-XML describes other files than this one: its own pages are read alone",)
    return ()


def page_kind(page: Any) -> tuple[tuple[int, ...], str]:
    """Size and type of a page: those of one kind may be frames of one film."""
    return tuple(page.shape), str(page.dtype)


def say_kind(kind: tuple[tuple[int, ...], str]) -> str:
    """Say a kind of page: ``512 × 512 uint16``."""
    return f"{describe(kind[0])} {kind[1]}"
