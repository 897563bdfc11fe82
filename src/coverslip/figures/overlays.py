"""image + labels → picture: outlines of the cells, errors of a prediction.

An overlay shows a segmentation on its image; an error map compares it with ground truth.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from coverslip.figures.colours import PALETTE, colour_cells
from coverslip.figures.display import Picture, to_picture

# The paper's Figure 4; magenta and green are told apart with any colour blindness too.
MISSED: tuple[int, int, int] = (255, 0, 255)
INVENTED: tuple[int, int, int] = (0, 255, 0)
# Lines that are missing between cells, and lines that should not be there.
MERGED: tuple[int, int, int] = (255, 190, 0)
SPLIT: tuple[int, int, int] = (0, 200, 255)

RIM_BRIGHTNESS = 0.4

Window = tuple[slice, slice]

# Beyond this a small image shows nothing but its pixels.
MAX_ENLARGEMENT = 4


@dataclass(frozen=True)
class Pen:
    """How thick an outline is.

    Attributes:
        of_image: Share of the image's longer side that is wanted.
        of_cell: Share of the median cell's diameter that is the most.
    """

    of_image: float
    of_cell: float


FINE = Pen(of_image=1 / 600, of_cell=1 / 12)
# On a page pictures are small and looked at from afar.
BOLD = Pen(of_image=1 / 260, of_cell=1 / 7)


def overlay(image: NDArray[Any], labels: NDArray[np.integer[Any]]) -> Picture:
    """Show an image with every cell's outline, neighbours in different colours.

    Args:
        image: (H, W) or (H, W, 3), any real type, finite.
        labels: (H, W) instance ids, 0 = background.

    Returns:
        (H, W, 3) uint8; thickness follows the image's size and the cells'.

    Example:
        >>> import coverslip, numpy as np
        >>> labels = np.zeros((32, 32), int)
        >>> labels[8:24, 8:24] = 1
        >>> picture = coverslip.overlay(np.zeros((32, 32)), labels)
        >>> picture.shape, bool(picture[8, 8].any()), bool(picture[16, 16].any())
        ((32, 32, 3), True, False)
    """
    return draw_outlines(to_picture(image), labels)


def thumbnail(
    image: NDArray[Any], labels: NDArray[np.integer[Any]], *, side_px: int = 640
) -> Picture:
    """Show an overlay at a size for pages: its outlines are drawn at that size, so they stay crisp.

    Args:
        image: (H, W) or (H, W, 3), any real type, finite.
        labels: (H, W) instance ids, 0 = background.
        side_px: Longer side of the result; a small image is enlarged to it, at most fourfold.

    Returns:
        (h, w, 3) uint8 of the same proportions.

    Example:
        >>> import numpy as np
        >>> from coverslip.figures import thumbnail
        >>> thumbnail(np.zeros((100, 200)), np.zeros((100, 200), int), side_px=50).shape
        (25, 50, 3)
    """
    scale = min(side_px / max(labels.shape), MAX_ENLARGEMENT)
    height, width = (max(1, round(length * scale)) for length in labels.shape)
    small = Image.fromarray(to_picture(image)).resize((width, height), Image.Resampling.LANCZOS)
    rows = (np.arange(height) + 0.5) / height * labels.shape[0]
    columns = (np.arange(width) + 0.5) / width * labels.shape[1]
    near = labels[rows.astype(np.intp)[:, None], columns.astype(np.intp)]
    return draw_outlines(np.array(small), near, pen=BOLD)


def error_map(
    image: NDArray[Any], truth: NDArray[Any], pred: NDArray[Any], *, opacity: float = 0.65
) -> Picture:
    """Show where a prediction is wrong (Ayanzadeh et al. 2021, Figure 4).

    Args:
        image: (H, W) or (H, W, 3), any real type, finite.
        truth: (H, W) mask or labels.
        pred: (H, W) mask or labels.
        opacity: Share of the colour in a wrong pixel; the rest is the image.

    Returns:
        (H, W, 3) uint8: false negatives magenta, false positives green, the rest in grey.

    Example:
        >>> import coverslip, numpy as np
        >>> truth, pred = np.array([[1, 1, 0, 0]]), np.array([[1, 0, 1, 0]])
        >>> picture = coverslip.error_map(np.zeros((1, 4)), truth, pred, opacity=1)
        >>> picture[0].tolist()  # right, missed, invented, background
        [[0, 0, 0], [255, 0, 255], [0, 255, 0], [0, 0, 0]]
    """
    grey = to_picture(image).mean(axis=2, keepdims=True)
    picture = np.repeat(grey, 3, axis=2)
    missed, invented = (truth > 0) & ~(pred > 0), (pred > 0) & ~(truth > 0)
    for wrong, colour in ((missed, MISSED), (invented, INVENTED)):
        picture[wrong] = picture[wrong] * (1 - opacity) + np.array(colour) * opacity
    return np.asarray(np.rint(picture), dtype=np.uint8)


def cell_error_map(
    image: NDArray[Any],
    truth: NDArray[np.integer[Any]],
    pred: NDArray[np.integer[Any]],
    *,
    merged: NDArray[np.bool_],
    split: NDArray[np.bool_],
) -> Picture:
    """Show where a prediction is wrong, and which cells it merged or split.

    Args:
        image: (H, W) or (H, W, 3), any real type, finite.
        truth: (H, W) labels.
        pred: (H, W) labels.
        merged: (H, W) the true cells that share a predicted one.
        split: (H, W) the predicted cells that share a true one.

    Returns:
        (H, W, 3) uint8: as `error_map`; merged cells with their true outlines in yellow, split ones
        with the outlines that were found in blue.

    Example:
        >>> import numpy as np
        >>> from coverslip.figures import cell_error_map
        >>> truth = np.repeat([[1] * 4 + [2] * 4], 8, axis=0)
        >>> every = truth > 0
        >>> picture = cell_error_map(truth * 0, truth, every * 1, merged=every, split=~every)
        >>> picture[4, 3].tolist()  # where the line between the two is missing
        [255, 190, 0]
    """
    picture = error_map(image, truth, pred, opacity=0.5)
    for labels, where, colour in ((truth, merged, MERGED), (pred, split, SPLIT)):
        shown = np.where(where, labels, 0)
        if shown.any():
            lines = _outlines(_small_ids(shown), thickness=outline_thickness(shown, FINE))
            picture[lines] = colour
    return picture


def draw_outlines(
    picture: Picture, labels: NDArray[np.integer[Any]], *, pen: Pen = FINE
) -> Picture:
    """Draw every cell's outline on a copy of a picture.

    The outline lies inside its cell, so that touching cells show two lines. A dark rim on both
    sides of it keeps it visible on bright halos and on mid-grey phase contrast; on dark
    fluorescence the colours alone do.

    Args:
        picture: (H, W, 3) uint8, such as `to_picture` makes.
        labels: (H, W) instance ids, 0 = background.
        pen: How thick the outlines are.

    Example:
        >>> import numpy as np
        >>> from coverslip.figures import draw_outlines
        >>> labels = np.zeros((32, 32), int)
        >>> labels[8:24, 8:24] = 1
        >>> drawn = draw_outlines(np.zeros((32, 32, 3), np.uint8), labels)
        >>> bool(drawn[8, 8].any()), bool(drawn[16, 16].any())
        (True, False)
    """
    drawn, labels = picture.copy(), _small_ids(labels)
    thickness = outline_thickness(labels, pen)
    outlines = _outlines(labels, thickness=thickness)
    rim = outlines
    for _ in range(max(1, thickness // 2)):
        rim = _widen(rim)
    pixels = drawn.reshape(-1, 3)
    places = np.flatnonzero(rim & ~outlines)
    pixels[places] = (pixels[places] * RIM_BRIGHTNESS).astype(np.uint8)
    places = np.flatnonzero(outlines)
    pixels[places] = PALETTE[colour_cells(labels)[labels.ravel()[places]]]
    return drawn


def outline_thickness(labels: NDArray[np.integer[Any]], pen: Pen) -> int:
    """Thickness in pixels, at least 1."""
    areas = np.bincount(labels[labels > 0].astype(np.int64))
    areas = areas[areas > 0]
    if areas.size == 0:
        return 1
    diameter = 2 * math.sqrt(float(np.median(areas)) / math.pi)
    side = max(int(length) for length in labels.shape)
    return max(1, round(min(side * pen.of_image, diameter * pen.of_cell)))


def _small_ids(labels: NDArray[Any]) -> NDArray[np.unsignedinteger[Any]]:
    """Mask or labels → labels that can index an array; some tools' ids go up to billions."""
    if labels.max(initial=0) > labels.size:
        ids = np.unique(np.append(labels, 0))
        labels = np.searchsorted(ids, labels)
    small: NDArray[np.unsignedinteger[Any]] = labels.astype(
        np.uint16 if labels.max(initial=0) < 2**16 else np.uint32
    )
    return small


def _outlines(labels: NDArray[np.integer[Any]], *, thickness: int) -> NDArray[np.bool_]:
    """Pixels of a cell within `thickness` of another cell or of the background."""
    lowest, highest = labels.copy(), labels.copy()
    for axis in (0, 1):
        low, high = lowest.copy(), highest.copy()
        for step in range(1, thickness + 1):
            for here, there in _shifts(axis, step):
                np.minimum(lowest[here], low[there], out=lowest[here])
                np.maximum(highest[here], high[there], out=highest[here])
    return np.asarray((labels > 0) & (lowest != highest))


def _widen(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Add the four pixels around each pixel."""
    wide = mask.copy()
    for axis in (0, 1):
        for here, there in _shifts(axis, 1):
            wide[here] |= mask[there]
    return wide


def _shifts(axis: int, step: int) -> list[tuple[Window, Window]]:
    """The pixels that have a neighbour so many steps along an axis, with it; one way and back."""
    before, after = [slice(None), slice(None)], [slice(None), slice(None)]
    before[axis], after[axis] = slice(None, -step), slice(step, None)
    one, other = (before[0], before[1]), (after[0], after[1])
    return [(one, other), (other, one)]
