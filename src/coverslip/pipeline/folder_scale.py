"""images of one folder → the scale on which those that were looked at agree.

The cells of a well plate or a day at the microscope have one size. So it is looked for in three
images of a folder, and the others are predicted at what most of these say; each of them is searched
alone where its own cells then speak against it (`scale.is_right_scale`).
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

from coverslip.checkpoints import Checkpoint
from coverslip.errors import CoverslipError
from coverslip.io import find_channel, open_reading
from coverslip.pipeline.frame import hold_frames
from coverslip.pipeline.plan import is_large
from coverslip.pipeline.scale import Guess, find_scale, windows

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from coverslip.io import ImageFile
    from coverslip.pipeline.job import Job
    from coverslip.pipeline.plan import OpenedImage

MIN_IMAGES = 5  # of a folder: of fewer, three would be most of them
AGREE = 0.25  # octaves from the middle one of the three, within which another agrees


@dataclass(frozen=True)
class FolderScale:
    """What was found in some images of a folder.

    Attributes:
        scales: of the images that were looked at.
        shape: height and width of all of them.
        shared: on what most of them agree; None where they do not.
    """

    scales: dict[Path, float]
    shape: tuple[int, int]
    shared: float | None


@dataclass
class FolderScales:
    """The scales of all folders of a command, each looked for when its first image is begun.

    Attributes:
        job: model, settings and how the images are read.
        folders: the images of each folder, in their order.
        found: what was found in a folder; None where nothing can be said.
    """

    job: Job
    folders: dict[Path, list[Path]]
    found: dict[Path, FolderScale | None] = field(default_factory=dict)

    def guess(self, opened: OpenedImage) -> Guess | None:
        """The scale at which an image is to be predicted first; None: it is searched alone."""
        path = opened.file.path
        images = self.folders.get(path.parent, [])
        if opened.truth or len(images) < MIN_IMAGES or not may_share(opened.file, self.job):
            return None
        if path.parent not in self.found:
            self.found[path.parent] = find_folder_scale(images, self.job)
        found = self.found[path.parent]
        if found is None or found.shape != opened.file.frame_shape:
            return None
        if path in found.scales:
            return Guess(found.scales[path], is_sure=True)
        return None if found.shared is None else Guess(found.shared)


def group_by_folder(paths: Sequence[Path]) -> dict[Path, list[Path]]:
    """The images of each folder, in their order."""
    folders: dict[Path, list[Path]] = {}
    for path in dict.fromkeys(paths):
        folders.setdefault(path.parent, []).append(path)
    return folders


def may_share(file: ImageFile, job: Job) -> bool:
    """Whether an image is one frame in memory, whose scale is to be found."""
    is_open = job.settings.scale == "auto" and isinstance(job.model, Checkpoint)
    return (
        is_open and bool(job.model.cell_size_px) and file.n_frames == 1 and not is_large(file, job)
    )


def find_folder_scale(images: Sequence[Path], job: Job) -> FolderScale | None:
    """Look at the first image of a folder, the middle one and the last.

    Returns:
        What was found; None where one of the three cannot be read, is a film, too large to be held,
        or of another size than the others.
    """
    chosen = [images[0], images[len(images) // 2], images[-1]]
    try:
        files = [open_reading(path, job.reading) for path in chosen]
        shape = files[0].frame_shape
        if not all(may_share(file, job) and file.frame_shape == shape for file in files):
            return None
        with ThreadPoolExecutor(2) as pool:
            scales = list(pool.map(lambda file: scale_of_file(file, job), files))
    except (CoverslipError, ValueError, MemoryError):  # said when that image's turn has come
        return None
    middle = median(scales)
    n_agree = sum(abs(math.log2(scale / middle)) <= AGREE for scale in scales)
    return FolderScale(
        dict(zip(chosen, scales, strict=True)), shape, middle if n_agree >= 2 else None
    )


def scale_of_file(file: ImageFile, job: Job) -> float:
    """The scale of an image of one frame, as it is found in it alone."""
    channel = find_channel(file, job.reading)
    (frame,) = hold_frames(file, [0], job.model, channel=channel)
    pieces = [frame.prepared(window) for window in windows(frame.shape)]
    return find_scale(pieces, job.model, settings=job.settings)
