"""coverslip segment: options → a job → files."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from coverslip.cli.job import load_job
from coverslip.cli.listeners import listeners
from coverslip.cli.messages import (
    count_files,
    count_of,
    new_progress,
    note,
    tell,
    tell_failed,
)
from coverslip.cli.options import (
    MODEL,
    Axes,
    Backend,
    CellSize,
    Channel,
    Conditions,
    Device,
    FillHoles,
    FrameInterval,
    Images,
    MethodArgument,
    MinArea,
    NoSeparate,
    Out,
    PixelSize,
    Precision,
    Project,
    Properties,
    Scale,
    Threshold,
    Tta,
)
from coverslip.cli.sources import find_sources, names_below

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coverslip.io import Reading
    from coverslip.pipeline import BatchResult, Executor, Job, SegmentSettings

TLS = (
    "the scheduler's address does not begin with tls://: whoever reaches it can run code on the "
    "workers. Keep it in a network that you trust, or see docs/cluster.md on TLS."
)


def segment(
    images: Images,
    out: Out,
    model: Annotated[str, typer.Option(help=f"auto (the best of these), {MODEL}")] = "phase",
    argument: MethodArgument = None,
    tta: Tta = "none",
    threshold: Threshold = None,
    no_separate: NoSeparate = False,
    min_area: MinArea = None,
    fill_holes: FillHoles = False,
    drop_border: Annotated[
        bool, typer.Option("--drop-border", help="Leave out cells at the image's edge.")
    ] = False,
    scale: Scale = None,
    cell_size: CellSize = None,
    axes: Axes = None,
    channel: Channel = None,
    project: Project = "none",
    pixel_size: PixelSize = None,
    frame_interval: FrameInterval = None,
    probs: Annotated[bool, typer.Option("--probs", help="Also write the probabilities.")] = False,
    uncertainty: Annotated[
        bool, typer.Option("--uncertainty", help="Also write how far the views disagree.")
    ] = False,
    properties: Properties = "all",
    conditions: Conditions = None,
    table: Annotated[str, typer.Option(help="Tables as csv or parquet.")] = "csv",
    label_format: Annotated[
        str, typer.Option(help="Labels as tif (OME-TIFF) or zarr (OME-Zarr).")
    ] = "tif",
    tile: Annotated[int, typer.Option(help="Largest piece predicted at once, in pixels.")] = 1024,
    region: Annotated[
        int, typer.Option(min=0, help="Do images of over 4 such squares one by one; 0: never.")
    ] = 2048,
    tiles: Annotated[
        bool,
        typer.Option("--tiles", help="Also write tiles: full resolution in the report's viewer."),
    ] = False,
    device: Device = "auto",
    backend: Backend = "auto",
    precision: Precision = "auto",
    workers: Annotated[
        int | None, typer.Option(help="Divide the work among so many processes of this computer.")
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(help="Or among the workers of a Dask scheduler: its address, tcp://…"),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Do again what is done already.")
    ] = False,
    recursive: Annotated[
        bool, typer.Option("--recursive", help="Take the images of folders in folders too.")
    ] = False,
    track: Annotated[
        bool, typer.Option("--track", help="Follow the cells of films: tracks and lineages.")
    ] = False,
    time_lapse: Annotated[
        bool, typer.Option("--time-lapse", help="The images of a folder are frames of one film.")
    ] = False,
    stack: Annotated[
        bool,
        typer.Option(
            "--stack", help="Join the cells of a z-stack's slices to objects in 3-D, measured."
        ),
    ] = False,
    slice_distance: Annotated[
        float | None,
        typer.Option(help="From a slice to the next in µm, in place of what the files say."),
    ] = None,
) -> None:
    """Find the cells in images (instance segmentation): labels, overlays, tables, a report."""
    from coverslip.cli.arguments import parse_arguments, parse_list
    from coverslip.cli.checks import check_segment
    from coverslip.cli.compare import read_plate

    check_segment(
        images,
        out,
        table=table,
        project=project,
        workers=workers,
        scheduler=scheduler,
        recursive=recursive,
    )
    from coverslip.checkpoints import shipped_models
    from coverslip.inference import PredictSettings
    from coverslip.io import Reading
    from coverslip.measurements import MeasureSettings
    from coverslip.pipeline import SegmentSettings

    plate = read_plate(conditions)
    out, label_format = choose_out(out, label_format)
    settings = SegmentSettings(
        separate=not no_separate,
        fill_holes=fill_holes,
        drop_border=drop_border,
        predict=PredictSettings(
            tta=tta,
            tile_px=tile,
            overlap_px=min(128, tile // 4),
            device=device,
            backend=backend,
            precision=precision,
        ),
        measure=MeasureSettings(properties=parse_list(properties)),
    )
    models = [model]
    if model == "auto" and time_lapse:  # one for all frames
        reading = Reading(channel, axes, project)
        models = [choose_shipped(images, settings, reading=reading, recursive=recursive)]
    elif model == "auto":
        models = list(shipped_models())
    heard = listeners()
    jobs = [
        replace(
            load_job(
                name,
                settings=settings,
                arguments=parse_arguments(argument or []),
                threshold=threshold,
                min_area=min_area,
                scale=scale,
                cell_size=cell_size,
                axes=axes,
                channel=channel,
                project=project,
                pixel_size=pixel_size,
                frame_interval=frame_interval,
                keep_probs=probs,
                keep_spread=uncertainty,
                table=table,
                labels=label_format,
                region=region,
                conditions=plate,
            ),
            command=heard.command,
            config=heard.config,
            tiles=tiles,
        )
        for name in models
    ]
    failed = run_segment(
        images,
        out,
        jobs=jobs,
        overwrite=overwrite,
        scheduler=scheduler,
        workers=workers,
        recursive=recursive,
        track=track,
        time_lapse=time_lapse,
        stack=stack,
        slice_distance=slice_distance,
    )
    raise typer.Exit(1 if failed else 0)


def run_segment(
    sources: Sequence[str],
    out: Path,
    *,
    jobs: Sequence[Job],
    overwrite: bool,
    scheduler: str | None = None,
    workers: int | None = None,
    recursive: bool = False,
    track: bool = False,
    time_lapse: bool = False,
    stack: bool = False,
    slice_distance: float | None = None,
) -> dict[Path, str]:
    """Segment image files and say what came of it; the files that failed, with the reason.

    Of several jobs, each image gets the one whose model fits it best.
    """
    from coverslip.pipeline import segment_files

    paths = find_sources(sources, recursive=recursive)
    if time_lapse:
        paths, shared = order_frames(paths, jobs[0])
        jobs = [shared]
    names = names_below(paths, sources) if recursive else {}
    model = jobs[0].model_name
    if len(jobs) > 1:
        model = f"auto (of {', '.join(job.model_name for job in jobs)})"
    note(f"{count_files(len(paths))}, model {model}")
    with ExitStack() as opened:
        executor = open_executor(opened, scheduler=scheduler, workers=workers)
        if scheduler is not None:  # whose workers were started in other folders
            paths = list(dict.fromkeys(path.absolute() for path in paths))
            names = {path.absolute(): name for path, name in names.items()}
            out = out.absolute()
        progress = opened.enter_context(new_progress())
        result = segment_files(
            paths,
            out,
            job=jobs,
            names=names,
            overwrite=overwrite,
            executor=executor,
            on_note=note,
            on_progress=progress.on_progress,
        )
    tell_result(result, out)
    done = {path: result.done[path] for path in paths if path in result.done}
    failed = dict(result.failed)
    if track:
        from coverslip.cli.segment_track import track_segmented

        interval = jobs[0].frame_interval_s
        failed |= track_segmented(done, out, time_lapse=time_lapse, frame_interval_s=interval)
    if stack:
        from coverslip.cli.segment_stack import join_segmented

        failed |= join_segmented(done, out, job=jobs[0], slice_distance_um=slice_distance)
    return failed


def open_executor(
    opened: ExitStack, *, scheduler: str | None = None, workers: int | None = None
) -> Executor:
    """Who does the work: a scheduler's workers, processes or threads; `opened` closes it."""
    from coverslip.cluster import DaskExecutor, connected
    from coverslip.pipeline import Processes, Threads

    if scheduler is None:
        return Threads() if workers is None else Processes(workers)
    if not scheduler.startswith("tls://"):
        note(TLS)
    return DaskExecutor(opened.enter_context(connected(scheduler)))


