"""coverslip segment and coverslip demo: options → a job → files."""

from __future__ import annotations

import math
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from coverslip.backends import respect_quota
from coverslip.cluster import DaskExecutor, connected
from coverslip.commands.console import (
    count_files,
    count_frames,
    count_of,
    new_progress,
    note,
    tell,
)
from coverslip.errors import FileError, SettingsError
from coverslip.files import check_writable, find_images, is_written
from coverslip.pipeline import (
    Job,
    Processes,
    SegmentSettings,
    Threads,
    scale_for_size,
    segment_examples,
    segment_files,
)
from coverslip.regions import RegionSettings
from coverslip.shipped import load_model, shipped_models

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from coverslip.pipeline import Executor, Model


def run_segment(
    sources: Sequence[str],
    out: Path,
    *,
    job: Job,
    overwrite: bool,
    scheduler: str | None = None,
    workers: int | None = None,
) -> dict[Path, str]:
    """Segment image files and say what came of it; the files that failed, with the reason."""
    paths = find_sources(sources)
    note(f"{count_files(len(paths))}, model {job.model_name}")
    with ExitStack() as stack:
        executor: Executor = Threads() if workers is None else Processes(workers)
        if scheduler is not None:  # whose workers were started in other folders
            executor = DaskExecutor(stack.enter_context(connected(scheduler)))
            paths = list(dict.fromkeys(path.absolute() for path in paths))
            out = out.absolute()
        progress = stack.enter_context(new_progress())
        on_frame = count_frames(progress, "segmenting", n_files=len(paths))
        result = segment_files(
            paths,
            out,
            job=job,
            overwrite=overwrite,
            executor=executor,
            on_frame=on_frame,
            on_note=note,
        )
    if result.skipped:
        were = "was" if len(result.skipped) == 1 else "were"
        note(f"{len(result.skipped)} {were} done before with the same settings (--overwrite)")
    n_cells = sum(int(record.images["n_cells"].sum()) for record in result.done.values())
    tell(f"{count_of(n_cells, 'cell')} in {count_files(len(result.done))}: {out / 'report.html'}")
    _tell_failed(result.failed)
    return result.failed


def find_sources(sources: Sequence[str]) -> list[Path]:
    """The image files, without what coverslip itself wrote, unless a file is named by its name.

    Raises:
        FileError: a source that is not there or holds no image.
    """
    paths = find_images(sources)
    named = {Path(source) for source in sources}
    found = [path for path in paths if path in named or not is_written(path)]
    n_ours = len(paths) - len(found)
    if n_ours:
        were = "was" if n_ours == 1 else "were"
        note(f"{count_files(n_ours)} that coverslip itself has written {were} left out")
    if not found:
        raise FileError(
            f"{', '.join(sources)}: holds nothing but what coverslip itself has written. Name the "
            "images that it was made of, or a file by its name."
        )
    return found


def load_job(
    model: str,
    *,
    settings: SegmentSettings,
    arguments: Mapping[str, Any] | None = None,
    threshold: float | None = None,
    min_area: int | None = None,
    scale: float | None = None,
    cell_size: str | None = None,
    axes: str | None = None,
    channel: int | str = 0,
    project: str = "none",
    keep_probs: bool = False,
    keep_spread: bool = False,
    table: str = "csv",
    labels: str = "tif",
    region: int = 2048,
) -> Job:
    """The model, found and loaded, with what is to be done.

    No threshold and no least area mean the model's own; no scale and no size of cells, the images'
    own size, or that at which a model that has learnt cells of one size sees them so.

    Raises:
        ModelError: no such model.
        SettingsError: settings or arguments that do not go with it.
    """
    respect_quota()
    loaded = load_model(model, arguments)
    settings = replace(
        settings,
        threshold=threshold,
        min_area_px=min_area,
        scale=choose_scale(loaded, scale=scale, cell_size=cell_size),
    )
    return Job(
        model=loaded,
        model_name=model,
        model_hash=loaded.hash,
        settings=settings,
        axes=axes,
        channel=channel,
        project=project,
        keep_probs=keep_probs,
        keep_spread=keep_spread,
        table=table,
        labels=labels,
        regions=RegionSettings(core_px=region),
    )


def choose_out(out: Path, labels: str) -> tuple[Path, str]:
    """The folder for the results and the format of the labels.

    `-o NAME.ome.zarr` means labels as OME-Zarr; they are one of several results, so the folder for
    them is NAME.
    """
    if out.suffix != ".zarr":
        return out, labels
    folder = out.with_name(out.name.removesuffix(".zarr").removesuffix(".ome"))
    note(f"labels as OME-Zarr, in the folder of the results: {folder}")
    return folder, "zarr"


def choose_scale(
    model: Model, *, scale: float | None, cell_size: str | None
) -> float | Literal["auto"] | None:
    """The scale to predict at; None: the model's own.

    Args:
        model: a loaded model.
        scale: --scale, None where it was not given.
        cell_size: --cell-size, a diameter in px or "auto"; None where it was not given.

    Raises:
        SettingsError: a size that cannot be, a scale beside it, or a model that knows no size.
    """
    if cell_size is None:
        return scale
    size = "auto" if cell_size == "auto" else parse_size(cell_size)
    if scale is not None:
        raise SettingsError(f"--cell-size and --scale {scale:g}: wanted one of the two.")
    return scale_for_size(model, size)


def parse_size(text: str) -> float:
    """``"60"`` → 60.0.

    Raises:
        SettingsError: no number, or none that a diameter can be.
    """
    try:
        size = float(text)
    except ValueError:
        size = 0.0
    if not 0 < size < math.inf:
        raise SettingsError(f"--cell-size {text}: wanted a diameter in pixels, above 0, or auto.")
    return size


def run_demo(examples: Path, out: Path) -> dict[Path, str]:
    """Segment the examples with the models that ship; those that failed, with the reason."""
    check_writable(out)
    shipped = list(shipped_models())
    names = [name for name in shipped if (examples / name).is_dir()] or shipped
    note(f"the images in {examples}, models {', '.join(names)}")
    jobs = {name: load_job(name, settings=SegmentSettings()) for name in names}
    with new_progress() as progress:
        task = progress.add_task("segmenting", total=None, info="")
        failed = segment_examples(
            examples,
            out,
            jobs=jobs,
            on_frame=lambda path, frame, n: progress.update(task, advance=1, info=path.name),
        )
    page = (out / "report.html").resolve()
    n_cells, n_frames = (len(pd.read_csv(out / f"{name}.csv")) for name in ("cells", "images"))
    tell(f"{count_of(n_cells, 'cell')} in {count_of(n_frames, 'frame')}")
    tell(f"masks, overlays and tables: {out}\nopen in a browser: {page}")
    _tell_failed(failed)
    return failed


def _tell_failed(failed: Mapping[Path, str]) -> None:
    for message in failed.values():
        note(f"failed: {message}")
