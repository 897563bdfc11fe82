"""planned frames and regions → their cells, found, measured and kept, each in a file of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from coverslip.device import ShortMemoryError
from coverslip.inference import smaller_tiles_message
from coverslip.io import find_channel, writing
from coverslip.pipeline.corrected import opened_truth, take_from_labels
from coverslip.pipeline.frame import hold_frames
from coverslip.pipeline.pictures import write_frame_pictures
from coverslip.pipeline.plan import moved_message
from coverslip.pipeline.region import find_in_region, measure_region, pack_region, reduce_picture
from coverslip.pipeline.resolve import settle_frame
from coverslip.pipeline.scale import is_right_scale
from coverslip.pipeline.store import RegionFolder
from coverslip.pipeline.tile_cache import drop_tiles, smaller_tiles
from coverslip.report import pick_frames

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from coverslip.pipeline.frame import Frame, HeldFrame, WindowedFrame
    from coverslip.pipeline.job import Job
    from coverslip.pipeline.plan import FramePlan
    from coverslip.pipeline.region import RegionResult
    from coverslip.tiling import Region


def do_frames(plans: Sequence[FramePlan]) -> list[FramePlan]:
    """Segment frames that fit into memory, one after the other, those that are not done yet.

    Returns:
        The plans with their settings settled, where an image's own cells decided.
    """
    missing = {plan.index: plan for plan in plans if not is_frame_done(plan)}
    if not missing:
        return list(plans)
    one = plans[0]
    channel = find_channel(one.file, one.job.reading)
    done = {plan.index: plan for plan in plans}
    for frame in hold_frames(one.file, list(missing), one.job.model, channel=channel):
        done[frame.number] = do_frame(missing[frame.number], frame)
    return list(done.values())


def do_frame(plan: FramePlan, frame: HeldFrame) -> FramePlan:
    """Segment a frame in memory, draw it, and keep what was found."""
    (region,) = plan.regions
    messages: list[str] = list(frame.notes)
    plan, found = find_in_frame(plan, frame, messages=messages)
    arrays = pack_found(plan, region, frame, found=found, messages=messages)
    ledger = plan.opened.target.ledger()
    with writing(ledger):
        write_frame_pictures(plan, frame, arrays)
    # Kept with the frame, since it may be another process that tells the user.
    messages += [moved_message(old, new) for old, new in ledger.moved]
    plan.store.put(region, {**arrays, "messages": np.array(messages, dtype=str)})
    return plan


def find_in_frame(
    plan: FramePlan, frame: HeldFrame, *, messages: list[str]
) -> tuple[FramePlan, RegionResult]:
    """Find the cells of a frame in memory, at the scale of its folder where that is right here too.

    Where the cells that are found so are of another size than the model's, or where the model does
    not fit so, the scale is looked for in this image alone.

    Returns:
        The plan with its settings settled, and the cells.
    """
    (region,) = plan.regions
    guess = plan.opened.guess
    settled = settle_frame(plan, frame, guess=guess)
    found = find_cells(settled, region, frame, messages=messages)
    if plan.opened.truth or guess is None or guess.is_sure:
        return settled, found
    if is_right_scale(found.labels, found.probs, plan.job.model, scale=guess.scale):
        return settled, found
    alone = settle_frame(plan, frame)
    if alone.settings == settled.settings:
        return settled, found
    return alone, find_cells(alone, region, frame, messages=messages)


def do_regions(plan: FramePlan, numbers: Sequence[int] | None = None) -> None:
    """Segment the regions of a large frame that are not done, or whose file is broken.

    Args:
        plan: of the frame.
        numbers: of the regions; None: all.

    Raises:
        CoverslipError: the frame cannot be read or predicted, or a result not be written.
    """
    chosen = plan.regions if numbers is None else [plan.regions[number] for number in numbers]
    missing = [one for one in chosen if not plan.store.is_done(one)]
    if missing:
        with plan.open_windows() as frame:
            for region in missing:
                plan = do_region(plan, region, frame)


def do_region(plan: FramePlan, region: Region, frame: WindowedFrame) -> FramePlan:
    """Segment a region, in smaller tiles where memory is short; the plan as it is to go on."""
    messages: list[str] = []
    while True:
        smaller = smaller_tiles(plan)
        try:
            arrays = segment_region(plan, region, frame, messages=messages)
        except ShortMemoryError:
            if smaller is None:
                raise
        else:
            picture = reduce_picture(frame.image(region.core), plan.reduce)
            plan.store.put(region, {**arrays, "picture": picture})
            drop_tiles(plan, region, plan.tile_grid)
            return plan
        # Outside of the except clause, whose traceback keeps the memory of what failed.
        messages.append(smaller_tiles_message(smaller.predict))
        plan = replace(plan, settings=smaller)


def segment_region(
    plan: FramePlan,
    region: Region,
    frame: Frame,
    *,
    messages: list[str],
) -> dict[str, NDArray[Any]]:
    """Find and measure the cells of a region; what is to be kept of it, as arrays by name.

    Args:
        plan: of the frame, with nothing left open.
        region: of the frame.
        frame: the frame.
        messages: what the user should know of it; what is found out here is added.
    """
    found = find_cells(plan, region, frame, messages=messages)
    return pack_found(plan, region, frame, found=found, messages=messages)


def find_cells(
    plan: FramePlan,
    region: Region,
    frame: Frame,
    *,
    messages: list[str],
) -> RegionResult:
    """Find the cells of a region, or take those that a person drew."""
    if plan.opened.truth:
        with opened_truth(plan) as read:
            return take_from_labels(plan, region, read)
    return find_in_region(
        frame,
        region,
        model=plan.job.model,
        settings=plan.settings,
        margins=plan.margins,
        tiles=plan.tiles if plan.is_large else None,
        on_message=messages.append,
    )


def pack_found(
    plan: FramePlan,
    region: Region,
    frame: Frame,
    *,
    found: RegionResult,
    messages: list[str],
) -> dict[str, NDArray[Any]]:
    """Measure the cells of a region; what is to be kept of it, as arrays by name."""
    rows = measure_region(
        frame,
        found,
        model=plan.job.model,
        settings=plan.settings,
        pixel_size_um=plan.file.pixel_size_um,
    )
    maps = () if plan.opened.truth else kept_maps(plan.job)
    arrays = pack_region(found, region, rows, maps=maps)
    return {**arrays, "messages": np.array(messages, dtype=str)}


def kept_maps(job: Job) -> tuple[str, ...]:
    """The maps that are to be written."""
    return ("probs",) * job.keep_probs + ("spread",) * job.keep_spread


def is_frame_done(plan: FramePlan) -> bool:
    """The same, and that what is kept can be read from end to end."""
    return is_frame_there(plan) and plan.store.is_done(plan.regions[0])


def is_frame_there(plan: FramePlan) -> bool:
    """Whether a film's frame and its pictures are there, by a quick look."""
    n_frames, target = plan.file.n_frames, plan.opened.target
    if not isinstance(plan.store, RegionFolder):
        return False
    wanted = [plan.store.path(plan.regions[0]), target.overlay(plan.index, n_frames)]
    wanted += [target.thumbnail(plan.index)] if plan.index in pick_frames(n_frames) else []
    return all(path.is_file() for path in wanted)
