"""coverslip export: label files → files of other tools; no network, so no PyTorch.

Fiji, QuPath, napari and others open what it writes.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Annotated, Any

import typer

from coverslip.cli import export_tracks
from coverslip.cli.messages import new_progress, note, tell, tell_failed
from coverslip.cli.options import Axes, Channel, Out, Project
from coverslip.errors import SettingsError, costs_itself

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from coverslip.export import LabelImage
    from coverslip.io import Reading


def export(
    labels: Annotated[
        list[str],
        typer.Argument(help="Label files, folders of them, or results of segment or track."),
    ],
    to: Annotated[
        str,
        typer.Option(
            help="roi, geojson, coco, ome-tiff, ome-zarr, svg, and of tracks ctc, geff, trackmate, "
            "napari, newick, parquet; with commas between them."
        ),
    ],
    out: Out,
    images: Annotated[
        str | None,
        typer.Option(help="The images: a file, folder or pattern, for svg, ome-zarr and coco."),
    ] = None,
    axes: Axes = None,
    channel: Channel = None,
    project: Project = "none",
) -> None:
    """Write label images and tracks as files of Fiji, QuPath, napari and others."""
    from coverslip.io import Reading

    reading = Reading(channel, axes, project)
    failed = run_export(labels, out, formats=to, images=images, reading=reading)
    raise typer.Exit(1 if failed else 0)


FORMATS = ("roi", "geojson", "coco", "ome-tiff", "ome-zarr", "svg")
# Those with one file for each label image: what its name ends in.
ENDINGS = {
    "roi": "_rois.zip",
    "geojson": ".geojson",
    "ome-tiff": "_labels.ome.tif",
    "ome-zarr": ".ome.zarr",
}
# Package and extra of those that need one.
PACKAGES = {"roi": ("roifile", "roi"), "ome-zarr": ("zarr", "zarr")}


def run_export(
    sources: Sequence[str], out: Path, *, formats: str, images: str | None, reading: Reading
) -> dict[Path, str]:
    """Write every label file in every format; the files that failed, with the reason.

    Raises:
        FileError: Sources or images that are not there, or a folder that cannot be written.
        SettingsError: An unknown format, one whose package is missing, or results among labels.
        DataError: Images that do not pair.
    """
    wanted = parse_formats(formats)
    of_tracks = [name for name in wanted if name in export_tracks.FORMATS]
    failed = run_export_tracks(sources, out, formats=of_tracks) if of_tracks else {}
    wanted = [name for name in wanted if name in FORMATS]
    if wanted:
        failed |= run_export_labels(sources, out, wanted=wanted, images=images, reading=reading)
    return failed


def run_export_labels(
    sources: Sequence[str],
    out: Path,
    *,
    wanted: Sequence[str],
    images: str | None,
    reading: Reading,
) -> dict[Path, str]:
    """Write every label file in the formats wanted; the files that failed, with the reason.

    Raises:
        FileError: Sources or images that are not there, or a folder that cannot be written.
        SettingsError: Two files of one name, or results among labels.
        DataError: Images that do not pair.
    """
    from coverslip.cli.label_files import find_label_files, load_label_image, match_images
    from coverslip.export import coco_frames, write_coco_frames
    from coverslip.io import Ledger, check_writable, writing

    labels = find_label_files(sources)
    _check_folder(out, labels)
    check_writable(out)
    if "coco" in wanted:
        check_writable(out / "coco.json", is_file=True)
    pairs = {} if images is None else match_images(labels, images)
    failed: dict[Path, str] = {}
    frames: list[dict[str, Any]] = []
    with new_progress() as progress:
        task = progress.add_task("exporting", total=len(labels), info="")
        for name, path in labels.items():
            progress.update(task, info=path.name)
            with costs_itself(path, failed.__setitem__):
                source = load_label_image(
                    path, pairs.get(name), name=name, reading=reading, tell=note
                )
                with writing(Ledger(out)):
                    write_formats(source, out, formats=wanted)
                frames += coco_frames(source) if "coco" in wanted else []
            progress.advance(task)
    if frames:
        with writing(Ledger(out)):
            write_coco_frames(out / "coco.json", frames)
    _tell(len(labels) - len(failed), failed, formats=wanted, out=out)
    return failed


def run_export_tracks(
    sources: Sequence[str], out: Path, *, formats: Sequence[str]
) -> dict[Path, str]:
    """Write the tracks of result folders of track; those that failed, with the reason.

    Raises:
        FileError: A folder that cannot be read or written.
        SettingsError: A source that holds no tracks, or two of one name.
    """
    from coverslip.io import Ledger, check_writable, writing

    films = [export_tracks.open_tracked(source) for source in sources]
    names = [film.name for film in films]
    for film in films:
        if names.count(film.name) > 1:
            raise SettingsError(
                f"{film.labels.parent}: another folder has the same name, and both would be "
                "exported to the same files. Export them into two folders."
            )
    check_writable(out)
    failed: dict[Path, str] = {}
    for film in films:
        with costs_itself(film.labels, failed.__setitem__), writing(Ledger(out)):
            export_tracks.write_tracked(film, out, formats=formats)
    n_done = len(films) - len(failed)
    tell(f"{n_done} tracked film{'' if n_done == 1 else 's'} as {', '.join(formats)}: {out}")
    tell_failed(failed)
    return failed


def parse_formats(text: str) -> list[str]:
    """``"roi, svg"`` → ["roi", "svg"], each once.

    Raises:
        SettingsError: A format that is not known, or whose package is not installed.
    """
    from coverslip._optional import need

    known = (*FORMATS, *export_tracks.FORMATS)
    packages = PACKAGES | export_tracks.PACKAGES
    wanted = list(dict.fromkeys(part.strip().lower() for part in text.split(",") if part.strip()))
    for name in wanted:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f" Did you mean {close[0]}?" if close else ""
            raise SettingsError(f"--to {name}: wanted some of {', '.join(known)}.{hint}")
        if name in packages:
            package, extra = packages[name]
            need(package, extra=extra, what=f"--to {name}")
    if not wanted:
        raise SettingsError(f"--to {text!r}: wanted some of {', '.join(known)}.")
    return wanted


def write_formats(source: LabelImage, out: Path, *, formats: Sequence[str]) -> None:
    """Write one label image in those of the formats that have files of their own for it.

    Raises:
        DataError: What a format cannot hold, or an image of another size.
        FileError: A file cannot be written.
    """
    from coverslip.export import (
        write_geojson,
        write_ome_tiff,
        write_ome_zarr,
        write_roi_zip,
        write_svg,
    )

    writers = {
        "roi": write_roi_zip,
        "geojson": write_geojson,
        "ome-tiff": write_ome_tiff,
        "ome-zarr": write_ome_zarr,
    }
    for name in formats:
        if name in writers:
            writers[name](out / f"{source.name}{ENDINGS[name]}", source)
    if "svg" in formats:
        for frame in range(source.n_frames):
            write_svg(svg_path(source, out, frame=frame), source, frame=frame)


def svg_path(source: LabelImage, out: Path, *, frame: int) -> Path:
    """Where the SVG of a frame goes; a film has a folder of them."""
    if len(source.axes) == 2:
        return out / f"{source.name}.svg"
    return out / f"{source.name}_svg" / f"frame_{frame:05d}.svg"


def _check_folder(out: Path, labels: dict[str, Path]) -> None:
    for path in labels.values():
        if path.absolute().parent.resolve() == out.resolve():
            raise SettingsError(
                f"{out}: the labels {path} lie in it, and results among labels would be taken for "
                "labels the next time: choose a folder of its own for the results."
            )


def _tell(n_done: int, failed: dict[Path, str], *, formats: Sequence[str], out: Path) -> None:
    files = f"{n_done} label file{'' if n_done == 1 else 's'}"
    tell(f"{files} as {', '.join(formats)}: {out}")
    tell_failed(failed)
