"""a region that is done → the cached tiles that are still needed, of whatever size."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.pipeline.infer import network_of, scaled_shape
from coverslip.pipeline.settings import scale_of
from coverslip.pipeline.store import RegionFolder

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from coverslip.pipeline.plan import FramePlan
    from coverslip.pipeline.settings import SegmentSettings
    from coverslip.tiling import Grid, Region, Window


def smaller_tiles(plan: FramePlan) -> SegmentSettings | None:
    """The plan's settings with tiles of half the side; None where these would be too small."""
    predictor = network_of(plan.job.model).predictor(plan.settings.predict)
    shape = scaled_shape(plan.file.frame_shape, scale_of(plan.settings))
    smaller = predictor.with_smaller_tiles(shape)
    if smaller is None:
        return None
    tile_px, overlap_px = smaller.settings.tile_px, smaller.settings.overlap_px
    predict = replace(plan.settings.predict, tile_px=tile_px, overlap_px=overlap_px)
    return replace(plan.settings, predict=predict)


def drop_tiles(plan: FramePlan, region: Region, grid: Grid) -> None:
    """Delete the cached tiles that no region will need any more, now that one more is done.

    One that is needed after all, for a wider margin, is predicted again.
    """
    scale = scale_of(plan.settings)
    windows_ = np.array([_edges(one.window(plan.tile_reach())) for one in plan.regions]) * scale
    own = windows_[region.number]
    waiting = np.array([not _is_there(plan, one) for one in plan.regions])
    corners = np.array([grid.corner(index) for index in grid.indices])
    boxes = np.repeat(corners, 2, axis=1) + np.array([0, grid.tile[0], 0, grid.tile[1]])
    for number in np.flatnonzero(_meets(boxes, own)).tolist():
        if not (_meets(windows_, boxes[number]) & waiting).any():
            plan.tiles.drop(grid.indices[number])


def drop_all_tiles(plan: FramePlan) -> None:
    """Delete all cached tiles of a frame, of whatever size."""
    for tile in plan.folder.glob("tiles_*/*.npy"):
        tile.unlink(missing_ok=True)


def _is_there(plan: FramePlan, region: Region) -> bool:
    return isinstance(plan.store, RegionFolder) and plan.store.is_there(region)


def _edges(window: Window) -> list[int]:
    return [edge for part in window for edge in (part.start, part.stop)]


def _meets(windows: NDArray[Any], box: NDArray[Any]) -> NDArray[np.bool_]:
    """Which of some windows (n, 4) share a pixel with another: top, bottom, left, right."""
    down = (windows[:, 0] < box[1]) & (windows[:, 1] > box[0])
    meets: NDArray[np.bool_] = down & (windows[:, 2] < box[3]) & (windows[:, 3] > box[2])
    return meets
