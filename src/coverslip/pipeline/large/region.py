"""a region of a frame → its cells, its share of their neighbours, and its part of the overview."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.cells import UNSEEN_PX
from coverslip.measure import measure
from coverslip.pipeline.label import probs_to_parts
from coverslip.pipeline.large.frame import predict_frame
from coverslip.pipeline.large.kept import table_to_arrays
from coverslip.pipeline.large.place import are_near, find_boxes, place_rows, seen_around
from coverslip.regions import beyond, seen_from

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from coverslip.checkpoint import Checkpoint
    from coverslip.pipeline.large.frame import Frame
    from coverslip.pipeline.settings import SegmentSettings
    from coverslip.predict import Kept
    from coverslip.regions import Region, Window

    Arrays = dict[str, NDArray[Any]]

BAND_PX = 256  # rows of a core that are read at once, when labels are written


@dataclass(frozen=True)
class Plan:
    """How the regions of a frame are done, in pixels of the image.

    Attributes:
        core: side of a region.
        margin: what is seen around it at first.
        most_margin: and at most, where a cell goes on beyond.
        reduce: side of the squares that become a pixel of the overview.
    """

    core: int
    margin: int
    most_margin: int
    reduce: int


@dataclass(frozen=True)
class View:
    """What a region makes of core and margin, and whose cell is whose.

    Attributes:
        window: the rows and columns.
        probs: (h, w), how likely each pixel is cell.
        spread: (h, w), its standard deviation over the views, if there are several.
        labels: (h, w) uint32, the cells that are large enough, 1 to n in reading order.
        own: the numbers of those that it answers for, and saw whole.
        cut: (n + 1,) bool, which of all go on beyond what was seen.
        dropped: (n + 1,) bool, which of all are left out of the result, at the frame's edge.
        boxes: (n, 4), top, bottom, left and right of each in the window.
        n_cut: how many begin in the core and go on beyond what was seen.
        n_unsure: how many of the own have beside them what was not seen, or not whole.
        first: (n + 1,) where each cell begins, as a place in the flat frame.
        area: pixels of each of the own.
    """

    window: Window
    probs: NDArray[np.float32]
    spread: NDArray[np.float32] | None
    labels: NDArray[np.uint32]
    own: NDArray[np.int64]
    cut: NDArray[np.bool_]
    dropped: NDArray[np.bool_]
    boxes: NDArray[np.int64]
    n_cut: int
    n_unsure: int
    first: NDArray[np.int64]
    area: NDArray[np.int64]


def do_region(
    frame: Frame,
    region: Region,
    *,
    model: Checkpoint,
    settings: SegmentSettings,
    plan: Plan,
    pixel_size_um: tuple[float, float] | None,
    kept: Kept | None = None,
) -> Arrays:
    """Segment and measure a region.

    Where a cell that begins in the core, or what lies around it to be measured, goes on beyond what
    was seen, it is done again with a margin twice as wide, up to the plan's limit. The result is a
    function of the frame, the region and the settings alone: it does not matter who does it, or
    when.

    Returns:
        What `coverslip.pipeline.large.join` puts together, as arrays by name: the labels of the
        core, in bands of rows; where the own cells begin, their areas, and which of them stay;
        their pixels outside of the core; what the pixels right outside of the core belong to, if
        not to an own cell; the rows of the own cells; and the reduced picture of the core.

    Raises:
        CoverslipError: the frame cannot be read, or not be predicted.
    """
    margin = plan.margin
    view = look(frame, region, margin, model=model, settings=settings, kept=kept)
    while (view.n_cut or view.n_unsure) and margin < plan.most_margin:
        margin = min(2 * margin, plan.most_margin)
        view = look(frame, region, margin, model=model, settings=settings, kept=kept)
    core = seen_from(region.core, view.window)
    labels = view.labels[core]
    small = labels.astype(np.min_scalar_type(int(view.labels.max(initial=0))))
    bands = {f"rows_{i}": small[top : top + BAND_PX] for i, top in enumerate(_tops(small))}
    rows = cell_rows(frame, view, settings=settings, pixel_size_um=pixel_size_um)
    return {
        **bands,
        "window": np.array([edge for part in view.window for edge in (part.start, part.stop)]),
        "n": np.array(len(view.first) - 1),
        "own": view.own,
        "first": view.first[view.own],
        "area": view.area,
        "stays": ~view.dropped[view.own],
        **_spill(view, core),
        **_ring(view, region),
        **table_to_arrays(rows),
        "picture": reduce_picture(frame.image(region.core), plan.reduce),
    }


def _tops(core: NDArray[Any]) -> range:
    return range(0, len(core), BAND_PX)


def look(
    frame: Frame,
    region: Region,
    margin: int,
    *,
    model: Checkpoint,
    settings: SegmentSettings,
    kept: Kept | None,
) -> View:
    """Find the cells of core and margin, and say which are the region's own."""
    window = region.window(margin + UNSEEN_PX)
    prediction = predict_frame(frame, model, window=window, settings=settings, kept=kept)
    goes_on = beyond(window, frame.shape)
    labels, edge = probs_to_parts(prediction.probs, model.maps, settings=settings, beyond=goes_on)
    n = int(labels.max(initial=0))
    area = np.bincount(labels.ravel(), minlength=n + 1)
    first = _first_places(labels, n, window=window, width=frame.shape[1])
    begins = _within(first, region)
    begins[0] = False
    cut = np.bincount(labels[edge], minlength=n + 1) > 0
    small = ~cut & (area < (settings.min_area_px or 0))
    at_border = _at_border(labels, n, window=window, shape=frame.shape)
    large = ~small
    large[0] = False
    own = begins & ~cut & large
    # A cell that goes on may reach the border beyond; whoever sees it whole will know.
    dropped = ~cut & at_border & settings.drop_border
    boxes = find_boxes(labels)
    reach = settings.measure.reach_px
    near_edge = seen_around(boxes, labels.shape, goes_on) < reach
    near_cut = are_near(boxes, boxes[cut[1:]], reach=reach)
    numbers = np.where(large, np.cumsum(large), 0).astype(np.uint32)
    return View(
        window=window,
        # copies, so that the further maps need not be held
        probs=prediction.probs[0].copy(),
        spread=None if prediction.spread is None else prediction.spread[0].copy(),
        labels=numbers[labels],
        own=np.flatnonzero(own[large]) + 1,
        cut=np.concatenate([cut[:1], cut[large]]),
        dropped=np.concatenate([dropped[:1], dropped[large]]),
        boxes=boxes[large[1:]],
        n_cut=int(np.count_nonzero(begins & cut)),
        n_unsure=int(np.count_nonzero(own[1:] & (near_edge | near_cut))),
        first=np.concatenate([first[:1], first[large]]),
        area=area[own],
    )


