"""image + labels → picture: outlines of the cells, errors of a prediction."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from coverslip.figures.display import Picture, to_picture

# Yellow, blue, orange, cyan: bright on black, coloured on grey, and told apart with any of the
# three colour blindnesses. White is for the rare cell whose neighbours have taken all four.
PALETTE: NDArray[np.uint8] = np.array(
    [(255, 215, 0), (90, 130, 255), (225, 95, 0), (90, 225, 250), (255, 255, 255)], dtype=np.uint8
)
N_USUAL = 4

# The paper's Figure 4; magenta and green are told apart with any colour blindness too.
MISSED: tuple[int, int, int] = (255, 0, 255)
INVENTED: tuple[int, int, int] = (0, 255, 0)

# Cells closer than this share of the image's longer side must differ in colour.
NEIGHBOUR_SHARE = 0.015

# Neighbours are looked for on labels no larger than this: colours need no exact distances.
NEIGHBOUR_SIDE_PX = 800

# An outline is this share of the longer side thick (more on a page, which is looked at from afar),
# but never more than this share of a cell.
THICKNESS_SHARE = 1 / 500
THUMBNAIL_THICKNESS_SHARE = 1 / 320
THICKNESS_OF_CELL = 1 / 12
RIM_BRIGHTNESS = 0.4

# Beyond this a small image shows nothing but its pixels.
MAX_ENLARGEMENT = 4


def overlay(image: NDArray[Any], labels: NDArray[np.integer[Any]]) -> Picture:
    """Show an image with every cell's outline, neighbours in different colours.

    Args:
        image: (H, W) or (H, W, 3), any real type, finite.
        labels: (H, W) instance ids, 0 = background.

    Returns:
        (H, W, 3) uint8; thickness follows the image's size and the cells'.
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
    """
    scale = min(side_px / max(labels.shape), MAX_ENLARGEMENT)
    height, width = (max(1, round(length * scale)) for length in labels.shape)
    small = Image.fromarray(to_picture(image)).resize((width, height), Image.Resampling.LANCZOS)
    rows = (np.arange(height) + 0.5) / height * labels.shape[0]
    columns = (np.arange(width) + 0.5) / width * labels.shape[1]
    near = labels[rows.astype(np.intp)[:, None], columns.astype(np.intp)]
    return draw_outlines(np.array(small), near, share=THUMBNAIL_THICKNESS_SHARE)


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
    """
    grey = to_picture(image).mean(axis=2, keepdims=True)
    picture = np.repeat(grey, 3, axis=2)
    missed, invented = (truth > 0) & ~(pred > 0), (pred > 0) & ~(truth > 0)
    for wrong, colour in ((missed, MISSED), (invented, INVENTED)):
        picture[wrong] = picture[wrong] * (1 - opacity) + np.array(colour) * opacity
    return np.asarray(np.rint(picture), dtype=np.uint8)


def draw_outlines(
    picture: Picture, labels: NDArray[np.integer[Any]], *, share: float = THICKNESS_SHARE
) -> Picture:
    """Draw every cell's outline on a copy of a picture.

    The outline lies inside its cell, so that touching cells show two lines. A dark rim on both
    sides of it keeps it visible on bright halos and on mid-grey phase contrast; on dark
    fluorescence the colours alone do.
    """
    drawn = picture.copy()
    thickness = outline_thickness(labels, share=share)
    outlines = _outlines(labels, thickness=thickness)
    rim = ndimage.binary_dilation(outlines, iterations=max(1, thickness // 2)) & ~outlines
    drawn[rim] = (drawn[rim] * RIM_BRIGHTNESS).astype(np.uint8)
    drawn[outlines] = PALETTE[colour_cells(labels)[labels[outlines]]]
    return drawn


def outline_thickness(labels: NDArray[np.integer[Any]], *, share: float) -> int:
    """Thickness in pixels, at least 1: `share` of the longer side, too thin to bury a cell."""
    areas = np.bincount(labels[labels > 0].astype(np.int64))
    areas = areas[areas > 0]
    if areas.size == 0:
        return 1
    diameter = 2 * math.sqrt(float(np.median(areas)) / math.pi)
    side = max(int(length) for length in labels.shape)
    return max(1, round(min(side * share, diameter * THICKNESS_OF_CELL)))


def colour_cells(labels: NDArray[np.integer[Any]]) -> NDArray[np.intp]:
    """Give every label an index into `PALETTE`, so that neighbours differ.

    Greedy, the most crowded cell first; the four usual colours are kept equally frequent. Where
    neighbours have taken all colours, the rarest among them is used again.

    Returns:
        (largest label + 1,) indices; that of 0 (background) means nothing.
    """
    colours = np.full(int(labels.max(initial=0)) + 1, -1, dtype=np.intp)
    used = np.zeros(len(PALETTE))
    used[N_USUAL:] = np.inf
    neighbours = _neighbours(labels)
    for label in sorted(neighbours, key=lambda label: (-len(neighbours[label]), label)):
        taken = colours[list(neighbours[label])]
        near = np.bincount(taken[taken >= 0], minlength=len(PALETTE))
        colours[label] = np.lexsort((used, near))[0]
        used[colours[label]] += 1
    lonely = colours < 0
    colours[lonely] = np.flatnonzero(lonely) % N_USUAL
    return colours


def _outlines(labels: NDArray[np.integer[Any]], *, thickness: int) -> NDArray[np.bool_]:
    """Pixels of a cell within `thickness` of another cell or of the background."""
    size = 2 * thickness + 1
    lowest = ndimage.minimum_filter(labels, size=size)
    highest = ndimage.maximum_filter(labels, size=size)
    return np.asarray((labels > 0) & (lowest != highest))


def _neighbours(labels: NDArray[np.integer[Any]]) -> dict[int, set[int]]:
    """Cells that have other cells nearby, and which."""
    step = max(1, round(max(labels.shape) / NEIGHBOUR_SIDE_PX))
    grown = _grow(labels[::step, ::step])
    pairs = np.concatenate(
        [
            np.stack([a[a != b], b[a != b]], axis=1)
            for a, b in ((grown[1:], grown[:-1]), (grown[:, 1:], grown[:, :-1]))
        ]
    )
    neighbours: dict[int, set[int]] = {}
    for a, b in np.unique(pairs[(pairs > 0).all(axis=1)], axis=0).tolist():
        neighbours.setdefault(a, set()).add(b)
        neighbours.setdefault(b, set()).add(a)
    return neighbours


def _grow(labels: NDArray[np.integer[Any]]) -> NDArray[np.integer[Any]]:
    """Let every cell grow into the background by half the distance that makes neighbours."""
    reach = max(2.0, max(labels.shape) * NEIGHBOUR_SHARE)
    distance, nearest = ndimage.distance_transform_edt(labels == 0, return_indices=True)
    grown = labels[tuple(nearest)]
    return np.where(distance <= reach, grown, 0)