def tell_result(result: BatchResult, out: Path) -> None:
    """Say how many images were segmented, how many cells found, and what failed."""
    if result.skipped:
        were = "was" if len(result.skipped) == 1 else "were"
        note(f"{len(result.skipped)} {were} done before with the same settings (--overwrite)")
    report = out / "report.html"
    tell(
        f"{count_of(result.n_cells, 'cell')} in {count_files(len(result.done))}: {report}",
        n_cells=result.n_cells,
        n_files=len(result.done),
        n_skipped=len(result.skipped),
        report=str(report),
    )
    tell_failed(result.failed)


def order_frames(paths: Sequence[Path], job: Job) -> tuple[list[Path], Job]:
    """Images that are the frames of time-lapses in the order of time, and one scale for them."""
    from coverslip.cli.segment_track import in_time
    from coverslip.pipeline import scale_messages, share_scale

    paths, said = in_time(paths)
    for text in said:
        note(text)
    shared = share_scale(paths, job)
    if shared is not job:
        for text in scale_messages(shared.settings, job.model):
            note(f"all frames: {text}")
    return paths, shared


def choose_shipped(
    sources: Sequence[str], settings: SegmentSettings, *, reading: Reading, recursive: bool = False
) -> str:
    """The model that fits some frames of a film best; what was chosen is said.

    Raises:
        FileError: no image can be read.
    """
    from coverslip.pipeline.choose import choice_message, choose_model

    paths = find_sources(sources, recursive=recursive)
    trials = choose_model(paths, settings=settings, reading=reading)
    note(choice_message(trials))
    return trials[0].name


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