def _first_places(
    labels: NDArray[np.uint32], n: int, *, window: Window, width: int
) -> NDArray[np.int64]:
    """Where each label begins, as a place in the flat frame."""
    flat = labels.ravel()
    places = np.flatnonzero(flat)[::-1]
    first = np.zeros(n + 1, dtype=np.int64)
    first[flat[places]] = places  # the last to be written is the first place
    y, x = np.divmod(first, labels.shape[1])
    found: NDArray[np.int64] = (y + window[0].start) * width + x + window[1].start
    return found


def _within(places: NDArray[np.int64], region: Region) -> NDArray[np.bool_]:
    """Which places of the flat frame lie in the core."""
    y, x = np.divmod(places, region.shape[1])
    rows, columns = region.core
    down = (rows.start <= y) & (y < rows.stop)
    within: NDArray[np.bool_] = down & (columns.start <= x) & (x < columns.stop)
    return within


def _at_border(
    labels: NDArray[np.uint32], n: int, *, window: Window, shape: tuple[int, int]
) -> NDArray[np.bool_]:
    """Which labels touch the edge of the frame."""
    lines = (labels[0], labels[-1], labels[:, 0], labels[:, -1])
    goes_on = beyond(window, shape)
    ends = [line for line, more in zip(lines, goes_on, strict=True) if not more]
    at_border = np.zeros(n + 1, dtype=bool)
    if ends:
        at_border[np.concatenate(ends)] = True
    at_border[0] = False
    return at_border


def _spill(view: View, core: Window) -> Arrays:
    """The pixels of own cells outside of the core: their places in the window, and whose."""
    outside = _is_own(view)[view.labels]
    outside[core] = False
    places = np.flatnonzero(outside)
    return {
        "spill_place": places.astype(np.int32),
        "spill_number": view.labels.ravel()[places],
    }


def _is_own(view: View) -> NDArray[np.bool_]:
    """(n + 1,): whether a number is that of an own cell."""
    is_own = np.zeros(len(view.first), dtype=bool)
    is_own[view.own] = True
    return is_own


def _ring(view: View, region: Region) -> Arrays:
    """The pixels right outside of the core that are no own cell's: where in the frame, and whose.

    What is cut at the end of every region that sees it is put together by them.
    """
    rows, columns = seen_from(region.window(1), view.window)
    ring = np.zeros(view.labels.shape, dtype=bool)
    ring[rows, columns] = True
    ring[seen_from(region.core, view.window)] = False
    y, x = np.nonzero(ring & (view.labels > 0) & ~_is_own(view)[view.labels])
    place = (y + view.window[0].start) * region.shape[1] + x + view.window[1].start
    return {"ring_place": place, "ring_number": view.labels[y, x]}


def cell_rows(
    frame: Frame,
    view: View,
    *,
    settings: SegmentSettings,
    pixel_size_um: tuple[float, float] | None,
) -> pd.DataFrame:
    """The rows of the own cells, with places in the frame; `near_first` says who is nearest."""
    labels = np.where(view.dropped[view.labels], 0, view.labels)
    table = measure(
        labels,
        frame.channels(view.window),
        pixel_size_um=pixel_size_um,
        probs=view.probs,
        spread=view.spread,
        settings=settings.measure,
    )
    return place_rows(
        table[table["label"].isin(view.own)].reset_index(drop=True),
        view,
        shape=frame.shape,
        pixel_size_um=pixel_size_um,
    )


def reduce_picture(image: NDArray[Any], side: int) -> NDArray[np.float32]:
    """Average squares of so many pixels, what is left of them at the end: (h, w) or (h, w, 3)."""
    picture = image.astype(np.float32)
    for axis in (0, 1):
        starts = np.arange(0, picture.shape[axis], side)
        counts = np.diff(starts, append=picture.shape[axis])
        sums = np.add.reduceat(picture, starts, axis=axis)
        per = counts.reshape([-1 if n == axis else 1 for n in range(picture.ndim)])
        picture = (sums / per).astype(np.float32)
    return picture
