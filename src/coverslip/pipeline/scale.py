"""image + model → the scale at which the cells have the size that the model knows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from coverslip.pipeline.infer import predict_prepared, probs_to_labels
from coverslip.pipeline.settings import least_area, own_settings, scale_of
from coverslip.segmentation import cell_sizes, drop_cells

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from coverslip.pipeline.infer import Model
    from coverslip.pipeline.settings import SegmentSettings

    Image = NDArray[np.float32]

FIRST = (1.0, 0.35)  # where the search may begin: parts of a huge cell pass for cells, unsurely
SPECK_PX = 12  # at the scale of a look; the model's least area would drop what is small as yet
FEW = 3  # cells, of which a median says little
LOOKS = 3  # a look at a wrong scale tells a better one, hardly ever the best
NEAR = 2**0.25  # a scale is found when the next is nearer than this; models bear twice as much
LEAST_ZOOM, MOST_ZOOM = 1 / 8, 2.5  # more would cost a laptop six times the work
WINDOW_PX = 768  # four of them are enough cells, and little work in a large image


def resolve_settings(settings: SegmentSettings, image: Image, model: Model) -> SegmentSettings:
    """Settings in which nothing is left open: the scale fits the image, the least area the scale.

    Args:
        settings: those wanted.
        image: (H, W) or (H, W, 3) of `prepare_image`.
        model: a loaded model. One that does not know the size of its cells has the scale 1.
    """
    pieces = [image[window] for window in windows(image.shape[:2])]
    return resolve_by(settings, pieces, model)


def resolve_by(settings: SegmentSettings, pieces: Sequence[Image], model: Model) -> SegmentSettings:
    """The same for an image of which some pieces are seen, those of `windows`."""
    settings = own_settings(settings, model)
    if settings.scale == "auto":
        settings = replace(settings, scale=find_scale(pieces, model, settings=settings))
    return replace(settings, min_area_px=least_area(settings, model))


def find_scale(pieces: Sequence[Image], model: Model, *, settings: SegmentSettings) -> float:
    """Look at the cells of an image, and find the scale at which the model knows their size.

    The network's own cells are measured at two scales, a third and the whole of the image's, then
    at the scale that their median diameter asks for where the network was surer of them, and again,
    until the two agree.

    Args:
        pieces: of the image, each (h, w) or (h, w, 3) of `prepare_image`.
        model: a loaded model.
        settings: its scale and test-time augmentation are passed over.

    Returns:
        From `LEAST_ZOOM` to `MOST_ZOOM`; 1 where there are no cells, or the model knows no size.
    """
    learnt = model.cell_size_px
    if not learnt:
        return 1.0
    quick = replace(settings, predict=replace(settings.predict, tta="none"))
    first = {scale: look(pieces, model, settings=replace(quick, scale=scale)) for scale in FIRST}
    sure = {scale: seen.sure for scale, seen in first.items() if len(seen.sizes) >= FEW}
    if not sure:
        return 1.0
    scale = max(sure, key=lambda scale: sure[scale])
    sizes = first[scale].sizes
    for _ in range(LOOKS):
        before, scale = scale, limit_zoom(learnt / float(np.median(sizes)))
        if 1 / NEAR < scale / before < NEAR:
            break
        sizes = look(pieces, model, settings=replace(quick, scale=scale)).sizes
        if len(sizes) < FEW:
            return before
    return scale


def limit_zoom(scale: float) -> float:
    """The nearest scale that may be chosen."""
    return min(max(scale, LEAST_ZOOM), MOST_ZOOM)


class Seen(NamedTuple):
    """What a look at an image says of its cells."""

    sizes: NDArray[np.float64]  # diameters in the image's px, of whole cells, if there are any
    sure: float  # mean probability of the pixels that are called cell; 0 where none is


def look(pieces: Sequence[Image], model: Model, *, settings: SegmentSettings) -> Seen:
    """Find the cells in the pieces of an image, at one scale."""
    speck = max(1, round(SPECK_PX / scale_of(settings) ** 2))
    settings = replace(settings, min_area_px=speck, drop_border=False)
    sizes, probs = [], []
    for piece in pieces:
        maps = predict_prepared(piece, model, settings=settings).probs
        labels = probs_to_labels(maps, model.maps, settings=settings)
        whole = drop_cells(labels, touching_border=True)
        sizes.append(cell_sizes(whole if whole.any() else labels))
        probs.append(maps[0][labels > 0])
    found = np.concatenate(probs)
    return Seen(np.concatenate(sizes), float(found.mean()) if len(found) else 0.0)


def windows(shape: tuple[int, ...]) -> list[tuple[slice, slice]]:
    """The rows and columns to look at: all, or squares in the middle of each quarter."""
    height, width = shape
    if height * width <= 4 * WINDOW_PX**2:
        return [(slice(0, height), slice(0, width))]
    rows, columns = (spread(length) for length in (height, width))
    return [(row, column) for row in rows for column in columns]


def spread(length: int) -> list[slice]:
    """Two windows along an axis, or all of it where it is short."""
    if length <= 2 * WINDOW_PX:
        return [slice(0, length)]
    half = WINDOW_PX // 2
    return [slice(middle - half, middle + half) for middle in (length // 4, length - length // 4)]


def scale_messages(settings: SegmentSettings, model: Model) -> list[str]:
    """What `resolve_settings` found, for the user to see, where it is worth a word."""
    scale = scale_of(settings)
    if scale == 1 or not model.cell_size_px:
        return []
    own = model.cell_size_px / scale
    return [
        f"its cells have about {own:.0f} px, the model's {model.cell_size_px:.0f}: predicted at "
        f"{scale:.2g} times its size"
    ]
