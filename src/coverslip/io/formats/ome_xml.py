"""OME-XML → its images, and in which page of which file each of their planes lies.

Source: https://docs.openmicroscopy.org/ome-model/latest/ome-tiff/specification.html
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MOST_PLANES = 10_000_000  # beyond, the claim is wrong, and no memory is taken for it


@dataclass(frozen=True)
class FileName:
    """A file as a set calls it.

    Attributes:
        name: Its name in the folder of the set; "": the file that holds the XML.
        uuid: Its identity, or "".
    """

    name: str = ""
    uuid: str = ""


@dataclass(frozen=True)
class Block:
    """A TiffData: planes that follow one another in a file.

    Attributes:
        first: Time, depth and channel of the first one, by its letter.
        page: Its number in the file.
        count: How many; None: all that the file has.
        file: Where they lie.
    """

    first: dict[str, int]
    page: int
    count: int | None
    file: FileName


@dataclass(frozen=True)
class OmeImage:
    """An image of an OME-XML.

    Attributes:
        name: What it is called, or "".
        axes: Letters of T, Z and C, slowest first.
        lengths: Length of each; samples of a colour are no channels.
        blocks: Where its planes lie.
        pixels: The element, for its calibration.
    """

    name: str
    axes: str
    lengths: tuple[int, ...]
    blocks: tuple[Block, ...]
    pixels: ElementTree.Element

    @property
    def n_planes(self) -> int:
        """How many planes it has."""
        return math.prod(self.lengths)

    @property
    def files(self) -> tuple[FileName, ...]:
        """The files that hold its planes, each once."""
        return tuple(dict.fromkeys(block.file for block in self.blocks))


@dataclass(frozen=True)
class OmeXml:
    """An OME-XML.

    Attributes:
        uuid: Identity of the file that it is in, or "".
        images: Its images.
        master: The file that has the XML in place of this one; None where this is it.
    """

    uuid: str
    images: tuple[OmeImage, ...]
    master: FileName | None = None


def parse_ome(xml: str) -> OmeXml | None:
    """Read an OME-XML; None where it is damaged or makes no sense."""
    try:
        root = ElementTree.fromstring(xml.encode("utf-8"))
        images = tuple(_image(one) for one in root.findall("{*}Image"))
    except (ElementTree.ParseError, KeyError, ValueError, AttributeError):
        return None
    only = root.find("{*}BinaryOnly")
    master = None
    if only is not None:
        master = FileName(only.get("MetadataFile", ""), only.get("UUID", ""))
    return OmeXml(root.get("UUID", ""), images, master)


def _image(element: ElementTree.Element) -> OmeImage:
    pixels = element.find("{*}Pixels")
    if pixels is None:
        raise ValueError("an image without pixels")
    axes = pixels.attrib["DimensionOrder"][:1:-1]
    channel = pixels.find("{*}Channel")
    samples = int(channel.get("SamplesPerPixel", 1)) if channel is not None else 1
    sizes = {axis: int(pixels.attrib[f"Size{axis}"]) for axis in "TZC"}
    sizes["C"] = max(1, sizes["C"] // samples)
    if sorted(axes) != ["C", "T", "Z"] or min(sizes.values()) < 1:
        raise ValueError(f"the order {axes} and the sizes {sizes}")
    lengths = tuple(sizes[axis] for axis in axes)
    if math.prod(lengths) > MOST_PLANES:
        raise ValueError(f"{math.prod(lengths)} planes")
    blocks = tuple(_block(one) for one in pixels.findall("{*}TiffData"))
    return OmeImage(element.get("Name", ""), axes, lengths, blocks, pixels)


def _block(element: ElementTree.Element) -> Block:
    given = element.get("PlaneCount", element.get("NumPlanes"))
    # Without a page and a count, it is the whole file; with a page, it is that one.
    count = int(given) if given is not None else 1 if "IFD" in element.attrib else None
    uuid = element.find("{*}UUID")
    file = FileName()
    if uuid is not None:
        file = FileName(uuid.get("FileName", ""), (uuid.text or "").strip())
    first = {axis: int(element.get(f"First{axis}", 0)) for axis in "TZC"}
    return Block(first, int(element.get("IFD", 0)), count, file)


def find_planes(
    image: OmeImage, count_pages: Callable[[FileName], int]
) -> Iterator[tuple[int, FileName, int]]:
    """Where each plane lies.

    Args:
        image: An image.
        count_pages: How many pages a file has; 0 for one that is not there.

    Yields:
        Number of the plane, in the order of the image's axes; its file; its page there.
    """
    for block in image.blocks or (Block({}, 0, None, FileName()),):
        place = [block.first.get(axis, 0) for axis in image.axes]
        if any(not 0 <= at < n for at, n in zip(place, image.lengths, strict=True)):
            continue
        start = int(np.ravel_multi_index(place, image.lengths))
        count = count_pages(block.file) - block.page if block.count is None else block.count
        for number in range(max(0, min(count, image.n_planes - start))):
            yield start + number, block.file, block.page + number
