"""an image in a request → its cells, by a queue and models that stay open for all clients."""

from __future__ import annotations

import tempfile
import threading
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from coverslip.app.folder import MissingError
from coverslip.app.jobs import Job, Jobs
from coverslip.app.warm import AUTO, Warm
from coverslip.errors import CoverslipError, DataError
from coverslip.export import LabelImage, write_geojson, write_roi_zip
from coverslip.io import Reading, find_channel, open_reading, read_frames, smallest_dtype
from coverslip.io import write_labels as write_label_file
from coverslip.pipeline import SegmentSettings, choose_for_array, segment
from coverslip.tables import write_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

# What may be asked for: the file's name and its media type.
FORMS = {
    "labels": ("labels.tif", "image/tiff"),
    "geojson": ("cells.geojson", "application/geo+json"),
    "csv": ("cells.csv", "text/csv"),
    "rois": ("rois.zip", "application/zip"),
}
KEPT_BYTES = 2**29  # of results that nobody has fetched yet


@dataclass(frozen=True)
class Asked:
    """How an image is to be segmented.

    Attributes:
        model: its name; "auto": the one that fits best.
        threshold: None: the model's own.
        cell_size: the cells' diameter in pixels; None: what the model's scale follows.
        channel: by number or name; None: the one that the model has learnt, or the first.
    """

    model: str = AUTO
    threshold: float | None = None
    cell_size: float | None = None
    channel: str | None = None


@dataclass(frozen=True)
class Cells:
    """What was found in an image."""

    labels: NDArray[Any]  # (H, W), or (frames, H, W)
    table: pd.DataFrame
    pixel_size_um: tuple[float, float] | None
    model: str


@dataclass
class Service:
    """Segments what comes, one image after the other.

    Attributes:
        jobs: the queue.
        warm: models that are open.
        most_px: of an image, all its frames together.
        most_waiting: jobs that may wait.
        most_s: how long a request may wait for its result.
        results: of jobs that are over, those used last at the end.
    """

    jobs: Jobs
    warm: Warm
    most_px: int = 2**27
    most_waiting: int = 64
    most_s: float = 300.0
    results: OrderedDict[int, Cells] = field(default_factory=OrderedDict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, image: bytes, asked: Asked) -> Job:
        """Have an image segmented.

        Raises:
            BusyError: too much is waiting already.
        """

        def work(job: Job) -> None:
            found = segment_bytes(image, asked, service=self, job=job)
            with self.lock:
                self.results[job.number] = found
                while len(self.results) > 1 and self.total() > KEPT_BYTES:
                    self.results.popitem(last=False)

        return self.jobs.add("segment", work, most=self.most_waiting)

    def total(self) -> int:
        """The bytes of all results that are kept."""
        return sum(found.labels.nbytes for found in self.results.values())

    def result(self, number: int) -> Cells:
        """What a job has found.

        Raises:
            MissingError: there is no such job, or its result is no longer kept.
        """
        job = self.jobs.get(number)
        with self.lock:
            if number in self.results:
                return self.results[number]
        if job.state in ("waiting", "running"):
            raise DataError(f"job {number} is not done yet: ask again later.")
        raise MissingError(f"job {number} has no result: {job.message or job.state}")

    def forget(self, number: int) -> Job:
        """Stop a job, and forget what it found."""
        job = self.jobs.stop(number)
        with self.lock:
            self.results.pop(number, None)
        return job


def segment_bytes(image: bytes, asked: Asked, *, service: Service, job: Job) -> Cells:
    """Find the cells in the bytes of an image file, of one frame or of several.

    Raises:
        CoverslipError: they are no image that can be read, or too large a one.
        StoppedError: the job was stopped.
    """
    with tempfile.TemporaryDirectory(prefix="coverslip-") as folder:
        path = Path(folder, "image")
        path.write_bytes(image)
        try:
            return segment_path(path, asked, service=service, job=job)
        except CoverslipError as error:  # our names say nothing to the client
            text = str(error).replace(f"{path}", "the image").replace(folder, "the upload")
            raise type(error)(text) from error


def segment_path(path: Path, asked: Asked, *, service: Service, job: Job) -> Cells:
    """The same for a file."""
    reading = Reading(channel=asked.channel)
    file = open_reading(path, reading)
    height, width = file.frame_shape
    if file.n_frames * height * width > service.most_px:
        raise DataError(
            f"{file.n_frames} × {height} × {width} pixels are more than the {service.most_px:,} "
            "that are taken here: segment it on the command line."
        )
    name = asked.model
    if name == AUTO:
        first = next(read_frames(file, [0], channel=find_channel(file, reading)))
        name = choose_for_array(first)
    model = service.warm.open(name)
    channel = find_channel(file, replace(reading, learnt=model.channel))
    labels, tables = [], []
    settings = SegmentSettings(threshold=asked.threshold)
    for frame, pixels in enumerate(read_frames(file, channel=channel)):
        job.step(frame, file.n_frames, f"frame {frame + 1} of {file.n_frames}")
        found = segment(
            pixels,
            model,
            settings=settings,
            cell_size=asked.cell_size,
            pixel_size_um=file.pixel_size_um,
        )
        labels.append(found.labels.astype(smallest_dtype(int(found.labels.max(initial=0)))))
        tables.append(found.cells.assign(frame=frame))
    job.step(file.n_frames, file.n_frames, f"{sum(map(len, tables))} cells")
    stacked = labels[0] if len(labels) == 1 else np.stack([one.astype("u4") for one in labels])
    return Cells(stacked, pd.concat(tables, ignore_index=True), file.pixel_size_um, name)


def cells_to_bytes(found: Cells, form: str) -> bytes:
    """The cells as a file of one of `FORMS`.

    Raises:
        CoverslipError: the format cannot hold them, or a package for it is missing.
    """
    with tempfile.TemporaryDirectory(prefix="coverslip-") as folder:
        path = Path(folder, FORMS[form][0])
        if form == "csv":
            columns = ["frame", *(name for name in found.table if name != "frame")]
            write_table(path, found.table[columns])
        elif form == "labels":
            shape = found.labels.shape
            frames = found.labels if found.labels.ndim == 3 else [found.labels]
            write_label_file(
                path,
                frames,
                shape=shape,
                axes="YX" if len(shape) == 2 else "TYX",
                pixel_size_um=found.pixel_size_um,
                dtype=found.labels.dtype,
            )
        else:
            source = LabelImage(found.labels, pixel_size_um=found.pixel_size_um)
            (write_geojson if form == "geojson" else write_roi_zip)(path, source)
        return path.read_bytes()
