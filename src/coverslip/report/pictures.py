"""image and outlines of a frame → a picture and lines that a page can hold."""

import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray
from PIL import Image

from coverslip.report.html import data_url, render

# Longer side of a picture inside the page where nothing else is asked for: sharp on a card.
SIDE_PX = 640

# All pictures of a page share these many characters, and so do all outlines: with the table of
# cells and the curves, a page of the most images has about 15 MB and can still be mailed.
PICTURE_CHARS = 6_500_000
OUTLINE_CHARS = 6_000_000

# What does not fit is reduced step by step, down to these.
SMALLEST_SIDE_PX = 120
SCALES = (1.0, 0.75, 0.5, 0.35, 0.25, 0.18, 0.12, 0.08, 0.05)

# Longer side that an outline is drawn on at most: finer is not seen.
OUTLINE_SIDE = 4000

# What the markup of one path takes, beside its line and the numbers of its cells.
PATH_CHARS = 43

Thumbnails = Mapping[tuple[str, int], bytes | NDArray[np.uint8]]
Ring = NDArray[np.integer[Any]]


@dataclass(frozen=True)
class Drawing:
    """The cells of one frame as lines.

    Attributes:
        shape: Height and width of the image, in pixels.
        rings: By the cell's number, its closed lines on pixel edges: (n, 2) integers (y, x).
        colours: By the cell's number, one of five colours, 0 to 4.

    Example:
        >>> from coverslip.contours import labels_to_rings
        >>> import numpy as np
        >>> from coverslip.report import Drawing
        >>> labels = np.array([[0, 1], [0, 1]])
        >>> Drawing((2, 2), labels_to_rings(labels), {1: 0}).shape
        (2, 2)
    """

    shape: tuple[int, int]
    rings: Mapping[int, Sequence[Ring]]
    colours: Mapping[int, int]


def no_drawing(file: str, frame: int) -> Drawing | None:
    """Of no frame are there outlines."""
    return None


@dataclass(frozen=True)
class PictureChannels:
    """What the colours of a picture are.

    Attributes:
        names: Of red, green and blue; of a grey picture, none.
        n_shown: Where they stand for channels of a microscope, how many of these are shown at
            first; 0: they are colours.
    """

    names: tuple[str, ...] = ()
    n_shown: int = 0

    def to_comment(self) -> bytes:
        """What a picture file says of itself."""
        about = {"channels": [" ".join(name.split()) for name in self.names], "shown": self.n_shown}
        return json.dumps(about).encode() if self.n_shown else b""


@dataclass(frozen=True)
class TileSet:
    """An image at full resolution, as tiles beside the page: FOLDER/LEVEL/ROW_COLUMN.jpg.

    Attributes:
        folder: As a path from the page, with / between its parts.
        side: Of a tile, in pixels; those at the right and at the bottom are smaller.
        levels: How many there are: 0 is the full resolution, each other half the one before.
        shape: Height and width of the image, in pixels.

    Their colours are those of the page's picture.
    """

    folder: str
    side: int
    levels: int
    shape: tuple[int, int]


def picture_channels(picture: Image.Image) -> PictureChannels:
    """Read from an opened JPEG or PNG what its colours are."""
    if picture.mode in ("L", "1", "I;16"):
        return PictureChannels()
    try:
        about = json.loads(picture.info.get("comment", b""))
        return PictureChannels(tuple(map(str, about["channels"][:3])), int(about["shown"]))
    except (ValueError, TypeError, KeyError, RecursionError):  # no comment, or none of ours
        return PictureChannels(("Red", "Green", "Blue"))


