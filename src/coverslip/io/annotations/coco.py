"""COCO's JSON of many images → the labels of one of them.

A cell is a list of polygons, or run lengths down the columns, packed into text or not. Polygons
count corners: x from the left, y from the top, the first pixel between 0 and 1. Files whose
polygons were made by OpenCV go through the centres of the rim's pixels, which no file says of
itself; cells read from them lack half a pixel all round.
Source: https://cocodataset.org/#format-data
"""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.errors import FileError
from coverslip.io.annotations.rasterise import Canvas, Cell, draw_cells
from coverslip.io.formats.guard import check_size

if TYPE_CHECKING:
    from numpy.typing import NDArray


def is_coco(content: Any) -> bool:
    """Whether a JSON file is one of COCO's instances."""
    return isinstance(content, dict) and all(
        isinstance(content.get(key), list) for key in ("images", "annotations")
    )


def name_images(content: dict[str, Any]) -> list[str]:
    """The names of the images, each once, without folders where they are unique so."""
    files = list(dict.fromkeys(str(image["file_name"]) for image in content["images"]))
    names = [PurePath(file.replace("\\", "/")).name for file in files]
    return names if len(set(names)) == len(names) else [file.replace("/", "_") for file in files]


def draw(path: Path, content: dict[str, Any], name: str | None) -> NDArray[np.int32]:
    """Draw the cells of one image.

    Args:
        path: The file, for messages.
        content: Of the file.
        name: Of the image, as `name_images` has it; None if there is no other.

    Returns:
        (H, W), or (T, H, W) where the file has several frames of the image, as ours have.

    Raises:
        FileError: No such image, or segmentations that cannot be read.
    """
    names = name_images(content)
    if name is None and len(names) == 1:
        name = names[0]
    if name not in names:
        some = ", ".join(names[:5]) + (" …" if len(names) > 5 else "")
        raise FileError(
            f"{path}: it has annotations of {len(names)} images ({some}), and none of {name}. "
            f"Name one of them: {path / names[0] if names else path}."
        )
    files = list(dict.fromkeys(str(image["file_name"]) for image in content["images"]))
    file = files[names.index(name)]
    images = [image for image in content["images"] if str(image["file_name"]) == file]
    images.sort(key=lambda image: int(image.get("frame", 0)))
    height, width = int(images[0]["height"]), int(images[0]["width"])
    check_size(path, height=height, width=width)
    frames = {image["id"]: number for number, image in enumerate(images)}
    cells = [
        _to_cell(path, annotation, frame=frames[annotation["image_id"]], size=(height, width))
        for annotation in content["annotations"]
        if annotation.get("image_id") in frames
    ]
    canvas = Canvas(height, width, n_times=len(images) if len(images) > 1 else None)
    return draw_cells(path, cells, canvas)


def _to_cell(path: Path, annotation: dict[str, Any], *, frame: int, size: tuple[int, int]) -> Cell:
    segmentation = annotation.get("segmentation")
    number = annotation.get("label")
    number = number if isinstance(number, int) else None
    if isinstance(segmentation, list) and segmentation:
        rings = [np.array(flat, np.float64).reshape(-1, 2)[:, ::-1] for flat in segmentation]
        return Cell(parts=[[ring] for ring in rings], number=number, frame=frame)
    if isinstance(segmentation, dict):
        return Cell(pixels=_unroll(path, segmentation, size), number=number, frame=frame)
    raise FileError(
        f"{path}: an annotation without its segmentation; boxes alone do not say which pixels a "
        "cell has. Export it with polygons or masks."
    )


def _unroll(
    path: Path, segmentation: dict[str, Any], size: tuple[int, int]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Run lengths → rows and columns; they alternate, background first, down the columns."""
    counts = segmentation["counts"]
    is_text = isinstance(counts, str)
    runs = np.array(_unpack(counts) if is_text else counts, dtype=np.int64)
    height, width = segmentation["size"]
    is_short = is_text and runs.sum() < height * width  # of numbers, the last zeros may be left out
    if (height, width) != size or (runs < 0).any() or runs.sum() > height * width or is_short:
        raise FileError(
            f"{path}: run lengths that do not fit their image of {size[0]} × {size[1]} pixels. "
            "Export it again."
        )
    ends = np.cumsum(runs)
    starts, ends = (ends - runs)[1::2], ends[1::2]
    lengths = ends - starts
    places = np.repeat(starts - (np.cumsum(lengths) - lengths), lengths) + np.arange(lengths.sum())
    columns, rows = np.divmod(places, height)
    return rows, columns


def _unpack(text: str) -> list[int]:
    """COCO's text of run lengths: five bits a character, lowest first, from the third as steps.

    A character is 48 + its bits; 32 says that more follow, and 16 of the last one is the sign. From
    the fourth number on, each is the difference to the one two before it.
    """
    runs: list[int] = []
    value, shift = 0, 0
    for character in text.encode("ascii"):
        bits = character - 48
        value |= (bits & 31) << shift
        shift += 5
        if bits & 32:
            continue
        if bits & 16:
            value -= 1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        value, shift = 0, 0
    return runs
