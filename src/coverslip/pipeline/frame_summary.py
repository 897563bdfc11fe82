"""a frame whose regions are done → its row of images.csv, and what the user should know of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.checkpoints import Checkpoint
from coverslip.io import find_channel
from coverslip.pipeline.frame import NOISE, NOISY_FRAMES
from coverslip.pipeline.frame_statistics import read_statistics, statistics_notes, statistics_path
from coverslip.pipeline.plan import is_gap
from coverslip.pipeline.sureness import fit_score

if TYPE_CHECKING:
    from coverslip.pipeline.plan import FramePlan
    from coverslip.pipeline.stitch import Stitched


def frame_row(plan: FramePlan, cells: Stitched) -> dict[str, Any]:
    """A frame's row of images.csv; the columns are those of `coverslip.report.IMAGE_COLUMNS`."""
    file, frame, target = plan.file, plan.index, plan.opened.target
    height, width = file.frame_shape
    median_area_px = float(np.median(cells.areas)) if len(cells.areas) else float("nan")
    gap = is_gap(plan)
    row: dict[str, Any] = {
        "file": str(file.path),
        "frame": frame,
        "n_cells": float("nan") if gap else cells.n_cells,
        "confluence": float("nan") if gap else round(cells.confluence, 6),
        "fit": float("nan") if gap else frame_fit(plan),
        "median_area_px": median_area_px,
        "height_px": height,
        "width_px": width,
        "overlay": target.overlay(frame, file.n_frames).relative_to(target.folder).as_posix(),
        "labels": target.labels.name,
        "model": "" if plan.opened.truth else plan.job.model_name,
        "precision": frame_precision(plan),
    }
    if file.pixel_size_um is not None:
        row["pixel_size_um"] = file.pixel_size_um[0]
        row["median_area_um2"] = median_area_px * file.pixel_size_um[0] * file.pixel_size_um[1]
    if file.frame_interval_s is not None and file.frame_axes == "T":
        row["time_s"] = frame * file.frame_interval_s
    return row


def frame_fit(plan: FramePlan) -> float:
    """The score of fit of a frame; NaN of corrected labels, and of a method without learning."""
    if plan.opened.truth or not isinstance(plan.job.model, Checkpoint):
        return float("nan")
    found = [plan.store.get(region, "sure")["sure"] for region in plan.regions]
    return fit_score(np.sum(found, axis=0))


def frame_precision(plan: FramePlan) -> str:
    """The numbers that the network computed with; "" of corrected labels and of other methods."""
    if plan.opened.truth or not isinstance(plan.job.model, Checkpoint):
        return ""
    return plan.job.model.settle(plan.settings.predict).precision


def frame_messages(plan: FramePlan, cells: Stitched) -> list[str]:
    """What the user should know of a frame."""
    messages = region_messages(plan)
    if plan.is_large:
        messages += [*statistics_notes(plan.folder), *noise_notes(plan)]
        messages += large_messages(plan, cells)
    return messages


def region_messages(plan: FramePlan) -> list[str]:
    """What the user should know of how the regions of a frame were done."""
    found = (plan.store.get(region, "messages")["messages"] for region in plan.regions)
    return [message for messages in found for message in messages.tolist()]


def large_messages(plan: FramePlan, cells: Stitched) -> list[str]:
    """What the user should know of how a large frame was done."""
    reduce = plan.reduce
    size = f"; the overlay has 1 pixel for {reduce} × {reduce} of them" if reduce > 1 else ""
    messages = [f"done in {len(plan.regions)} regions of {plan.core_px} px a side{size}"]
    if cells.oversize:
        messages.append(
            f"cells that reach farther than {plan.margins.most} px beyond a region: "
            f"{len(cells.oversize)}, put together of parts; only their place and area are measured"
        )
    if cells.n_disputed:
        messages.append(f"pixels that two regions gave to two cells: {cells.n_disputed}")
    return messages


def noise_notes(plan: FramePlan) -> list[str]:
    """What is said of a large frame that shows nothing but noise, if it is one."""
    channel = find_channel(plan.file, plan.job.reading)
    known = read_statistics(statistics_path(plan.folder, channel))
    if known is None or not known.shows_noise or is_gap(plan):
        return []
    return [NOISE if plan.file.n_frames == 1 else NOISY_FRAMES]
