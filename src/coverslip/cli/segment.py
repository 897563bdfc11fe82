"""coverslip segment and coverslip demo: options → a job → files."""

from __future__ import annotations

import math
import re
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

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
from coverslip.errors import FileError, SettingsError

TLS = (
    "the scheduler's address does not begin with tls://: whoever reaches it can run code on the "
    "workers. Keep it in a network that you trust, or see docs/cluster.md on TLS."
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from coverslip.io import Reading
    from coverslip.pipeline import Executor, Job, Model, SegmentSettings
    from coverslip.plates import Conditions as Plate


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
    from coverslip.cluster import DaskExecutor, connected
    from coverslip.pipeline import Processes, Threads, segment_files

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
        executor: Executor = Threads() if workers is None else Processes(workers)
        if scheduler is not None:  # whose workers were started in other folders
            if not scheduler.startswith("tls://"):
                note(TLS)
            executor = DaskExecutor(opened.enter_context(connected(scheduler)))
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
    if result.skipped:
        were = "was" if len(result.skipped) == 1 else "were"
        note(f"{len(result.skipped)} {were} done before with the same settings (--overwrite)")
    n_cells = sum(int(record.images["n_cells"].sum()) for record in result.done.values())
    report = out / "report.html"
    tell(
        f"{count_of(n_cells, 'cell')} in {count_files(len(result.done))}: {report}",
        n_cells=n_cells,
        n_files=len(result.done),
        n_skipped=len(result.skipped),
        report=str(report),
    )
    tell_failed(result.failed)
    done = {path: result.done[path] for path in paths if path in result.done}
    lost: dict[Path, str] = {}
    if track:
        from coverslip.cli.segment_track import track_segmented

        interval = jobs[0].frame_interval_s
        lost |= track_segmented(done, out, time_lapse=time_lapse, frame_interval_s=interval)
    if stack:
        from coverslip.cli.segment_stack import join_segmented

        lost |= join_segmented(done, out, job=jobs[0], slice_distance_um=slice_distance)
    return {**result.failed, **lost}


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


def find_sources(sources: Sequence[str], *, recursive: bool = False) -> list[Path]:
    """The image files, without what coverslip itself wrote, and without masks beside their images.

    What is named by its name is taken, whatever it is.

    Raises:
        FileError: a source that is not there or holds no image.
    """
    from coverslip.io import is_written, part_masks, split_series

    paths = find_every_image(sources, recursive=recursive)
    named = {Path(source) for source in sources}
    others = [path for path in paths if path in named or not is_written(split_series(path)[0])]
    n_ours = len(paths) - len(others)
    if n_ours:
        were = "was" if n_ours == 1 else "were"
        note(f"{count_files(n_ours)} that coverslip itself has written {were} left out")
    if not others:
        raise FileError(
            f"{', '.join(sources)}: holds nothing but what coverslip itself has written. Name the "
            "images that it was made of, or a file by its name."
        )
    masks = set(part_masks(others)[1]) - named
    if masks:
        verbs = "is taken for a mask" if len(masks) == 1 else "are taken for masks"
        note(
            f"{count_files(len(masks))} that by the name belong to an image beside them {verbs}, "
            f"and left out, such as {min(masks)}"
        )
    return [path for path in others if path not in masks]


def names_below(paths: Sequence[Path], sources: Sequence[str]) -> dict[Path, str]:
    """What the results of images in folders of folders are called: by their place there."""
    from coverslip.pipeline import name_below

    roots = [root for root in map(Path, sources) if root.is_dir()]
    found: dict[Path, str] = {}
    for path in paths:
        root = next((one for one in roots if one != path and one in path.parents), None)
        if root is not None:
            found[path] = name_below(path, root)
    return found


def find_every_image(sources: Sequence[str], *, recursive: bool = False) -> list[Path]:
    """The image files; of one that holds several images, such as positions, each of them."""
    from coverslip.io import find_images, list_series

    found: list[Path] = []
    for path in find_images(sources, recursive=recursive):
        images = list_series(path)
        if len(images) > 1:
            note(f"{path}: it holds {len(images)} images, and each is read ({images[0]}, …)")
        found += images
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
    channel: int | str | None = None,
    project: str = "none",
    pixel_size: float | None = None,
    frame_interval: str | None = None,
    keep_probs: bool = False,
    keep_spread: bool = False,
    table: str = "csv",
    labels: str = "tif",
    region: int = 2048,
    conditions: Plate | None = None,
) -> Job:
    """The model, found and loaded, with what is to be done.

    No threshold and no least area mean the model's own; no scale and no size of cells, the images'
    own size, or that at which a model that has learnt cells of one size sees them so.

    Raises:
        ModelError: no such model.
        SettingsError: settings or arguments that do not go with it.
    """
    from coverslip.checkpoints import load_model
    from coverslip.inference.runtime import respect_quota
    from coverslip.pipeline import Job
    from coverslip.tiling import RegionSettings

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
        pixel_size_um=None if pixel_size is None else (pixel_size, pixel_size),
        frame_interval_s=None if frame_interval is None else parse_interval(frame_interval),
        keep_probs=keep_probs,
        keep_spread=keep_spread,
        table=table,
        labels=labels,
        regions=RegionSettings(core_px=region),
        conditions=conditions,
    )


def parse_interval(text: str) -> float:
    """``"300"``, ``"5 min"`` → seconds.

    Raises:
        SettingsError: no number, or a unit of no time.
    """
    from coverslip.io import s_per_unit

    found = re.fullmatch(r"\s*([0-9.eE+-]+)\s*([^0-9]*?)\s*", text)
    scale = s_per_unit(found[2] or "s") if found else None
    try:
        if found is not None and scale is not None:
            return float(found[1]) * scale
    except ValueError:
        pass
    raise SettingsError(
        f"--frame-interval {text}: wanted seconds, or a number with its unit, such as '5 min'."
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
    from coverslip.pipeline import scale_for_size

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
