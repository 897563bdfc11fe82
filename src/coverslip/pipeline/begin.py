"""one image file + a job → its earlier record, or a clean place and an open file to begin with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from coverslip.files import open_image, project
from coverslip.pipeline.large import is_large, segment_large
from coverslip.pipeline.record import Record, job_key, read_record, write_record
from coverslip.pipeline.series import segment_series

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from coverslip.files import ImageFile
    from coverslip.pipeline.outputs import Outputs
    from coverslip.pipeline.record import Job

    Begin: TypeAlias = "Callable[[Path], Begun | Record]"


@dataclass(frozen=True)
class Begun:
    """An image that is to be done; nothing of another job is left where its results go.

    Attributes:
        file: the image file.
        target: where its results go.
        key: the record's key.
    """

    file: ImageFile
    target: Outputs
    key: str

    def parts(self, job: Job) -> Path:
        """Where what is done of it is kept until all of it is."""
        return self.target.parts(job=job, key=self.key)


def begin(
    path: Path, target: Outputs, *, job: Job, thumbnails: Sequence[Path], overwrite: bool = False
) -> Begun | Record:
    """Look whether an image was done before, and if not, clear its place and open it.

    Args:
        path: the image file.
        target: where its results go.
        job: model, settings and what to keep.
        thumbnails: those of the image that are there, from `find_thumbnails`.
        overwrite: do again what is done already.

    Returns:
        Its record if it was done before, by the same job.

    Raises:
        CoverslipError: it cannot be read, or earlier results cannot be removed.
    """
    key = job_key(path, job)
    earlier = None if overwrite else read_record(target.record, key=key)
    if earlier is not None and target.complete(
        job, n_frames=len(earlier.images), others=earlier.files
    ):
        target.forget_parts()
        return earlier
    # First of all: an image that broke since must not keep its old labels.
    kept = None if overwrite else target.parts(job=job, key=key)
    target.forget(thumbnails, but=kept)
    target.remove_leftovers()
    return Begun(project(open_image(path, axes=job.axes), job.project), target, key)


def finish(
    begun: Begun,
    *,
    job: Job,
    on_frame: Callable[[Path, int, int], None] = lambda path, frame, n: None,
) -> Record:
    """Do of an image what is not done yet, and write its results and its record.

    Args:
        begun: the image.
        job: that with which it was begun.
        on_frame: as for `coverslip.pipeline.segment_files`.

    Raises:
        CoverslipError: it cannot be read or predicted, or a result not be written.
    """
    do = segment_large if is_large(begun.file, job) else segment_series
    record = do(begun.file, begun.target, job=job, key=begun.key, on_frame=on_frame)
    write_record(begun.target.record, record)
    begun.target.forget_parts()
    return record
