"""example images, a folder for each shipped model → their results and one page of all."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from coverslip.checkpoints import shipped_models
from coverslip.errors import FileError
from coverslip.io import Ledger, find_images, writing
from coverslip.pipeline.outputs import name_outputs
from coverslip.pipeline.record import BatchResult
from coverslip.pipeline.run import segment_files
from coverslip.pipeline.summary import Page, write_summary
from coverslip.progress import Pace
from coverslip.provenance import PACKAGE, package_version
from coverslip.report import Run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from coverslip.pipeline.job import Job
    from coverslip.pipeline.outputs import Outputs
    from coverslip.pipeline.record import Record
    from coverslip.progress import Progress

NOTE = (
    "The models did not learn from these images, which are of a validation set and a test fold; "
    "of the film, the model phase knows the first frame, which is not shown here. "
    "examples/README.md says whose they are."
)


def find_examples() -> Path:
    """The example images: of an installed package inside it, of a checkout beside its source.

    Raises:
        FileError: they are not there.
    """
    places = (PACKAGE / "examples", PACKAGE.parent.parent / "examples")
    for folder in places:
        if any((folder / name).is_dir() for name in shipped_models()):
            return folder
    raise FileError(
        f"{places[0]}: the example images are not there. Install coverslip again, or name a folder "
        "of images by --examples."
    )


def segment_examples(
    examples: Path,
    out: Path,
    *,
    jobs: Mapping[str, Job],
    overwrite: bool = False,
    on_progress: Callable[[Progress], None] = lambda progress: None,
) -> BatchResult:
    """Segment the images in ``examples/<model>`` with each model, and show all on one page.

    Args:
        examples: a folder with a folder of images for each model.
        out: gets a folder of results for each model, and the tables and the page of all.
        jobs: what to do, by the model's name.
        overwrite: do again what is done already.
        on_progress: called with how far the images of all models are.

    Returns:
        What became of each image. The page is ``report.html`` in `out`.

    Raises:
        FileError: the examples are not there, or the results cannot be written.
    """
    if not examples.is_dir():
        raise FileError(
            f"{examples}: no such folder of example images. Name another by --examples, or leave "
            "the option out: there are some in the package."
        )
    started, clock = datetime.now(), time.perf_counter()
    all_of_it = BatchResult()
    targets: dict[Path, Outputs] = {}
    found = {model: find_images([examples / model]) for model in jobs}
    pace = Pace("segmenting", n_all=sum(map(len, found.values())))
    for model, job in jobs.items():
        paths, n_before = found[model], len(all_of_it.done) + len(all_of_it.failed)

        def tell(progress: Progress, n_before: int = n_before) -> None:
            on_progress(pace.reach(n_before + progress.n_done, item=progress.item))

        result = segment_files(paths, out / model, job=job, overwrite=overwrite, on_progress=tell)
        all_of_it.skipped.extend(result.skipped)
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
    return all_of_it


def in_folder(record: Record, folder: str) -> Record:
    """A record whose files lie in a folder beside the page and the tables."""
    rows = record.images
    links = {name: f"{folder}/" + rows[name] for name in ("overlay", "labels")}
    parts = [replace(part, name=f"{folder}/{part.name}") for part in record.parts]
    return replace(record, images=rows.assign(**links), parts=parts)
