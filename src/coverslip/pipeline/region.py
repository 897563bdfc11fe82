"""a region of a frame → its cells, measured, and its share of those that neighbours see too.

A whole-slide image is segmented region by region, each with a margin around it.

A frame that fits into memory is one region without open sides; nothing of what follows is then in
doubt. A region of a larger frame sees a margin around its core, wider where a cell goes on beyond.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.checkpoints import Checkpoint
from coverslip.measurements import measure
from coverslip.pipeline.drawn import drop_bars
from coverslip.pipeline.infer import probs_to_parts
from coverslip.pipeline.region_rows import are_near, find_boxes, place_rows, seen_around
from coverslip.pipeline.store import table_to_arrays
from coverslip.pipeline.sureness import sum_sureness
from coverslip.segmentation import UNSEEN_PX
from coverslip.tiling import beyond, seen_from

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from coverslip.inference import Prediction, TileStore
    from coverslip.pipeline.frame import Frame
    from coverslip.pipeline.infer import Model
    from coverslip.pipeline.settings import SegmentSettings
    from coverslip.tiling import Region, Window

    Arrays = dict[str, NDArray[Any]]

BAND_PX = 256  # rows of a core that are read at once, when labels are written


@dataclass(frozen=True)
class Margins:
    """How far a region looks beyond its core, in pixels of the image.

    Attributes:
        first: at first.
        most: and at most, where a cell goes on beyond.
    """

    first: int
    most: int


@dataclass(frozen=True)
class RegionResult:
    """The cells of a region's core and margin, and whose cell is whose.

    Attributes:
        window: the rows and columns.
        shape: height and width of the frame.
        probs: (h, w), how likely each pixel is cell; (0, 0) of cells that a person drew.
        spread: (h, w), its standard deviation over the views, if there are several.
        labels: (h, w) uint32, the cells that are large enough, 1 to n in reading order.
        own: the numbers of those that the region answers for, and saw whole.
        cut: (n + 1,) bool, which of all go on beyond what was seen.
        dropped: (n + 1,) bool, which of all are left out of the result, at the frame's edge.
        begins: (n + 1,) bool, which of all begin in the core.
        first: (n + 1,) where each cell begins, as a place in the flat frame.
        area: pixels of each of the own.
    """

    window: Window
    shape: tuple[int, int]
    probs: NDArray[np.float32]
    spread: NDArray[np.float32] | None
    labels: NDArray[np.uint32]
    own: NDArray[np.int64]
    cut: NDArray[np.bool_]
    dropped: NDArray[np.bool_]
    begins: NDArray[np.bool_]
    first: NDArray[np.int64]
    area: NDArray[np.int64]

    @property
    def open_sides(self) -> tuple[bool, bool, bool, bool]:
        """Beyond which sides of the window the frame goes on: top, bottom, left, right."""
        return beyond(self.window, self.shape)

    @cached_property
    def boxes(self) -> NDArray[np.int64]:
        """(n, 4): top, bottom, left and right of each cell in the window."""
        return find_boxes(self.labels)

    def is_sure(self, *, reach_px: int) -> bool:
        """Whether all that begins in the core, and what lies within reach of it, was seen whole."""
        if not any(self.open_sides):
            return True
        if (self.begins & self.cut).any():
            return False
        near_edge = seen_around(self.boxes, self.labels.shape, self.open_sides) < reach_px
        near_cut = are_near(self.boxes, self.boxes[self.cut[1:]], reach=reach_px)
        return not (near_edge | near_cut)[self.own - 1].any()


def find_in_region(
    frame: Frame,
    region: Region,
    *,
    model: Model,
    settings: SegmentSettings,
    margins: Margins,
    tiles: TileStore | None = None,
    on_message: Callable[[str], None] = lambda text: None,
) -> RegionResult:
    """Find the cells of a region.

    Where a cell that begins in the core, or what lies around it to be measured, goes on beyond what
    was seen, it is done again with a margin twice as wide, up to the limit. The result is a
    function of the frame, the region and the settings alone: it does not matter who does it, or
    when.

    Args:
        frame: held, or open.
        region: of it.
        model: a loaded model.
        settings: with nothing left open.
        margins: how far to look beyond the core.
        tiles: predicted tiles, for neighbouring regions.
        on_message: called with what the user should know.

    Raises:
        CoverslipError: the frame cannot be read, or not be predicted.
    """
    margin = margins.first
    while True:
        window = region.window(margin + UNSEEN_PX)
        prediction = frame.predict(
            model, window, settings=settings, tiles=tiles, on_message=on_message
        )
        found = prediction_to_result(
            prediction,
            region,
            window,
            maps=model.maps,
            settings=settings,
            bars=frame.bars(window),
        )
        if found.is_sure(reach_px=settings.measure.reach_px) or margin >= margins.most:
            return found
        margin = min(2 * margin, margins.most)


def pack_region(
    found: RegionResult, region: Region, rows: pd.DataFrame, *, maps: tuple[str, ...] = ()
) -> Arrays:
    """What `coverslip.pipeline.stitch` puts together, as arrays by name.

    They are the labels of the core, in bands of rows; where the own cells begin, their areas, and
    which of them stay; their pixels outside of the core; what the pixels right outside of the core
    belong to, if not to an own cell; the rows of the own cells; how sure the network was of the
    core; and the maps that are to be kept.

    Args:
        found: the cells.
        region: whose they are.
        rows: of `measure_region`.
        maps: "probs" and "spread", where they are to be written.
    """
    core = seen_from(region.core, found.window)
    labels = found.labels[core]
    small = labels.astype(np.min_scalar_type(int(found.labels.max(initial=0))), copy=False)
    bands = {f"rows_{i}": small[top : top + BAND_PX] for i, top in enumerate(_tops(small))}
    kept = {name: getattr(found, name)[core] for name in maps}
    return {
        **bands,
        "window": np.array([edge for part in found.window for edge in (part.start, part.stop)]),
        "n": np.array(len(found.first) - 1),
        "own": found.own,
        "first": found.first[found.own],
        "area": found.area,
        "stays": ~found.dropped[found.own],
        **_overflow(found, core),
        **_contacts(found, region),
        **table_to_arrays(rows),
        "sure": sum_sureness(found.probs[core] if found.probs.size else found.probs),
        **kept,
    }


def _tops(core: NDArray[Any]) -> range:
    return range(0, len(core), BAND_PX)


def prediction_to_result(
    prediction: Prediction,
    region: Region,
    window: Window,
    *,
    maps: Sequence[str],
    settings: SegmentSettings,
    bars: NDArray[np.bool_] | None = None,
) -> RegionResult:
    """Part a window's probabilities into cells, and say which are the region's own.

    What lies on burnt-in bars, where there are any, is no cell.
    """
    labels, edge = probs_to_parts(
        prediction.probs, maps, settings=settings, open_sides=beyond(window, region.shape)
    )
    labels = labels if bars is None else drop_bars(labels, bars)
    found = parts_to_result(
        labels,
        edge,
        region,
        window,
        min_area_px=settings.min_area_px or 0,
        drop_border=settings.drop_border,
    )
    # copies, so that the further maps need not be held
    spread = None if prediction.spread is None else prediction.spread[0].copy()
    return replace(found, probs=prediction.probs[0].copy(), spread=spread)


def labels_to_result(ids: NDArray[Any], region: Region, window: Window) -> RegionResult:
    """Take a window of labels that a person drew as its cells, of whatever size and place."""
    numbers, first, inverse = np.unique(ids, return_index=True, return_inverse=True)
    order = np.argsort(np.where(numbers == 0, -1, first))  # in reading order, as all others are
    ranks = np.empty(len(numbers), dtype=np.uint32)
    ranks[order] = np.arange(len(numbers)) + (0 if 0 in numbers else 1)
    edge = np.zeros(ids.shape, dtype=bool)
    lines = (edge[0], edge[-1], edge[:, 0], edge[:, -1])
    for line, goes_on in zip(lines, beyond(window, region.shape), strict=True):
        line |= goes_on
    labels = ranks[inverse].reshape(ids.shape)
    return parts_to_result(labels, edge, region, window, min_area_px=0, drop_border=False)


def parts_to_result(
    labels: NDArray[np.uint32],
    edge: NDArray[np.bool_],
    region: Region,
    window: Window,
    *,
    min_area_px: float,
    drop_border: bool,
) -> RegionResult:
    """Say which cells of a window are the region's own; `edge` is where they may go on beyond."""
    shape = region.shape
    n = int(labels.max(initial=0))
    area = np.bincount(labels.ravel(), minlength=n + 1)
    first = _first_places(labels, n, window=window, width=shape[1])
    begins = _within(first, region)
    begins[0] = False
    cut = np.bincount(labels[edge], minlength=n + 1) > 0
    small = ~cut & (area < min_area_px)
    # A cell that goes on may reach the border beyond; whoever sees it whole will know.
    at_border = _at_border(labels, n, window=window, shape=shape)
    dropped = ~cut & at_border & drop_border
    large = ~small
    large[0] = False
    own = begins & ~cut & large
    numbers = np.where(large, np.cumsum(large), 0).astype(np.uint32)
    kept = np.concatenate([[True], large[1:]])
    return RegionResult(
        window=window,
        shape=shape,
        probs=np.zeros((0, 0), np.float32),
        spread=None,
        labels=labels if large[1:].all() else numbers[labels],
        own=np.flatnonzero(own[kept]),
        cut=cut[kept],
        dropped=dropped[kept],
        begins=begins[kept],
        first=first[kept],
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


def _overflow(found: RegionResult, core: Window) -> Arrays:
    """The pixels of own cells outside of the core: their places in the window, and whose."""
    outside = _is_own(found)[found.labels]
    outside[core] = False
    places = np.flatnonzero(outside)
    return {
        "overflow_place": places.astype(np.int32),
        "overflow_number": found.labels.ravel()[places],
    }


def _is_own(found: RegionResult) -> NDArray[np.bool_]:
    """(n + 1,): whether a number is that of an own cell."""
    is_own = np.zeros(len(found.first), dtype=bool)
    is_own[found.own] = True
    return is_own


def _contacts(found: RegionResult, region: Region) -> Arrays:
    """The pixels right outside of the core that are no own cell's: where in the frame, and whose.

    What is cut at the end of every region that sees it is put together by them.
    """
    rows, columns = seen_from(region.window(1), found.window)
    ring = np.zeros(found.labels.shape, dtype=bool)
    ring[rows, columns] = True
    ring[seen_from(region.core, found.window)] = False
    y, x = np.nonzero(ring & (found.labels > 0) & ~_is_own(found)[found.labels])
    place = (y + found.window[0].start) * region.shape[1] + x + found.window[1].start
    return {"contact_place": place, "contact_number": found.labels[y, x]}


def measure_region(
    frame: Frame,
    found: RegionResult,
    *,
    model: Model,
    settings: SegmentSettings,
    pixel_size_um: tuple[float, float] | None,
) -> pd.DataFrame:
    """The rows of the own cells, with places in the frame; `near_first` says who is nearest."""
    labels = found.labels
    if found.dropped.any():
        labels = np.where(found.dropped[labels], 0, labels)
    table = measure(
        labels,
        frame.channels(found.window),
        pixel_size_um=pixel_size_um,
        # a method without learning is sure of everything
        probs=found.probs if isinstance(model, Checkpoint) and found.probs.size else None,
        spread=found.spread,
        settings=settings.measure,
    )
    own = table[table["label"].isin(found.own)].reset_index(drop=True)
    return place_rows(own, found, pixel_size_um=pixel_size_um)


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