@dataclass(frozen=True)
class Pictures:
    """What the page can show of each frame, by file and frame.

    Attributes:
        thumbnails: The pictures: uint8 arrays, or the bytes of a JPEG or PNG file.
        draw: Gives the outlines of one frame; called once for each frame that is shown.
        n_shown: Number of pictures that share the page.
    """

    thumbnails: Thumbnails
    draw: Callable[[str, int], Drawing | None] = no_drawing
    n_shown: int = 1

    def picture(self, key: tuple[str, int]) -> bytes | None:
        """The picture of a frame as a file, reduced to its share of the page."""
        thumbnail = self.thumbnails.get(key)
        if thumbnail is None:
            return None
        file = thumbnail if isinstance(thumbnail, bytes) else encode_picture(thumbnail)
        return fit_picture(file, most_bytes=PICTURE_CHARS * 3 // 4 // max(self.n_shown, 1))

    def outlines(self, key: tuple[str, int], *, name: str) -> Markup:
        """The outlines of a frame, to lie over its picture; `name` is an id of the page."""
        drawing = self.draw(*key)
        if drawing is None or not drawing.rings:
            return Markup()
        return draw_cells(drawing, name=name, most_chars=OUTLINE_CHARS // max(self.n_shown, 1))


def encode_picture(
    picture: NDArray[np.uint8], *, side_px: int = SIDE_PX, channels: PictureChannels | None = None
) -> bytes:
    """Make a picture small enough for the page.

    JPEG with full colour resolution: what it usually drops is just what thin coloured lines need.

    Args:
        picture: (H, W, 3) or (H, W), uint8.
        side_px: Longer side; a larger picture is reduced to it.
        channels: Those that red, green and blue stand for; None: they are colours.

    Returns:
        A JPEG file; of a picture without colour, a grey one.

    Example:
        >>> import numpy as np
        >>> from coverslip.report import encode_picture
        >>> encode_picture(np.zeros((20, 20, 3), np.uint8))[:2].hex()  # a JPEG
        'ffd8'
    """
    is_grey = picture.ndim == 3 and channels is None and bool((picture == picture[..., :1]).all())
    image = Image.fromarray(picture[..., 0].copy() if is_grey else picture)
    image.thumbnail((side_px, side_px))
    return _jpeg(image, comment=channels.to_comment() if channels else b"")


def fit_picture(file: bytes, *, most_bytes: int) -> bytes:
    """Reduce a JPEG or PNG file until it has at most so many bytes, or is very small."""
    fitted, image = file, Image.open(io.BytesIO(file))
    side = max(image.size)
    while len(fitted) > most_bytes and side > SMALLEST_SIDE_PX:
        # Bytes go with the area, or faster where it is noise that goes: so not all the way at once.
        step = min(0.9, max(0.3, 1.25 * (most_bytes / len(fitted)) ** 0.5))
        side = max(SMALLEST_SIDE_PX, int(side * step))
        smaller = image.convert("L" if image.mode == "L" else "RGB")
        smaller.thumbnail((side, side))
        fitted = _jpeg(smaller, comment=image.info.get("comment", b""))
    return fitted


def _jpeg(image: Image.Image, *, comment: bytes = b"") -> bytes:
    file = io.BytesIO()
    image.save(file, format="JPEG", quality=86, subsampling=0, comment=comment or None)
    return file.getvalue()


def picture_url(picture: bytes) -> str:
    """A JPEG or PNG file as an address that holds it."""
    kind = "png" if picture.startswith(b"\x89PNG") else "jpeg"
    return data_url(picture, f"image/{kind}")


def draw_cells(drawing: Drawing, *, name: str, most_chars: int) -> Markup:
    """Draw cells as SVG: a path for each colour, in which each cell begins with its own "M".

    The whole pixels of the image are kept while they fit into so many characters; then the
    drawing is made coarser. Cells that fit at no scale are left out, all of them.
    """
    first = min(1.0, OUTLINE_SIDE / max(drawing.shape))
    n_corners = sum(len(ring) for rings in drawing.rings.values() for ring in rings)
    for scale in SCALES:
        if 2 * n_corners * first * scale > most_chars:  # a step takes two characters or more
            continue
        paths = _paths(drawing, scale=first * scale)
        if sum(PATH_CHARS + len(line) + len(cells) for _, line, cells in paths) <= most_chars:
            height, width = (max(1, round(side * first * scale)) for side in drawing.shape)
            return render("outlines.html.j2", name=name, width=width, height=height, paths=paths)
    return Markup()


def _paths(drawing: Drawing, *, scale: float) -> list[tuple[int, str, str]]:
    """Of each colour its number, the lines of its cells, and the numbers of these."""
    by_colour: dict[int, list[int]] = {}
    for cell in sorted(drawing.rings):
        by_colour.setdefault(int(drawing.colours[cell]), []).append(cell)
    paths = []
    for colour, cells in sorted(by_colour.items()):
        line = "".join(rings_to_path(drawing.rings[cell], scale=scale) for cell in cells)
        paths.append((colour, line, " ".join(map(str, cells))))
    return paths


def rings_to_path(rings: Sequence[Ring], *, scale: float = 1.0) -> str:
    """Write the outline of one cell as the `d` of a path, from step to step.

    Args:
        rings: Closed lines of corners, (n, 2) integers (y, x), whose sides are along the axes.
        scale: Size of the drawing over that of the image; corners are rounded to whole numbers.

    Returns:
        One "M", then relative steps: "M3 5h2v2h-2z". What shrinks to nothing becomes a square of 1.
    """
    path, here = "", (0, 0)
    for ring in rings:
        # Plain numbers: for the few corners of a cell, arrays would take three times as long.
        corners = [(int(y * scale + 0.5), int(x * scale + 0.5)) for y, x in ring.tolist()]
        steps = _steps(corners)
        if not steps:
            continue
        y, x = corners[0]
        path += f"m{x - here[1]} {y - here[0]}{steps}z" if path else f"M{x} {y}{steps}z"
        here = (y, x)
    y, x = (int(value * scale) for value in rings[0][0])
    return path or f"M{x} {y}h1v1h-1z"


def _steps(corners: Sequence[tuple[int, int]]) -> str:
    """From corner to corner, without the last side, which "z" draws; "" if it has no area."""
    if any(len(set(line)) == 1 for line in zip(*corners, strict=True)):
        return ""
    words: list[str] = []
    axis, length = "", 0
    for (y, x), (to_y, to_x) in pairwise(corners):
        if y == to_y and x == to_x:
            continue
        step = "h" if y == to_y else "v"
        if step != axis:
            words.append(f"{axis}{length}" if length else "")
            axis, length = step, 0
        length += to_y - y + to_x - x
    return "".join(words) + (f"{axis}{length}" if length else "")
