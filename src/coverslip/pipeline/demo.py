"""example images, a folder for each shipped model → their results and one page of all."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from coverslip.errors import FileError
from coverslip.io import Ledger, find_images, writing
from coverslip.pipeline.outputs import name_outputs
from coverslip.pipeline.record import BatchResult
from coverslip.pipeline.run import segment_files
from coverslip.pipeline.summary import Page, write_summary
from coverslip.provenance import package_version
from coverslip.report import Run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from coverslip.pipeline.outputs import Outputs
    from coverslip.pipeline.record import Job, Record

NOTE = (
    "The models did not learn from these images, which are of a validation set and a test fold; "
    "of the film, the model phase knows the first frame, which is not shown here. "
    "examples/README.md says whose they are."
)


def segment_examples(
    examples: Path,
    out: Path,
    *,
    jobs: Mapping[str, Job],
    on_frame: Callable[[Path, int, int], None] = lambda path, frame, n: None,
) -> dict[Path, str]:
    """Segment the images in ``examples/<model>`` with each model, and show all on one page.

    Args:
        examples: a folder with a folder of images for each model.
        out: gets a folder of results for each model, and the tables and the page of all.
        jobs: what to do, by the model's name.
        on_frame: as for `segment_files`.

    Returns:
        The images that failed, with the reason. The page is ``report.html`` in `out`.

    Raises:
        FileError: the examples are not there, or the results cannot be written.
    """
    if not examples.is_dir():
        raise FileError(
            f"{examples}: no folder of example images: run this in the folder of the source code, "
            "or name the folder by --examples."
        )
    started, clock = datetime.now(), time.perf_counter()
    all_of_it = BatchResult()
    targets: dict[Path, Outputs] = {}
    for model, job in jobs.items():
        paths = find_images([examples / model])
        result = segment_files(paths, out / model, job=job, overwrite=True, on_frame=on_frame)
        done = {path: in_folder(record, model) for path, record in result.done.items()}
        all_of_it.done.update(done)
        all_of_it.failed.update(result.failed)
        targets |= name_outputs(paths, out / model)
    run = Run(
        model=", ".join(jobs),
        version=package_version("coverslip"),
        started=started,
        seconds=time.perf_counter() - clock,
    )
    with writing(Ledger(out)):
        page = Page("Example images", run, notes=[NOTE])
        write_summary(out, all_of_it, page=page, targets=targets)
    return all_of_it.failed


def in_folder(record: Record, folder: str) -> Record:
    """A record whose files lie in a folder beside the page and the tables."""
    rows = record.images
    links = {name: f"{folder}/" + rows[name] for name in ("overlay", "labels")}
    parts = [replace(part, name=f"{folder}/{part.name}") for part in record.parts]
    return replace(record, images=rows.assign(**links), parts=parts)
